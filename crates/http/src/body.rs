//! Bodies are read whole before a handler runs: bounded in size, in time and in memory, so that every route answers
//! a large or a slow one in the same way.
//!
//! What has arrived lies in pieces of one size, so a body that is half sent costs what was sent and one piece at the
//! most, whatever length it announces. All pieces of a port come out of one budget, and so many requests at the most wait
//! for their bodies. Whoever finds either used up is told to come back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that all bodies of a port may take in memory at the same time.
const BUDGET: usize = 32 * 1024 * 1024;

/// In what pieces the budget is given out, in bytes.
const PIECE: usize = 8 * 1024;

/// How many requests of a port may wait for their bodies at the same time. Each takes some 20 KiB, whatever it sends.
const WAITING: usize = 1024;

/// How much of a body that is refused is read and dropped before the answer. A client that is still
/// sending when the connection closes never sees what it is answered.
const MAX_DROPPED: usize = 32 * 1024 * 1024;

/// How long a body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The largest body in bytes of routes that need no more, or none at all.
pub const SMALL: usize = 64 * 1024;

/// How bodies are read on a port.
#[derive(Clone)]
pub struct Bodies {
    budget: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    largest: Largest,
    refused: Refused,
}

/// The largest body in bytes that a route takes, by its method and its path as it stands in the router. The path is
/// empty where there is no route.
pub type Largest = fn(&Method, &str) -> usize;

/// What is answered to a request whose body is refused.
pub type Refused = fn(Refusal) -> Response;

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is larger than its route takes.
    TooLarge {
        /// How large it may be, in bytes.
        largest: usize,
    },
    /// The budget is used up, or as many requests wait for their bodies as may.
    NoRoom,
    /// It did not arrive within [`BODY_TIMEOUT`]. The connection is of no more use.
    TooSlow,
    /// It ended before its end.
    Cut,
}

impl Bodies {
    /// Bodies with a budget of their own.
    pub fn new(largest: Largest, refused: Refused) -> Self {
        let (budget, waiting) = (Semaphore::new(BUDGET / PIECE), Semaphore::new(WAITING));
        Self { budget: Arc::new(budget), waiting: Arc::new(waiting), largest, refused }
    }
}

/// Reads the body of a request and passes the request on. The body counts against the budget until the handler has
/// answered.
pub async fn read(State(bodies): State<Bodies>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let Ok(waiting) = bodies.waiting.try_acquire() else { return (bodies.refused)(Refusal::NoRoom) };
    let (parts, body) = request.into_parts();
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let largest = (bodies.largest)(&parts.method, route);
    match tokio::time::timeout(BODY_TIMEOUT, collect(body, largest, &bodies.budget)).await {
        Ok(Ok(arrived)) => {
            let (bytes, share) = arrived.joined();
            drop(waiting);
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            drop(share);
            response
        }
        Ok(Err(refusal)) => (bodies.refused)(refusal),
        Err(_) => (bodies.refused)(Refusal::TooSlow),
    }
}

async fn collect(mut body: Body, largest: usize, budget: &Arc<Semaphore>) -> Result<Arrived, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut arrived = Arrived::default();
    let mut refusal = (announced > largest).then_some(Refusal::TooLarge { largest });
    let mut dropped = 0_usize;
    while announced <= MAX_DROPPED
        && dropped <= MAX_DROPPED
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|_| Refusal::Cut)?;
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
    refusal.map_or(Ok(arrived), Err)
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
            return Err(Refusal::TooLarge { largest });
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
