//! `pages`: how the pages that come with Sessera look, and what they say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::color::Color;
use crate::section::section;

section! {
    /// How the pages that come with Sessera look, and what they say.
    pub struct Pages {
        /// The name at the top of the pages and of the console and in their titles. Default: `selfservice.methods.totp.config.issuer`, or else the host name of the public address.
        name: Option<String>,
        /// A picture in place of the mark beside the name, and in the browser's tab: `file://` or `base64://` with an SVG, a PNG or a WebP of 256 KiB or less.
        logo: Option<String>,
        /// A style sheet that counts over Sessera's own: `file://` or `base64://` with CSS of 256 KiB or less.
        stylesheet: Option<String>,
        /// Colours in place of Sessera's own.
        colors: Colors,
        /// Texts in place of Sessera's own, or in a language that Sessera does not have, by the tag of the language, such as `en`, `fr` or `pt-BR`: `file://` or `base64://` with YAML or JSON of 256 KiB or less.
        texts: BTreeMap<String, String>,
    }
}

impl Pages {
    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        let named = self.logo.iter().chain(&self.stylesheet).chain(self.texts.values());
        named.filter_map(|url| url.strip_prefix("file://")).map(PathBuf::from)
    }
}

section! {
    /// Colours.
    pub struct Colors {
        /// Where people prefer light pages.
        light: Palette,
        /// Where people prefer dark pages.
        dark: Palette,
    }
}

section! {
    /// The colours of light or of dark pages.
    pub struct Palette {
        /// What lies around the sheets.
        background: Option<Color>,
        /// Sheets, and fields on them.
        surface: Option<Color>,
        /// Text.
        text: Option<Color>,
        /// Text that matters less.
        muted: Option<Color>,
        /// Links, the main button of a form, and what has the focus.
        accent: Option<Color>,
        /// The text of the main button. Default: white or black, whichever is easier to read there, where `accent` is set.
        on_accent: Option<Color>,
    }
}
