//! Decisions as answers, with their statuses, those that a message over gRPC carries among them.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
#[cfg(feature = "grpc")]
use axum::http::{Method, Request, Version};
use axum::response::Response;
use serde_json::{Value, json};
use sessera_http::status::Status;
use sessera_http::values::{JSON, NO_STORE};

use crate::decision::{Decision, EMPTY, Fate, Pass};
use crate::dialect::Dialect;
use crate::question::Question;

/// Where a browser is sent that a proxy has to send there itself.
const REDIRECT_TO: HeaderName = HeaderName::from_static("x-redirect-to");

/// The headers that Envoy takes out of the client's request.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// How a request is kept from the app.
#[derive(Debug)]
pub(crate) struct Denial {
    pub(crate) status: Status,
    /// Headers of the answer beside those of its body.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What is wrong, for programs and those who write them; nothing where a browser goes elsewhere.
    pub(crate) body: Option<Value>,
}

#[cfg(feature = "grpc")]
impl Denial {
    /// The code of gRPC that says the same.
    pub(crate) fn code(&self) -> tonic::Code {
        match self.status {
            Status::UNAVAILABLE => tonic::Code::Unavailable,
            Status::FAULT => tonic::Code::Internal,
            Status::NOT_ALLOWED => tonic::Code::PermissionDenied,
            _ => tonic::Code::Unauthenticated,
        }
    }
}

/// The answer to a question over HTTP.
pub(crate) fn over_http(question: &Question<'_>, decision: Decision) -> Response {
    let denial = match decision {
        Decision::Pass(pass) => return passed(question.dialect, pass),
        decision => denied(question, decision),
    };
    let mut response = Response::new(denial.body.map_or_else(Body::empty, |body| body.to_string().into()));
    denial.status.set(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.extend(denial.headers);
    response
}

/// The answer that lets a request pass. Every header that the app is promised stands in it, an empty one where there is
/// nothing to say, because many proxies keep the client's own header when the answer has none.
fn passed(dialect: Dialect, pass: Pass) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.reserve(pass.headers.len() + 2);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    let mut removed = String::new();
    for (name, fate) in pass.headers {
        let value = match fate {
            Fate::Set(value) => value,
            // Envoy keeps what it is not told about.
            Fate::Keep(_) if dialect == Dialect::ExtAuthz => continue,
            Fate::Keep(value) => value.unwrap_or(EMPTY),
            Fate::Remove => {
                removed.push_str(if removed.is_empty() { "" } else { "," });
                removed.push_str(name.as_str());
                EMPTY
            }
        };
        headers.insert(name, value);
    }
    if dialect == Dialect::ExtAuthz
        && let Ok(removed) = HeaderValue::try_from(removed)
    {
        headers.insert(TO_REMOVE, removed);
    }
    set_cookies(headers, &pass.cookies);
    response
}

