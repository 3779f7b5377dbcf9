//! Requests of other origins (the Fetch standard's CORS protocol).
//!
//! `serve.public.cors` says who may call, and for whom cookies go along ([`Grant::of`]). A server may grant more where it
//! knows an origin otherwise, and what is the same for everybody is read by everybody: such an answer says so itself.

use axum::extract::Request;
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

/// What a page may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// What the configuration says, perhaps with cookies.
    Configured {
        /// Whether cookies go along.
        with_cookies: bool,
    },
    /// Send JSON with POST, without cookies.
    PostJson,
}

/// Answers a request, and says on the answer what a page of its origin may do. One that may do nothing is told nothing.
/// `nothing` is an answer without a body, for browsers that ask before a page calls.
pub async fn answer(
    cors: &Cors,
    grant: Option<Grant>,
    request: Request,
    next: Next,
    nothing: fn() -> Response,
) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let asked = (request.method() == Method::OPTIONS)
        .then(|| request.headers().get(ACCESS_CONTROL_REQUEST_METHOD).cloned())
        .flatten();
    let mut response = match (asked, grant) {
        (Some(method), Some(grant)) if grant.allows(cors, &method, request.headers()) => {
            let mut response = nothing();
            grant.describe(cors, request.headers(), response.headers_mut());
            allow(response.headers_mut(), origin, grant);
            response
        }
        // One that is not allowed gets the answer of the route where it is for everybody, else one that tells nothing.
        (Some(_), _) => {
            let response = next.run(request).await;
            if response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) { response } else { nothing() }
        }
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

/// Whether an origin may call: it is named, or everybody may.
pub fn is_allowed(cors: &Cors, origin: &HeaderValue) -> bool {
    patterns_of(cors, origin).next().is_some()
}

/// Whether an origin is that of a page which `serve.public.cors.allowed_origins` names by a host or a domain. Cookies
/// go along for those only: with them for everybody, every page could read the tokens of whoever opens it.
pub fn is_named(cors: &Cors, origin: &HeaderValue) -> bool {
    patterns_of(cors, origin).any(OriginPattern::is_of_somebody)
}

/// The configured origins that an origin is like.
fn patterns_of<'a>(cors: &'a Cors, origin: &'a HeaderValue) -> impl Iterator<Item = &'a OriginPattern> {
    let origin = origin.to_str().ok().filter(|_| cors.enabled);
    cors.allowed_origins.iter().filter(move |known| origin.is_some_and(|origin| known.matches(origin)))
}

impl Grant {
    /// What the configuration lets an origin do. `None` when it is nothing.
    pub fn of(cors: &Cors, origin: &HeaderValue) -> Option<Self> {
        let with_cookies = cors.allow_credentials && is_named(cors, origin);
        is_allowed(cors, origin).then_some(Self::Configured { with_cookies })
    }

