//! Requests of other origins (the Fetch standard's CORS protocol).
//!
//! `serve.public.cors` says who may call with cookies. Besides, a page to which browsers may return can
//! exchange its one-time code for a token, without cookies, and what is the same for everybody is read by
//! everybody: such an answer says so itself.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use sessera_config::origins::OriginPattern;
use sessera_config::sections::serve::Cors;
use url::Url;

use crate::answer;
use crate::snapshot::{Snapshot, Snapshots};

/// What requests of other origins are judged by.
#[derive(Clone)]
pub(crate) struct Judge {
    /// The configuration of the moment.
    pub(crate) snapshots: Snapshots,
    /// The path at which pages to which browsers may return exchange their codes.
    pub(crate) exchange: &'static str,
}

/// What a page may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grant {
    /// What the configuration says, perhaps with cookies.
    Configured { with_cookies: bool },
    /// Exchange a one-time code.
    Exchange,
}

/// Judges a request, and says on its answer what a page of its origin may do. One that may do nothing is told
/// nothing.
pub(crate) async fn judge(State(judge): State<Judge>, request: Request, next: Next) -> Response {
    let snapshot = judge.snapshots.current();
    let origin = request.headers().get(ORIGIN).cloned();
    let is_exchange = request.uri().path() == judge.exchange;
    let grant = origin.as_ref().and_then(|origin| grant(&snapshot, origin, is_exchange));
    let cors = &snapshot.config.public.cors;
    let asked = (request.method() == Method::OPTIONS)
        .then(|| request.headers().get(ACCESS_CONTROL_REQUEST_METHOD).cloned())
        .flatten();
    let mut response = match (asked, grant) {
        (Some(method), Some(grant)) if grant.allows(cors, &method, request.headers()) => {
            let mut response = answer::no_content();
            grant.describe(cors, request.headers(), response.headers_mut());
            allow(response.headers_mut(), origin, grant);
            response
        }
        (Some(_), _) => for_everybody(next.run(request).await),
        (None, grant) => {
            let mut response = next.run(request).await;
            if let Some(grant) = grant {
                allow(response.headers_mut(), origin, grant);
                set_list(response.headers_mut(), ACCESS_CONTROL_EXPOSE_HEADERS, &cors.exposed_headers);
            }
            response
        }
    };
    let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    response.headers_mut().append(VARY, HeaderValue::from_static(vary));
    response
}

/// What an origin may do, perhaps where codes are exchanged.
fn grant(snapshot: &Snapshot, origin: &HeaderValue, is_exchange: bool) -> Option<Grant> {
    if is_allowed(snapshot, origin) {
        let with_cookies = snapshot.config.public.cors.allow_credentials && is_named(snapshot, origin);
        return Some(Grant::Configured { with_cookies });
    }
    (is_exchange && may_exchange(snapshot, origin)).then_some(Grant::Exchange)
}

/// Whether an origin may call: it is named, or everybody may.
pub(super) fn is_allowed(snapshot: &Snapshot, origin: &HeaderValue) -> bool {
    patterns_of(snapshot, origin).next().is_some()
}

/// Whether an origin is that of a page which `serve.public.cors.allowed_origins` names by a host or a domain. Cookies
/// go along for those only: with them for everybody, every page could read the tokens of whoever opens it.
pub(super) fn is_named(snapshot: &Snapshot, origin: &HeaderValue) -> bool {
    patterns_of(snapshot, origin).any(OriginPattern::is_of_somebody)
}

/// The configured origins that an origin is like.
fn patterns_of<'a>(
    snapshot: &'a Snapshot,
    origin: &'a HeaderValue,
) -> impl Iterator<Item = &'a OriginPattern> {
    let cors = &snapshot.config.public.cors;
    let origin = origin.to_str().ok().filter(|_| cors.enabled);
    cors.allowed_origins.iter().filter(move |known| origin.is_some_and(|origin| known.matches(origin)))
}

/// Whether an origin is that of a page to which browsers may return.
pub(super) fn may_exchange(snapshot: &Snapshot, origin: &HeaderValue) -> bool {
    // "null" is nobody's, and only what is written as browsers write it is an origin.
    let is_whole = |page: &Url| page.origin().ascii_serialization().as_bytes() == origin.as_bytes();
    let page = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()).filter(is_whole);
    page.is_some_and(|page| {
        page.origin().is_tuple()
            && snapshot.accounts.rules.allowed_returns.iter().any(|allowed| allowed.has_origin(&page))
    })
}

