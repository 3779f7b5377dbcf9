//! `sessera config texts`

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::Value;
use sessera_pages::{Language, Texts};

use crate::global::Global;

/// Print the texts of Sessera's own pages, for a file that replaces or translates them
///
/// Messages of flows stand under their numbers, all other texts under their names. A file with some of them is named by
/// pages.texts in the configuration.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera config texts > fr.json
  sessera config texts de --format jsonpointer=/login.title")]
pub(crate) struct PrintTexts {
    /// The language
    #[arg(default_value = "en", value_parser = PossibleValuesParser::new(Language::ALL.map(Language::tag)))]
    language: String,
}

impl PrintTexts {
    pub(crate) fn run(self, global: &Global) -> Result<()> {
        let texts = Texts::of(Language::tagged(&self.language).unwrap_or_default());
        let texts: serde_json::Map<String, Value> =
            texts.all().into_iter().map(|(name, text)| (name, text.into())).collect();
        let texts = Value::Object(texts);
        let text = serde_json::to_string_pretty(&texts)?;
        global.output().print_text(&format!("{text}\n"), &texts, None)
    }
}
