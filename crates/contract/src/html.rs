//! Documents of HTML as answers, with the headers that keep browsers from doing anything with them but showing them.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use maud::Markup;

use crate::answer::{NO_STORE, Status};

/// A document as an answer with a status. `policy` is what it may load.
pub fn document(document: Markup, policy: &str, status: Status) -> Response {
    let mut response = status.answer(document.into_string());
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // Addresses of flows stay on this site.
    set(header::REFERRER_POLICY, "same-origin");
    set(header::VARY, "Accept-Language, Cookie");
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
