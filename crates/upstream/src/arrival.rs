//! Whether the body of a request has come to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Tells, while a body is passed on, whether it is still on its way from its client.
#[derive(Clone, Debug)]
pub struct Arrival(Arc<AtomicBool>);

impl Arrival {
    /// Looks at a body while it is passed on.
    pub fn of(body: Body) -> (Body, Self) {
        let arrival = Self(Arc::new(AtomicBool::new(body.is_end_stream())));
        (Body::new(Noticed { body, arrival: arrival.clone() }), arrival)
    }

    /// Whether all of it has come.
    pub fn is_complete(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Noticed {
    body: Body,
    arrival: Arrival,
}

impl HttpBody for Noticed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.arrival.0.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_is_complete_when_its_last_byte_has_come() {
        let (body, arrival) = Arrival::of(Body::empty());
        assert!(arrival.is_complete() && body.is_end_stream());
        let (mut body, arrival) = Arrival::of(Body::from("all of it"));
        assert!(!arrival.is_complete());
        body.frame().await.unwrap().unwrap();
        assert!(arrival.is_complete());
    }
}
