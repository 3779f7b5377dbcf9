//! base64url without padding (RFC 7515, section 2), strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Encodes bytes.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Encodes bytes at the end of a text.
pub fn encode_into(bytes: impl AsRef<[u8]>, out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

/// Decodes a text. Returns `None` when it holds padding, white space, another alphabet or stray bits.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
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
}
