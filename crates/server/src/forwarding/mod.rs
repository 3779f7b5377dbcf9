//! Requests that go on to the upstream, because this server does not answer them itself.
//!
//! What stays as it is and what is left out stands in [`sessera_upstream::passing`].

mod forget;
mod ours;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRef, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Version, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Body as _;
use sessera_issuer::Sessions;
use sessera_issuer::sessions::{Owner, Presented};
use sessera_issuer::upstream::{Unanswered, UpstreamApi};
use sessera_model::{Actor, Secret, Uuid};
use sessera_store::Committer;
use sessera_upstream::{Api, Arrival, Unsent, passing};
use tokio::time::{Instant, timeout_at};

use crate::app::{AppState, Snapshot};
use crate::upstream::Upstream;
use forget::Forgetting;
use sessera_contract::answer::ApiError;
use sessera_http::forwarded::Origin;
use sessera_http::paths;
use sessera_http::peer::Peer;

/// The largest body of a logout, which is a session token.
const MAX_LOGOUT: usize = 64 * 1024;

/// How a body without a known length is sent on.
const CHUNKED: HeaderValue = HeaderValue::from_static("chunked");

/// What is wrong with a body that cannot be read to its end.
const BROKEN_BODY: &str = "The body ended early, or is malformed. Send the request again.";

/// How long it may take until the upstream begins to answer. It is less than any request may take here, so that whoever
/// waits is told who was slow.
const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// Passes requests on.
#[derive(Clone)]
pub(crate) struct Forwarding {
    upstream: Arc<Upstream>,
    sessions: Arc<Sessions>,
    committer: Committer,
    snapshot: Arc<Snapshot>,
}

/// Nothing without an upstream.
impl FromRef<AppState> for Option<Forwarding> {
    fn from_ref(state: &AppState) -> Self {
        let upstream = Option::<Arc<Upstream>>::from_ref(state)?;
        Some(Forwarding {
            upstream,
            sessions: FromRef::from_ref(state),
            committer: FromRef::from_ref(state),
            snapshot: FromRef::from_ref(state),
        })
    }
}

impl Forwarding {
    /// Passes a request of the public port on.
    pub(crate) async fn public(&self, request: Request) -> Response {
        if ours::is_public(&paths::plain(request.uri().path())) {
            return nothing_of_ours();
        }
        if !self.upstream.forwards {
            return ApiError::not_found(format!(
                "This server does not pass requests on, because session.upstream.forward is false. Ask the upstream that keeps the sessions, at {}.",
                self.upstream.client.public
            ))
            .into_response();
        }
        let outcome = self.pass_public(request).await;
        outcome.unwrap_or_else(ApiError::into_response)
    }

