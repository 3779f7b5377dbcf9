//! Bodies are read whole before a handler runs: bounded in size and in time, so that every route answers
//! a large or a slow one in the same way.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use crate::error::ApiError;

/// The largest body of a request in bytes. Larger ones are answered with 413.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// How much of a body that is too large is read and dropped before the answer. A client that is still
/// sending when the connection closes never sees what it is answered.
const MAX_DROPPED: usize = 32 * 1024 * 1024;

/// How long a body may take to arrive. Slower ones are answered with 408.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Reads the body of a request and passes the request on.
pub(crate) async fn read(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(BODY_TIMEOUT, collect(body)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(error)) => error.into_response(),
        Err(_) => {
            let slow = ApiError::request_timeout("Send the whole body within 20 seconds.");
            ([(header::CONNECTION, "close")], slow).into_response()
        }
    }
}

async fn collect(mut body: Body) -> Result<Bytes, ApiError> {
    let mut read = BytesMut::new();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut dropped = 0_usize;
    while announced <= MAX_DROPPED
        && let Some(frame) = body.frame().await
    {
        let frame =
            frame.map_err(|_| ApiError::bad_request("The body ended early. Send the request again."))?;
        let Ok(data) = frame.into_data() else { continue };
        if dropped == 0 && read.len() + data.len() <= MAX_BODY {
            read.extend_from_slice(&data);
            continue;
        }
        dropped += data.len();
        if dropped > MAX_DROPPED {
            break;
        }
    }
    if announced > MAX_DROPPED || dropped > 0 {
        return Err(ApiError::too_large(
            "A request can have a body of 1 MiB at the most. Send less in one request.",
        ));
    }
    Ok(read.freeze())
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::Router;
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::*;

    async fn status_of(body: Body) -> (u16, Bytes) {
        let router =
            Router::new().route("/", post(async |body: Bytes| body)).layer(axum::middleware::from_fn(read));
        let request = Request::post("/").body(body).unwrap();
        let response = router.oneshot(request).await.unwrap();
        (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn bodies_are_passed_on_whole() {
        for length in [0, 1, MAX_BODY] {
            let (status, echoed) = status_of(Body::from(vec![b'x'; length])).await;
            assert_eq!((status, echoed.len()), (200, length));
        }
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused() {
        for length in [MAX_BODY + 1, MAX_DROPPED + MAX_BODY + 1] {
            let (status, answer) = status_of(Body::from(vec![b'x'; length])).await;
            assert_eq!(status, 413);
            assert!(answer.starts_with(b"{\"error\""));
        }
    }

    /// A body that never comes.
    struct Never;

    impl hyper::body::Body for Never {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_too_slowly_is_told_so() {
        let (status, answer) = status_of(Body::new(Never)).await;
        assert_eq!(status, 408);
        assert!(answer.starts_with(b"{\"error\""));
    }
}
