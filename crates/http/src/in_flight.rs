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

/// The requests of one connection that are watched while they wait for their client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched(Arc<Mutex<Begun>>);

/// When they began, in that order.
#[derive(Debug, Default)]
struct Begun {
    next: u64,
    at: BTreeMap<u64, Instant>,
}

impl Begun {
    /// Adds a request that begins now, and returns its number.
    fn add(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.at.insert(number, Instant::now());
        number
    }
}

impl Watched {
    /// Watches a request from now on.
    pub(crate) fn begin(&self) -> Request {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = begun.add();
        drop(begun);
        Request { of: self.clone(), number: Some(number) }
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
    /// Absent while it waits for the server.
    number: Option<u64>,
}

impl Request {
    /// The client has taken what there was, and waits for more.
    fn waits_for_the_server(&mut self) {
        if let Some(number) = self.number.take() {
            self.of.0.lock().unwrap_or_else(PoisonError::into_inner).at.remove(&number);
        }
    }

    /// There is something that the client has to take from now on.
    fn waits_for_the_client(&mut self) {
        let mut begun = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = self.number {
            begun.at.remove(&number);
        }
        self.number = Some(begun.add());
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.waits_for_the_server();
    }
}

/// What a request holds until its answer has been sent.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// Its place among those that the port may have, where it takes one.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    /// That it is watched, where it is.
    pub(crate) request: Option<Request>,
}

impl InFlight {
    /// A body with which the place is given up.
    pub(crate) fn with(self, body: Body) -> Body {
        if self.permit.is_none() && self.request.is_none() {
            return body;
        }
        Body::new(Held { body, in_flight: self, parts: 0 })
    }
}

struct Held {
    body: Body,
    in_flight: InFlight,
    /// How many parts were there already.
    parts: u64,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // It is polled when the client has room for more.
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let held = &mut *self;
        if let Some(request) = &mut held.in_flight.request {
            match &polled {
                Poll::Pending => request.waits_for_the_server(),
                // Most answers have one part, whose time began with the request.
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    held.parts += 1;
                    if held.parts > 1 || request.number.is_none() {
                        request.waits_for_the_client();
                    }
                }
                Poll::Ready(_) => {}
            }
        }
        polled
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
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_stalled_when_its_oldest_request_has() {
        let (watched, limit) = (Watched::default(), Duration::from_secs(60));
        let begun = Instant::now();
        let first = watched.begin();
        sleep(Duration::from_secs(30)).await;
        let in_flight = InFlight { permit: None, request: Some(watched.begin()) };
        drop(first);
        let answer = in_flight.with(Body::from("x"));
        watched.stalled(limit).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(90), "the first one has ended");
        drop(answer);
        let quiet = tokio::time::timeout(Duration::from_secs(1000), watched.stalled(limit)).await;
        assert!(quiet.is_err(), "nothing is in flight");
    }

    /// A body that has a part whenever there is something to say.
    struct Sayings(Arc<Mutex<bool>>);

    impl HttpBody for Sayings {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            if std::mem::take(&mut *self.0.lock().unwrap()) {
                Poll::Ready(Some(Ok(Frame::data(Bytes::from("x")))))
            } else {
                Poll::Pending
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_waits_for_the_server_has_not_stalled() {
        let (watched, limit) = (Watched::default(), Duration::from_secs(60));
        let in_flight = InFlight { permit: None, request: Some(watched.begin()) };
        let to_say = Arc::new(Mutex::new(false));
        let mut answer = in_flight.with(Body::new(Sayings(to_say.clone())));
        let mut is_said = async || {
            poll_fn(|context| Poll::Ready(Pin::new(&mut answer).poll_frame(context).is_ready())).await
        };
        for _ in 0..3 {
            assert!(!is_said().await, "the server has nothing to say");
            let quiet = tokio::time::timeout(Duration::from_secs(1000), watched.stalled(limit)).await;
            assert!(quiet.is_err());
            *to_say.lock().unwrap() = true;
            assert!(is_said().await);
        }
        let begun = Instant::now();
        watched.stalled(limit).await;
        assert_eq!(begun.elapsed(), limit, "the client takes no more");
    }
}
