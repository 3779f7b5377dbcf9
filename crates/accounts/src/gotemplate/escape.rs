//! How values are escaped.

/// How a value is escaped, which follows from the place at which it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// Not at all: the template makes plain text.
    Nothing,
    /// For text, and for the value of an attribute in quotation marks.
    Text,
    /// As an address, or its beginning, in an attribute. One that runs a program leads nowhere.
    Url,
    /// As a part of the path of an address in an attribute.
    Path,
    /// As a part of the query of an address in an attribute.
    Query,
}

/// What an address is replaced by that must not be opened.
const NOWHERE: &str = "#";

impl Escape {
    /// Writes a text as its place demands.
    pub(super) fn write(self, text: &str, to: &mut String) {
        match self {
            Self::Nothing => to.push_str(text),
            Self::Text => write_text(text, to),
            Self::Url if !leads_somewhere(text) => to.push_str(NOWHERE),
            Self::Url | Self::Path => write_text(&percent(text, b":/?#[]@!$&'()*+,;=%"), to),
            Self::Query => to.push_str(&percent(text, b"")),
        }
    }
}

fn write_text(text: &str, to: &mut String) {
    for char in text.chars() {
        match char {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&#34;"),
            '\'' => to.push_str("&#39;"),
            '\0' => to.push('\u{fffd}'),
            _ => to.push(char),
        }
    }
}

/// Whether a mail may have people open an address: it has no scheme, or a harmless one.
fn leads_somewhere(url: &str) -> bool {
    let url = url.trim_start_matches(|char: char| char.is_whitespace() || char.is_control());
    let head = url.split(['/', '?', '#']).next().unwrap_or_default();
    head.split_once(':').is_none_or(|(scheme, _)| is_harmless(scheme))
}

/// Whether whoever opens an address of a scheme runs no program.
pub(super) fn is_harmless(scheme: &str) -> bool {
    ["http", "https", "mailto", "tel", "sms"].iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

/// Percent-encodes everything but letters, digits, `-._~` and what is kept.
pub(super) fn percent(text: &str, kept: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    encoded
}
