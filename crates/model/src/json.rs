//! Values in the JSON on the wire.

use serde::Serialize;
use serde_json::Value;

/// A JSON string with the text that a value prints.
pub(crate) fn text(value: &impl ToString) -> Value {
    Value::String(value.to_string())
}

/// A JSON array of the values.
pub(crate) fn list<T: Serialize>(items: &[T]) -> Value {
    // These types hold strings, flags and times only, which always have a JSON form.
    serde_json::to_value(items).unwrap_or_default()
}

/// How much of a number is shown to whoever sent it.
const MAX_SHOWN: usize = 40;

/// The first whole number in a JSON text that has more digits than a value can hold, which would lose some of them; of a
/// long one the beginning. What stands in strings is no number.
pub fn oversized_integer(text: &[u8]) -> Option<&str> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at),
            b'-' | b'0'..=b'9' => {
                let rest = &text[at..];
                let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                let end = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
                let number = std::str::from_utf8(&rest[..end]).unwrap_or_default();
                let digits = number.strip_prefix('-').unwrap_or(number);
                let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
                if is_whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    return Some(&number[..number.len().min(MAX_SHOWN)]);
                }
                at += end;
            }
            _ => at += 1,
        }
    }
    None
}

/// Where a string ends that begins at a place.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_lose_digits_are_found() {
        for (text, found) in [
            ("18446744073709551615", None),
            ("18446744073709551616", Some("18446744073709551616")),
            ("[-9223372036854775808, -9223372036854775809]", Some("-9223372036854775809")),
            (
                r#"{"a\"1": "99999999999999999999\\", "b": 99999999999999999999}"#,
                Some("99999999999999999999"),
            ),
            (r#"{"99999999999999999999": "99999999999999999999"}"#, None),
            ("[1.5, 99999999999999999999.5, 1e400, 0.12345678901234567890123, -0, 1E+30]", None),
            ("-", Some("-")),
            ("\"", None),
            ("", None),
        ] {
            assert_eq!(oversized_integer(text.as_bytes()), found, "{text}");
        }
    }
}
