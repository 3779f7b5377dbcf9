//! What is noted of every request: its id, its route, its status, its time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::context::FutureExt as _;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::answer::Status;
use sessera_http::peer::user_agent;
use sessera_http::request_ids::{REQUEST_ID, RequestIds};
use sessera_store::Asked;
use sessera_telemetry::{Metrics, Traces};

/// Where a request arrived, and what it is counted in.
#[derive(Clone)]
pub struct Observer {
    /// `public` or `admin`.
    pub api: &'static str,
    /// Where requests get their ids from.
    pub request_ids: Arc<RequestIds>,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// Traces of requests, where they are configured.
    pub traces: Option<Arc<Traces>>,
}

/// The name of a method where it is counted. Anybody can make up more of them than memory holds.
pub fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("other")
}

/// Whether each answer is to stand in the log.
pub fn is_each_logged() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

/// Counts a request and puts its id into the log and the answer.
pub async fn note(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    let Observer { api, request_ids, metrics, traces } = observer;
    let start = Instant::now();
    let id = request_ids.of(request.headers());
    // A path that does not exist is no label: anybody could make more of them than memory holds.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = known_method(request.method());
    // The client's own address where a proxy asks for it, and who it is, are filled in when they are known.
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let span = tracing::error_span!(
        "request",
        id = id.to_str().unwrap_or_default(),
        api,
        client = peer.map(|ConnectInfo(address)| display(address.ip().to_canonical())),
        identity_id = Empty,
    );
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let traced =
        traces.as_ref().map(|traces| traces.request(start, request.headers(), api, method, route, &id));
    let asked = Asked {
        request_id: id.to_str().unwrap_or_default().to_owned(),
        address: peer.map(|ConnectInfo(address)| address.ip().to_canonical()),
        user_agent: user_agent(request.headers()),
        ..Asked::default()
    };
    let work = asked.during(next.run(request)).instrument(span.clone());
    let mut response = match &traced {
        Some(context) => work.with_context(context.clone()).await,
        None => work.await,
    };
    let (status, took) = (Status::of(&response), start.elapsed());
    if let Some(context) = &traced {
        Traces::answered(context, status.told());
    }
    metrics.answered(api, route, method, status.told(), took);
    span.in_scope(|| tracing::debug!(api, route, method, status = status.code(), ?took, "answered"));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}
