//! The files that pages load. Their names carry a hash of their content, so browsers keep them for
//! good and never have an old one.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::request::Segment;

/// A file.
pub(crate) struct Asset {
    name: &'static str,
    extension: &'static str,
    media_type: &'static str,
    content: &'static str,
    hash: LazyLock<String>,
}

/// The style sheet.
pub(crate) static STYLE: Asset = Asset {
    name: "style",
    extension: "css",
    media_type: "text/css; charset=utf-8",
    content: include_str!("style.css"),
    hash: LazyLock::new(|| hash(include_str!("style.css"))),
};

/// The picture in the browser's tab.
pub(crate) static ICON: Asset = Asset {
    name: "icon",
    extension: "svg",
    media_type: "image/svg+xml",
    content: include_str!("icon.svg"),
    hash: LazyLock::new(|| hash(include_str!("icon.svg"))),
};

/// The script that asks a browser for passkeys, on the pages that need it.
pub(crate) static PASSKEYS: Asset = Asset {
    name: "passkeys",
    extension: "js",
    media_type: "text/javascript; charset=utf-8",
    content: include_str!("passkeys.js"),
    hash: LazyLock::new(|| hash(include_str!("passkeys.js"))),
};

impl Asset {
    fn file_name(&self) -> String {
        format!("{}.{}.{}", self.name, *self.hash, self.extension)
    }

    /// Its path below the public address.
    pub(crate) fn path(&self) -> String {
        format!("ui/assets/{}", self.file_name())
    }

    fn answer(&self, caching: &'static str) -> Response {
        let mut response = self.content.into_response();
        let mut set = |name: HeaderName, value: &'static str| {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        set(header::CONTENT_TYPE, self.media_type);
        set(header::CACHE_CONTROL, caching);
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        response
    }
}

/// `GET /ui/assets/{name}`
pub(crate) async fn get(Segment(name): Segment) -> Response {
    let Some(asset) = [&STYLE, &ICON, &PASSKEYS].into_iter().find(|asset| asset.file_name() == name) else {
        return ApiError::not_found("There is no such file. It may belong to another version of the server.")
            .into_response();
    };
    asset.answer("public, max-age=31536000, immutable")
}

/// The script for passkeys where its name stays when its content changes.
pub(crate) fn passkeys() -> Response {
    PASSKEYS.answer("public, max-age=300")
}

fn hash(content: &str) -> String {
    hex::encode(digest(&SHA256, content.as_bytes()))[..16].to_owned()
}
