//! The files that pages load, as answers.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sessera_pages::assets::Asset;

use crate::answer::ApiError;

/// What a file may load when somebody opens it as a page: nothing, and in a picture (SVG) no script runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// A file that was looked for by a name with the hash of its content, which browsers keep for good.
pub fn found(asset: Option<&Asset>) -> Response {
    match asset {
        Some(asset) => answer(asset, "public, max-age=31536000, immutable"),
        None => ApiError::not_found("There is no such file. It may belong to another version of the server.")
            .into_response(),
    }
}

/// A file with what is said of how long it may be kept.
pub fn answer(asset: &Asset, caching: &'static str) -> Response {
    let mut response = asset.content.clone().into_response();
    let mut set = |name: HeaderName, value: &'static str| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_TYPE, asset.media_type);
    set(header::CACHE_CONTROL, caching);
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}
