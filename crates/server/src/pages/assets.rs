//! The files that pages load. Their names carry a hash of their content, so browsers keep them for
//! good and never have an old one.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::request::Segment;

/// A file.
pub(super) struct Asset {
    name: &'static str,
    extension: &'static str,
    media_type: &'static str,
    content: &'static str,
    hash: LazyLock<String>,
}

/// The style sheet.
pub(super) static STYLE: Asset = Asset {
    name: "style",
    extension: "css",
    media_type: "text/css; charset=utf-8",
    content: include_str!("style.css"),
    hash: LazyLock::new(|| hash(include_str!("style.css"))),
};

/// The picture in the browser's tab.
pub(super) static ICON: Asset = Asset {
    name: "icon",
    extension: "svg",
    media_type: "image/svg+xml",
    content: include_str!("icon.svg"),
    hash: LazyLock::new(|| hash(include_str!("icon.svg"))),
};

impl Asset {
    fn file_name(&self) -> String {
        format!("{}.{}.{}", self.name, *self.hash, self.extension)
    }

    /// Its path below the public address.
    pub(super) fn path(&self) -> String {
        format!("ui/assets/{}", self.file_name())
    }
}

/// `GET /ui/assets/{name}`
pub(super) async fn get(Segment(name): Segment) -> Response {
    let Some(asset) = [&STYLE, &ICON].into_iter().find(|asset| asset.file_name() == name) else {
        return ApiError::not_found("There is no such file. It may belong to another version of the server.")
            .into_response();
    };
    let mut response = asset.content.into_response();
    let mut set = |name: HeaderName, value: &'static str| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_TYPE, asset.media_type);
    set(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

fn hash(content: &str) -> String {
    hex::encode(digest(&SHA256, content.as_bytes()))[..16].to_owned()
}
