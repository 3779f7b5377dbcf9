//! Requests in flight: how many a port may have, and how long one may be that its client does not let end.
//!
//! A connection of HTTP/1 has one at a time, which its time-outs bound. One of HTTP/2 has several, and whoever asks takes
//! their answers when they like, so each is watched.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until};

/// The requests of one connection that are watched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched(Arc<Mutex<Begun>>);

/// When they began, in that order.
#[derive(Debug, Default)]
struct Begun {
    next: u64,
    at: BTreeMap<u64, Instant>,
}

impl Watched {
    /// Watches a request from now on.
    pub(crate) fn begin(&self) -> Request {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = begun.next;
        begun.next += 1;
        begun.at.insert(number, Instant::now());
        Request { of: self.clone(), number }
    }

    /// Whether any request was watched.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next > 0
    }

    /// Returns when a request has been in flight for so long.
    pub(crate) async fn stalled(&self, limit: Duration) {
        loop {
            let oldest = self.0.lock().unwrap_or_else(PoisonError::into_inner).at.values().next().copied();
            match oldest {
                Some(at) if at.elapsed() >= limit => return,
                Some(at) => sleep_until(at + limit).await,
                None => sleep(limit).await,
            }
        }
    }
}

/// A request that is watched until this is dropped.
#[derive(Debug)]
pub(crate) struct Request {
    of: Watched,
    number: u64,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.of.0.lock().unwrap_or_else(PoisonError::into_inner).at.remove(&self.number);
    }
}

/// What a request holds until its answer has been sent.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its place among those that the port may have, where it takes one.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    /// That it is watched, where it is.
    pub(crate) request: Option<Request>,
}

impl Place {
    /// A body with which the place is given up.
    pub(crate) fn with(self, body: Body) -> Body {
        if self.permit.is_none() && self.request.is_none() {
            return body;
        }
        Body::new(Held { body, _place: self })
    }
}

struct Held {
    body: Body,
    _place: Place,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_stalled_when_its_oldest_request_has() {
        let (watched, limit) = (Watched::default(), Duration::from_secs(60));
        let begun = Instant::now();
        let first = watched.begin();
        sleep(Duration::from_secs(30)).await;
        let place = Place { permit: None, request: Some(watched.begin()) };
        drop(first);
        let answer = place.with(Body::from("x"));
        watched.stalled(limit).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(90), "the first one has ended");
        drop(answer);
        let quiet = tokio::time::timeout(Duration::from_secs(1000), watched.stalled(limit)).await;
        assert!(quiet.is_err(), "nothing is in flight");
    }
}
