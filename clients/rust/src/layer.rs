//! A layer for services of tower, and so for axum, hyper and tonic.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde_json::{Map, Value};
use tower::{Layer, Service};

use crate::{Error, Verifier};

/// The claims of a good token, which [`VerifyLayer`] leaves in the extensions of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims(pub Map<String, Value>);

/// Lets requests with a good token pass, and answers 401 or 503 to any other one.
#[derive(Clone)]
pub struct VerifyLayer(Arc<Verifier>);

impl VerifyLayer {
    /// A layer with a verifier.
    pub const fn new(verifier: Arc<Verifier>) -> Self {
        Self(verifier)
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = VerifyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService { verifier: Arc::clone(&self.0), inner }
    }
}

/// A service behind [`VerifyLayer`].
#[derive(Clone)]
pub struct VerifyService<S> {
    verifier: Arc<Verifier>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for VerifyService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let verifier = Arc::clone(&self.verifier);
        // The service that is ready is this one, and not its clone.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let token = bearer(request.headers().get(AUTHORIZATION)).unwrap_or_default().to_owned();
            match verifier.verify(&token).await {
                Ok(claims) => {
                    request.extensions_mut().insert(Claims(claims));
                    inner.call(request).await
                }
                Err(Error::Refused(_)) => Ok(refusal(StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE, "Bearer")),
                Err(_) => Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, RETRY_AFTER, "5")),
            }
        })
    }
}

/// The token of `Authorization: Bearer`.
fn bearer(authorization: Option<&HeaderValue>) -> Option<&str> {
    let (kind, token) = authorization?.to_str().ok()?.split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then_some(token)
}

fn refusal<R: Default>(status: StatusCode, name: HeaderName, value: &'static str) -> Response<R> {
    let mut response = Response::new(R::default());
    *response.status_mut() = status;
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
