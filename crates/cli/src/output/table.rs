//! Tables for people.

use std::fmt::Write as _;

use serde_json::Value;
use sessera_config::escape;

use super::terminal::is_plain;

/// What stands in a cell without a value.
const NOTHING: &str = "-";

/// What stands between two columns.
const GAP: &str = "   ";

/// How many characters of a cell are left at the least on a line.
const LEAST: usize = 12;

/// How long a line is where there is no terminal, and cells go on below.
const LINE: usize = 80;

/// What becomes of a cell of the last column that is too long for the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum TooLong {
    /// It makes the line longer.
    #[default]
    Stays,
    /// Its end is left out, where there is a terminal.
    IsCut,
    /// It goes on below, between two words.
    GoesOn,
}

/// Rows under a header. Every column is as wide as its widest cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    last: TooLong,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&column| column.to_owned()).collect(), ..Self::default() }
    }

    /// A table whose last column may be cut so that a line fits a terminal. Where there is none, all of it is shown.
    pub(crate) fn with_cut_last(columns: &[&str]) -> Self {
        Self { last: TooLong::IsCut, ..Self::new(columns) }
    }

    /// A table whose last column has sentences, which go on below where a line is full.
    pub(crate) fn with_wrapped_last(columns: &[&str]) -> Self {
        Self { last: TooLong::GoesOn, ..Self::new(columns) }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let shown = |cell: String| if cell.is_empty() { NOTHING.to_owned() } else { one_line(&cell) };
        self.rows.push(cells.into_iter().map(|cell| shown(cell.into())).collect());
    }

    /// Makes a row for each value of a document, with the JSON Pointer that leads to it.
    pub(crate) fn of_document(document: &Value) -> Self {
        let mut table = Self::with_cut_last(&["PATH", "VALUE"]);
        table.add_leaves(document, String::new());
        table
    }

    fn add_leaves(&mut self, value: &Value, pointer: String) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, member) in members {
                    self.add_leaves(member, format!("{pointer}/{}", escape(name)));
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    self.add_leaves(item, format!("{pointer}/{at}"));
                }
            }
            Value::String(text) => self.row([pointer, text.clone()]),
            other => self.row([pointer, other.to_string()]),
        }
    }
}

/// The cell in at most so many characters.
fn cut(cell: &str, most: usize) -> String {
    if cell.chars().count() <= most {
        return cell.to_owned();
    }
    cell.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The cell on lines of at most so many characters, as far as its words are not longer.
fn wrapped(cell: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in cell.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        match line.chars().count() {
            0 => line.push_str(word),
            used if used + 1 + word.chars().count() <= most => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The cell on one line, in which everything is as wide as it is counted.
fn one_line(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() || !is_plain(c) { ' ' } else { c }).collect()
}

impl Table {
    /// The table on lines of at most so many characters, as far as its last column can give way; or else whole.
    pub(crate) fn within(&self, line: Option<usize>) -> String {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| column.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = match self.last {
            TooLong::Stays => None,
            TooLong::IsCut => line,
            TooLong::GoesOn => line.or(Some(LINE)),
        };
        if let (Some(line), Some((last, before))) = (line, widths.split_last_mut()) {
            let before: usize = before.iter().map(|width| width + GAP.len()).sum();
            *last = (*last).min(line.saturating_sub(before).max(LEAST));
        }
        let mut text = String::new();
        for row in std::iter::once(&self.columns).chain(&self.rows) {
            let Some(((last, before), width)) = row.split_last().zip(widths.last()) else { continue };
            let cells = before.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}{GAP}"));
            let before: String = cells.collect();
            let parts = match self.last {
                TooLong::Stays => vec![last.clone()],
                TooLong::IsCut => vec![cut(last, *width)],
                TooLong::GoesOn => wrapped(last, *width),
            };
            let below = " ".repeat(before.chars().count());
            for (at, part) in parts.iter().enumerate() {
                let before = if at == 0 { &before } else { &below };
                // Writing into memory does not fail.
                let _ = writeln!(text, "{}", format!("{before}{part}").trim_end());
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let mut table = Table::new(&["SET ID", "USE"]);
        table.row(["a-long-name", "sig"]);
        table.row(["b", ""]);
        table.row(["c\u{1b}[2J\n", "enc"]);
        assert_eq!(
            table.within(None),
            "SET ID        USE\na-long-name   sig\nb             -\nc [2J         enc\n"
        );
    }

    #[test]
    fn the_last_column_is_cut_where_a_line_would_be_too_long() {
        let mut table = Table::with_cut_last(&["NAME", "REASON"]);
        table.row(["n", &"ä".repeat(200)]);
        table.row(["n", "short"]);
        let lines: Vec<String> = table.within(Some(80)).lines().map(str::to_owned).collect();
        assert_eq!(lines[1].chars().count(), 80);
        assert!(lines[1].ends_with("ä…") && lines[2].ends_with("short"));
        assert!(table.within(None).contains(&"ä".repeat(200)), "a program is told everything");
        let mut wide = Table::with_cut_last(&["NAME", "REASON"]);
        wide.row(["n".repeat(100), "r".repeat(100)]);
        assert!(wide.within(Some(80)).contains("rrrrrrrrrrr…"), "something of it is always shown");
    }

    #[test]
    fn sentences_of_the_last_column_go_on_below() {
        let mut table = Table::with_wrapped_last(&["NAME", "WHAT FOR"]);
        table.row(["n", "words that do not fit on one"]);
        table.row(["m", "a-word-that-is-longer-than-its-line x"]);
        let shown = "NAME   WHAT FOR\nn      words that do\n       not fit on\n       one\n";
        assert_eq!(
            table.within(Some(20)),
            format!("{shown}m      a-word-that-is-longer-than-its-line\n       x\n")
        );
        table.row(["k", &"word ".repeat(60)]);
        assert!(table.within(None).lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn a_document_has_a_row_for_each_value() {
        let table = Table::of_document(&json!({"a": {"b/c": [1, "x"], "d": {}}}));
        assert_eq!(
            table.within(None),
            "PATH         VALUE\n/a/b~1c/0   1\n/a/b~1c/1   x\n/a/d        {}\n"
                .replace("PATH      ", "PATH     ")
        );
    }
}
