//! Tables for people.

use std::fmt;

use serde_json::Value;

/// What stands in a cell without a value.
const NOTHING: &str = "-";

/// Rows under a header. Every column is as wide as its widest cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&column| column.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let shown = |cell: String| if cell.is_empty() { NOTHING.to_owned() } else { one_line(&cell) };
        self.rows.push(cells.into_iter().map(|cell| shown(cell.into())).collect());
    }

    /// Makes a row for each value of a document, with the JSON Pointer that leads to it.
    pub(crate) fn of_document(document: &Value) -> Self {
        let mut table = Self::new(&["PATH", "VALUE"]);
        table.add_leaves(document, String::new());
        table
    }

    fn add_leaves(&mut self, value: &Value, pointer: String) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, member) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    self.add_leaves(member, format!("{pointer}/{name}"));
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

/// A time (RFC 3339) without parts of a second, which nobody reads.
pub(crate) fn second(time: &str) -> String {
    match time.split_once('.') {
        Some((second, rest)) => {
            second.to_owned() + rest.trim_start_matches(|character: char| character.is_ascii_digit())
        }
        None => time.to_owned(),
    }
}

/// Escapes control characters, which could move what a terminal shows.
fn one_line(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = self.columns.iter().map(|column| column.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in std::iter::once(&self.columns).chain(&self.rows) {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", cells.join("   ").trim_end())?;
        }
        Ok(())
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
            table.to_string(),
            "SET ID        USE\na-long-name   sig\nb             -\nc [2J         enc\n"
        );
    }

    #[test]
    fn times_are_shown_to_the_second() {
        for (time, shown) in [
            ("2030-01-01T09:30:00.123456Z", "2030-01-01T09:30:00Z"),
            ("2030-01-01T09:30:00.5+02:00", "2030-01-01T09:30:00+02:00"),
            ("2030-01-01T09:30:00Z", "2030-01-01T09:30:00Z"),
            ("", ""),
        ] {
            assert_eq!(second(time), shown);
        }
    }

    #[test]
    fn a_document_has_a_row_for_each_value() {
        let table = Table::of_document(&json!({"a": {"b/c": [1, "x"], "d": {}}}));
        assert_eq!(
            table.to_string(),
            "PATH         VALUE\n/a/b~1c/0   1\n/a/b~1c/1   x\n/a/d        {}\n"
                .replace("PATH      ", "PATH     ")
        );
    }
}
