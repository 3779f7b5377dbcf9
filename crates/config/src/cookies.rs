//! What follows from `cookies` and `session.cookie`: how each cookie is made.

use std::borrow::Cow;

use sessera_model::Secret;
use url::{Host, Url};

use crate::problem::{Findings, Problem};
use crate::public_suffix::is_own_domain;
use crate::sections::cookies::{Cookies, SameSite};
use crate::sections::session::Cookie;

/// Names that begin so are kept by browsers only for a cookie of one host and all its paths, over https.
const HOST_PREFIX: &str = "__Host-";

/// Names that begin so are kept by browsers only over https.
const SECURE_PREFIX: &str = "__Secure-";

/// With which requests a cookie goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieScope {
    /// The domain whose hosts all get it; the host that set it when absent.
    pub domain: Option<String>,
    /// The path below which it goes along.
    pub path: String,
    /// Whether it goes along with requests of other sites.
    pub same_site: SameSite,
    /// Whether it goes over https only.
    pub secure: bool,
}

impl CookieScope {
    /// Whether browsers keep such a cookie under a name that begins with [`HOST_PREFIX`]. `is_https` is whether the
    /// browser is known to be connected over https, whatever the scope says.
    fn is_of_one_host(&self, is_https: bool) -> bool {
        (self.secure || is_https) && self.domain.is_none() && self.path == "/"
    }

    /// The name of such a cookie. Where it is one of one host, the name says so, and browsers take it from no other
    /// host of the domain. `is_https` is whether the browser is known to be connected over https, whatever the scope
    /// says.
    pub fn name<'a>(&self, plain: &'a str, is_https: bool) -> Cow<'a, str> {
        if self.is_of_one_host(is_https) {
            Cow::Owned(format!("{HOST_PREFIX}{plain}"))
        } else {
            Cow::Borrowed(plain)
        }
    }
}

/// The session cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    /// Its name.
    pub name: String,
    /// Whether it survives the end of the browser.
    pub persistent: bool,
    /// With which requests it goes along.
    pub scope: CookieScope,
    /// Whether an upstream sets it, so that its value means nothing here.
    pub is_of_upstream: bool,
    /// Under which an Ory Kratos may have sealed its value, if people moved here from one.
    pub kratos_secrets: Vec<Secret>,
}

/// How cookies in general are made, those of forms among them. `public_url` is the address that sets them.
pub(crate) fn general(section: &Cookies, public_url: Option<&Url>, found: &mut Findings) -> CookieScope {
    let scope = CookieScope {
        domain: section.domain.clone(),
        path: section.path.clone(),
        same_site: section.same_site,
        secure: section.secure || is_https(public_url),
    };
    check(&scope, "/cookies", public_url, found);
    scope
}

/// How the session cookie is made: what it does not say itself follows from `general`.
pub(crate) fn of_sessions(
    section: &Cookie,
    general: &CookieScope,
    public_url: Option<&Url>,
    found: &mut Findings,
) -> SessionCookie {
    let scope = CookieScope {
        domain: section.domain.clone().or_else(|| general.domain.clone()),
        path: section.path.clone().unwrap_or_else(|| general.path.clone()),
        same_site: section.same_site.unwrap_or(general.same_site),
        secure: section.secure || general.secure,
    };
    if scope != *general {
        check(&scope, "/session/cookie", public_url, found);
    }
    check_name(&section.name, &scope, found);
    SessionCookie {
        name: section.name.clone(),
        persistent: section.persistent,
        scope,
        is_of_upstream: false,
        kratos_secrets: Vec::new(),
    }
}

fn is_https(public_url: Option<&Url>) -> bool {
    public_url.is_some_and(|url| url.scheme() == "https")
}

