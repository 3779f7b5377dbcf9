//! Where the admin API is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::error::ClientError;

/// The base URL of an admin API over http or https, perhaps with a path before `/admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The address at which `sessera serve` listens when nothing is configured.
    pub const DEFAULT: &str = "http://127.0.0.1:4434";

    /// The URL of a path below the endpoint. Every segment is escaped.
    pub(crate) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Whether requests cannot leave this machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            // This name never leads elsewhere (RFC 6761, section 6.3).
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
            None => false,
        }
    }

    /// Whether requests go over TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether a secret may be sent there, which is so over TLS or without leaving this machine.
    pub fn keeps_secrets(&self) -> bool {
        self.is_encrypted() || self.is_loopback()
    }
}

impl FromStr for Endpoint {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, ClientError> {
        let refuse = |problem: &str| {
            Err(ClientError::InvalidEndpoint { endpoint: text.to_owned(), problem: problem.to_owned() })
        };
        let url = match Url::parse(text.trim()) {
            Ok(url) => url,
            Err(url::ParseError::RelativeUrlWithoutBase) => return refuse("it does not begin with http://"),
            Err(problem) => return refuse(&problem.to_string()),
        };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return refuse("it does not begin with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            // The error does not repeat the text, because it holds a password.
            return Err(ClientError::InvalidEndpoint {
                endpoint: url.host_str().unwrap_or_default().to_owned(),
                problem: "it holds a user name or password; give the token in SESSERA_ADMIN_TOKEN".into(),
            });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("it holds a query or a fragment");
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_on_this_machine_or_under_tls() {
        for good in [
            "http://127.0.0.1:4434",
            "http://127.1.2.3",
            "http://localhost:4434/",
            "http://[::1]:4434",
            "http://[::ffff:127.0.0.1]",
            "https://admin.example.org",
        ] {
            assert!(good.parse::<Endpoint>().unwrap().keeps_secrets(), "{good}");
        }
        for bad in [
            "http://10.0.0.1",
            "http://admin.example.org",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://0.0.0.0",
        ] {
            assert!(!bad.parse::<Endpoint>().unwrap().keeps_secrets(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_without_its_password() {
        for bad in ["127.0.0.1:4434", "localhost:4434", "ftp://x", "http://", "", "http://x/?a=b", "unix:/x"]
        {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
        let error = "http://user:hunter2@example.org".parse::<Endpoint>().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn segments_are_escaped_below_the_endpoint_s_path() {
        let endpoint: Endpoint = "https://example.org/sessera/".parse().unwrap();
        let url = endpoint.join(&["admin", "keys", "a b/../c"]);
        assert_eq!(url.as_str(), "https://example.org/sessera/admin/keys/a%20b%2F..%2Fc");
        assert_eq!(endpoint.to_string(), "https://example.org/sessera");
    }
}