impl Grant {
    /// Whether the method and the headers that a page asks for are allowed.
    fn allows(self, cors: &Cors, method: &HeaderValue, headers: &HeaderMap) -> bool {
        let is_method = match self {
            Self::Configured { .. } => cors
                .allowed_methods
                .iter()
                .any(|known| known.as_bytes().eq_ignore_ascii_case(method.as_bytes())),
            Self::Exchange => method == Method::POST.as_str(),
        };
        is_method
            && asked_headers(headers)
                .is_some_and(|mut asked| asked.all(|name| self.allows_header(cors, name)))
    }

    fn allows_header(self, cors: &Cors, name: &str) -> bool {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        match self {
            // Browsers may send these with every request.
            _ if ["origin", "accept", "accept-language", "content-language"].into_iter().any(is) => true,
            Self::Configured { .. } => cors.allowed_headers.iter().any(|known| known == "*" || is(known)),
            Self::Exchange => is("content-type"),
        }
    }

    /// Says what is allowed and for how long that is good.
    fn describe(self, cors: &Cors, asked: &HeaderMap, headers: &mut HeaderMap) {
        if let Some(asked) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        match self {
            Self::Configured { .. } => {
                set_list(headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.allowed_methods);
                if cors.max_age > 0 {
                    headers.insert(ACCESS_CONTROL_MAX_AGE, cors.max_age.into());
                }
            }
            Self::Exchange => {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            }
        }
    }
}

/// The names of the headers that a page asks for; `None` when they cannot be read.
fn asked_headers(headers: &HeaderMap) -> Option<impl Iterator<Item = &str>> {
    let lines = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let lines: Vec<&str> = lines.map(|line| line.to_str()).collect::<Result<_, _>>().ok()?;
    let names = lines.into_iter().flat_map(|line| line.split(','));
    Some(names.map(str::trim).filter(|name| !name.is_empty()))
}

