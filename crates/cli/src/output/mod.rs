//! How results are printed, as tables for people and as JSON or YAML for programs.

mod path;
mod table;
mod terminal;
mod yaml;

use std::io::Write as _;
use std::str::FromStr;

use anyhow::{Context as _, Result};
use serde_json::Value;

pub(crate) use table::Table;
pub(crate) use terminal::{escaped, one_line};

/// The form in which a result is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The form that suits the result, which is YAML for documents and a table otherwise.
    Default,
    Table,
    Json,
    JsonPretty,
    Yaml,
    JsonPath(path::JsonPath),
    JsonPointer(String),
}

const NAMES: [&str; 7] = ["default", "table", "json", "json-pretty", "yaml", "jsonpath=", "jsonpointer="];

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("jsonpath=") {
            return path.parse().map(Self::JsonPath);
        }
        if let Some(pointer) = text.strip_prefix("jsonpointer=") {
            if pointer.is_empty() || pointer.starts_with('/') {
                return Ok(Self::JsonPointer(pointer.to_owned()));
            }
            return Err(format!("a JSON Pointer begins with /, as in jsonpointer=/{pointer}"));
        }
        match text {
            "default" => Ok(Self::Default),
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "json-pretty" => Ok(Self::JsonPretty),
            "yaml" => Ok(Self::Yaml),
            other => {
                let nearest = nearest(other, NAMES).map(|name| format!("did you mean {name}? "));
                Err(format!(
                    "{}use one of table, json, json-pretty, yaml, jsonpath=EXPRESSION, jsonpointer=POINTER",
                    nearest.unwrap_or_default()
                ))
            }
        }
    }
}

/// The name that was probably meant.
pub(crate) fn nearest<'n>(given: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    const CLOSE: f64 = 0.75;
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(closeness, _)| *closeness >= CLOSE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

/// A result in every form in which it can be printed.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The result for programs.
    pub(crate) json: Value,
    /// The result for people.
    pub(crate) table: Table,
    /// What --quiet prints.
    pub(crate) ids: Vec<String>,
}

/// Prints results as the options say.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
}

impl Output {
    pub(crate) const fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet }
    }

    /// Whether only ids were asked for.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a table, or nothing but ids, was asked for, so that what is not shown need not be fetched.
    pub(crate) const fn is_table(&self) -> bool {
        self.quiet || matches!(self.format, Format::Default | Format::Table)
    }

    /// Prints a result.
    pub(crate) fn print(&self, report: &Report) -> Result<()> {
        let text = if self.quiet {
            report.ids.iter().flat_map(|id| [id.as_str(), "\n"]).collect()
        } else if self.is_table() {
            report.table.within(terminal::width())
        } else {
            self.document(&report.json)?
        };
        write(&text)
    }

    /// Prints a document, which is YAML unless asked for otherwise. As a table it has a row for each value.
    pub(crate) fn print_document(&self, document: &Value) -> Result<()> {
        let text = match self.format {
            Format::Default => yaml::to_text(document)?,
            Format::Table => Table::of_document(document).within(terminal::width()),
            _ => self.document(document)?,
        };
        write(&text)
    }

    /// Prints a text for people, or the document with the same content for programs. `--quiet` prints `id`,
    /// or nothing when there is none.
    pub(crate) fn print_text(&self, text: &str, document: &Value, id: Option<&str>) -> Result<()> {
        if self.quiet {
            return id.map_or(Ok(()), |id| write(&format!("{id}\n")));
        }
        if self.is_table() { write(text) } else { write(&self.document(document)?) }
    }

    /// Prints a document whole whatever was asked for: as JSON where it would be a table or ids only.
    pub(crate) fn print_whole(&self, document: &Value) -> Result<()> {
        write(&self.document(document)?)
    }

    fn document(&self, json: &Value) -> Result<String> {
        let pretty = |value: &Value| serde_json::to_string_pretty(value).map(|text| text + "\n");
        Ok(match &self.format {
            Format::Json => format!("{json}\n"),
            Format::Yaml => yaml::to_text(json)?,
            Format::JsonPath(path) => pretty(&path.find(json)?)?,
            Format::JsonPointer(pointer) => {
                let found = json.pointer(pointer);
                pretty(found.with_context(|| format!("the result has nothing at \"{pointer}\""))?)?
            }
            Format::JsonPretty | Format::Default | Format::Table => pretty(json)?,
        })
    }

    /// Says what was done, unless --quiet.
    pub(crate) fn done(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Tells people what was done, on standard error, and programs on standard output.
    pub(crate) fn told(&self, text: &str, document: &Value) -> Result<()> {
        if self.is_table() {
            self.done(text);
            return Ok(());
        }
        write(&self.document(document)?)
    }

    /// Says to people how far a long work is. Programs read the end only.
    pub(crate) fn progress(&self, text: &str) {
        if !self.quiet && self.is_table() {
            say(text);
        }
    }

    /// Says something that is good to know, unless --quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            say(&format!("Note: {text}"));
        }
    }
}

/// Says something to the person, on standard error.
#[expect(clippy::print_stderr, reason = "the command line talks to a person")]
pub(crate) fn say(text: &str) {
    eprintln!("{}", escaped(text));
}

/// Says what a person must know although it stops nothing.
pub(crate) fn warn(text: &str) {
    say(&format!("Warning: {text}"));
}

/// Writes to standard output, without what a terminal would obey.
pub(crate) fn write(text: &str) -> Result<()> {
    write_exactly(&escaped(text))
}

/// Writes to standard output what this program itself made, or what another program reads byte by byte. A reader that
/// stops early, as `head` does, has read enough.
pub(crate) fn write_exactly(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the result cannot be written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formats_are_read_and_near_misses_named() {
        assert_eq!("json-pretty".parse(), Ok(Format::JsonPretty));
        assert_eq!("jsonpointer=/keys/0".parse(), Ok(Format::JsonPointer("/keys/0".into())));
        assert!("jsonpointer=keys".parse::<Format>().unwrap_err().contains("jsonpointer=/keys"));
        assert!("yml".parse::<Format>().unwrap_err().contains("did you mean yaml?"));
        assert!("json-prety".parse::<Format>().unwrap_err().contains("did you mean json-pretty?"));
        assert!("xml-and-more".parse::<Format>().unwrap_err().starts_with("use one of"));
    }

    #[test]
    fn documents_are_printed_in_every_form() {
        let value = json!({"keys": [{"kid": "a"}, {"kid": "b"}]});
        let print = |format: &str| Output::new(format.parse().unwrap(), false).document(&value);
        assert_eq!(print("json").unwrap(), "{\"keys\":[{\"kid\":\"a\"},{\"kid\":\"b\"}]}\n");
        assert_eq!(print("yaml").unwrap(), "keys:\n  - kid: a\n  - kid: b\n");
        assert_eq!(print("jsonpointer=/keys/1/kid").unwrap(), "\"b\"\n");
        assert_eq!(print("jsonpath=keys.0.kid").unwrap(), "\"a\"\n");
        assert!(print("json-pretty").unwrap().starts_with("{\n  \"keys\": [\n"));
        assert!(print("jsonpointer=/nothing").unwrap_err().to_string().contains("/nothing"));
    }
}
