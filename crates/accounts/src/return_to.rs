//! Where a browser may be sent after a flow: only to addresses that the configuration allows.

use percent_encoding::percent_decode;
use unicode_normalization::UnicodeNormalization as _;
use url::{ParseError, Url};

use crate::schema::normalise::is_invisible;
use crate::target::Target;

/// How often the servers behind an address may unescape its path. What is escaped more often is a trick.
const MAX_ESCAPED: usize = 4;

/// The address to return to, checked, as browsers are told it. `None` when it is not allowed.
///
/// One without a host lies below the public address, as an allowed one does which has none either, or else on the host of
/// `default`.
/// The answer is written out from its parsed form, so the browser reads exactly what was checked.
pub fn checked(asked: &str, default: &Target, allowed: &[Target]) -> Option<String> {
    let all = || std::iter::once(default).chain(allowed);
    if Url::parse(asked) == Err(ParseError::RelativeUrlWithoutBase) {
        let on_own_host =
            all().find_map(|allowed| allowed.beside(asked).filter(|asked| is_within(asked.url(), allowed)));
        if let Some(target) = on_own_host {
            return Some(target.to_string());
        }
    }
    let asked = default.url().join(asked).ok()?;
    all().any(|allowed| is_within(&asked, allowed)).then(|| asked.to_string())
}

/// Whether an address lies within an allowed one: same scheme, host and port, and a path that is the
/// allowed one or below it, whoever reads it.
fn is_within(asked: &Url, allowed: &Target) -> bool {
    let prefix = allowed.url().path().trim_end_matches('/');
    let is_below =
        asked.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let has_user = !asked.username().is_empty() || asked.password().is_some();
    is_below && !has_user && allowed.has_origin(asked) && leads_only_down(asked.path())
}

/// Whether a path leads nowhere but down for every server that may read it. Servers behind one another
/// unescape it again and again, take backslashes and other characters that look like slashes and dots for them, and
/// leave out characters that nobody sees, and what stands behind a semicolon, or blanks and dots at the end of a name.
fn leads_only_down(path: &str) -> bool {
    let mut path = path.as_bytes().to_vec();
    for _ in 0..=MAX_ESCAPED {
        if !has_plain_names(&path) {
            return false;
        }
        let unescaped: Vec<u8> = percent_decode(&path).collect();
        if unescaped == path {
            return true;
        }
        path = unescaped;
    }
    false
}

fn has_plain_names(path: &[u8]) -> bool {
    // Dots and slashes can be hidden in bytes that are no UTF-8, and in the escapes of old servers.
    let Ok(text) = std::str::from_utf8(path) else { return false };
    if text.chars().any(char::is_control) || text.contains("%u") || text.contains("%U") {
        return false;
    }
    let text: String = text.nfkc().filter(|c| !is_unseen(*c)).collect();
    let is_dots = |name: &str| name.contains(is_dot) && name.chars().all(|c| is_dot(c) || c.is_whitespace());
    text.split(is_slash).all(|name| !is_dots(name.split(';').next().unwrap_or_default()))
}

/// Whether a character is a slash, or looks like one.
fn is_slash(c: char) -> bool {
    matches!(
        c,
        '/' | '\\'
            | '\u{338}'
            | '\u{2044}'
            | '\u{2215}'
            | '\u{2216}'
            | '\u{2571}'
            | '\u{2572}'
            | '\u{27cb}'
            | '\u{27cd}'
            | '\u{29f5}'
            | '\u{29f6}'
            | '\u{29f8}'
            | '\u{29f9}'
            | '\u{2afd}'
            | '\u{2cc6}'
            | '\u{2f03}'
            | '\u{3033}'
            | '\u{30ce}'
            | '\u{4e3f}'
    )
}

/// Whether a character is a dot, or one that may stand for it in the name of a host (UTS 46).
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}')
}

