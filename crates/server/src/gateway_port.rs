//! The gateway's port: the questions of proxies, and beside them the server's health.

use std::cell::LazyCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::http::{Request, header};
use axum::response::Response;
use sessera_gateway::port::{CHECK, Immediate};
use sessera_gateway::{Gateway, Health};
use sessera_http::request_ids::{REQUEST_ID, RequestIds};
use sessera_telemetry::{Metrics, Traces};
use tokio_util::sync::CancellationToken;

use crate::app::{App, AppState};
use sessera_contract::answer::Status;
use sessera_contract::health;
use sessera_contract::layers::{self, NO_SNIFFING};
use sessera_contract::observe::{self, Observer, known_method};

/// The name of the port where requests are counted.
pub(crate) const NAME: &str = "gateway";

/// What is answered on the port, ready to be served with its state.
pub(crate) fn router(gateway: Gateway, observer: Observer) -> Router<AppState> {
    let health: Router<AppState> = health::router_of_health().into();
    let observer = Observer { told_inside: &[CHECK], ..observer };
    layers::observed(sessera_gateway::port::routes(gateway).merge(health), observer)
}

/// What answers the questions of proxies from memory, without the router.
pub(crate) struct GatewayShortcut {
    gateway: Gateway,
    request_ids: Arc<RequestIds>,
    metrics: Arc<Metrics>,
    traces: Option<Arc<Traces>>,
}

impl GatewayShortcut {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            gateway: app.gateway.clone(),
            request_ids: app.request_ids.clone(),
            metrics: app.metrics.clone(),
            traces: app.traces.clone(),
        }
    }

    /// Answers a question as the router would, when everything that the answer takes is in memory. Where each answer is
    /// to stand in the log, all of them are the router's.
    pub(crate) fn answer<B>(&self, peer: SocketAddr, request: &Request<B>) -> Option<Response> {
        if observe::is_each_logged() {
            return None;
        }
        let start = Instant::now();
        // A request that goes on to the router gets its id there.
        let id = LazyCell::new(|| self.request_ids.of(request.headers()));
        let span = || observe::span(NAME, &id, Some(peer.ip().to_canonical()));
        let Immediate { mut response, route, steps } = self.gateway.answer_at_once(peer, request, span)?;
        let id = LazyCell::force(&id).clone();
        let (method, status) = (known_method(request.method()), Status::of(&response));
        if let Some(traces) = &self.traces {
            let request = traces.request(start, request.headers(), NAME, method, route, &id);
            traces.token(&request, steps);
            Traces::answered(&request, status);
        }
        response.headers_mut().insert(REQUEST_ID, id);
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
        self.metrics.answered(NAME, route, method, status, start.elapsed());
        Some(response)
    }
}

/// Tells over gRPC whether questions are answered, from now on until the server is `told` to stop. When it does `stop`, nobody
/// watches any longer.
pub(crate) async fn tell_health(health: Health, told: CancellationToken, stop: CancellationToken) {
    health.starts().await;
    told.cancelled().await;
    health.stops().await;
    stop.cancelled().await;
    health.ends().await;
}
