//! Characters that must not stand in a record as they are.

use std::fmt::Write as _;

/// Whether a character is shown as itself: no control character, no separator of lines, none that turns the direction of
/// what follows, and none that is not seen.
fn is_plain(c: char) -> bool {
    // Rust escapes in its own debugging texts what cannot be printed, and quotes.
    matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1
}

/// A text in which every character that is not shown as itself is written by its number: `\u{202e}`, or `\n`.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) { shown.push(c) } else { shown.extend(c.escape_debug()) }
    }
    shown
}

/// A value of a field: as it is when it is one word, else in quotes, so that no part of it looks like another field.
pub(super) fn value(text: &str) -> String {
    let is_word = |c: char| !c.is_whitespace() && !matches!(c, '"' | '=' | '{' | '}') && is_plain(c);
    if !text.is_empty() && text.chars().all(is_word) {
        return text.to_owned();
    }
    format!("\"{}\"", shown(&text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A text of JSON in which every character that is not shown as itself is written by its number. They stand in strings
/// only, where that means the same.
pub(super) fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || is_plain(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into memory does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}
