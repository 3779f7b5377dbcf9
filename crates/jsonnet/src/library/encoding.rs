//! Functions on bytes, which are UTF-8, base64 and digests.

use crate::code::NodeId;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::output::Writer;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::functions;

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "encodeUTF8"(str) => encode_utf8;
    "decodeUTF8"(arr) => decode_utf8;
    "base64"(input) => base64;
    "base64Decode"(str) => base64_decode;
    "base64DecodeBytes"(str) => base64_decode_bytes;
    "md5"(s) => md5;
    "sha1"(str) => sha1;
    "sha256"(str) => sha256;
    "sha512"(str) => sha512;
    "sha3"(str) => sha3;
}

fn byte_array(m: &mut Machine<'_>, bytes: &[u8]) -> Step<Value> {
    m.array(bytes.iter().map(|byte| Value::Number(f64::from(*byte))))
}

fn encode_utf8(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    byte_array(m, text.as_bytes())
}

/// Reads an array of numbers from 0 to 255.
fn bytes(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Vec<u8>> {
    let array = m.array_argument(value, node)?;
    let mut bytes = m.memory.list(m.array_len(array))?;
    for at in 0..m.array_len(array) {
        let element = m.forced_element(array, at)?;
        let number = m.integer_argument(element, node)?;
        let Ok(byte) = u8::try_from(number) else {
            return m.fail(node, format!("bytes must be integers in range [0, 255], got {number}"));
        };
        bytes.push(byte);
    }
    Ok(bytes)
}

fn decode_utf8(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let bytes = bytes(m, a[0], node)?;
    let text = text_of_bytes(m, &bytes)?;
    m.written(text)
}

/// Decodes UTF-8. Each byte that cannot be read gives one replacement character, as in Go.
pub(super) fn text_of_bytes(m: &mut Machine<'_>, bytes: &[u8]) -> Step<Writer> {
    let mut text = m.writer();
    for chunk in bytes.utf8_chunks() {
        text.push(chunk.valid(), &mut m.memory)?;
        for _ in chunk.invalid() {
            text.push("\u{FFFD}", &mut m.memory)?;
        }
    }
    Ok(text)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes bytes as base64 with padding (RFC 4648, section 4).
fn encode(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut word = [0_u8; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for at in 0..4 {
            if at <= chunk.len() {
                let digit = (bits >> (18 - 6 * at)) & 63;
                encoded.push(char::from(ALPHABET[digit as usize]));
            } else {
                encoded.push('=');
            }
        }
    }
    encoded
}

/// Decodes what [`encode`] makes. Returns `None` for anything else.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let count = bytes.len() / 4;
    for (at, chunk) in bytes.chunks(4).enumerate() {
        let padding = chunk.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && at + 1 < count) {
            return None;
        }
        let mut bits: u32 = 0;
        for byte in chunk {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => 0,
                _ => return None,
            };
            bits = (bits << 6) | u32::from(digit);
        }
        if chunk[..4 - padding].contains(&b'=') {
            return None;
        }
        decoded.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(decoded)
}

fn base64(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let bytes = match m.force(a[0])? {
        Value::String(text) => {
            let text = m.shared_text(text);
            m.burn(text.len() / 8)?;
            m.charge(text.len())?;
            if let Some(large) = text.chars().find(|character| u32::from(*character) > 255) {
                return m.fail(
                    node,
                    format!("base64 takes characters up to U+00FF, got {large:?}; use std.encodeUTF8 first"),
                );
            }
            text.as_bytes().to_vec()
        }
        value @ Value::Array(_) => bytes(m, value, node)?,
        other => {
            let found = m.type_name(other);
            return m.fail(
                node,
                format!("base64 can only base64 encode strings / arrays of single bytes, got {found}"),
            );
        }
    };
    m.burn(bytes.len() / 8)?;
    m.charge(bytes.len().div_ceil(3) * 4)?;
    m.string(&encode(&bytes))
}

fn decoded(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Vec<u8>> {
    let text = m.text_argument(value, node)?;
    m.burn(text.len() / 8)?;
    m.charge(text.len())?;
    match decode(&text) {
        Some(bytes) => Ok(bytes),
        None => m.fail(node, "not a valid base64 encoded string"),
    }
}

fn base64_decode(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let bytes = decoded(m, a[0], node)?;
    let text = text_of_bytes(m, &bytes)?;
    m.written(text)
}

fn base64_decode_bytes(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let bytes = decoded(m, a[0], node)?;
    byte_array(m, &bytes)
}

/// Computes the digest of a text in hexadecimal.
fn hex<D: md5::Digest>(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Value> {
    let text = m.text_argument(value, node)?;
    m.burn(text.len() / 4 + 50)?;
    let digest = D::digest(text.as_bytes());
    let mut text = String::with_capacity(2 * digest.len());
    for byte in &digest {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    m.string(&text)
}

fn md5(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    hex::<md5::Md5>(m, a[0], node)
}

fn sha1(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    hex::<sha1::Sha1>(m, a[0], node)
}

fn sha256(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    hex::<sha2::Sha256>(m, a[0], node)
}

fn sha512(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    hex::<sha2::Sha512>(m, a[0], node)
}

fn sha3(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    hex::<sha3::Sha3_512>(m, a[0], node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_rfc_4648() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(encode(plain.as_bytes()), encoded);
            assert_eq!(decode(encoded).as_deref(), Some(plain.as_bytes()));
        }
        for wrong in ["Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Z=g=", "Z\u{e9}==", "Zg\n="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
