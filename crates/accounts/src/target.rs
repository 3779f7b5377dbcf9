//! Addresses to which browsers are sent.
//!
//! One without a host lies below the public address, as all that this server answers does: `/login` is `/auth/login` where
//! the public address is `https://id.example.org/auth/`. What begins with the path of the public address is there already.

use std::fmt;

use sessera_config::address::{Address, wildcard_domain};
use url::{Position, Url};

/// An address to which browsers are sent. One that is written without a host lies below the public address, and browsers
/// are told it without a host as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The whole address.
    url: Url,
    /// Of one that is written without a host, of which browsers are told the path only, the path below which it lies,
    /// without a slash at its end.
    below: Option<String>,
}

impl Target {
    /// A whole address.
    pub const fn absolute(url: Url) -> Self {
        Self { url, below: None }
    }

    /// A path below an address that has a host. `None` when it leads to another host.
    pub fn path(path: &str, base: &Url) -> Option<Self> {
        Self::path_below(path, base, base.path().trim_end_matches('/'))
    }

    /// A path that lies below the same one as this address. `None` where this address is whole, and when the path leads to
    /// another host.
    pub fn beside(&self, path: &str) -> Option<Self> {
        Self::path_below(path, &self.url, self.below.as_deref()?)
    }

    fn path_below(path: &str, on: &Url, below: &str) -> Option<Self> {
        let is_there =
            path.strip_prefix(below).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
        let joined = if is_there || !path.starts_with('/') {
            on.join(path)
        } else {
            on.join(&format!("{below}{path}"))
        };
        let url = joined.ok().filter(|url| url.origin() == on.origin())?;
        Some(Self { url, below: Some(below.to_owned()) })
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
    const fn is_path(&self) -> bool {
        self.below.is_some()
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
        if self.is_path() && !self.url.path().starts_with("//") {
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
        assert_eq!(path.to_string(), "/auth/login?x=1&flow=a+b");
        assert_eq!(path.url().as_str(), "https://id.example.org/auth/login?x=1&flow=a+b");
        let whole = Target::absolute(url("myapp://callback")).with("flow", "1");
        assert_eq!(whole.to_string(), "myapp://callback?flow=1");
    }

    #[test]
    fn what_is_written_without_a_host_lies_below_the_public_address() {
        for (base, path, told) in [
            ("https://id.example.org/auth/", "/login", "/auth/login"),
            ("https://id.example.org/auth", "/login?x=/y", "/auth/login?x=/y"),
            ("https://id.example.org/a/b/", "/", "/a/b/"),
            // It is there already.
            ("https://id.example.org/auth/", "/auth/login", "/auth/login"),
            ("https://id.example.org/auth/", "/auth", "/auth"),
            ("https://id.example.org/auth/", "/authors", "/auth/authors"),
            ("https://id.example.org/", "/login", "/login"),
        ] {
            let target = Target::path(path, &url(base)).expect("is a path");
            assert_eq!(target.to_string(), told, "{base} {path}");
            assert_eq!(
                target.beside("/x").expect("is a path").url().path(),
                Target::path("/x", &url(base)).expect("is a path").url().path()
            );
        }
        let below = url("https://id.example.org/auth/");
        for path in ["//evil.example/", "/\\evil.example/", "/\t/evil.example/"] {
            let target = Target::path(path, &below).expect("is a path");
            assert!(target.to_string().starts_with("/auth//evil.example"), "{path}: {target}");
        }
        assert_eq!(Target::path("\\\\evil.example", &below), None);
        assert_eq!(Target::absolute(below).beside("/x"), None);
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
