//! base64url without padding (RFC 7515, section 2): strictly in tokens, leniently in keys.
//!
//! Each token is encoded while somebody waits for it, so a library does that which encodes many bytes at once. What is
//! decoded comes from elsewhere and takes the rules that the other library has.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What other programs take for base64: with or without padding, and with bits behind the last byte.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Encodes bytes.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Encodes bytes at the end of a text.
pub fn encode_into(bytes: impl AsRef<[u8]>, out: &mut String) {
    base64_simd::URL_SAFE_NO_PAD.encode_append(bytes, out);
}

/// Decodes a text. Returns `None` when it holds padding, white space, another alphabet or stray bits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes base64 as programs write it into keys and PEM files: in either alphabet, padded or not, white space left
/// out. `None` when it holds anything else.
pub fn decode_lenient(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let alphabet = |byte| match byte {
        b'+' => b'-',
        b'/' => b'_',
        other => other,
    };
    let compact: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(alphabet).collect());
    LENIENT.decode(&*compact).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_form_is_accepted() {
        // The example is that of RFC 7515, appendix C.
        assert_eq!(encode([3, 236, 255, 224, 193]), "A-z_4ME");
        assert_eq!(decode("A-z_4ME").as_deref(), Some(&[3, 236, 255, 224, 193][..]));
        for text in ["A-z_4ME=", "A+z/4ME", "A-z_4M E", "A-z_4MF", "A"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn keys_may_have_any_form_of_base64() {
        for text in ["A-z_4ME", "A-z_4ME=", "A+z/4ME=", "A-z/ 4M\r\nE", "A-z_4MF"] {
            assert_eq!(decode_lenient(text).unwrap()[..], [3, 236, 255, 224, 193], "{text}");
        }
        for text in ["A-z_4ME==", "A", "=A-z", "A.z_", "\u{e9}"] {
            assert_eq!(decode_lenient(text), None, "{text}");
        }
    }
}
