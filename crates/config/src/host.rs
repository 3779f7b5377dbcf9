//! The host of a server as it is written in the configuration.

use serde_json::Value;
use url::{Host as UrlHost, Url};

use crate::kind::Kind;
use crate::problem::Findings;
use crate::setting::Setting;
use crate::shown::without_secrets;

/// The name or the address of a host, perhaps with a port: `api.example.org`, `10.0.0.1:8443`, `[::1]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host(pub String);

/// Whether a text is a host and nothing more, so that an address made of it leads to that host.
fn is_host(text: &str) -> bool {
    let Ok(url) = Url::parse(&format!("https://{text}/")) else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let has_name = match url.host() {
        Some(UrlHost::Domain(name)) => !name.starts_with(['.', '-']) && !name.contains(".."),
        Some(_) => true,
        None => false,
    };
    text.chars().all(plain) && !text.ends_with(':') && has_name && url.path() == "/"
}

/// The host to listen on, which may stand in brackets where it is an address of IPv6, as in addresses.
pub(crate) fn listening(host: &str) -> String {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned()
}

impl Setting for Host {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Some(text) = value.as_str() else {
            found.wrong(at, "a host is expected");
            return None;
        };
        if is_host(text) {
            return Some(Self(text.to_owned()));
        }
        let shown = without_secrets(text);
        found.wrong(
            at,
            format!("\"{shown}\" is no host: write its name without a scheme and without a path, as in api.pwnedpasswords.com"),
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_may_stand_in_brackets() {
        for (written, host) in
            [("[::1]", "::1"), ("::1", "::1"), ("localhost", "localhost"), ("[::1", "[::1")]
        {
            assert_eq!(listening(written), host);
        }
    }

    #[test]
    fn a_host_is_a_host_and_nothing_more() {
        for good in ["api.pwnedpasswords.com", "localhost:8080", "10.0.0.1", "[::1]:443", "hibp_proxy"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "http://x/y",
            "https://x",
            "x/y",
            "evil.example#",
            "x?y",
            "u:p@x",
            "x:",
            "x:999999",
            ".x",
            "a..b",
            "x\\y",
            "::1",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
