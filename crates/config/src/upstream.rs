//! What follows from `session.upstream`: where sessions come from when this server does not keep them itself.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use sessera_model::Secret;
use url::Url;

use crate::loopback::is_loopback;
use crate::problem::{Findings, Problem, escape};
use crate::sections::Sections;
use crate::sections::gateway::RouteAal;
use crate::sections::session::RequiredAal;
use crate::sections::upstream::Upstream;

/// The ports of a server with an upstream, which has the usual ones.
const PORTS: Ports = Ports { public: 4533, admin: 4534 };

/// Where hosts of projects of Ory Network end.
const ORY_NETWORK: &str = ".projects.oryapis.com";

/// Where the keys stand.
const AT: &str = "/session/upstream";

/// Keys that concern people and how they sign in, which is the upstream's business. Whatever they say does not count here.
const OF_ACCOUNTS: &[&str] = &[
    "/identity",
    "/selfservice/methods",
    "/selfservice/flows",
    "/selfservice/limits",
    "/security/account_enumeration",
    "/courier",
    "/hashers",
    "/pages",
];

/// Keys that concern sessions in a way that is the upstream's business.
const OF_SESSIONS: &[&str] = &[
    "/session/lifespan",
    "/session/earliest_possible_extend",
    "/session/whoami/required_aal",
    "/session/cache/max_stale",
];

/// Whether a value has no effect with an upstream, because it stands below a key that is the upstream's business.
pub(crate) fn has_no_effect_with_upstream(pointer: &str) -> bool {
    let is_below =
        |key: &str| pointer.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    OF_ACCOUNTS.iter().chain(OF_SESSIONS).any(|key| is_below(key))
}

/// The ports to listen on where none are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) public: u16,
    pub(crate) admin: u16,
}

impl Ports {
    /// The defaults with an upstream, so that both run on one machine, and without one.
    pub(crate) const fn defaults(has_upstream: bool) -> Self {
        if has_upstream { PORTS } else { Self { public: 4433, admin: 4434 } }
    }
}

/// An upstream: an Ory Kratos or an Ory Network project that keeps the sessions.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Its public API; the path ends in a slash.
    pub url: Url,
    /// Its admin API; the path ends in a slash.
    pub admin_url: Option<Url>,
    /// The bearer token of the admin API.
    pub admin_token: Option<Secret>,
    /// The name of its session cookie.
    pub cookie: String,
    /// How long an answer is kept.
    pub ttl: Duration,
    /// How much longer an answer is used when the upstream does not answer.
    pub max_stale: Duration,
    /// How long one question may take.
    pub timeout: Duration,
    /// How many questions may be under way at the same time.
    pub max_in_flight: usize,
    /// How many sessions of status lists are asked about in a second.
    pub recheck_per_second: u32,
    /// Whether requests that this server does not answer itself go on to the upstream.
    pub forward: bool,
    /// A file with certificates that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
}

/// The tree as it counts. With an upstream that is without what concerns people: a configuration of the upstream can name
/// methods and hooks that are not known here, and files that are not on this machine.
pub(crate) fn as_it_counts(tree: &Value) -> Cow<'_, Value> {
    as_it_counts_in(tree, tree)
}

/// A part of a tree, such as one file, as it counts there.
pub(crate) fn as_it_counts_in<'p>(part: &'p Value, tree: &Value) -> Cow<'p, Value> {
    if tree.pointer(AT).and_then(|upstream| upstream.get("url")).is_none_or(Value::is_null) {
        return Cow::Borrowed(part);
    }
    let mut counts = part.clone();
    for (parent, name) in OF_ACCOUNTS.iter().filter_map(|pointer| pointer.rsplit_once('/')) {
        if let Some(Value::Object(members)) = counts.pointer_mut(parent) {
            members.shift_remove(name);
        }
    }
    Cow::Owned(counts)
}

