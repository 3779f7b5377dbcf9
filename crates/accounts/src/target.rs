//! Addresses to which browsers are sent.

use std::fmt;

use sessera_config::address::{Address, wildcard_domain};
use url::{Position, Url};

/// An address to which browsers are sent. One that is written without a host belongs to that of the public
/// address, and browsers are told it without a host as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The whole address.
    url: Url,
    /// Whether browsers are told its path only.
    is_path: bool,
}

impl Target {
    /// A whole address.
    pub const fn absolute(url: Url) -> Self {
        Self { url, is_path: false }
    }

    /// A path on the host of an address that has one. `None` when it leads to another one.
    pub fn path(path: &str, on: &Url) -> Option<Self> {
        let url = on.join(path).ok().filter(|url| url.origin() == on.origin())?;
        Some(Self { url, is_path: true })
    }

    /// An address as the configuration has it.
    pub fn configured(address: &Address, public_url: &Url) -> Option<Self> {
        match address {
            Address::Absolute(url) => Some(Self::absolute(url.clone())),
            Address::Path(path) => Self::path(path, public_url),
        }
    }

    /// The whole address, for those who do not read it in an answer of this server.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether browsers are told its path only.
    pub const fn is_path(&self) -> bool {
        self.is_path
    }

    /// The address with one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Whether a page has its origin, or one of its origins where its host begins with a wildcard.
    pub fn has_origin(&self, page: &Url) -> bool {
        // Addresses such as myapp://callback have no origin.
        let is_same = page.scheme() == self.url.scheme()
            && page.port_or_known_default() == self.url.port_or_known_default();
        let host = self.url.host_str().unwrap_or_default();
        let is_on_host = match wildcard_domain(host) {
            Some(domain) => page
                .host_str()
                .and_then(|host| host.strip_suffix(domain))
                .is_some_and(|labels| labels.len() > 1 && labels.ends_with('.')),
            // What only looks like a wildcard is nobody's host.
            None => page.host() == self.url.host() && !host.contains('*'),
        };
        is_same && is_on_host
    }
}

impl fmt::Display for Target {
    /// What browsers are told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path that begins with two slashes would be read as a host.
        if self.is_path && !self.url.path().starts_with("//") {
            f.write_str(&self.url[Position::BeforePath..])
        } else {
            f.write_str(self.url.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("is an address")
    }

    #[test]
    fn what_is_written_without_a_host_is_told_without_one() {
        let public_url = url("https://id.example.org/auth/");
        let path = Target::path("/login?x=1", &public_url).expect("is a path").with("flow", "a b");
        assert_eq!(path.to_string(), "/login?x=1&flow=a+b");
        assert_eq!(path.url().as_str(), "https://id.example.org/login?x=1&flow=a+b");
        let whole = Target::absolute(url("myapp://callback")).with("flow", "1");
        assert_eq!(whole.to_string(), "myapp://callback?flow=1");
    }

    #[test]
    fn no_path_leads_to_another_host() {
        let public_url = url("https://id.example.org/");
        for bad in
            ["//evil.example/", "/\\evil.example/", "\\\\evil.example", "/\t/evil.example/", "https://x/"]
        {
            assert_eq!(Target::path(bad, &public_url), None, "{bad}");
        }
        for path in ["/.//evil.example/", "/x/..//evil.example/", "/%2e//evil.example/"] {
            let target = Target::path(path, &public_url).expect("is a path");
            assert_eq!(target.to_string(), "https://id.example.org//evil.example/", "{path}");
        }
    }

    #[test]
    fn a_wildcard_is_any_labels_of_one_scheme_and_port() {
        let wild = Target::absolute(url("https://*.example.org/in"));
        for good in ["https://a.example.org", "https://a.b.example.org/x", "https://A.example.org:443"] {
            assert!(wild.has_origin(&url(good)), "{good}");
        }
        for bad in [
            "https://example.org",
            "https://.example.org",
            "https://evilexample.org",
            "https://a.example.org.evil.test",
            "https://a.example.org.",
            "https://a.example.org:8443",
            "http://a.example.org",
        ] {
            assert!(!wild.has_origin(&url(bad)), "{bad}");
        }
        assert!(!Target::absolute(url("https://*.org/")).has_origin(&url("https://evil.org/")));
        assert!(!Target::absolute(url("https://*.org/")).has_origin(&url("https://*.org/")));
    }
}
