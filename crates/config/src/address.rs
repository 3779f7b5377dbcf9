//! Addresses as they are written in the configuration.

use serde_json::Value;
use url::Url;

use crate::kind::Kind;
use crate::origins::is_own_domain;
use crate::problem::{Findings, Problem};
use crate::setting::Setting;

/// An address to which browsers are sent: a URL, or a path on the host of the public address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// With scheme and host, or in a scheme of its own: `https://app.example.org/`, `myapp://callback`.
    Absolute(Url),
    /// A path, perhaps with a query: `/login`.
    Path(String),
}

impl Address {
    /// Reads an address. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match Url::parse(text) {
            Ok(url) => Ok(Self::Absolute(url)),
            Err(url::ParseError::RelativeUrlWithoutBase) if is_path(text) => Ok(Self::Path(text.to_owned())),
            Err(url::ParseError::RelativeUrlWithoutBase) => Err(format!(
                "\"{text}\" is neither a URL nor a path: write it with its scheme, or begin it with one slash"
            )),
            Err(error) => Err(format!("\"{text}\" is no URL: {error}")),
        }
    }
}

/// Whether an address that is no URL stays on the host by which it is read. Browsers take two slashes, and
/// backslashes as well, for the beginning of a host, and leave tabs and ends of lines out.
fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text[1..].starts_with(['/', '\\'])
        && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// The domain whose hosts a host with a wildcard stands for: `example.org` of `*.example.org`.
///
/// `None` where it stands for itself, and where its hosts can belong to anybody, as with `*.org`.
pub fn wildcard_domain(host: &str) -> Option<&str> {
    host.strip_prefix("*.").filter(|domain| !domain.contains('*') && is_own_domain(domain))
}

/// Names the addresses in a list of which none can be one.
pub(crate) fn note_wildcards(addresses: &[Address], at: &str, found: &mut Findings) {
    for (place, address) in addresses.iter().enumerate() {
        let Address::Absolute(url) = address else { continue };
        let host = url.host_str().unwrap_or_default();
        if host.contains('*') && wildcard_domain(host).is_none() {
            let message = format!(
                "nobody can be sent to \"{host}\": *. stands at the beginning of a host, before a domain of your own, as in https://*.example.org/"
            );
            found.without_effect.push(Problem::new(format!("{at}/{place}"), message));
        }
    }
}

impl Setting for Address {
    const KIND: Kind = Kind::Address;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Some(text) = value.as_str() else {
            found.wrong(at, "a URL or a path is expected");
            return None;
        };
        Self::parse(text).map_err(|problem| found.wrong(at, problem)).ok()
    }
}

/// A URL together with its text: who compares addresses as texts has to be told what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenUrl {
    /// The URL.
    pub url: Url,
    /// Its text.
    pub text: String,
}

impl Setting for WrittenUrl {
    const KIND: Kind = Kind::Url;

    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let url = Url::read(value, kind, at, found)?;
        // A parser leaves blanks at both ends out.
        let text = value.as_str().unwrap_or_default().trim().to_owned();
        Some(Self { url, text })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Config;

    #[test]
    fn an_address_is_a_url_or_a_path() {
        for good in ["https://app.example.org/x", "myapp://callback", "https://*.example.org/"] {
            assert!(matches!(Address::parse(good), Ok(Address::Absolute(_))), "{good}");
        }
        for good in ["/", "/login", "/login?x=1#y", "/a//b"] {
            assert_eq!(Address::parse(good), Ok(Address::Path(good.to_owned())), "{good}");
        }
        let others =
            ["x", "login", "./login", "//evil.example/", "/\\evil.example/", "/\t/evil.example/", "?x=1"];
        for bad in others.into_iter().chain(["https://[::1", "https://", "/ /x"]) {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wildcard_is_the_beginning_of_a_host_before_a_domain_of_somebody() {
        assert_eq!(wildcard_domain("*.example.org"), Some("example.org"));
        assert_eq!(wildcard_domain("*.localhost"), Some("localhost"));
        let notes = |host: &str| {
            let urls = json!([format!("https://{host}/")]);
            Config::from_tree(&json!({"selfservice": {"allowed_return_urls": urls}})).expect("is good").notes
        };
        assert_eq!(notes("*.example.org"), []);
        for bad in ["*", "*.org", "*example.org", "a.*.example.org", "*.*.example.org", "app-*.example.org"] {
            assert_eq!(wildcard_domain(bad), None, "{bad}");
            assert_eq!(notes(bad)[0].pointer, "/selfservice/allowed_return_urls/0", "{bad}");
        }
    }
}
