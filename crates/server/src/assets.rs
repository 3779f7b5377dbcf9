//! The files that pages load. Their names carry a hash of their content, so browsers keep them for
//! good and never have an old one.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sessera_pages::assets::{self, Asset, PASSKEYS};

use crate::error::ApiError;
use crate::request::Segment;

/// `GET /ui/assets/{name}`
pub(crate) async fn get(Segment(name): Segment) -> Response {
    found(assets::find(&name))
}

/// A file that was looked for by a name with the hash of its content.
pub(crate) fn found(asset: Option<&'static Asset>) -> Response {
    match asset {
        Some(asset) => answer(asset, "public, max-age=31536000, immutable"),
        None => ApiError::not_found("There is no such file. It may belong to another version of the server.")
            .into_response(),
    }
}

/// The script for passkeys where its name stays when its content changes.
pub(crate) fn passkeys() -> Response {
    answer(&PASSKEYS, "public, max-age=300")
}

fn answer(asset: &'static Asset, caching: &'static str) -> Response {
    let mut response = asset.content.into_response();
    let mut set = |name: HeaderName, value: &'static str| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_TYPE, asset.media_type);
    set(header::CACHE_CONTROL, caching);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}
