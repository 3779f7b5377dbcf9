//! What is noted of every request: its id, its route, its status, its time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::context::FutureExt as _;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::answer::Status;
use sessera_telemetry::{Metrics, Traces};

/// The header with the id of a request, in requests and in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id of a request that is taken over.
const MAX_ID: usize = 128;

/// Gives requests their ids: a part that is random for every start, and a number.
#[derive(Debug)]
pub struct RequestIds {
    start: [u8; 16],
    next: AtomicU64,
}

impl RequestIds {
    /// Ids that begin with `start`.
    pub fn new(start: u64) -> Self {
        Self { start: hexadecimal(start), next: AtomicU64::new(1) }
    }

    /// The id of a request: the one that a proxy gave it, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let given = headers.get(REQUEST_ID).filter(|id| {
            let bytes = id.as_bytes();
            (1..=MAX_ID).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
        });
        given.cloned().unwrap_or_else(|| {
            let mut id = [b'-'; 33];
            id[..16].copy_from_slice(&self.start);
            id[17..].copy_from_slice(&hexadecimal(self.next.fetch_add(1, Ordering::Relaxed)));
            // Hexadecimal digits and a hyphen.
            HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("none"))
        })
    }
}

fn hexadecimal(number: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|at| DIGITS[(number >> (60 - 4 * at) & 15) as usize])
}

/// Where a request arrived, and what it is counted in.
#[derive(Clone)]
pub(crate) struct Observer {
    /// `public` or `admin`.
    pub(crate) api: &'static str,
    /// Where requests get their ids from.
    pub(crate) request_ids: Arc<RequestIds>,
    /// Where requests are counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Traces of requests, where they are configured.
    pub(crate) traces: Option<Arc<Traces>>,
}

/// Counts a request and puts its id into the log and the answer.
pub(crate) async fn note(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    let Observer { api, request_ids, metrics, traces } = observer;
    let start = Instant::now();
    let id = request_ids.of(request.headers());
    // A path that does not exist is no label: anybody could make more of them than memory holds.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = match request.method().as_str() {
        known @ ("GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS") => known,
        _ => "other",
    };
    let method = method.to_owned();
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
        traces.as_ref().map(|traces| traces.request(start, request.headers(), api, &method, route, &id));
    let work = next.run(request).instrument(span.clone());
    let mut response = match &traced {
        Some(context) => work.with_context(context.clone()).await,
        None => work.await,
    };
    let (status, took) = (Status::of(&response), start.elapsed());
    if let Some(context) = &traced {
        Traces::answered(context, status.told());
    }
    metrics.answered(api, route, &method, status.told(), took);
    span.in_scope(|| tracing::debug!(api, route, method, status = status.code(), ?took, "answered"));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_two_hexadecimal_numbers() {
        let ids = RequestIds::new(0xABC);
        let none = HeaderMap::new();
        assert_eq!(ids.of(&none), "0000000000000abc-0000000000000001");
        assert_eq!(ids.of(&none), "0000000000000abc-0000000000000002");
    }
}
