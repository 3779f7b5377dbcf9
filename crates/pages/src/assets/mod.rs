//! The files that pages load. Their names carry a hash of their content, so browsers keep them for
//! good and never have an old one.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;

/// A file.
#[derive(Clone, Debug)]
pub struct Asset {
    name: &'static str,
    extension: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// The bytes of the file.
    pub content: Bytes,
    hash: OnceLock<String>,
}

/// The media type of style sheets.
pub(crate) const CSS: &str = "text/css; charset=utf-8";

/// The style sheet.
pub static STYLE: Asset = Asset::style("style", include_str!("style.css"));

/// The picture in the browser's tab.
pub static ICON: Asset = Asset::new("icon", "svg", "image/svg+xml", include_str!("icon.svg"));

/// The script that asks a browser for passkeys, on the pages that need it.
pub static PASSKEYS: Asset = Asset::script("passkeys", include_str!("passkeys.js"));

impl Asset {
    const fn new(
        name: &'static str,
        extension: &'static str,
        media_type: &'static str,
        content: &'static str,
    ) -> Self {
        let content = Bytes::from_static(content.as_bytes());
        Self { name, extension, media_type, content, hash: OnceLock::new() }
    }

    /// A file of the deployment.
    pub(crate) fn own(
        name: &'static str,
        extension: &'static str,
        media_type: &'static str,
        content: Vec<u8>,
    ) -> Self {
        Self { name, extension, media_type, content: content.into(), hash: OnceLock::new() }
    }

    /// A style sheet.
    pub const fn style(name: &'static str, content: &'static str) -> Self {
        Self::new(name, "css", CSS, content)
    }

    /// A script.
    pub const fn script(name: &'static str, content: &'static str) -> Self {
        Self::new(name, "js", "text/javascript; charset=utf-8", content)
    }

    /// Its name with the hash of its content.
    pub fn file_name(&self) -> String {
        let hash = self.hash.get_or_init(|| hex::encode(digest(&SHA256, &self.content))[..16].to_owned());
        format!("{}.{hash}.{}", self.name, self.extension)
    }

    /// Its path below the public address.
    pub fn path(&self) -> String {
        format!("ui/assets/{}", self.file_name())
    }
}

/// A file by its name.
pub fn find(file_name: &str) -> Option<&'static Asset> {
    [&STYLE, &ICON, &PASSKEYS].into_iter().find(|asset| asset.file_name() == file_name)
}
