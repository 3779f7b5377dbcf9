//! Where a browser may be sent after a flow: only to addresses that the configuration allows.

use url::Url;

/// The address to return to, checked. `None` when it is not allowed.
///
/// A relative address belongs to `default`. The answer is written out from its parsed form, so the
/// browser reads exactly what was checked.
pub fn checked(asked: &str, default: &Url, allowed: &[Url]) -> Option<String> {
    let asked = default.join(asked).ok()?;
    if !asked.username().is_empty() || asked.password().is_some() {
        return None;
    }
    let is_allowed = std::iter::once(default).chain(allowed).any(|allowed| is_within(&asked, allowed));
    is_allowed.then(|| asked.to_string())
}

/// Whether an address lies within an allowed one: same scheme, host and port, and a path that is the
/// allowed one or below it.
fn is_within(asked: &Url, allowed: &Url) -> bool {
    let prefix = allowed.path().trim_end_matches('/');
    let is_below =
        asked.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    asked.scheme() == allowed.scheme()
        && asked.host() == allowed.host()
        && asked.port_or_known_default() == allowed.port_or_known_default()
        && is_below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(asked: &str) -> Option<String> {
        let url = |text: &str| Url::parse(text).expect("is an address");
        checked(
            asked,
            &url("http://127.0.0.1:4455/"),
            &[url("https://app.example.org/"), url("https://example.org/in/"), url("myapp://callback/x")],
        )
    }

    #[test]
    fn allowed_addresses_and_what_is_below_them_pass() {
        for good in [
            "https://app.example.org/x",
            "https://app.example.org",
            "https://APP.example.org:443/x?y=1#z",
            "https://example.org/in",
            "https://example.org/in/there",
            "http://127.0.0.1:4455/after",
            "myapp://callback/x/1",
        ] {
            assert!(ask(good).is_some(), "{good}");
        }
        assert_eq!(ask("/welcome").as_deref(), Some("http://127.0.0.1:4455/welcome"));
    }

    #[test]
    fn everything_else_does_not() {
        for bad in [
            "https://app.example.org.evil.example/",
            "https://app.example.org@evil.example/",
            "https://user@app.example.org/",
            "https://evil.example/https://app.example.org/",
            "http://app.example.org/",
            "https://app.example.org:444/",
            "https://example.org/inside",
            "https://example.org/in/../out",
            "https://example.org/",
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://[::1",
            "myapp://other/x",
        ] {
            assert_eq!(ask(bad), None, "{bad}");
        }
    }
}
