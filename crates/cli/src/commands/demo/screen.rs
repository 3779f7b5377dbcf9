//! What the demonstration shows, in colour where the terminal has colours.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

use anyhow::Result;

use crate::output::{escaped, write, write_exactly};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Standard output, on which the demonstration is told.
pub(super) struct Screen {
    coloured: bool,
    step: Cell<u32>,
}

impl Screen {
    /// Uses colours only on a terminal, and not where `NO_COLOR` is set (<https://no-color.org>).
    pub(super) fn new() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { coloured: std::io::stdout().is_terminal() && !refused, step: Cell::new(0) }
    }

    /// Writes the heading of the next step.
    pub(super) fn step(&self, title: &str) -> Result<()> {
        let number = self.step.get() + 1;
        self.step.set(number);
        write_exactly(&format!("\n{}\n", self.painted(BOLD, &format!("{number}. {title}"))))
    }

    /// Writes a command line as one types it.
    pub(super) fn command(&self, line: &str) -> Result<()> {
        write_exactly(&format!("{} {}\n", self.painted(DIM, "$"), self.painted(GREEN, line)))
    }

    /// Writes what a command said when it refused.
    pub(super) fn refusal(&self, text: &str) -> Result<()> {
        write_exactly(&self.painted(RED, &indented(text)))
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        let text = escaped(text);
        if self.coloured { format!("{colour}{text}{PLAIN}") } else { text }
    }
}

/// Writes what is told beside the steps.
pub(super) fn say(text: &str) -> Result<()> {
    write(&format!("{text}\n"))
}

/// Writes what a command printed.
pub(super) fn output(text: &str) -> Result<()> {
    write(&indented(text))
}

fn indented(text: &str) -> String {
    text.trim_end().lines().fold(String::new(), |mut all, line| {
        let line = format!("  {line}");
        let _ = writeln!(all, "{}", line.trim_end());
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_indented_and_colours_are_left_out_where_nobody_sees_them() {
        assert_eq!(indented("a\n\n b\n"), "  a\n\n   b\n");
        let screen = |coloured| Screen { coloured, step: Cell::new(0) };
        assert_eq!(screen(false).painted(BOLD, "x"), "x");
        assert_eq!(screen(true).painted(BOLD, "x"), "\x1b[1mx\x1b[0m");
        assert_eq!(screen(false).painted(BOLD, "\x1b[2J"), "\\u001b[2J");
    }
}
