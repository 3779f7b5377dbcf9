//! The files that pages load. Their names carry a hash of their content, so browsers keep them for
//! good and never have an old one.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};

/// A file.
#[derive(Debug)]
pub struct Asset {
    name: &'static str,
    extension: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// What it holds.
    pub content: &'static str,
    hash: LazyLock<String>,
}

/// The style sheet.
pub static STYLE: Asset = Asset {
    name: "style",
    extension: "css",
    media_type: "text/css; charset=utf-8",
    content: include_str!("style.css"),
    hash: LazyLock::new(|| hash(include_str!("style.css"))),
};

/// The picture in the browser's tab.
pub static ICON: Asset = Asset {
    name: "icon",
    extension: "svg",
    media_type: "image/svg+xml",
    content: include_str!("icon.svg"),
    hash: LazyLock::new(|| hash(include_str!("icon.svg"))),
};

/// The script that asks a browser for passkeys, on the pages that need it.
pub static PASSKEYS: Asset = Asset {
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
    pub fn path(&self) -> String {
        format!("ui/assets/{}", self.file_name())
    }
}

/// A file by its name.
pub fn find(file_name: &str) -> Option<&'static Asset> {
    [&STYLE, &ICON, &PASSKEYS].into_iter().find(|asset| asset.file_name() == file_name)
}

fn hash(content: &str) -> String {
    hex::encode(digest(&SHA256, content.as_bytes()))[..16].to_owned()
}