/// The upstream of a configuration, if it has one. Says what is wrong with it, and which keys have no effect
/// with it.
pub(crate) fn upstream(sections: &Sections, tree: &Value, found: &mut Findings) -> Option<UpstreamConfig> {
    let section = &sections.session.upstream;
    let Some(url) = &section.url else {
        let members = tree.pointer(AT).and_then(Value::as_object);
        for name in members.into_iter().flatten().filter(|(_, value)| !value.is_null()).map(|(name, _)| name)
        {
            // One that cannot be read was named already.
            if name != "url" {
                let message = "it means nothing without session.upstream.url: set that, or remove this";
                found.wrong(format!("{AT}/{name}"), message);
            }
        }
        return None;
    };
    let url = base(url, "url", found);
    let admin_url = section.admin_url.as_ref().map(|url| base(url, "admin_url", found));
    if section.admin_token.is_some() && admin_url.is_none() {
        found.wrong(
            format!("{AT}/admin_token"),
            "the token is for an admin API: set session.upstream.admin_url, or remove this",
        );
    }
    check_for_loops(sections, &url, found);
    check_routes(sections, found);
    note_without_effect(tree, sections, found);
    Some(UpstreamConfig {
        cookie: cookie(section, &url, &sections.session.cookie.name, found),
        url,
        admin_url,
        admin_token: section.admin_token.clone(),
        ttl: section.ttl,
        max_stale: section.max_stale,
        timeout: section.timeout,
        max_in_flight: usize::try_from(section.max_in_flight).unwrap_or(usize::MAX),
        recheck_per_second: section.recheck_per_second,
        forward: section.forward,
        ca_file: section.ca_file.as_ref().map(PathBuf::from),
    })
}

