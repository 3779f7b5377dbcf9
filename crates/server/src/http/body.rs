//! Bodies are read whole before a handler runs: bounded in size, in time and in memory, so that every route answers
//! a large or a slow one in the same way.
//!
//! What has arrived lies in pieces of one size, so a body that is half sent costs what was sent and one piece at the
//! most, whatever length it announces. All pieces of a port come out of one budget. Whoever finds it used up is told to
//! come back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// The bytes that all bodies of a port may take in memory at the same time.
const BUDGET: usize = 32 * 1024 * 1024;

/// In what pieces the budget is given out, in bytes.
const PIECE: usize = 8 * 1024;

/// How much of a body that is refused is read and dropped before the answer. A client that is still
/// sending when the connection closes never sees what it is answered.
const MAX_DROPPED: usize = 32 * 1024 * 1024;

/// How long a body may take to arrive. Slower ones are answered with 408.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The largest body in bytes of routes that need no more, or none at all.
pub(crate) const SMALL: usize = 64 * 1024;

/// How bodies are read on a port.
#[derive(Clone)]
pub(crate) struct Bodies {
    budget: Arc<Semaphore>,
    largest: Largest,
}

/// The largest body in bytes that a route takes, by its method and its path as it stands in the router. The path is
/// empty where there is no route. Larger bodies are answered with 413.
pub(crate) type Largest = fn(&Method, &str) -> usize;

impl Bodies {
    /// Bodies with a budget of their own.
    pub(crate) fn new(largest: Largest) -> Self {
        Self { budget: Arc::new(Semaphore::new(BUDGET / PIECE)), largest }
    }
}

/// Reads the body of a request and passes the request on. The body counts against the budget until the handler has
/// answered.
pub(crate) async fn read(State(bodies): State<Bodies>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let largest = (bodies.largest)(&parts.method, route);
    match tokio::time::timeout(BODY_TIMEOUT, collect(body, largest, &bodies.budget)).await {
        Ok(Ok(arrived)) => {
            let (bytes, share) = arrived.joined();
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            drop(share);
            response
        }
        Ok(Err(error)) => error.into_response(),
        Err(_) => {
            let slow = ApiError::request_timeout("Send the whole body within 20 seconds.");
            ([(header::CONNECTION, "close")], slow).into_response()
        }
    }
}

/// Why a body is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    TooLarge,
    NoRoom,
}

async fn collect(mut body: Body, largest: usize, budget: &Arc<Semaphore>) -> Result<Arrived, ApiError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut arrived = Arrived::default();
    let mut refusal = (announced > largest).then_some(Refusal::TooLarge);
    let mut dropped = 0_usize;
    while announced <= MAX_DROPPED
        && dropped <= MAX_DROPPED
        && let Some(frame) = body.frame().await
    {
        let frame =
            frame.map_err(|_| ApiError::bad_request("The body ended early. Send the request again."))?;
        let Ok(data) = frame.into_data() else { continue };
        if refusal.is_none()
            && let Err(refused) = arrived.add(&data, largest, budget)
        {
            refusal = Some(refused);
            arrived = Arrived::default();
        }
        if refusal.is_some() {
            dropped += data.len();
        }
    }
    match refusal {
        None => Ok(arrived),
        Some(Refusal::TooLarge) => Err(ApiError::too_large(format!(
            "This route takes a body of {} KiB at the most. Send less in one request.",
            largest / 1024
        ))),
        Some(Refusal::NoRoom) => Err(ApiError::unavailable(
            "The server holds as many bodies of requests as it has memory for. Try again shortly.",
        )),
    }
}

/// What has arrived of a body.
#[derive(Default)]
struct Arrived {
    /// All pieces are full but the last one.
    pieces: Vec<Vec<u8>>,
    length: usize,
    /// What all pieces take of the budget.
    share: Option<OwnedSemaphorePermit>,
}

impl Arrived {
    fn add(&mut self, mut data: &[u8], largest: usize, budget: &Arc<Semaphore>) -> Result<(), Refusal> {
        if data.len() > largest - self.length {
            return Err(Refusal::TooLarge);
        }
        self.length += data.len();
        while !data.is_empty() {
            let piece = match self.pieces.last_mut() {
                Some(piece) if piece.len() < PIECE => piece,
                _ => self.new_piece(budget)?,
            };
            let (fitting, rest) = data.split_at(data.len().min(PIECE - piece.len()));
            piece.extend_from_slice(fitting);
            data = rest;
        }
        Ok(())
    }

    fn new_piece(&mut self, budget: &Arc<Semaphore>) -> Result<&mut Vec<u8>, Refusal> {
        let more = budget.clone().try_acquire_owned().map_err(|_| Refusal::NoRoom)?;
        match &mut self.share {
            Some(share) => share.merge(more),
            none => *none = Some(more),
        }
        Ok(self.pieces.push_mut(Vec::with_capacity(PIECE)))
    }

    /// The whole body, with what it takes of the budget. Each piece is dropped as soon as it is copied.
    fn joined(mut self) -> (Bytes, Option<OwnedSemaphorePermit>) {
        if let [_] = self.pieces.as_slice() {
            return (self.pieces.remove(0).into(), self.share);
        }
        let mut whole = Vec::with_capacity(self.length);
        for piece in self.pieces {
            whole.extend_from_slice(&piece);
        }
        (whole.into(), self.share)
    }
}

#[cfg(test)]
mod tests;