fn allow(headers: &mut HeaderMap, origin: Option<HeaderValue>, grant: Grant) {
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    if grant == (Grant::Configured { with_cookies: true }) {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

fn set_list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(list) = HeaderValue::from_str(&values.join(", ")) {
        headers.insert(name, list);
    }
}

/// The answer to a preflight that the configuration does not allow: that of the route where it is for
/// everybody, else one that tells nothing.
fn for_everybody(response: Response) -> Response {
    if response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) { response } else { answer::no_content() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Answer, TestServer};

    async fn server(cors: Value) -> TestServer {
        TestServer::configured(json!({"serve": {"public": {"cors": cors}}})).await
    }

    async fn preflight(server: &TestServer, path: &str, origin: &str, method: &str, headers: &str) -> Answer {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ];
        server.public("OPTIONS", path, &headers, None).await
    }

    #[tokio::test]
    async fn everybody_may_call_but_only_those_named_with_cookies() {
        for origins in
            [json!(["*", "https://app.example.org"]), json!(["https://*", "https://app.example.org"])]
        {
            let server = server(json!({"enabled": true, "allowed_origins": origins})).await;
            for (origin, cookies) in [("https://app.example.org", "true"), ("https://evil.example", "")] {
                let answer = server.public("GET", "/health/alive", &[("origin", origin)], None).await;
                assert_eq!(answer.header("access-control-allow-origin"), origin);
                assert_eq!(answer.header("access-control-allow-credentials"), cookies, "{origin}");
            }
        }
    }

    #[tokio::test]
    async fn without_a_list_everybody_may_call_and_without_a_word_nobody() {
        for (cors, allowed) in [(json!({"enabled": true}), "https://a.example"), (json!({}), "")] {
            let server = server(cors).await;
            let answer =
                server.public("GET", "/health/alive", &[("origin", "https://a.example")], None).await;
            assert_eq!(answer.header("access-control-allow-origin"), allowed);
            assert_eq!(answer.header("access-control-allow-credentials"), "");
            assert!(answer.header("vary").starts_with("Origin"));
        }
    }

    #[tokio::test]
    async fn a_preflight_is_allowed_whole_or_not_at_all() {
        let server = server(json!({
            "enabled": true,
            "allowed_origins": ["https://*.example.org", "https://*.preview.example.com:8443"],
            "allowed_methods": ["GET", "post"],
            "allowed_headers": ["X-Session-Token", "X-Mine"],
            "exposed_headers": ["X-Mine"],
            "max_age": 600,
        }))
        .await;
        let ask = async |origin: &str, method: &str, headers: &str| {
            let answer = preflight(&server, "/sessions/whoami", origin, method, headers).await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""));
            answer
        };
        for origin in
            ["https://a.example.org", "https://a.b.example.org", "https://x.preview.example.com:8443"]
        {
            for (method, headers) in [("GET", "x-session-token"), ("POST", "X-Mine, Accept"), ("GET", "")] {
                let answer = ask(origin, method, headers).await;
                assert_eq!(answer.header("access-control-allow-origin"), origin);
                assert_eq!(answer.header("access-control-allow-credentials"), "true");
                assert_eq!(answer.header("access-control-allow-headers"), headers);
                assert_eq!(answer.header("access-control-allow-methods"), "GET, post");
                assert_eq!(answer.header("access-control-max-age"), "600");
            }
        }
        for (origin, method, headers) in [
            ("https://example.org", "GET", ""),
            ("https://a.example.org.evil.test", "GET", ""),
            ("https://a.example.org", "DELETE", ""),
            ("https://a.example.org", "GET", "x-other"),
            ("https://a.example.org", "GET", "x-mine, x-other"),
        ] {
            let answer = ask(origin, method, headers).await;
            let told = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(told, None, "{origin} {method} {headers}");
        }
        let got =
            server.public("GET", "/sessions/whoami", &[("origin", "https://a.example.org")], None).await;
        assert_eq!((got.status, got.header("access-control-expose-headers")), (401, "X-Mine"));
    }

    #[tokio::test]
    async fn every_header_may_be_allowed() {
        let server = server(json!({"enabled": true, "allowed_headers": ["*"]})).await;
        let answer = preflight(&server, "/sessions/whoami", "https://a.example", "GET", "x-any").await;
        assert_eq!(answer.header("access-control-allow-headers"), "x-any");
    }

    #[tokio::test]
    async fn pages_to_which_browsers_return_may_exchange_codes_and_nothing_else() {
        let urls = json!(["https://*.example.org/in", "https://app.example.net/", "/relative", "myapp://x"]);
        let server = TestServer::configured(json!({"selfservice": {"allowed_return_urls": urls}})).await;
        let ask = async |path: &str, origin: &str, method: &str| {
            let answer = preflight(&server, path, origin, method, "content-type").await;
            answer.header("access-control-allow-origin").to_owned()
        };
        for origin in ["https://app.example.net", "https://a.b.example.org"] {
            assert_eq!(ask("/self-service/exchange", origin, "POST").await, origin);
            assert_eq!(ask("/self-service/exchange", origin, "DELETE").await, "");
            assert_eq!(ask("/sessions/whoami", origin, "GET").await, "");
        }
        for origin in ["https://example.org", "https://app.example.net.evil.test", "null", "myapp://x"] {
            assert_eq!(ask("/self-service/exchange", origin, "POST").await, "", "{origin}");
        }
    }

    #[tokio::test]
    async fn what_is_for_everybody_answers_preflights_of_everybody() {
        let templates = json!({"t": {"jwks_url": "set://k", "issuer": "http://127.0.0.1:4433/tenants/t"}});
        let server = TestServer::start().await;
        assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
        let path = "/services/identity/config/session/whoami/tokenizer/templates";
        let patch = json!([{"op": "add", "path": path, "value": templates}]);
        assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
        for path in [
            "/.well-known/jwks.json",
            "/.well-known/jwks/t.json",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-authorization-server/tenants/t",
            "/.well-known/status/t/0",
            "/tenants/t/.well-known/openid-configuration",
            "/tenants/t/.well-known/oauth-authorization-server",
            "/tenants/t/.well-known/jwks.json",
        ] {
            let asked = preflight(&server, path, "https://a.example", "GET", "if-none-match").await;
            assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, "*"), "{path}");
            assert!(asked.header("access-control-allow-methods").contains("GET"), "{path}");
            assert_eq!(asked.header("access-control-allow-headers"), "*", "{path}");
            assert_eq!(asked.header("access-control-allow-credentials"), "", "{path}");
            let got = server.public("GET", path, &[("origin", "https://a.example")], None).await;
            // There is no list before the first session.
            let is_there = got.status == 200 || path.starts_with("/.well-known/status/");
            assert!(is_there, "{path}: {got:?}");
        }
        for path in
            ["/sessions/whoami", "/self-service/login/browser", "/nowhere", "/x/.well-known/jwks.json"]
        {
            let asked = preflight(&server, path, "https://a.example", "GET", "").await;
            assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, ""), "{path}");
        }
    }
}
