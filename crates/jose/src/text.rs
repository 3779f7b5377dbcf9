//! Texts as files hold them.

/// A text without the byte order mark (U+FEFF) with which some programs begin a file.
pub fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// The bytes of a text without the byte order mark (U+FEFF) with which some programs begin a file.
pub fn without_byte_order_mark_in(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes)
}