/// Names what browsers cannot read, and what they would not keep.
fn check(scope: &CookieScope, at: &str, public_url: Option<&Url>, found: &mut Findings) {
    let is_text = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b';');
    if !scope.path.starts_with('/') || !is_text(&scope.path) {
        let message = format!("\"{}\" is no path: it begins with a slash and has no semicolon", scope.path);
        found.wrong(format!("{at}/path"), message);
    }
    if let Some(domain) = &scope.domain {
        let is_name = domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if !is_name {
            found.wrong(format!("{at}/domain"), format!("\"{domain}\" is no domain: write example.org"));
        } else if let Some(host) = public_url.and_then(Url::host).filter(|host| !is_within(host, domain)) {
            let message = format!(
                "browsers keep no cookie for {domain} that comes from {host}, so nobody stays signed in: set serve.public.base_url to an address of that domain"
            );
            found.without_effect.push(Problem::new(format!("{at}/domain"), message));
        } else if is_anybodys(domain, public_url) {
            let message = format!(
                "browsers keep no cookie for {domain}, below which anybody can have a name, so nobody stays signed in: write a domain of your own"
            );
            found.without_effect.push(Problem::new(format!("{at}/domain"), message));
        }
    }
    if scope.same_site == SameSite::None && !scope.secure {
        let message = "browsers keep cookies with None over https only: set serve.public.base_url to an address that begins with https";
        found.without_effect.push(Problem::new(format!("{at}/same_site"), message));
    }
}

/// A domain as browsers compare it: in small letters, and without the dot that it may begin with (RFC 6265, section 5.2.3).
fn bare(domain: &str) -> String {
    domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase()
}

/// Whether anybody can have a name below a domain that a host is within. A cookie for exactly the host is good all the same
/// (RFC 6265, section 5.3, step 5).
fn is_anybodys(domain: &str, public_url: Option<&Url>) -> bool {
    let domain = bare(domain);
    let is_host = public_url.and_then(Url::host_str).is_some_and(|host| host == domain);
    !is_host && !is_own_domain(&domain)
}

/// Whether a host gets the cookies of a domain (RFC 6265, section 5.1.3).
fn is_within(host: &Host<&str>, domain: &str) -> bool {
    let domain = bare(domain);
    match host {
        Host::Domain(host) => {
            *host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
        }
        address => address.to_string() == domain,
    }
}

