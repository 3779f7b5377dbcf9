//! What a proxy asks: one request of its client, whichever dialect it came in.

use axum::http::{HeaderMap, HeaderName, header};

use sessera_config::gateway::DEFAULT_ROUTE;
use sessera_http::peer::accepts;

use crate::dialect::Dialect;

/// Headers by which somebody is recognised. One that stands there twice says nothing: whoever reads the first one and
/// whoever reads the last one would be of two minds about who asks.
static CREDENTIALS: [HeaderName; 3] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-session-token"),
    HeaderName::from_static("x-session-cookie"),
];

/// One request of a proxy's client, about which the proxy asks.
#[derive(Debug)]
pub struct Question<'a> {
    /// How the proxy asks.
    pub dialect: Dialect,
    /// The route that it names.
    pub route: Option<&'a str>,
    /// The method of the client's request.
    pub method: &'a str,
    /// Whether nothing in the question says another method.
    pub is_method_certain: bool,
    /// The headers of the client's request, as far as the proxy passes them on.
    pub headers: &'a HeaderMap,
    /// Where the client's request goes.
    pub target: Target<'a>,
}

/// Where the client's request goes, as far as the proxy says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// `http` or `https`.
    pub scheme: Option<&'a str>,
    /// The host, with its port where that is not the usual one.
    pub host: Option<&'a str>,
    /// The path with its query.
    pub path: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// A whole address taken apart. What is a path only has neither scheme nor host.
    pub fn of_url(url: &'a str) -> Self {
        // An address may stand in the query of a path.
        match url.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?'])) {
            None => Self { path: Some(url), ..Self::default() },
            Some((scheme, rest)) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (host, path) = rest.split_at(end);
                Self { scheme: Some(scheme), host: Some(host), path: Some(path) }
            }
        }
    }

    /// What it says, and what another one says where it says nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            scheme: self.scheme.or(other.scheme),
            host: self.host.or(other.host),
            path: self.path.or(other.path),
        }
    }

    /// The whole address. Where people sign in over https, apps are reached so, too: a proxy that says http stands
    /// behind another one that ends TLS.
    pub fn url(&self, is_https: bool) -> Option<String> {
        let says_https = self.scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let scheme = if is_https || says_https { "https" } else { "http" };
        let path = self.path.unwrap_or_default();
        let slash = if path.starts_with('/') { "" } else { "/" };
        Some(format!("{scheme}://{}{slash}{path}", self.host.filter(|host| !host.is_empty())?))
    }
}

impl Question<'_> {
    /// The name of its route.
    pub fn route_name(&self) -> &str {
        self.route.unwrap_or(DEFAULT_ROUTE)
    }

    /// Whether it is about a preflight of another origin (the Fetch standard's CORS protocol), which browsers send
    /// without cookies. A browser's preflight asks for no other protocol, on whose connection nobody would be asked about
    /// again.
    pub fn is_preflight(&self) -> bool {
        self.method == "OPTIONS"
            && self.is_method_certain
            && !self.headers.contains_key(header::UPGRADE)
            && self.headers.contains_key(header::ORIGIN)
            && self.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Whether a person opens a page, so that the browser can be sent elsewhere. Scripts would only follow a
    /// redirection to where they may read nothing.
    pub fn opens_page(&self) -> bool {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let takes_pages = self
            .headers
            .get_all(header::ACCEPT)
            .iter()
            .any(|line| line.to_str().is_ok_and(|line| accepts(line, "text/html")));
        takes_pages
            && text("sec-fetch-mode").is_none_or(|mode| mode == "navigate")
            && !self.headers.contains_key("x-requested-with")
            && !self.headers.contains_key(header::UPGRADE)
    }

    /// Whether a browser that is sent elsewhere goes on with the method that it had.
    pub fn keeps_method(&self) -> bool {
        matches!(self.method, "GET" | "HEAD" | "OPTIONS")
    }

    /// The header by which somebody is recognised and that stands there more than once.
    pub fn contradiction(&self) -> Option<&'static HeaderName> {
        // Most requests repeat no header at all, which the map knows by its numbers.
        if self.headers.len() == self.headers.keys_len() {
            return None;
        }
        CREDENTIALS.iter().find(|name| self.headers.get_all(*name).iter().nth(1).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn question<'a>(method: &'a str, headers: &'a HeaderMap) -> Question<'a> {
        let (dialect, target) = (Dialect::ForwardAuth, Target::default());
        Question { dialect, route: None, method, is_method_certain: true, headers, target }
    }

    #[test]
    fn addresses_are_put_together() {
        let url = |target: Target<'_>, is_https| target.url(is_https).unwrap_or_default();
        assert_eq!(url(Target::of_url("http://a.example:8080/x?y=1"), false), "http://a.example:8080/x?y=1");
        assert_eq!(url(Target::of_url("http://a.example"), true), "https://a.example/");
        assert_eq!(url(Target::of_url("HTTPS://a.example?y"), false), "https://a.example/?y");
        let host = Target { host: Some("b.example"), ..Target::default() };
        assert_eq!(url(Target::of_url("/x").or(host), false), "http://b.example/x");
        let path = Target::of_url("/x?u=https://evil.example/y");
        assert_eq!(url(path.or(host), false), "http://b.example/x?u=https://evil.example/y");
        assert_eq!(Target::of_url("/x").url(true), None);
        assert_eq!(Target::of_url("https:///x").url(true), None);
    }

    #[test]
    fn pages_are_told_from_what_scripts_fetch() {
        let page = ("accept", "text/html,application/xhtml+xml");
        let opens = |pairs: &[_]| question("GET", &headers(pairs)).opens_page();
        assert!(opens(&[page]));
        assert!(opens(&[page, ("sec-fetch-mode", "navigate")]));
        assert!(!opens(&[page, ("sec-fetch-mode", "cors")]));
        assert!(!opens(&[page, ("x-requested-with", "XMLHttpRequest")]));
        assert!(!opens(&[page, ("upgrade", "websocket")]));
        assert!(!opens(&[("accept", "*/*")]) && !opens(&[]));
    }

    #[test]
    fn a_preflight_says_so_in_every_way() {
        let asked = headers(&[("origin", "https://a.example"), ("access-control-request-method", "PUT")]);
        assert!(question("OPTIONS", &asked).is_preflight());
        assert!(!question("GET", &asked).is_preflight());
        assert!(!Question { is_method_certain: false, ..question("OPTIONS", &asked) }.is_preflight());
        assert!(!question("OPTIONS", &headers(&[("origin", "https://a.example")])).is_preflight());
        let mut upgrade = asked.clone();
        upgrade.insert(header::UPGRADE, "websocket".parse().unwrap());
        assert!(!question("OPTIONS", &upgrade).is_preflight());
    }

    #[test]
    fn a_credential_that_stands_there_twice_is_seen() {
        let doubled = |pairs: &[_]| question("GET", &headers(pairs)).contradiction();
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
        assert_eq!(doubled(&twice), Some(&header::AUTHORIZATION));
        assert_eq!(doubled(&[("authorization", "Bearer a"), ("cookie", "a=1"), ("cookie", "b=1")]), None);
    }
}
