//! The files that pages of the console load. Browsers keep them for good, because their names carry a hash of their
//! content.

use sessera_pages::assets::{Asset, ICON};

/// The path below which they lie.
pub const FOLDER: &str = "/console/assets/";

/// The style sheet.
pub static STYLE: Asset = Asset::style("console", include_str!("console.css"));

/// The script that shows what comes out of a template while it is written.
pub static SCRIPT: Asset = Asset::script("console", include_str!("console.js"));

/// A file by its name.
pub fn find(file_name: &str) -> Option<&'static Asset> {
    [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.file_name() == file_name)
}

/// The address of a file.
pub(crate) fn address(asset: &Asset) -> String {
    format!("{FOLDER}{}", asset.file_name())
}