fn check_name(name: &str, scope: &CookieScope, found: &mut Findings) {
    const AT: &str = "/session/cookie/name";
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        found.wrong(AT, format!("\"{name}\" is no name of a cookie: use letters, digits, - and _"));
    } else if name.starts_with(HOST_PREFIX) && !scope.is_of_one_host(false) {
        found.wrong(
            AT,
            format!("browsers keep \"{name}\" only from https, without a domain and with the path /"),
        );
    } else if name.starts_with(SECURE_PREFIX) && !scope.secure {
        found.wrong(AT, format!("browsers keep \"{name}\" only from https"));
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use serde_json::{Value, json};

    use super::*;

    fn config(tree: Value) -> Config {
        Config::from_tree(&tree).expect("is a configuration")
    }

    #[test]
    fn the_session_cookie_says_itself_what_the_others_are_told_in_general() {
        let config = config(json!({
            "cookies": {"domain": "id.example.org", "path": "/id", "same_site": "Strict"},
            "session": {"cookie": {"name": "mine", "domain": "example.org", "path": "/app", "same_site": "None", "persistent": false}},
        }));
        let general = CookieScope {
            domain: Some("id.example.org".into()),
            path: "/id".into(),
            same_site: SameSite::Strict,
            secure: false,
        };
        assert_eq!(config.cookies, general);
        let own = CookieScope {
            domain: Some("example.org".into()),
            path: "/app".into(),
            same_site: SameSite::None,
            secure: false,
        };
        assert_eq!(
            config.session.cookie,
            SessionCookie {
                name: "mine".into(),
                persistent: false,
                scope: own,
                is_of_upstream: false,
                kratos_secrets: vec![],
            }
        );
    }

    #[test]
    fn what_the_session_cookie_does_not_say_follows_from_the_general_settings() {
        let general = json!({"domain": "example.org", "path": "/id", "same_site": "Strict", "secure": true});
        let config = config(json!({"cookies": general, "session": {"cookie": {"domain": "", "path": null}}}));
        assert_eq!(config.session.cookie.scope, config.cookies);
        assert!(config.cookies.secure && config.session.cookie.persistent);
    }

    #[test]
    fn cookies_are_secure_under_https_and_where_a_key_says_so() {
        let secure = |tree| {
            let config = config(tree);
            (config.cookies.secure, config.session.cookie.scope.secure)
        };
        assert_eq!(secure(json!({})), (false, false));
        assert_eq!(
            secure(json!({"serve": {"public": {"base_url": "https://id.example.org"}}})),
            (true, true)
        );
        assert_eq!(secure(json!({"cookies": {"secure": true}})), (true, true));
        assert_eq!(secure(json!({"session": {"cookie": {"secure": true}}})), (false, true));
    }

    #[test]
    fn a_cookie_of_one_host_is_named_so_that_no_other_host_can_set_it() {
        let scope = |domain: Option<&str>, path: &str, secure| CookieScope {
            domain: domain.map(str::to_owned),
            path: path.into(),
            same_site: SameSite::Lax,
            secure,
        };
        for is_https in [false, true] {
            assert_eq!(scope(None, "/", true).name("a", is_https), "__Host-a");
            assert_eq!(scope(None, "/auth", true).name("a", is_https), "a");
            assert_eq!(scope(Some("example.org"), "/", true).name("a", is_https), "a");
        }
        assert_eq!(scope(None, "/", false).name("a", false), "a");
        assert_eq!(scope(None, "/", false).name("a", true), "__Host-a");
    }

    #[test]
    fn what_browsers_cannot_read_is_refused() {
        for (tree, pointer) in [
            (json!({"cookies": {"path": "id"}}), "/cookies/path"),
            (json!({"cookies": {"path": "/a;Domain=example.org"}}), "/cookies/path"),
            (json!({"cookies": {"domain": "example.org; Secure"}}), "/cookies/domain"),
            (json!({"session": {"cookie": {"path": "app"}}}), "/session/cookie/path"),
            (json!({"session": {"cookie": {"name": "a b"}}}), "/session/cookie/name"),
            (json!({"session": {"cookie": {"name": "a=b"}}}), "/session/cookie/name"),
            (json!({"session": {"cookie": {"name": "__Host-session"}}}), "/session/cookie/name"),
            (json!({"session": {"cookie": {"name": "__Secure-session"}}}), "/session/cookie/name"),
            (
                json!({"cookies": {"domain": "example.org"}, "session": {"cookie": {"name": "__Host-session", "secure": true}}}),
                "/session/cookie/name",
            ),
        ] {
            let told = Config::from_tree(&tree).expect_err("is wrong").to_string();
            assert!(told.starts_with(pointer), "{told}");
        }
        let https = json!({"public": {"base_url": "https://id.example.org"}});
        config(json!({"serve": https, "session": {"cookie": {"name": "__Host-session"}}}));
    }

    #[test]
    fn what_browsers_would_not_keep_is_warned_about() {
        let notes = |tree| {
            let pointers = config(tree).notes.into_iter().map(|note| note.pointer);
            pointers.filter(|pointer| pointer.contains("cookie")).collect::<Vec<_>>()
        };
        let https = json!({"public": {"base_url": "https://id.example.org"}});
        for (tree, pointer) in [
            (json!({"cookies": {"domain": "example.org"}}), "/cookies/domain"),
            (json!({"serve": https, "cookies": {"domain": "d.example.org"}}), "/cookies/domain"),
            (json!({"serve": https, "cookies": {"domain": "org"}}), "/cookies/domain"),
            (
                json!({"serve": https, "session": {"cookie": {"domain": "ample.org"}}}),
                "/session/cookie/domain",
            ),
            (json!({"cookies": {"same_site": "None"}}), "/cookies/same_site"),
            (json!({"session": {"cookie": {"same_site": "None"}}}), "/session/cookie/same_site"),
        ] {
            assert_eq!(notes(tree), [pointer]);
        }
        for tree in [
            json!({"serve": https, "cookies": {"domain": "Example.org", "same_site": "None"}}),
            json!({"serve": https, "cookies": {"domain": ".id.example.org"}}),
            json!({"cookies": {"domain": "127.0.0.1"}}),
        ] {
            assert_eq!(notes(tree), [""; 0]);
        }
    }
}
