//! What follows from `serve.gateway` and `gateway`: where proxies ask, and how their questions are judged.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value};
use sessera_model::names::is_plain_name;

use crate::loopback::is_loopback;
use crate::problem::{Findings, escape};
use crate::sections::gateway::{Gateway, Route};
use crate::sections::serve;
use crate::trusted_proxies::TrustedProxies;

/// The route of questions that name none.
pub const DEFAULT_ROUTE: &str = "default";

/// The longest name of a route.
const MAX_NAME: usize = 128;

/// How many hyphens the name of a header may have. A printed configuration takes away every name that has underscores in
/// place of some of them, and each hyphen more makes them twice as many.
const MAX_HYPHENS: usize = 8;

/// Headers that a route cannot have. They stand in an answer to the proxy and then in a request to the app, so none may be one
/// by which a message is framed, passed on, kept or traced, by which a client says what it takes or a proxy whose client it has,
/// and none that the gateway sets anew in any case.
const TAKEN: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "alt-svc",
    "alt-used",
    "b3",
    "baggage",
    "cache-control",
    "cdn-cache-control",
    "cdn-loop",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-ipcountry",
    "cf-ray",
    "cf-visitor",
    "clear-site-data",
    "connection",
    "cookie",
    "date",
    "dnt",
    "early-data",
    "etag",
    "expect",
    "expires",
    "fastly-client-ip",
    "forwarded",
    "from",
    "front-end-https",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "last-event-id",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "nel",
    "origin",
    "pragma",
    "priority",
    "proxy",
    "range",
    "referer",
    "refresh",
    "report-to",
    "reporting-endpoints",
    "retry-after",
    "save-data",
    "server",
    "set-cookie",
    "set-cookie2",
    "status",
    "strict-transport-security",
    "surrogate-control",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "trailers",
    "transfer-encoding",
    "true-client-ip",
    "uber-trace-id",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "x-amzn-trace-id",
    "x-client-ip",
    "x-cloud-trace-context",
    "x-cluster-client-ip",
    "x-content-type-options",
    "x-http-method",
    "x-http-method-override",
    "x-lighttpd-send-file",
    "x-method-override",
    "x-real-ip",
    "x-redirect-to",
    "x-request-id",
    "x-requested-with",
    "x-rewrite-url",
    "x-sendfile",
    "x-sendfile2",
    "x-session-cookie",
    "x-session-token",
];

/// What the names of such headers begin with. Those of nginx (`X-Accel-Redirect`) and Envoy steer these, and those with `Sec-`
/// are the browser's own (the Fetch standard).
const TAKEN_FAMILIES: &[&str] = &[
    "access-control-",
    "content-",
    "grpc-",
    "proxy-",
    "sec-",
    "x-b3-",
    "x-accel-",
    "x-envoy-",
    "x-forwarded-",
    "x-original-",
];

/// Where proxies ask.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Whether it is on.
    pub enabled: bool,
    /// Where it listens.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// Who may ask. Everybody on this machine, where nobody is named.
    pub trusted: TrustedProxies,
    /// How questions are judged, by the names of routes, of which one is [`DEFAULT_ROUTE`].
    pub routes: BTreeMap<String, Route>,
}

impl GatewayConfig {
    /// Where proxies ask, as a host with its port.
    pub fn address(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}", self.port)
    }
}

/// The gateway of a configuration. Says what is wrong with it. The ids of identity schemas are not known where an upstream has
/// them.
pub(crate) fn gateway(
    serve: serve::Gateway,
    section: Gateway,
    templates: &Map<String, Value>,
    schema_ids: Option<&BTreeSet<&str>>,
    found: &mut Findings,
) -> GatewayConfig {
    let host = serve.host.0;
    // Who may ask is not known where the list cannot be read, which is told already.
    let trusts_nobody = serve.trusted_proxies.is_empty() && !found.is_wrong("/serve/gateway/trusted_proxies");
    if serve.enabled && !is_loopback(&host) && trusts_nobody {
        found.wrong(
            "/serve/gateway/host",
            format!(
                "everybody who reaches {host} could ask for the tokens of others' sessions. Name the addresses of the proxies that may ask in serve.gateway.trusted_proxies, or listen on 127.0.0.1"
            ),
        );
    }
    for (name, route) in &section.routes {
        check(name, route, templates, schema_ids, found);
    }
    let mut routes = section.routes;
    routes.entry(DEFAULT_ROUTE.to_owned()).or_default();
    let of_this_machine = || {
        TrustedProxies::of_addresses([
            (Ipv4Addr::LOCALHOST.into(), 8),
            (IpAddr::from(Ipv6Addr::LOCALHOST), 128),
        ])
    };
    GatewayConfig {
        enabled: serve.enabled,
        host,
        port: serve.port,
        trusted: if serve.trusted_proxies.is_empty() { of_this_machine() } else { serve.trusted_proxies },
        routes,
    }
}

