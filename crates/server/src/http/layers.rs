//! What wraps every router: limits on bodies and times, a request id in the log, no lost panics.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::ApiError;

/// The largest body of a request in bytes. Larger ones are answered with 413.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// How long a request may take in all, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Wraps a router.
pub(crate) fn wrap(router: Router) -> Router {
    router.layer(DefaultBodyLimit::max(MAX_BODY)).layer(middleware::from_fn(bounded)).layer(
        CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| {
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown");
            ApiError::internal(format!("a handler panicked: {what}")).into_response()
        }),
    )
}

async fn bounded(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The request took too long.",
            "The server gave up waiting. Try again shortly; if it happens often, look at the load of the server.",
        )
        .with_retry_after(Duration::from_secs(1))
        .into_response(),
    }
}
