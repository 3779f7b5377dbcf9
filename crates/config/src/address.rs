//! Addresses as they are written in the configuration.

use serde_json::Value;
use url::Url;

use crate::kind::Kind;
use crate::problem::{Findings, Problem};
use crate::public_suffix::is_own_domain;
use crate::setting::Setting;
use crate::shown::{no_address, without_secrets};

/// Schemes of which no app can be the owner: a browser runs or reads what they lead to, or hands it to another program
/// of its own.
const OF_NO_APP: &[&str] = &[
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "edge",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "livescript",
    "mailto",
    "mhtml",
    "mocha",
    "resource",
    "sms",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// An address to which browsers are sent: a URL with http or https, or a path below the public address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// With scheme and host: `https://app.example.org/`.
    Absolute(Url),
    /// A path, perhaps with a query: `/login`.
    Path(String),
}

impl Address {
    /// Reads an address. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let address = Self::parse_any(text)?;
        match &address {
            Self::Absolute(url) if !is_web(url) => Err(format!(
                "browsers are sent to http and https only, not to the scheme \"{}\": write the address of a page",
                url.scheme()
            )),
            _ => Ok(address),
        }
    }

    /// Reads an address of any scheme.
    fn parse_any(text: &str) -> Result<Self, String> {
        let shown = without_secrets(text);
        match Url::parse(text) {
            Ok(url) => Ok(Self::Absolute(url)),
            Err(url::ParseError::RelativeUrlWithoutBase) if is_path(text) => Ok(Self::Path(text.to_owned())),
            Err(url::ParseError::RelativeUrlWithoutBase) => Err(format!(
                "\"{shown}\" is neither a URL nor a path: write it with its scheme, or begin it with one slash"
            )),
            Err(error) => Err(no_address(&shown, error)),
        }
    }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// An address to which a client may ask to be sent back: like [`Address`], or with a scheme that an app has of its own,
/// such as `myapp://callback`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAddress(pub Address);