    /// Whether the method and the headers that a page asks for are allowed.
    fn allows(self, cors: &Cors, method: &HeaderValue, headers: &HeaderMap) -> bool {
        let is_method = match self {
            Self::Configured { .. } => cors
                .allowed_methods
                .iter()
                .any(|known| known.as_bytes().eq_ignore_ascii_case(method.as_bytes())),
            Self::PostJson => method == Method::POST.as_str(),
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
            Self::PostJson => is("content-type"),
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
            Self::PostJson => {
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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::response::IntoResponse as _;
    use axum::routing::get;
    use axum::{Router, middleware};
    use serde_json::{Value, json};
    use sessera_config::Config;
    use tower::ServiceExt as _;

    use super::*;

    /// A server with one route, which grants [`Grant::PostJson`] to an origin that the configuration does not know.
    fn server(cors: Value) -> Router {
        let config = Config::from_tree(&json!({ "serve": { "public": { "cors": cors } } })).unwrap();
        let cors = config.public.cors;
        let judge = middleware::from_fn(move |request: Request, next: Next| {
            let cors = cors.clone();
            async move {
                let origin = request.headers().get(ORIGIN);
                let known =
                    origin.filter(|origin| *origin == "https://known.example").map(|_| Grant::PostJson);
                let grant = origin.and_then(|origin| Grant::of(&cors, origin)).or(known);
                answer(&cors, grant, request, next, || ().into_response()).await
            }
        });
        Router::new().route("/", get(async || "here")).layer(judge)
    }

    /// The headers of an answer.
    struct AnswerHeaders(HeaderMap);

    impl AnswerHeaders {
        fn header(&self, name: &str) -> &str {
            self.0.get(name).map_or("", |value| value.to_str().unwrap())
        }
    }

    async fn ask(server: &Router, method: &str, headers: &[(&str, &str)]) -> AnswerHeaders {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = server.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        AnswerHeaders(response.headers().clone())
    }

    async fn preflight(server: &Router, origin: &str, method: &str, headers: &str) -> AnswerHeaders {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ];
        ask(server, "OPTIONS", &headers).await
    }

    #[tokio::test]
    async fn everybody_may_call_but_only_those_named_with_cookies() {
        for origins in
            [json!(["*", "https://app.example.org"]), json!(["https://*", "https://app.example.org"])]
        {
            let server = server(json!({"enabled": true, "allowed_origins": origins}));
            for (origin, cookies) in [("https://app.example.org", "true"), ("https://evil.example", "")] {
                let told = ask(&server, "GET", &[("origin", origin)]).await;
                assert_eq!(told.header("access-control-allow-origin"), origin);
                assert_eq!(told.header("access-control-allow-credentials"), cookies, "{origin}");
            }
        }
    }

    #[tokio::test]
    async fn without_a_list_everybody_may_call_and_without_a_word_nobody() {
        for (cors, allowed) in [(json!({"enabled": true}), "https://a.example"), (json!({}), "")] {
            let told = ask(&server(cors), "GET", &[("origin", "https://a.example")]).await;
            assert_eq!(told.header("access-control-allow-origin"), allowed);
            assert_eq!(told.header("access-control-allow-credentials"), "");
            assert!(told.header("vary").starts_with("Origin"));
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
        }));
        for origin in
            ["https://a.example.org", "https://a.b.example.org", "https://x.preview.example.com:8443"]
        {
            for (method, headers) in [("GET", "x-session-token"), ("POST", "X-Mine, Accept"), ("GET", "")] {
                let told = preflight(&server, origin, method, headers).await;
                assert_eq!(told.header("access-control-allow-origin"), origin);
                assert_eq!(told.header("access-control-allow-credentials"), "true");
                assert_eq!(told.header("access-control-allow-headers"), headers);
                assert_eq!(told.header("access-control-allow-methods"), "GET, post");
                assert_eq!(told.header("access-control-max-age"), "600");
            }
        }
        for (origin, method, headers) in [
            ("https://example.org", "GET", ""),
            ("https://a.example.org.evil.test", "GET", ""),
            ("https://a.example.org", "DELETE", ""),
            ("https://a.example.org", "GET", "x-other"),
            ("https://a.example.org", "GET", "x-mine, x-other"),
        ] {
            let told = preflight(&server, origin, method, headers).await;
            let told = told.0.keys().find(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(told, None, "{origin} {method} {headers}");
        }
        let got = ask(&server, "GET", &[("origin", "https://a.example.org")]).await;
        assert_eq!(got.header("access-control-expose-headers"), "X-Mine");
    }

    #[tokio::test]
    async fn every_header_may_be_allowed() {
        let server = server(json!({"enabled": true, "allowed_headers": ["*"]}));
        let told = preflight(&server, "https://a.example", "GET", "x-any").await;
        assert_eq!(told.header("access-control-allow-headers"), "x-any");
    }

    #[tokio::test]
    async fn what_a_server_grants_besides_is_one_method_and_no_cookies() {
        let server = server(json!({}));
        let origin = "https://known.example";
        let told = preflight(&server, origin, "POST", "content-type").await;
        assert_eq!(told.header("access-control-allow-origin"), origin);
        assert_eq!(told.header("access-control-allow-methods"), "POST");
        assert_eq!(told.header("access-control-allow-credentials"), "");
        for (method, headers) in [("GET", "content-type"), ("POST", "x-mine")] {
            let told = preflight(&server, origin, method, headers).await;
            assert_eq!(told.header("access-control-allow-origin"), "", "{method} {headers}");
        }
    }
}
