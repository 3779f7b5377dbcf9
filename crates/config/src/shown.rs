//! Addresses as they may be shown: without what lets somebody in.

use aws_lc_rs::digest::{SHA256, digest};
use url::ParseError;

/// An address without the user and the password that stand in it, and without its query; everything else as it is.
///
/// A text that is no address is treated like the rest of one behind its scheme, because whoever shows it may have been
/// given an address without a scheme.
pub(crate) fn without_secrets(text: &str) -> String {
    let (start, rest) = parts(text);
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let mut shown = start.to_owned();
    match user_end(place) {
        Some(at) => {
            shown.push_str(&hidden(&place[..at]));
            shown.push_str(&place[at..]);
        }
        None => shown.push_str(place),
    }
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        shown.push('?');
        shown.push_str(&hidden(query));
    }
    shown
}

/// An address without everything behind its host, and without the user that stands in it.
pub(crate) fn host_alone(text: &str) -> String {
    let (start, rest) = parts(text);
    let (host, behind) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
    let mut shown = without_secrets(&format!("{start}{host}"));
    if behind.len() > 1 {
        shown.push('/');
        shown.push_str(
            &behind
                .strip_prefix('/')
                .filter(|rest| is_digest(rest))
                .map_or_else(|| short_digest(behind.as_bytes()), str::to_owned),
        );
    } else {
        shown.push_str(behind);
    }
    shown
}

/// Why a text is no address, in words that say what to write. `shown` is the text as it may be shown.
pub(crate) fn no_address(shown: &str, error: ParseError) -> String {
    let why = match error {
        ParseError::RelativeUrlWithoutBase if shown.starts_with('/') => {
            "is a path, and a whole address is expected: write it with its scheme and its host"
        }
        ParseError::RelativeUrlWithoutBase | ParseError::RelativeUrlWithCannotBeABaseBase => {
            "is no address, because it has no scheme: write http:// or https:// before it, where it begins with a host"
        }
        ParseError::EmptyHost => "is no address, because it has no host: write one behind the scheme",
        ParseError::InvalidPort => {
            "is no address, because its port is no number up to 65535: write another one, or none"
        }
        _ => "is no address, because no host can have this name: write the name, or the IP address, of one",
    };
    format!("\"{shown}\" {why}, as in https://id.example.org/")
}

/// Whether a user, perhaps with a password, stands in an address.
pub(crate) fn has_user(text: &str) -> bool {
    let (_, rest) = parts(text);
    user_end(rest.split('?').next().unwrap_or_default()).is_some()
}

/// The scheme of an address with what parts it from the rest, and the rest.
fn parts(text: &str) -> (&str, &str) {
    text.split_at(text.find("://").map_or(0, |at| at + "://".len()))
}

/// Where the user ends that an address begins with behind its scheme.
fn user_end(rest: &str) -> Option<usize> {
    let host_end = rest.find(['/', '\\', '#']).unwrap_or(rest.len());
    rest[..host_end].rfind('@').filter(|at| *at > 0)
}

/// A text as a few bytes of its hash. What was hidden before stays as it is.
pub(crate) fn hidden(text: &str) -> String {
    if is_digest(text) { text.to_owned() } else { short_digest(text.as_bytes()) }
}

/// Whether a text is what [`short_digest`] makes.
fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("(sha256 ").and_then(|rest| rest.strip_suffix(')'));
    digits.is_some_and(|digits| {
        digits.len() == 2 * DIGEST && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// How many bytes of a hash are shown.
const DIGEST: usize = 4;

/// A few bytes of a hash, by which somebody sees that two values differ.
pub(crate) fn short_digest(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    format!("(sha256 {})", hex::encode(&hash.as_ref()[..DIGEST]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Config;
    use crate::redact::{difference, holds_secrets, redacted};

    #[test]
    fn an_address_loses_its_user_and_its_query_and_nothing_else() {
        for plain in
            ["https://app.example.org/in", "/login", "myapp://in", "", "a@", "@a", "https://x/@b", "é@"]
                .into_iter()
                .filter(|text| !has_user(text))
        {
            assert_eq!(without_secrets(plain), plain);
        }
        for (text, start, end) in [
            ("https://u:SECRET@x/in", "https://(sha256 ", ")@x/in"),
            ("https://u:SE@CRET@x", "https://(sha256 ", ")@x"),
            ("u:SECRET@x", "(sha256 ", ")@x"),
            ("https://x/in?key=SECRET", "https://x/in?(sha256 ", ")"),
            ("/in?key=SECRET#a", "/in?(sha256 ", ")"),
            ("http://u:SECRET@x y/", "http://(sha256 ", ")@x y/"),
        ] {
            let shown = without_secrets(text);
            assert!(shown.starts_with(start) && shown.ends_with(end) && !shown.contains("SECRET"), "{shown}");
            assert_eq!(without_secrets(&shown), shown);
        }
    }

    #[test]
    fn no_password_in_an_address_is_shown() {
        let tree = json!({
            "serve": {"public": {"base_url": "https://u:SECRET@h:999999/"}, "admin": {"base_url": "https://u:SECRET@h:999999/"}},
            "tracing": {"provider": "otel", "providers": {"otlp": {"server_url": "http://u:SECRET@x y/"}}},
            "session": {"upstream": {"url": "http://u:SECRET@x y/"}},
            "selfservice": {
                "default_browser_return_url": "https://u:SECRET@x:999999/",
                "allowed_return_urls": ["https://u:SECRET@h:999999/", "u:SECRET@x", "https://u:SECRET@*.org/"],
                "methods": {
                    "password": {"config": {"haveibeenpwned_host": "u:SECRET@x"}},
                    "passkey": {"config": {"rp": {"origins": ["https://u:SECRET@h:999999/"]}}},
                },
            },
            "courier": {"smtp": {"connection_uri": "smtp://u:SECRET@x y:1/"}},
        });
        let (_, wrong) = Config::judge(&tree);
        assert!(wrong.len() > 5, "{wrong:?}");
        assert!(!format!("{wrong:?}").contains("SECRET"), "{wrong:?}");
        assert!(!redacted(&tree).to_string().contains("SECRET"), "{}", redacted(&tree));
        let changed = difference(&json!({}), &tree).to_string();
        assert!(!changed.contains("SECRET"), "{changed}");
        let kept = json!({"selfservice": {"default_browser_return_url": "https://u:SECRET@x/"}});
        assert!(holds_secrets(&kept));
    }
}
