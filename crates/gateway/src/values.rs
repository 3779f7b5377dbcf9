//! Claims as values of headers.
//!
//! A value has nothing but printable ASCII. All other characters, and the percent sign, stand there as the UTF-8 bytes
//! of the character, each behind a percent sign (as in RFC 8187, section 3.2.1), so that whoever undoes the encoding has
//! the claim again.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use bytes::Bytes;
use serde_json::Value;

/// The longest value in bytes. Proxies and apps have room for so much.
const LONGEST: usize = 4 * 1024;

/// A claim does not fit a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// A claim as the value of a header. Members of a list are parted by commas; null, and a claim that is absent, is empty.
pub fn of_claim(claim: Option<&Value>) -> Result<HeaderValue, TooLong> {
    let mut text = String::new();
    match claim {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                encode(&plain(item), &[','], &mut text)?;
            }
        }
        Some(other) => encode(&plain(other), &[], &mut text)?,
    }
    // What was written is printable ASCII.
    HeaderValue::from_maybe_shared(Bytes::from(text)).map_err(|_| TooLong)
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> std::borrow::Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

/// Writes a text without what cannot stand in a header, and without what is `reserved`.
fn encode(text: &str, reserved: &[char], into: &mut String) -> Result<(), TooLong> {
    if text.len() > LONGEST {
        return Err(TooLong);
    }
    let last = text.len().saturating_sub(1);
    for (at, letter) in text.char_indices() {
        // Proxies cut blanks off at both ends.
        let is_cut = letter == ' ' && (at == 0 || at == last);
        if matches!(letter, ' '..='~') && letter != '%' && !reserved.contains(&letter) && !is_cut {
            into.push(letter);
        } else {
            for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a text cannot fail.
                let _ = write!(into, "%{byte:02X}");
            }
        }
    }
    if into.len() > LONGEST { Err(TooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn shown(claim: &Value) -> String {
        of_claim(Some(claim)).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn claims_of_all_kinds_are_values() {
        for (claim, value) in [
            (json!("ada@example.org"), "ada@example.org"),
            (json!("Ada, Countess"), "Ada, Countess"),
            (json!("Zoë 100%"), "Zo%C3%AB 100%25"),
            (json!("a\r\nX-Admin: 1\u{0}"), "a%0D%0AX-Admin: 1%00"),
            (json!(" a "), "%20a%20"),
            (json!(["admin", "a,b", 3, true]), "admin,a%2Cb,3,true"),
            (json!(7), "7"),
            (json!(true), "true"),
            (json!({"a": "é"}), "{\"a\":\"%C3%A9\"}"),
            (json!([]), ""),
            (json!(null), ""),
        ] {
            assert_eq!(shown(&claim), value, "{claim}");
        }
        assert_eq!(of_claim(None).unwrap(), "");
    }

    #[test]
    fn what_is_too_long_is_left_out() {
        assert!(of_claim(Some(&json!("a".repeat(LONGEST)))).is_ok());
        assert_eq!(of_claim(Some(&json!("a".repeat(LONGEST + 1)))), Err(TooLong));
        assert_eq!(of_claim(Some(&json!("é".repeat(LONGEST / 2)))), Err(TooLong));
        assert_eq!(of_claim(Some(&json!(vec!["a"; LONGEST]))), Err(TooLong));
    }

    proptest! {
        #[test]
        fn every_text_is_a_clean_value_and_comes_back(text: String) {
            if let Ok(value) = of_claim(Some(&text.clone().into())) {
                prop_assert!(value.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~')));
                prop_assert_eq!(value.as_bytes().trim_ascii(), value.as_bytes());
                let decoded = percent_encoding::percent_decode(value.as_bytes()).decode_utf8().unwrap();
                prop_assert_eq!(decoded, text);
            }
        }
    }
}