/// The address of an API, whose path ends in a slash.
fn base(url: &Url, key: &str, found: &mut Findings) -> Url {
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_bare = url.query().is_none() && url.fragment().is_none();
    if !is_web || !is_bare || !url.username().is_empty() || url.password().is_some() {
        found.wrong(
            format!("{AT}/{key}"),
            "it must be the address of an API, such as https://kratos.example.org: http or https, and without user, query and fragment",
        );
    }
    let mut url = url.clone();
    if !url.path().ends_with('/') && !url.cannot_be_a_base() {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

/// The name of the session cookie: the configured one, that of a project of Ory Network, or the usual one.
fn cookie(section: &Upstream, url: &Url, usual: &str, found: &mut Findings) -> String {
    let project = url.host_str().and_then(|host| host.strip_suffix(ORY_NETWORK));
    let name = match (&section.cookie, project) {
        (Some(name), _) => name.clone(),
        (None, Some(slug)) => format!("ory_session_{}", slug.replace('-', "")),
        (None, None) => usual.to_owned(),
    };
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        found.wrong(format!("{AT}/cookie"), format!("\"{name}\" cannot be the name of a cookie"));
    }
    name
}

/// Refuses an upstream that is this server itself.
fn check_for_loops(sections: &Sections, upstream: &Url, found: &mut Findings) {
    let public = &sections.serve.public;
    let own_port = public.port.unwrap_or(PORTS.public);
    let host = upstream.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_same_host = host == public.host.0 || (is_loopback(host) && is_loopback(&public.host.0));
    let is_base = public.base_url.as_ref().is_some_and(|base| base.url.origin() == upstream.origin());
    // The address under which clients reach this server may lead through the upstream's own machine, but a
    // question to it would come back here.
    let message = if is_base {
        "it is serve.public.base_url, under which clients reach this server itself: set that to Sessera's address (in a kratos.yml it is the Kratos'; SERVE_PUBLIC_BASE_URL overrides it), or name the upstream's own address"
    } else if is_same_host && upstream.port_or_known_default() == Some(own_port) {
        "it is the address of this server itself: name the upstream's own address, or let this server listen on another port"
    } else {
        return;
    };
    found.wrong(format!("{AT}/url"), message);
}

/// Routes of the gateway that ask for what the upstream alone knows: which factors the owner of a session has set up.
fn check_routes(sections: &Sections, found: &mut Findings) {
    for (name, route) in &sections.gateway.routes {
        let pointer = format!("/gateway/routes/{}/aal", escape(name));
        match route.aal {
            Some(RouteAal::HighestAvailable) => found.wrong(
                pointer,
                "which factors somebody has set up is known to the upstream alone: set session.whoami.required_aal to highest_available there and leave this out, or ask for aal2",
            ),
            Some(RouteAal::Aal1) => found.without_effect.push(Problem::new(
                pointer,
                "the upstream refuses sessions that have proven less than it asks for itself, and this takes nothing back: leave it out",
            )),
            Some(RouteAal::Aal2) | None => {}
        }
    }
}

/// Names the configured keys that have no effect with an upstream.
fn note_without_effect(tree: &Value, sections: &Sections, found: &mut Findings) {
    let is_set =
        |value: &Value| !value.is_null() && value.as_object().is_none_or(|members| !members.is_empty());
    for pointer in OF_ACCOUNTS.iter().chain(OF_SESSIONS) {
        if !tree.pointer(pointer).is_some_and(is_set) {
            continue;
        }
        let message = match *pointer {
            "/session/cache/max_stale" => "with an upstream session.upstream.max_stale counts instead",
            "/session/whoami/required_aal" if sections.session.whoami.required_aal == RequiredAal::Aal1 => {
                continue;
            }
            "/session/whoami/required_aal" => {
                "with an upstream its own setting counts, so it must be set there: a session that has to prove more is refused by the upstream's answer"
            }
            _ => {
                "it has no effect with session.upstream.url, because people and how they sign in are the upstream's business"
            }
        };
        // Nothing else that could be said of the key, or of what is in it, matters then.
        found.without_effect.retain(|problem| !problem.is_about(pointer));
        found.without_effect.push(Problem::new(*pointer, message));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    fn config(more: Value) -> Config {
        let mut tree = json!({"session": {"upstream": {"url": "http://127.0.0.1:4433"}}});
        crate::merge::merge(&mut tree, more);
        Config::from_tree(&tree).unwrap()
    }

    fn problems(tree: Value) -> String {
        Config::from_tree(&tree).unwrap_err().to_string()
    }

    #[test]
    fn with_an_upstream_both_run_on_one_machine() {
        let config = config(json!({}));
        assert_eq!((config.public.port, config.admin.port), (4533, 4534));
        assert_eq!(config.public.base_url, "http://127.0.0.1:4533/");
        let upstream = config.upstream.unwrap();
        assert_eq!(upstream.url.as_str(), "http://127.0.0.1:4433/");
        assert_eq!((upstream.ttl.as_secs(), upstream.timeout.as_secs()), (30, 3));
        assert_eq!((upstream.max_stale.as_secs(), upstream.max_in_flight, upstream.forward), (0, 64, true));
        assert!(config.notes.is_empty(), "{:?}", config.notes);
        assert_eq!(Config::from_tree(&json!({})).unwrap().public.port, 4433);
    }

    #[test]
    fn the_cookie_is_the_upstream_s() {
        let named = |more: Value| {
            let config = config(more);
            assert_eq!(config.session.cookie.name, config.upstream.as_ref().unwrap().cookie);
            config.session.cookie.name
        };
        assert_eq!(named(json!({})), "ory_kratos_session");
        assert_eq!(named(json!({"session": {"cookie": {"name": "sid"}}})), "sid");
        let project = json!({"session": {"upstream": {"url": "https://happy-ada-x1.projects.oryapis.com"}}});
        assert_eq!(named(project.clone()), "ory_session_happyadax1");
        let mut both = project;
        both["session"]["upstream"]["cookie"] = json!("mine");
        assert_eq!(named(both), "mine");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (tree, place, word) in [
            (json!({"ttl": "5s"}), "/session/upstream/ttl", "session.upstream.url"),
            (
                json!({"admin_url": "http://127.0.0.1:4434"}),
                "/session/upstream/admin_url",
                "session.upstream.url",
            ),
            (json!({"url": "http://k", "admin_token": "x"}), "/session/upstream/admin_token", "admin_url"),
            (json!({"url": "ftp://k"}), "/session/upstream/url", "http or https"),
            (json!({"url": "http://user:password@k"}), "/session/upstream/url", "without user"),
            (json!({"url": "http://k/?a=b"}), "/session/upstream/url", "query"),
            (
                json!({"url": "http://k", "admin_url": "unix:/x"}),
                "/session/upstream/admin_url",
                "http or https",
            ),
            (json!({"url": "http://localhost:4533"}), "/session/upstream/url", "this server itself"),
            (json!({"url": "http://k", "ttl": "2h"}), "/session/upstream/ttl", "must be from"),
            (json!({"url": "http://k", "timeout": "0s"}), "/session/upstream/timeout", "must be from"),
            (json!({"url": "http://k", "max_in_flight": 0}), "/session/upstream/max_in_flight", "from 1"),
            (json!({"url": "http://k", "cookie": "a b"}), "/session/upstream/cookie", "name of a cookie"),
        ] {
            let told = problems(json!({"session": {"upstream": tree.clone()}}));
            assert!(told.starts_with(place) && told.contains(word), "{tree}: {told}");
        }
        let base = json!({"serve": {"public": {"base_url": "https://id.example.org"}},
            "session": {"upstream": {"url": "https://id.example.org/"}}});
        assert!(problems(base).contains("SERVE_PUBLIC_BASE_URL"));
    }

    #[test]
    fn a_route_asks_for_no_factors_that_only_the_upstream_knows() {
        let tree = |aal: &str| {
            json!({
                "serve": {"gateway": {"enabled": true}},
                "gateway": {"routes": {"a": {"aal": aal}}},
                "session": {"upstream": {"url": "http://127.0.0.1:4433"}},
            })
        };
        assert!(problems(tree("highest_available")).starts_with("/gateway/routes/a/aal: "));
        let notes = |aal| Config::from_tree(&tree(aal)).unwrap().notes;
        assert!(notes("aal1").iter().any(|note| note.pointer == "/gateway/routes/a/aal"));
        assert!(notes("aal2").is_empty(), "{:?}", notes("aal2"));
    }

    #[test]
    fn a_path_of_the_upstream_is_kept() {
        let config = config(json!({"session": {"upstream": {"url": "http://k/kratos"}}}));
        assert_eq!(config.upstream.unwrap().url.as_str(), "http://k/kratos/");
    }

    #[test]
    fn what_concerns_people_has_no_effect_and_is_noted() {
        for more in [
            json!({"identity": {"default_schema_id": "x", "schemas": [{"id": "x", "url": "base64://e30="}]}}),
            json!({"selfservice": {"flows": {"login": {"lifespan": "5m"}}}}),
            json!({"pages": {"name": "x"}}),
            json!({"session": {"lifespan": "1h"}}),
            json!({"session": {"whoami": {"required_aal": "highest_available"}}}),
            json!({"session": {"cache": {"max_stale": "5s"}}}),
        ] {
            assert_eq!(config(more.clone()).notes.len(), 1, "{more}");
        }
        for more in [
            json!({"session": {"whoami": {"required_aal": "aal1"}}}),
            json!({"selfservice": {"allowed_return_urls": ["https://app.example.org"]}}),
            json!({"session": {"cookie": {"name": "sid"}}}),
        ] {
            assert!(config(more.clone()).notes.is_empty(), "{more}");
        }
        let config = config(json!({"session": {"whoami": {"required_aal": "highest_available"}}}));
        assert!(!config.session.needs_highest_aal, "the upstream asks for it");
    }

    #[test]
    fn what_concerns_people_may_be_as_no_server_of_ours_could_have_it() {
        let file = "file:///etc/config/kratos/not-here";
        let hook = json!({"hook": "web_hook", "config": {"url": "http://10.0.0.1/x", "method": "POST", "body": file}});
        let provider = json!({"id": "x", "provider": "generic", "issuer_url": "http://10.0.0.1/", "client_id": "a",
            "client_secret": "b", "mapper_url": file, "scope": ["email"]});
        let people = json!({
            "identity": {"default_schema_id": "x", "schemas": [{"id": "x", "url": file}]},
            "selfservice": {
                "methods": {
                    "webauthn": {"enabled": true},
                    "oidc": {"enabled": true, "config": {"providers": [provider]}},
                },
                "flows": {"registration": {"after": {"hooks": [hook]}}},
            },
        });
        assert!(Config::from_tree(&people).is_err(), "without an upstream it counts");
        let config = config(people);
        let noted: Vec<_> = config.notes.iter().map(|note| note.pointer.as_str()).collect();
        assert_eq!(noted, ["/identity", "/selfservice/methods", "/selfservice/flows"]);
        assert!(config.accepted.is_empty() && !config.selfservice.methods.oidc.enabled);
    }
}
