//! Bodies are read whole before a handler runs: bounded in size, in time and in memory, so that every route answers
//! a large or a slow one in the same way.
//!
//! What has arrived lies in pieces of one size, so a body that is half sent costs what was sent and one piece at the
//! most, whatever length it announces. All pieces of a port come out of one budget, and so many requests at the most wait
//! for their bodies. One client gets a share of both, so that it cannot keep everybody else waiting. Whoever finds the one
//! or the other used up is told to come back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use crate::peer::Peer;

mod room;

pub use room::Full;
use room::{Amount, Room, RoomShare};

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
    room: Arc<Room>,
    client: ClientOf,
    largest: Largest,
    refused: Refused,
}

/// Which client sends a request, by its headers and the other end of its connection; `None` where clients are not bounded
/// one by one.
pub type ClientOf = Arc<dyn Fn(&HeaderMap, Peer) -> Option<IpAddr> + Send + Sync>;

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
    /// The budget is used up or as many requests wait for their bodies as may, of this client or of all together.
    NoRoom,
    /// It did not arrive within [`BODY_TIMEOUT`]. The connection is of no more use.
    TooSlow,
    /// It ended before its end.
    Cut,
}

impl Bodies {
    /// Bodies with a budget of their own.
    pub fn new(client: ClientOf, full: Full, largest: Largest, refused: Refused) -> Self {
        let most = Amount { places: WAITING, pieces: BUDGET / PIECE };
        Self { room: Arc::new(Room::new(most, full)), client, largest, refused }
    }
}

/// Reads the body of a request and passes the request on. The body counts against the budget until the handler has
/// answered.
pub async fn read(State(bodies): State<Bodies>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(peer) = Peer::from_request_parts(&mut parts, &()).await;
    let mut guest = RoomShare::new(bodies.room.clone(), (bodies.client)(&parts.headers, peer));
    if !guest.take(Amount::PLACE) {
        return (bodies.refused)(Refusal::NoRoom);
    }
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let largest = (bodies.largest)(&parts.method, route);
    match tokio::time::timeout(BODY_TIMEOUT, collect(body, largest, guest)).await {
        Ok(Ok(arrived)) => {
            let (bytes, mut guest) = arrived.joined();
            let bytes = without_mark(bytes);
            guest.has_arrived();
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            drop(guest);
            response
        }
        Ok(Err(refusal)) => (bodies.refused)(refusal),
        Err(_) => (bodies.refused)(Refusal::TooSlow),
    }
}

/// A body without the byte order mark (U+FEFF) with which some programs begin a text. RFC 8259, section 8.1, lets those who
/// read JSON pass over it, and nothing else that is sent here begins with one.
fn without_mark(body: Bytes) -> Bytes {
    let mark = "\u{FEFF}".as_bytes();
    if body.starts_with(mark) { body.slice(mark.len()..) } else { body }
}

async fn collect(mut body: Body, largest: usize, guest: RoomShare) -> Result<Arrived, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut arrived = Arrived::new(guest);
    let mut refusal = (announced > largest).then_some(Refusal::TooLarge { largest });
    let mut dropped = 0_usize;
    while announced <= MAX_DROPPED
        && dropped <= MAX_DROPPED
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|_| Refusal::Cut)?;
        let Ok(data) = frame.into_data() else { continue };
        if refusal.is_none()
            && let Err(refused) = arrived.add(&data, largest)
        {
            refusal = Some(refused);
            arrived.forget();
        }
        if refusal.is_some() {
            dropped += data.len();
        }
    }
    refusal.map_or(Ok(arrived), Err)
}

/// What has arrived of a body.
struct Arrived {
    /// All pieces are full but the last one.
    pieces: Vec<Vec<u8>>,
    length: usize,
    /// The room that it takes.
    guest: RoomShare,
}

impl Arrived {
    fn new(guest: RoomShare) -> Self {
        Self { pieces: Vec::new(), length: 0, guest }
    }

    fn add(&mut self, mut data: &[u8], largest: usize) -> Result<(), Refusal> {
        if data.len() > largest - self.length {
            return Err(Refusal::TooLarge { largest });
        }
        self.length += data.len();
        while !data.is_empty() {
            let piece = match self.pieces.last_mut() {
                Some(piece) if piece.len() < PIECE => piece,
                _ => self.new_piece()?,
            };
            let (fitting, rest) = data.split_at(data.len().min(PIECE - piece.len()));
            piece.extend_from_slice(fitting);
            data = rest;
        }
        Ok(())
    }

    fn new_piece(&mut self) -> Result<&mut Vec<u8>, Refusal> {
        if !self.guest.take(Amount::PIECE) {
            return Err(Refusal::NoRoom);
        }
        Ok(self.pieces.push_mut(Vec::with_capacity(PIECE)))
    }

    /// Drops what has arrived. The request keeps its place while the rest is read away.
    fn forget(&mut self) {
        self.pieces = Vec::new();
        self.guest.give_pieces_back();
    }

    /// The whole body, with the room that it takes. Each piece is dropped as soon as it is copied.
    fn joined(mut self) -> (Bytes, RoomShare) {
        if let [_] = self.pieces.as_slice() {
            return (self.pieces.remove(0).into(), self.guest);
        }
        let mut whole = Vec::with_capacity(self.length);
        for piece in self.pieces {
            whole.extend_from_slice(&piece);
        }
        (whole.into(), self.guest)
    }
}

#[cfg(test)]
mod tests;
