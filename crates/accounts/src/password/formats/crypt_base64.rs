//! The base64 of crypt(3): its own alphabet, the lowest bits first, over bytes in an order that each digest has for
//! itself.

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether a text has characters of this base64 only.
pub(super) fn is_written_so(text: &str) -> bool {
    text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// Writes three bytes, the first of which is the highest, as so many characters.
pub(super) fn write(text: &mut String, [high, middle, low]: [u8; 3], characters: usize) {
    let mut bits = u32::from(high) << 16 | u32::from(middle) << 8 | u32::from(low);
    for _ in 0..characters {
        text.push(char::from(ALPHABET[(bits & 63) as usize]));
        bits >>= 6;
    }
}