/// Passes cookies on as they came from an upstream.
fn set_cookies(headers: &mut HeaderMap, cookies: &[bytes::Bytes]) {
    for cookie in cookies {
        // They were values of headers before.
        if let Ok(value) = HeaderValue::from_maybe_shared(cookie.clone()) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

/// How a request is kept from the app that a decision does not let pass.
pub(crate) fn denied(question: &Question<'_>, decision: Decision) -> Denial {
    let told =
        |status, reason: &str| Denial { status, headers: vec![], body: Some(envelope(status, None, reason)) };
    match decision {
        // Whatever passes is none of those that do not; the caller has looked.
        Decision::Pass(_) => told(Status::FAULT, "The request passes."),
        Decision::SignIn { way } => {
            let status = Status::UNPROVEN;
            let reason = "No valid session was found in the request. Sign in and send the session cookie or the header X-Session-Token.";
            sent_there(
                question,
                way,
                Denial { status, headers: vec![], body: Some(envelope(status, None, reason)) },
            )
        }
        Decision::Contradiction(name) => {
            told(Status::UNPROVEN, &format!("The header {name} is there more than once. Send it once."))
        }
        Decision::SecondFactor { page, is_way } => {
            let status = Status::NOT_ALLOWED;
            let reason = "The session has proven one factor, and this takes a second one. Ask for it with a login flow with aal=aal2.";
            let mut body = envelope(status, Some("session_aal2_required"), reason);
            body["redirect_browser_to"] = page.as_str().into();
            body["error"]["details"] = json!({ "redirect_browser_to": page });
            sent_there(question, is_way.then_some(page), Denial { status, headers: vec![], body: Some(body) })
        }
        Decision::Forbidden(reason) => told(Status::NOT_ALLOWED, &reason),
        Decision::Stranger { peer } => {
            let address = peer.map_or("This address".into(), |peer| format!("The address {peer}"));
            told(
                Status::NOT_ALLOWED,
                &format!(
                    "{address} is none of a proxy that may ask. Name it in serve.gateway.trusted_proxies."
                ),
            )
        }
        Decision::Unavailable { reason, retry_after } => {
            let mut denial = told(Status::UNAVAILABLE, &format!("{reason} Try again shortly."));
            denial.headers.push((header::RETRY_AFTER, seconds(retry_after).into()));
            denial
        }
        Decision::NoRoute(reason) | Decision::Fault(reason) => told(Status::FAULT, &reason),
    }
}

/// Sends a browser where it can go on. A proxy that reads nothing but the status of an answer is told where that is.
fn sent_there(question: &Question<'_>, way: Option<String>, mut denial: Denial) -> Denial {
    let Some(location) = way.and_then(|way| HeaderValue::try_from(way).ok()) else { return denial };
    if question.dialect == Dialect::AuthRequest {
        denial.headers.push((REDIRECT_TO, location));
        return denial;
    }
    let status = if question.keeps_method() { Status::GO_ON_AS_BEFORE } else { Status::GO_ON };
    Denial { status, headers: vec![(header::LOCATION, location)], body: None }
}

/// Whole seconds, at least one.
fn seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}

/// An error as the public API answers it.
fn envelope(status: Status, id: Option<&str>, reason: &str) -> Value {
    let mut error = json!({
        "code": status.code(),
        "status": status.phrase(),
        "reason": reason,
        "message": "The proxy may not let the request pass.",
    });
    if let Some(id) = id {
        error["id"] = id.into();
    }
    json!({ "error": error })
}

/// What is answered to a request that is none of gRPC although it comes where only these are answered (gRPC over HTTP/2).
#[cfg(feature = "grpc")]
pub(crate) fn no_request_of_grpc<B>(request: &Request<B>) -> Option<Response> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    let is_grpc = ["application/grpc", "application/grpc+proto"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known));
    if request.version() < Version::HTTP_2 {
        let reason =
            "gRPC needs HTTP/2. Let the proxy speak it, without TLS and from the first byte on (h2c).";
        return Some(told(Status::OTHER_VERSION, reason));
    }
    if request.method() != Method::POST {
        let mut response = told(Status::NO_SUCH_METHOD, "Requests of gRPC are sent with POST.");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Some(response);
    }
    if !is_grpc {
        let reason = "Messages of gRPC have the media type application/grpc. Other ways to ask are /auth-request, /forward-auth and /ext-authz/ROUTE/.";
        return Some(told(Status::OTHER_MEDIA_TYPE, reason));
    }
    None
}

/// An error as an answer.
fn told(status: Status, reason: &str) -> Response {
    let mut response = Response::new(Body::from(envelope(status, None, reason).to_string()));
    status.set(&mut response);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// What a server that was built without gRPC answers to it (gRPC over HTTP/2, "Trailers-Only").
#[cfg(not(feature = "grpc"))]
pub(crate) fn no_grpc() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static("12"));
    let why =
        "this sessera was built without gRPC: build it with the feature grpc, or let Envoy ask over HTTP";
    headers.insert("grpc-message", HeaderValue::from_static(why));
    response
}

/// What is answered on paths at which nobody asks.
pub(crate) fn nothing_here() -> Response {
    let reason = "Proxies ask at /auth-request, /forward-auth and /ext-authz/ROUTE/, and over gRPC.";
    told(Status::MISSING, reason)
}

#[cfg(all(test, feature = "grpc"))]
mod tests {
    use super::*;

    #[test]
    fn where_grpc_is_answered_nothing_else_is() {
        let status = |version, method: &str, media_type: Option<&str>| {
            let mut request = Request::builder().version(version).method(method);
            if let Some(media_type) = media_type {
                request = request.header("content-type", media_type);
            }
            no_request_of_grpc(&request.body(()).unwrap()).map(|response| response.status().as_u16())
        };
        for good in ["application/grpc", "application/grpc+proto", "Application/gRPC; charset=utf-8"] {
            assert_eq!(status(Version::HTTP_2, "POST", Some(good)), None, "{good}");
            assert_eq!(status(Version::HTTP_11, "POST", Some(good)), Some(505), "{good}");
            assert_eq!(status(Version::HTTP_2, "GET", Some(good)), Some(405), "{good}");
        }
        for other in [
            None,
            Some(""),
            Some("application/json"),
            Some("application/grpc-web"),
            Some("application/grpc+json"),
        ] {
            assert_eq!(status(Version::HTTP_2, "POST", other), Some(415), "{other:?}");
        }
    }
}
