//! What pages of other origins may do here.
//!
//! `serve.public.cors` says who may call, perhaps with cookies. Besides, a page to which browsers may return can
//! exchange its one-time code for a token, without cookies.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use sessera_http::cors::{self, Grant};
use url::Url;

use sessera_contract::answer;
use sessera_node::{Snapshot, Snapshots};

/// What requests of other origins are judged by.
#[derive(Clone)]
pub(crate) struct Judge {
    /// The configuration of the moment.
    pub(crate) snapshots: Snapshots,
    /// The path at which pages to which browsers may return exchange their codes.
    pub(crate) exchange: &'static str,
}

/// Judges a request, and says on its answer what a page of its origin may do. One that may do nothing is told
/// nothing.
pub(crate) async fn judge(State(judge): State<Judge>, request: Request, next: Next) -> Response {
    let snapshot = judge.snapshots.current();
    let cors = &snapshot.config.public.cors;
    let is_exchange = request.uri().path() == judge.exchange;
    let grant = request.headers().get(header::ORIGIN).and_then(|origin| {
        let exchange = || (is_exchange && may_exchange(&snapshot, origin)).then_some(Grant::PostJson);
        Grant::of(cors, origin).or_else(exchange)
    });
    cors::answer(cors, grant, request, next, answer::no_content).await
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{Answer, TestServer};

    async fn preflight(server: &TestServer, path: &str, origin: &str, method: &str, headers: &str) -> Answer {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ];
        server.public("OPTIONS", path, &headers, None).await
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
