//! Values of headers that answers of all ports have.

use axum::http::HeaderValue;

/// `Cache-Control` of every answer that holds a session, a token or an error: it is for one request of one client and
/// never kept.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");

/// `Content-Type` of JSON.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