/// Names what is wrong with a route.
fn check(
    name: &str,
    route: &Route,
    templates: &Map<String, Value>,
    schema_ids: Option<&BTreeSet<&str>>,
    found: &mut Findings,
) {
    let at = format!("/gateway/routes/{}", escape(name));
    if !is_plain_name(name, MAX_NAME) {
        found.wrong(
            at.as_str(),
            format!("the name of a route has letters, digits, \"-\", \"_\" and \".\", at most {MAX_NAME}, and is not . or .. alone"),
        );
    }
    match &route.template {
        Some(template) if !templates.contains_key(template) => {
            let message = format!(
                "there is no tokenizer template \"{template}\": add it under session.whoami.tokenizer.templates, or take it out of the route"
            );
            found.wrong(format!("{at}/template"), message);
        }
        None if !route.headers.is_empty() => {
            let message = "claims come from a token: name the template that makes it in the route's template";
            found.wrong(format!("{at}/headers"), message);
        }
        _ => {}
    }
    let schema_ids = schema_ids.filter(|_| !found.is_wrong("/identity/schemas"));
    let is_unknown = |id: &&String| schema_ids.is_some_and(|known| !known.contains(id.as_str()));
    if let Some(id) = route.schema_ids.iter().find(is_unknown) {
        let known: Vec<&str> = schema_ids.into_iter().flatten().copied().collect();
        found.wrong(
            format!("{at}/schema_ids"),
            format!("there is no identity schema \"{id}\", only {}", known.join(", ")),
        );
    }
    let mut names = BTreeSet::new();
    if route.template.is_some() {
        check_header(&route.header, &format!("{at}/header"), &mut names, found);
    }
    for (header, claim) in &route.headers {
        let at = format!("{at}/headers/{}", escape(header));
        check_header(header, &at, &mut names, found);
        if claim.is_empty() {
            found.wrong(at, "name the claim that the header carries, such as sub");
        }
    }
}

