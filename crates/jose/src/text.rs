//! Texts as files hold them, and names.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// A text without the byte order mark (U+FEFF) with which some programs begin a file.
pub fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// The bytes of a text without the byte order mark (U+FEFF) with which some programs begin a file.
pub fn without_byte_order_mark_in(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes)
}

/// The longest name of anything in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// Whether a text can stand as a name where people and programs read it: it has something, not too much, and nothing that
/// is not seen or turns around what stands beside it.
pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.chars().any(is_unseen)
}

/// Whether a character is not seen or changes how others are shown: control characters, marks of direction and all
/// others that Unicode calls ignorable, and the separators of lines and paragraphs.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_and_all_of_it_is_seen() {
        for good in
            ["a", "2011-04-29", "Schl\u{fc}ssel 1", "\u{9375}", "https://example.org/k#1", &"x".repeat(255)]
        {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "a\0",
            "a\n",
            "a\u{9b}",
            "a\u{202e}",
            "a\u{2066}",
            "a\u{200b}",
            "\u{3164}",
            "\u{e0041}",
            &"x".repeat(256),
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
