//! What is noted of every request: its id, its route, its status, its time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::context::FutureExt as _;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::answer::Status;
use sessera_http::peer::{Peer, user_agent};
use sessera_http::request_ids::{REQUEST_ID, RequestIds};
use sessera_store::Asked;
use sessera_telemetry::traces::ToldInside;
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
    /// Routes whose requests carry another request in their bodies. Where they name no trace themselves, that one may.
    pub told_inside: &'static [&'static str],
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

/// What the log says of a request in each line about it.
pub fn span(api: &str, id: &HeaderValue, peer: Option<IpAddr>) -> Span {
    // The client's own address where a proxy asks for it, and who it is, are filled in when they are known.
    tracing::error_span!(
        "request",
        id = id.to_str().unwrap_or_default(),
        api,
        client = peer.map(tracing::field::display),
        identity_id = Empty,
    )
}

/// Counts a request and puts its id into the log and the answer.
pub async fn note(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let Observer { api, request_ids, metrics, traces, told_inside } = observer;
    let start = Instant::now();
    let id = request_ids.of(request.headers());
    // A path that does not exist is no label: anybody could make more of them than memory holds.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = known_method(request.method());
    let Peer(peer) = Peer::of(request.extensions());
    let span = span(api, &id, peer);
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let is_inside = told_inside.contains(&route) && !ToldInside::is_in(request.headers());
    let inside = traces.as_ref().filter(|_| is_inside);
    let inside = inside.map(|traces| traces.request_told_inside(start, api, method, route, &id));
    let traced = traces.as_ref().filter(|_| !is_inside);
    let traced = traced.map(|traces| traces.request(start, request.headers(), api, method, route, &id));
    if let Some(inside) = &inside {
        request.extensions_mut().insert(inside.clone());
    }
    let asked = Asked {
        request_id: id.to_str().unwrap_or_default().to_owned(),
        address: peer,
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
        Traces::answered(context, status);
    }
    if let Some(inside) = &inside {
        inside.answered(status);
    }
    metrics.answered(api, route, method, status, took);
    span.in_scope(|| tracing::debug!(api, route, method, status = status.code(), ?took, "answered"));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}
