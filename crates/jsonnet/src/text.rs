//! Writing strings in JSON.

/// Appends a string in JSON's quotes, escaped as go-jsonnet does.
pub(crate) fn write_json(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut clean = 0;
    for (at, byte) in bytes.iter().enumerate() {
        // U+0080 to U+009F are the two bytes C2 80 to C2 9F.
        let control = *byte == 0xC2 && bytes.get(at + 1).is_some_and(|next| *next < 0xA0);
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' && *byte != 0x7F && !control {
            continue;
        }
        out.extend_from_slice(&bytes[clean..at]);
        clean = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0xC2 => {
                escape(bytes[at + 1], out);
                clean = at + 2;
            }
            other => escape(*other, out),
        }
    }
    out.extend_from_slice(&bytes[clean..]);
    out.push(b'"');
}

/// Whether nothing has to be escaped, as far as single bytes tell. All of them are looked at, without a branch for
/// each, so that many can be looked at together.
fn is_plain(bytes: &[u8]) -> bool {
    let is_odd = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7F || byte == 0xC2;
    !bytes.iter().fold(false, |odd, byte| odd | is_odd(*byte))
}

/// Appends a string in JSON's quotes as Go's encoding/json does when it leaves HTML alone: only control
/// characters of ASCII and the two separators of lines that JavaScript knows are escaped.
pub(crate) fn write_encoding_json(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{2028}' => out.extend_from_slice(b"\\u2028"),
            '\u{2029}' => out.extend_from_slice(b"\\u2029"),
            '\0'..='\u{1f}' => escape(character as u8, out),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// The first characters of a text for a message, which must not become as long as what it is about.
pub(crate) fn shortened(text: &str) -> std::borrow::Cow<'_, str> {
    const LONGEST: usize = 400;
    if text.len() <= LONGEST {
        return text.into();
    }
    format!("{}...", &text[..text.floor_char_boundary(LONGEST)]).into()
}

/// How long a string can be at the most once it is written.
pub(crate) fn most_escaped(text: &str) -> usize {
    /// Short strings are not looked at. An escape takes up to six bytes for one.
    const SHORT: usize = 64;
    if text.len() <= SHORT {
        return 6 * text.len() + 2;
    }
    // U+0080 to U+009F begin with C2, U+2028 and U+2029 with E2.
    let length = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 | 0x7F | 0xC2 => 6,
        0xE2 => 4,
        _ => 1,
    };
    text.bytes().map(length).sum::<usize>() + 2
}

/// Appends `\u00XX`.
fn escape(code: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u00");
    out.push(HEX[usize::from(code >> 4)]);
    out.push(HEX[usize::from(code & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        write_json(text, &mut out);
        assert!(out.len() <= most_escaped(text));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped_as_go_jsonnet_does() {
        assert_eq!(json("a\"b\\c\n\t\r\u{8}\u{c}"), r#""a\"b\\c\n\t\r\b\f""#);
        assert_eq!(
            json("\0\u{1f}\u{7f}\u{80}\u{9f}\u{a0}é😀"),
            "\"\\u0000\\u001f\\u007f\\u0080\\u009f\u{a0}é😀\""
        );
        assert_eq!(json(""), "\"\"");
    }
}