    async fn pass_public(&self, request: Request) -> Result<Response, ApiError> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let (mut parts, mut body) = request.into_parts();
        passing::check(&parts).map_err(|why| ApiError::bad_request(why.to_string()))?;
        passing::leave_connection_out(&mut parts.headers);
        let mut in_body = Vec::new();
        if passing::is_native_logout(&parts) {
            let bytes = timeout_at(deadline, small(body)).await.unwrap_or_else(|_| Err(slow_body()))?;
            in_body = passing::tokens_of_logout(&bytes);
            body = bytes.into();
        }
        let owners = if self.upstream.keeps_answers && passing::can_change_sessions(&parts) {
            self.owners(&parts.headers, &in_body).await
        } else {
            Vec::new()
        };
        let what = owners.iter().map(|owner| Some(owner.identity)).collect();
        let api = (UpstreamApi::Public, &self.upstream.client.public);
        let mut answer = self.pass(api, parts, body, self.forgetting(what), deadline).await?;
        for owner in owners {
            passing::add_cookies(answer.headers_mut(), &owner.cookies);
        }
        Ok(answer)
    }

    /// Whose sessions a request to the public API may change, by whichever of its session tokens the upstream judges it.
    ///
    /// A session token that opens nothing has nothing that could be forgotten. Where the upstream does not say whose one is,
    /// because it is away, pauses, or asks for a second factor first, its sessions are asked about again when their time in
    /// memory is over: were all forgotten then, anybody could have that done by a session token that is made up, just while
    /// nobody can be asked.
    async fn owners(&self, headers: &HeaderMap, in_body: &[Secret]) -> Vec<Owner> {
        let all = sessera_presented::passed_on(headers, &self.snapshot.config.session.cookie);
        let in_body = in_body.iter().map(|token| Presented::Token(token.expose()));
        let mut owners = Vec::new();
        for presented in all.chain(in_body) {
            let owner = self.sessions.owner(&self.snapshot.issuer, presented).await;
            owners.extend(owner.ok().flatten());
        }
        owners
    }

    /// Passes a request of the admin port on. Its sender has proven to this server that it may make it, which is no
    /// proof for the upstream.
    pub(crate) async fn admin(&self, request: Request) -> Response {
        if ours::is_admin(&paths::plain(request.uri().path())) {
            return nothing_of_ours();
        }
        let api = match &self.upstream.client.admin {
            Some(api) if self.upstream.forwards => api,
            Some(api) => {
                return ApiError::not_found(format!(
                    "This server does not pass requests on, because session.upstream.forward is false. Ask the upstream's admin API, at {api}.",
                ))
                .into_response();
            }
            None => {
                return ApiError::not_found(
                    "This server does not know the upstream's admin API. Ask that, or set session.upstream.admin_url.",
                )
                .into_response();
            }
        };
        let outcome = self.pass_admin(api, request).await;
        outcome.unwrap_or_else(ApiError::into_response)
    }

    async fn pass_admin(&self, api: &Api, request: Request) -> Result<Response, ApiError> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let (mut parts, body) = request.into_parts();
        passing::check(&parts).map_err(|why| ApiError::bad_request(why.to_string()))?;
        passing::leave_connection_out(&mut parts.headers);
        if parts.extensions.get::<Actor>().is_none_or(|actor| *actor != Actor::Anybody) {
            parts.headers.remove(header::AUTHORIZATION);
        }
        if let Some(authorization) = &api.authorization {
            parts.headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let what =
            if self.upstream.keeps_answers { passing::changed_by_operator(&parts) } else { Vec::new() };
        self.pass((UpstreamApi::Admin, api), parts, body, self.forgetting(what), deadline).await
    }

    fn forgetting(&self, what: Vec<Option<Uuid>>) -> Forgetting {
        let (cache, committer) = (self.sessions.cache().clone(), self.committer.clone());
        Forgetting { what, cache, committer }
    }

    /// Sends a request on and passes the answer back, and forgets what may have changed then.
    async fn pass(
        &self,
        (which, api): (UpstreamApi, &Api),
        mut parts: Parts,
        body: Body,
        forgetting: Forgetting,
        deadline: Instant,
    ) -> Result<Response, ApiError> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = api.uri(path).ok_or_else(|| ApiError::bad_request("The path cannot be passed on."))?;
        let public = &self.snapshot.config.public;
        let peer = Peer::of(&parts.extensions);
        let is_trusted = peer.0.is_some_and(|peer| public.proxies.trusted.contains(peer));
        let scheme = if public.base_url.starts_with("https:") { "https" } else { "http" };
        let client = Origin::of(&parts.headers, peer, &public.proxies).address;
        passing::name_the_host(&mut parts);
        passing::tell_of_the_client(&mut parts.headers, peer.0, client, is_trusted, scheme);
        passing::join_cookies(&mut parts.headers);
        // They are made anew for the next connection, apart from a length of nothing, which would not be said again.
        for name in [header::HOST, header::EXPECT] {
            parts.headers.remove(name);
        }
        if !body.is_end_stream() {
            parts.headers.remove(header::CONTENT_LENGTH);
            // Of a body without a length the client of HTTP takes note only where it is said to come in chunks, if the
            // method usually has none.
            if body.size_hint().exact().is_none() {
                parts.headers.insert(header::TRANSFER_ENCODING, CHUNKED);
            }
        }
        let (body, arrival) = Arrival::of(body);
        let mut request = Request::new(body);
        *request.method_mut() = parts.method;
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = parts.headers;
        let client = self.upstream.client.clone();
        let sent = forgetting.after(async move { client.send(request).await });
        let answered = match timeout_at(deadline, sent).await.ok().flatten() {
            Some(answered) => answered,
            None if arrival.is_complete() => {
                let seconds = LONGEST_WAIT.as_secs();
                Err(Unanswered::new(format!(
                    "did not begin to answer within {seconds} s of the beginning of the request"
                ))
                .into())
            }
            None => return Err(slow_body()),
        };
        let answered = answered.map_err(|why| {
            let why = match why {
                Unsent::Body => return ApiError::bad_request(BROKEN_BODY),
                Unsent::Unanswered(why) => why,
            };
            self.upstream.sessions.note_unanswered(which, why).into()
        })?;
        self.upstream.sessions.note_answered(which);
        let (mut parts, body) = answered.into_parts();
        passing::leave_connection_out_of_answer(&mut parts.headers);
        Ok(Response::from_parts(parts, Body::new(body)))
    }
}

/// The answer where a path begins as those of this server do, and there is nothing.
fn nothing_of_ours() -> Response {
    ApiError::not_found(
        "There is no such path. What begins so is this server's own, so the upstream is not asked for it.",
    )
    .into_response()
}

/// The answer where the end of a body does not come.
fn slow_body() -> ApiError {
    ApiError::request_timeout(format!("Send the whole body within {} seconds.", LONGEST_WAIT.as_secs()))
}

/// A body that is looked into before it is passed on.
async fn small(body: Body) -> Result<Bytes, ApiError> {
    match Limited::new(body, MAX_LOGOUT).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(ApiError::too_large(
            "The body of a logout is an object with a session token, and nothing else.",
        )),
        Err(_) => Err(ApiError::bad_request(BROKEN_BODY)),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::Body;
    use axum::extract::Request;
    use serde_json::json;
    use tokio::net::TcpListener;
    use tower::ServiceExt as _;

    use crate::testing::TestServer;

    /// A body of which nothing arrives.
    struct NeverComes;

    impl hyper::body::Body for NeverComes {
        type Data = bytes::Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<bytes::Bytes>, std::io::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn who_waits_for_an_upstream_that_never_answers_is_told_so() {
        // Connections are made, and nobody reads what comes.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = TestServer::configured(json!({"session": {"upstream": {"url": url}}})).await;
        tokio::time::pause();
        let answer = server.public("GET", "/self-service/login/api", &[], None).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.reason().contains("did not begin to answer within 25 s"), "{answer:?}");
        for path in ["/self-service/settings", "/self-service/logout/api"] {
            let upload = Request::post(path).body(Body::new(NeverComes)).unwrap();
            let answer = server.public_router().clone().oneshot(upload).await.unwrap();
            assert_eq!(answer.status(), 408, "{path}: the upstream is not to blame");
        }
    }
}