/// Whether a character is not seen, so that some leave it out when they compare names: those without width, marks of
/// direction, and such that only choose a form of the one before.
fn is_unseen(c: char) -> bool {
    is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("is an address")
    }

    fn ask(asked: &str) -> Option<String> {
        let whole = |text: &str| Target::absolute(url(text));
        checked(
            asked,
            &whole("http://127.0.0.1:4455/"),
            &[
                whole("https://app.example.org/"),
                whole("https://example.org/in/"),
                whole("https://*.wild.example/in"),
                whole("http://[2001:db8::1]:8080/"),
                whole("myapp://callback/x"),
            ],
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
            "https://example.org/in/a%20b/%C3%A9%2Fc;v=1/.well-known/a..b?next=../..",
            "https://example.org/in/100%",
            "https://example.org/in/\u{645}\u{6cc}\u{200c}\u{62e}/1\u{2044}2/\u{30ce}.\u{3002}x/\u{b7}",
            // Browsers take the backslash for the end of the host.
            "https://app.example.org\\@evil.example/",
            "https://a.wild.example/in/x",
            "https://a.b.wild.example/in",
            "http://[2001:DB8:0:0::1]:8080/x",
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
            "https://:secret@app.example.org/",
            "https://evil.example/https://app.example.org/",
            "https://app.example.org./",
            "http://app.example.org/",
            "https://app.example.org:444/",
            "https://example.org/inside",
            "https://example.org/in/../out",
            "https://example.org/",
            "https://wild.example/in",
            "https://evilwild.example/in",
            "https://a.wild.example/",
            "https://*.wild.example.evil.example/in",
            "http://[2001:db8::2]:8080/",
            "http://2001:db8::1/",
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example",
            "/\t/evil.example/",
            "/\n/evil.example/",
            "h\tttps://evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "blob:https://app.example.org/1",
            "https://[::1",
            "myapp://other/x",
            "myapp:callback/x",
        ] {
            assert_eq!(ask(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_spelling_of_a_way_out_passes() {
        let dots = [
            "..",
            "%2e%2e",
            ".%2E",
            "%252e%252e",
            "%25252e.",
            "..;",
            "..;x=1",
            "..%3b",
            ".. ",
            "..%20",
            "...",
            "%c0%ae%c0%ae",
            "%ef%bc%8e%ef%bc%8e",
            "．．",
            "%u002e%u002e",
            "%25u002e.",
            "..%00",
            "..%0a",
            "%e2%80%a5",
            ".%e2%80%8b.",
            ".%c2%ad.",
            "%e3%80%82%e3%80%82",
            "%ef%bd%a1.",
            "%25e3%2580%2582.",
            ".\u{2060}.",
            "..\u{fe0f}",
        ];
        let slashes = [
            "/",
            "%2f",
            "%2F",
            "%252f",
            "%25252f",
            "\\",
            "%5c",
            "%255C",
            "%ef%bc%8f",
            "／",
            "%e2%88%95",
            "%e2%81%84",
            "%e2%a7%b8",
            "%25e2%2588%2595",
            "\u{2216}",
        ];
        for dots in dots {
            for slash in slashes {
                for asked in [
                    format!("https://example.org/in/{dots}{slash}out"),
                    format!("https://example.org/in/x{slash}{dots}{slash}{dots}{slash}out"),
                    format!("https://a.wild.example/in{slash}{dots}"),
                    format!("myapp://callback/x/{dots}{slash}out"),
                ] {
                    assert_eq!(ask(&asked), None, "{asked}");
                }
            }
        }
        assert_eq!(ask(&format!("https://example.org/in/%{}2e", "25".repeat(1000))), None);
    }

    #[test]
    fn an_address_without_a_host_stays_one() {
        let public_url = url("https://id.example.org/");
        let path = |text: &str| Target::path(text, &public_url).expect("is a path");
        let home = path("/home");
        let allowed = [path("/relative"), Target::absolute(url("https://app.example.org/"))];
        let ask = |asked: &str| checked(asked, &home, &allowed);
        assert_eq!(ask("/relative/x?y=1#z").as_deref(), Some("/relative/x?y=1#z"));
        assert_eq!(ask("/home").as_deref(), Some("/home"));
        assert_eq!(
            ask("https://id.example.org/relative").as_deref(),
            Some("https://id.example.org/relative")
        );
        assert_eq!(ask("https://app.example.org/x").as_deref(), Some("https://app.example.org/x"));
        for bad in
            ["/other", "/relative/../other", "/relative/%2e%2e%2fother", "//evil.example/relative", "/"]
        {
            assert_eq!(ask(bad), None, "{bad}");
        }
        // Where the default has another host, an allowed path is one of this server all the same.
        let elsewhere = Target::absolute(url("https://www.example.org/"));
        assert_eq!(checked("/relative/x", &elsewhere, &allowed).as_deref(), Some("/relative/x"));
        assert_eq!(checked("/x", &elsewhere, &allowed).as_deref(), Some("https://www.example.org/x"));
        // Both lie below the public address.
        let below = url("https://id.example.org/auth/");
        let path = |text: &str| Target::path(text, &below).expect("is a path");
        let ask = |asked: &str| checked(asked, &path("/home"), &[path("/relative")]);
        assert_eq!(ask("/relative/x").as_deref(), Some("/auth/relative/x"));
        assert_eq!(ask("/auth/relative/x").as_deref(), Some("/auth/relative/x"));
        assert_eq!(ask("/auth/other"), None);
        assert_eq!(ask("//evil.example/relative"), None);
        // Everything of the own host may be allowed without a way to another one.
        let path = |text: &str| Target::path(text, &public_url).expect("is a path");
        assert_eq!(
            checked("/.//evil.example/", &path("/"), &[]).as_deref(),
            Some("https://id.example.org//evil.example/")
        );
    }
}
