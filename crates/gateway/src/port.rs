//! What is answered on the gateway's port: questions over HTTP and over gRPC.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http;
use axum::response::Response;
use axum::routing::any;
use sessera_http::peer::Peer;
use sessera_issuer::tokens::TokenSteps;
use tracing::Span;

use crate::answer;
pub use crate::asked::CHECK;
use crate::asked::{self, AUTH_REQUEST, EXT_AUTHZ, FORWARD_AUTH};
use crate::client;
use crate::gateway::Gateway;
#[cfg(feature = "grpc")]
use crate::grpc;

/// An answer that needed no waiting.
pub struct Immediate {
    /// The answer.
    pub response: Response,
    /// The path of the dialect, as requests are counted by it.
    pub route: &'static str,
    /// The steps of a token that was made for it.
    pub steps: TokenSteps,
}

impl Gateway {
    /// Answers a question over HTTP without the router where that needs no waiting; nothing where it does. `span` makes the
    /// one in which the log hears of the request, if it hears anything.
    pub fn answer_at_once<B>(
        &self,
        peer: SocketAddr,
        request: &http::Request<B>,
        span: impl Fn() -> Span,
    ) -> Option<Immediate> {
        let question = asked::question(request)?;
        let peer = Some(peer.ip().to_canonical());
        let noted = || {
            let span = span();
            span.in_scope(|| client::note(self, peer, question.headers));
            span
        };
        let (decision, steps) = self.decide_at_once(peer, &question, noted)?;
        let route = match request.uri().path() {
            AUTH_REQUEST => AUTH_REQUEST,
            FORWARD_AUTH => FORWARD_AUTH,
            _ => EXT_AUTHZ_ROUTE,
        };
        Some(Immediate { response: answer::over_http(&question, decision), route, steps })
    }
}

/// The route of the dialect whose paths are those of all requests.
const EXT_AUTHZ_ROUTE: &str = "/ext-authz/{route}/{*path}";

/// The routes of the port. The server puts its layers around them.
pub fn routes<S: Clone + Send + Sync + 'static>(gateway: Gateway) -> Router<S> {
    let ask = any(over_http).with_state::<S>(gateway.clone());
    let router = Router::new()
        .route(AUTH_REQUEST, ask.clone())
        .route(FORWARD_AUTH, ask.clone())
        .route(&format!("{EXT_AUTHZ}{{route}}/"), ask.clone())
        .route(EXT_AUTHZ_ROUTE, ask)
        .fallback(async || answer::nothing_here());
    over_grpc(router, gateway)
}

#[cfg(feature = "grpc")]
fn over_grpc<S: Clone + Send + Sync + 'static>(router: Router<S>, gateway: Gateway) -> Router<S> {
    router.merge(grpc::routes(gateway))
}

#[cfg(not(feature = "grpc"))]
fn over_grpc<S: Clone + Send + Sync + 'static>(router: Router<S>, _: Gateway) -> Router<S> {
    router.route(CHECK, any(async || answer::no_grpc()))
}

async fn over_http(State(gateway): State<Gateway>, Peer(peer): Peer, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let request = Request::from_parts(parts, ());
    match asked::question(&request) {
        Some(question) => {
            client::note(&gateway, peer, question.headers);
            let decision = gateway.decide(peer, &question).await;
            answer::over_http(&question, decision)
        }
        None => answer::nothing_here(),
    }
}
