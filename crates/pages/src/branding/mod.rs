//! What a deployment gives the pages of its own beside their name: a picture, colours, a style sheet, texts.
//!
//! Whatever it is made of is read once and checked; what cannot be used is named by its key, and what has no effect is
//! noted.

mod colors;
mod languages;
mod logo;
mod stylesheet;

use sessera_accounts::schema::source::{self, SchemaSourceError};
use sessera_config::Problem;
use sessera_config::sections::pages::Pages;

pub use languages::Languages;

use crate::assets::{Asset, CSS};
use crate::words::Texts;

/// The largest file in bytes. Whoever sees a page loads it.
const MAX_BYTES: u64 = 256 * 1024;

/// What the pages of a deployment have of their own.
#[derive(Clone, Debug, Default)]
pub struct Branding {
    logo: Option<Asset>,
    /// Style sheets in the order in which they count.
    sheets: Vec<Asset>,
    languages: Languages,
    /// What its author should know.
    pub notes: Vec<Problem>,
}

impl Branding {
    /// Reads what the configuration names. The error has everything that is wrong.
    pub fn compile(config: &Pages) -> Result<Self, Vec<Problem>> {
        let mut read = Reader::default();
        let logo = config.logo.as_deref().and_then(|url| {
            let at = "/pages/logo";
            let bytes = read.bytes(url, at)?;
            read.judged(at, |notes| logo::logo(bytes, at, notes))
        });
        let colors = colors::sheet(&config.colors, &mut read.notes);
        let colors = colors.map(|css| Asset::own("colors", "css", CSS, css.into_bytes()));
        let own = config.stylesheet.as_deref().and_then(|url| {
            let at = "/pages/stylesheet";
            let bytes = read.bytes(url, at)?;
            read.judged(at, |notes| stylesheet::checked(bytes, at, notes))
        });
        let own = own.map(|css| Asset::own("own", "css", CSS, css.into_bytes()));
        let languages = Languages::compile(&config.texts, &mut read);
        if !read.wrong.is_empty() {
            return Err(read.wrong);
        }
        Ok(Self { logo, sheets: colors.into_iter().chain(own).collect(), languages, notes: read.notes })
    }

    /// The picture beside the name.
    pub const fn logo(&self) -> Option<&Asset> {
        self.logo.as_ref()
    }

    /// The style sheets, which count over those of all pages in their order.
    pub fn sheets(&self) -> &[Asset] {
        &self.sheets
    }

    /// A file by its name.
    pub fn find(&self, file_name: &str) -> Option<&Asset> {
        self.logo.iter().chain(&self.sheets).find(|asset| asset.file_name() == file_name)
    }

    /// The texts in the language that a client likes best, from the value of its `Accept-Language`.
    pub fn texts(&self, accept_language: Option<&str>) -> &Texts {
        self.languages.accepted(accept_language)
    }
}

/// Reads files, and keeps what there is to say about them.
#[derive(Debug, Default)]
struct Reader {
    wrong: Vec<Problem>,
    notes: Vec<Problem>,
}

impl Reader {
    /// The content of a file that the key at a place names.
    fn bytes(&mut self, url: &str, at: &str) -> Option<Vec<u8>> {
        self.judged(at, |_| source::read_bytes(url, MAX_BYTES).map_err(|error| told(&error)))
    }

    /// What is made of a file, or nothing when it cannot be used, which is then named.
    fn judged<T>(
        &mut self,
        at: &str,
        make: impl FnOnce(&mut Vec<Problem>) -> Result<T, String>,
    ) -> Option<T> {
        make(&mut self.notes).map_err(|message| self.wrong.push(Problem::new(at, message))).ok()
    }
}

/// Why a file cannot be read, and what to do.
fn told(error: &SchemaSourceError) -> String {
    match error {
        SchemaSourceError::TooLarge(_) => {
            format!("{error}, and whoever sees a page would load it: make it smaller")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
