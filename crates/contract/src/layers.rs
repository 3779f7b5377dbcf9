//! What wraps every router: one answer for paths and methods that do not exist, a limit on times, no lost
//! panics.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use sessera_http::body::{self, Bodies, ClientOf, Full, Largest};
use sessera_http::sound;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::answer;
use crate::answer::ApiError;
use crate::observe::{self, Observer};

/// How long a request may take in all, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Tells browsers to take every answer for what its media type says, and for nothing that its bytes look like.
pub const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");

/// Answers for what no route answers, and reads bodies for those that are there: see [`read_bodies`].
pub fn complete<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    largest: Largest,
    client: ClientOf,
    observer: &Observer,
) -> Router<S> {
    let router = router
        .fallback(async || {
            ApiError::not_found("There is no such path. See /openapi.json for those that exist.")
        })
        .method_not_allowed_fallback(async || ApiError::method_not_allowed());
    read_bodies(router, largest, client, observer)
}

/// Reads the bodies of requests before their handlers run. `largest` says how large they may be, and `client` whose they
/// are, so that one client does not take the room of all.
pub fn read_bodies<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    largest: Largest,
    client: ClientOf,
    observer: &Observer,
) -> Router<S> {
    let refused = |room| observer.metrics.bodies_refused.with_label_values(&[observer.api, room]);
    let full = Full { api: observer.api, share: refused("share"), whole: refused("whole") };
    let bodies = Bodies::new(client, full, largest, answer::refused_body);
    router.layer(middleware::from_fn_with_state(bodies, body::read))
}

/// Wraps the router of an API that has its other layers already.
pub fn wrap<S: Clone + Send + Sync + 'static>(router: Router<S>, observer: Observer) -> Router<S> {
    observed(router.layer(middleware::from_fn(understood)), observer)
}

/// Wraps a router whose requests are observed, and which judges itself whether they are sound.
pub fn observed<S: Clone + Send + Sync + 'static>(router: Router<S>, observer: Observer) -> Router<S> {
    let caught = CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("unknown");
        ApiError::internal(format!("a handler panicked: {what}")).into_response()
    });
    router
        .layer(middleware::from_fn(bounded))
        .layer(caught)
        .layer(middleware::from_fn_with_state(observer, observe::note))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING))
}

/// Passes a request on, or says why it cannot be understood.
async fn understood(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let mut judged = sound::judge(headers, request.uri().query().unwrap_or_default());
    if judged.is_ok() && !request.body().is_end_stream() {
        judged = sound::judge_body(headers);
    }
    match judged {
        Ok(()) => next.run(request).await,
        Err(unsound) => ApiError::from(unsound).into_response(),
    }
}

async fn bounded(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable(
            "The server gave up waiting. Try again shortly; if it happens often, look at the load of the server.",
        )
        .with_message("The request took too long.")
        .into_response(),
    }
}