impl Setting for ReturnAddress {
    const KIND: Kind = Kind::Address;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Some(text) = value.as_str() else {
            found.wrong(at, "a URL or a path is expected");
            return None;
        };
        let address = Address::parse_any(text).map_err(|problem| found.wrong(at, problem)).ok()?;
        if let Address::Absolute(url) = &address
            && OF_NO_APP.contains(&url.scheme())
        {
            found.wrong(
                at,
                format!(
                    "nobody is sent to the scheme \"{}\": write an address with http or https, or with a scheme that your app has of its own",
                    url.scheme()
                ),
            );
            return None;
        }
        Some(Self(address))
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
/// `None` where it stands for itself, and where its hosts can belong to anybody, as with `*.org` and `*.co.uk`.
pub fn wildcard_domain(host: &str) -> Option<&str> {
    host.strip_prefix("*.").filter(|domain| !domain.contains('*') && is_own_domain(domain))
}

/// Names the addresses in a list that cannot lead back, or that may lead to somebody else.
pub(crate) fn note_returns(addresses: &[ReturnAddress], at: &str, found: &mut Findings) {
    for (place, ReturnAddress(address)) in addresses.iter().enumerate() {
        let Address::Absolute(url) = address else { continue };
        if !is_web(url) {
            let message = format!(
                "every app on a device can say that the scheme \"{}\" is its own, and is then sent what was meant for yours: an address with https that the app has claimed belongs to it alone",
                url.scheme()
            );
            found.without_effect.push(Problem::new(format!("{at}/{place}"), message));
        }
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

/// The address of a server, together with its text: who compares addresses as texts has to be told what was written.
/// Paths are added to it, and it is shown to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenUrl {
    /// The URL.
    pub url: Url,
    /// Its text.
    pub text: String,
}

impl WrittenUrl {
    /// The address as paths are added to it: it ends in a slash.
    pub fn with_slash(&self) -> String {
        let url = self.url.to_string();
        if url.ends_with('/') { url } else { url + "/" }
    }
}

impl Setting for WrittenUrl {
    const KIND: Kind = Kind::Url;

    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let url = Url::read(value, kind, at, found)?;
        // A parser leaves blanks at both ends out.
        let text = value.as_str().unwrap_or_default().trim().to_owned();
        match no_base(&url, &text) {
            None => Some(Self { url, text }),
            Some(problem) => {
                found.wrong(at, problem);
                None
            }
        }
    }
}

/// Why paths cannot be added to a URL, or why nobody should be shown it.
fn no_base(url: &Url, text: &str) -> Option<String> {
    let authority = text.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let problem = if !is_web(url) || authority.is_none() {
        "write it with http:// or https:// and a host"
    } else if authority.is_some_and(|authority| authority.contains('@')) {
        "everybody is shown it, so no user and no password may stand in it"
    } else if text.contains(['?', '#']) {
        "paths are added to it, so it has no query and no fragment"
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        "no blank and no backslash stands in the address of a server"
    } else {
        return None;
    };
    Some(format!("this is no address of a server: {problem}, as in https://id.example.org/"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Config;

    #[test]
    fn what_is_no_address_is_told_in_words_that_say_what_to_write() {
        for (path, values) in [
            (
                "/selfservice/methods/link/config/base_url",
                &["/x", "id.example.org", "https://", "https://a:99999/"][..],
            ),
            (
                "/selfservice/methods/oidc/config/base_redirect_uri",
                &["/x", "x", "https://[::1", "https://a b/"],
            ),
            ("/selfservice/flows/login/ui_url", &["login", "https://", "https://[::1", "//x"]),
            ("/selfservice/allowed_return_urls", &["x", "https://a:b/"]),
            ("/courier/http/request_config/url", &["/x", "hooks.example.org/KEY"]),
            ("/serve/public/base_url", &["/x", "id.example.org:4433x", "https:///"]),
        ] {
            for value in values {
                let names = crate::problem::names(path);
                let value = if path.ends_with("urls") { json!([value]) } else { json!(value) };
                let tree = names.iter().rev().fold(value, |inner, name| json!({name: inner}));
                let told = crate::config::read(&tree).1.wrong;
                let told = told.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("\n");
                assert!(told.contains("write") && !told.contains("KEY"), "{path}: {told}");
                for word in ["relative URL", "without a base", "empty host", "invalid port", "invalid IPv6"] {
                    assert!(!told.contains(word), "{path}: {told}");
                }
            }
        }
    }

    #[test]
    fn an_address_is_a_url_or_a_path() {
        for good in ["https://app.example.org/x", "HTTP://app.example.org", "https://*.example.org/"] {
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
    fn browsers_are_sent_to_pages_only_and_back_to_apps_as_well() {
        let judged =
            |tree: &Value| Config::judge(tree).1.into_iter().map(|wrong| wrong.pointer).collect::<Vec<_>>();
        let own = [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "ftp://x",
            "blob:https://x/y",
        ];
        for bad in own.into_iter().chain(["myapp://callback"]) {
            for tree in [
                json!({"default_browser_return_url": bad}),
                json!({"flows": {"error": {"ui_url": bad}}}),
                json!({"flows": {"login": {"ui_url": bad}}}),
                json!({"flows": {"login": {"after": {"default_browser_return_url": bad}}}}),
                json!({"flows": {"logout": {"after": {"default_browser_return_url": bad}}}}),
            ] {
                assert_eq!(judged(&json!({"selfservice": tree})).len(), 1, "{tree}");
            }
        }
        let returns = |url: &str| json!({"selfservice": {"allowed_return_urls": [url]}});
        for bad in own {
            assert_eq!(judged(&returns(bad)), ["/selfservice/allowed_return_urls/0"], "{bad}");
        }
        let notes = |url: &str| Config::from_tree(&returns(url)).expect("is good").notes.len();
        assert_eq!(
            (notes("myapp://callback"), notes("org.example.app:/in"), notes("https://x.example/")),
            (1, 1, 0)
        );
    }

    #[test]
    fn the_address_of_a_server_takes_paths_and_tells_no_password() {
        let wrong = |port: &str, url: &str| Config::judge(&json!({"serve": {port: {"base_url": url}}})).1;
        for port in ["public", "admin"] {
            for bad in [
                "ftp://x",
                "javascript:x",
                "https:x",
                "http://user:SECRET@x/",
                "http://@x/",
                "https://x/?a=b#c",
                "https://x/?",
                "https://x/#",
                "https://x/a b",
                "https://x\\y/",
                "https://x/\ty",
            ] {
                let told = wrong(port, bad);
                assert!(told.len() == 1 && told[0].pointer.ends_with("/base_url"), "{bad}: {told:?}");
                assert!(!told[0].message.contains("SECRET"), "{told:?}");
            }
            for good in [
                "https://id.example.org",
                "HTTPS://id.example.org/in/",
                "http://[::1]:4433/",
                "https://x/a@b",
            ] {
                assert_eq!(wrong(port, good), [], "{good}");
            }
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
        for bad in [
            "*",
            "*.org",
            "*.co.uk",
            "*.com.br",
            "*.netlify.app",
            "*example.org",
            "a.*.example.org",
            "*.*.example.org",
            "app-*.example.org",
        ] {
            assert_eq!(wildcard_domain(bad), None, "{bad}");
            assert_eq!(notes(bad)[0].pointer, "/selfservice/allowed_return_urls/0", "{bad}");
        }
    }
}