/// Whether a header, in small letters, means something to proxies or to HTTP.
fn is_taken(name: &str) -> bool {
    TAKEN.contains(&name) || TAKEN_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Names what is wrong with the name of a header. `names` are those that the route has already, in small letters.
fn check_header(header: &str, at: &str, names: &mut BTreeSet<String>, found: &mut Findings) {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let name = header.to_ascii_lowercase();
    let message = if header.is_empty() || header.len() > MAX_NAME || !header.bytes().all(is_part) {
        // Many servers take an underscore for a hyphen, so a client's own X_User_Id would be read as X-User-Id.
        format!("\"{header}\" cannot be the name of a header here: it has letters, digits and \"-\"")
    } else if header.matches('-').count() > MAX_HYPHENS {
        format!(
            "the header {header} has more than {MAX_HYPHENS} hyphens, so proxies could not keep all its other spellings from the app: choose a shorter name"
        )
    } else if is_taken(&name) {
        format!(
            "the header {header} means something to HTTP, to clients or to proxies: choose another one, such as X-User-Id"
        )
    } else if !names.insert(name) {
        format!("the route has the header {header} already")
    } else {
        return;
    };
    found.wrong(at, message);
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use serde_json::{Value, json};

    fn with(serve: Value, routes: Value) -> Value {
        let templates = json!({"t": {"jwks_url": "set://k"}});
        json!({
            "serve": {"gateway": serve},
            "session": {"whoami": {"tokenizer": {"templates": templates}}},
            "gateway": {"routes": routes},
        })
    }

    #[test]
    fn nothing_configured_is_off_and_has_the_route_of_those_who_name_none() {
        let config = Config::from_tree(&json!({})).unwrap().gateway;
        assert!(!config.enabled);
        assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 4435));
        assert_eq!(config.routes.keys().collect::<Vec<_>>(), ["default"]);
        assert!(
            config.trusted.contains([127, 0, 0, 1].into()) && !config.trusted.contains([10, 0, 0, 1].into())
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        let off = json!({});
        for (serve, routes, pointer) in [
            (json!({"enabled": true, "host": "0.0.0.0"}), json!({}), "/serve/gateway/host: "),
            (off.clone(), json!({"a b": {}}), "/gateway/routes/a b: "),
            (off.clone(), json!({"..": {}}), "/gateway/routes/..: "),
            (off.clone(), json!({"a": {"template": "u"}}), "/gateway/routes/a/template: "),
            (off.clone(), json!({"a": {"headers": {"X-Id": "sub"}}}), "/gateway/routes/a/headers: "),
            (off.clone(), json!({"a": {"template": "t", "header": "X_Id"}}), "/gateway/routes/a/header: "),
            (off.clone(), json!({"a": {"template": "t", "header": "Cookie"}}), "/gateway/routes/a/header: "),
            (
                off.clone(),
                json!({"a": {"template": "t", "headers": {"authorization": "sub"}}}),
                "/gateway/routes/a/headers/authorization: ",
            ),
            (
                off.clone(),
                json!({"a": {"template": "t", "headers": {"X-Id": ""}}}),
                "/gateway/routes/a/headers/X-Id: ",
            ),
            (
                off.clone(),
                json!({"a": {"template": "t", "headers": {"X-A-B-C-D-E-F-G-H-I": "sub"}}}),
                "/gateway/routes/a/headers/X-A-B-C-D-E-F-G-H-I: the header X-A-B-C-D-E-F-G-H-I has more than 8 hyphens",
            ),
            (off.clone(), json!({"a": {"on_missing": 403}}), "/gateway/routes/a/on_missing: "),
            (off.clone(), json!({"a": {"schema_ids": ["nope"]}}), "/gateway/routes/a/schema_ids: "),
            (off.clone(), json!({"a": {"aal": "aal3"}}), "/gateway/routes/a/aal: "),
            (off.clone(), json!({"a": {"reuse": "2h"}}), "/gateway/routes/a/reuse: "),
        ] {
            let problem = Config::from_tree(&with(serve, routes)).unwrap_err().to_string();
            assert!(problem.starts_with(pointer), "{pointer}: {problem}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_once() {
        let open = json!({"enabled": true, "host": "0.0.0.0", "trusted_proxies": ["proxy"]});
        let told = Config::from_tree(&with(open, json!({}))).unwrap_err();
        let places: Vec<_> = told.problems().iter().map(|problem| problem.pointer.clone()).collect();
        assert_eq!(places, ["/serve/gateway/trusted_proxies/0"]);
        let mut tree = with(json!({}), json!({"a": {"schema_ids": ["people"]}}));
        tree["identity"] = json!({"schemas": {"id": "people"}});
        let told = Config::from_tree(&tree).unwrap_err();
        let places: Vec<_> = told.problems().iter().map(|problem| problem.pointer.clone()).collect();
        assert_eq!(places, ["/identity/schemas"]);
    }

    #[test]
    fn no_header_of_a_route_frames_keeps_or_steers_a_message() {
        let taken = [
            "Cache-Control",
            "Status",
            "Transfer-Encoding",
            "TE",
            "Keep-Alive",
            "Proxy-Connection",
            "Upgrade",
            "Content-Encoding",
            "Content-Length",
            "Vary",
            "Via",
            "Forwarded",
            "X-Accel-Redirect",
            "X-Sendfile",
            "X-HTTP-Method-Override",
            "If-None-Match",
            "X-Envoy-Auth-Headers-To-Remove",
            "X-Original-URL",
            "Access-Control-Allow-Origin",
            "grpc-status",
            "traceparent",
            "Proxy",
            "Origin",
            "Accept",
            "Accept-Encoding",
            "User-Agent",
            "Sec-WebSocket-Key",
            "Sec-Fetch-Mode",
            "X-Requested-With",
            "Priority",
            "Early-Data",
            "X-Real-IP",
            "True-Client-IP",
            "CF-Connecting-IP",
            "B3",
            "X-B3-TraceId",
            "X-Amzn-Trace-Id",
        ];
        for header in taken {
            for (route, place) in [
                (json!({"template": "t", "headers": {header: "sub"}}), format!("headers/{header}")),
                (json!({"template": "t", "header": header}), "header".to_owned()),
            ] {
                let problem =
                    Config::from_tree(&with(json!({}), json!({"a": route}))).unwrap_err().to_string();
                let told = format!("/gateway/routes/a/{place}: the header {header} means something");
                assert!(problem.starts_with(&told), "{problem}");
            }
        }
        for header in [
            "Authorization",
            "X-User-Id",
            "Remote-User",
            "X-Status",
            "Forwarded-User",
            "Cf-Access-Jwt-Assertion",
        ] {
            let routes = json!({"a": {"template": "t", "header": "X-Token", "headers": {header: "sub"}}});
            Config::from_tree(&with(json!({}), routes)).unwrap();
        }
    }

    #[test]
    fn good_routes_are_taken() {
        let routes = json!({
            "api": {"template": "t", "headers": {"X-User-Id": "sub"}, "on_missing": 401, "aal": "aal2"},
            "site": {"template": "t", "header": "X-Token", "session": "optional", "on_missing": "401"},
        });
        let open = json!({"enabled": true, "host": "0.0.0.0", "trusted_proxies": ["10.0.0.0/8"]});
        let config = Config::from_tree(&with(open, routes)).unwrap().gateway;
        assert_eq!(config.routes.len(), 3);
        assert_eq!(config.address(), "0.0.0.0:4435");
        assert!(
            config.trusted.contains([10, 1, 1, 1].into()) && !config.trusted.contains([127, 0, 0, 1].into())
        );
    }
}
