//! What a terminal is given: texts of others say nothing to it.
//!
//! Somebody else may have written what is shown, the id of a key in a token for example. A terminal obeys control
//! characters, and some other characters turn or hide what stands around them.

use std::fmt::Write as _;

use rustix::termios::tcgetwinsize;

/// How many characters fit on a line, where the output goes to a terminal.
pub(super) fn width() -> Option<usize> {
    let size = tcgetwinsize(std::io::stdout()).ok()?;
    // Some terminals do not know how wide they are.
    Some(if size.ws_col == 0 { 80 } else { size.ws_col.into() })
}

/// A text in which every character that a terminal obeys, that turns the direction of others, or that nobody sees is
/// written by its number as in JSON: `\u001b`. Ends of lines and tabs stay.
///
/// In a document of JSON these characters stand in strings only, where their numbers mean the same.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing into memory does not fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown
}

/// A text that is escaped and stays on its line.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// Whether a character does nothing but be shown, or ends a line or a column.
pub(crate) fn is_plain(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        // Marks of direction, blanks without width, separators of lines, and characters that annotate others. Joiners
        // (U+200C, U+200D) belong to the words of some languages.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}' => false,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => false,
        other => !other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_by_its_number() {
        for (text, shown) in [
            ("\u{1b}[1A\u{1b}[2K\rvalid", "\\u001b[1A\\u001b[2K\\u000dvalid"),
            ("\u{9b}31m\u{7f}\u{8}\u{7}", "\\u009b31m\\u007f\\u0008\\u0007"),
            ("a\u{202e}b\u{2066}c\u{200b}\u{feff}", "a\\u202eb\\u2066c\\u200b\\ufeff"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(escaped(text), shown);
        }
        assert_eq!(one_line("a\nb\u{7}\t"), "a\\nb\\u0007\\t");
        for plain in ["a\tb\nc", "Zoë Ü 李 हिन्दी", "می\u{200c}خواهم", "👩\u{200d}🚀", "\\u001b \"'"]
        {
            assert_eq!(escaped(plain), plain);
        }
    }

    #[test]
    fn a_document_means_the_same_afterwards() {
        let value = serde_json::json!({"a\u{9b}": "b\u{202e}\u{1b}\u{e0041}\u{7f}"});
        let text = escaped(&value.to_string());
        assert!(text.chars().all(|c| c.is_ascii_graphic()), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
