//! Public keys in the form of COSE (RFC 9052, section 7), which is how authenticators hand them out. As much of CBOR is
//! read as such a key has: one map of small numbers to numbers and bytes.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

/// The most members of a key. Those that are known have five.
const MAX_MEMBERS: u64 = 16;

/// Major types of CBOR (RFC 8949, section 3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const MAP: u8 = 5;

/// A key as the library for passkeys writes it. `None` when the bytes are no key of a kind that signs for passkeys.
pub(super) fn public_key(bytes: &[u8]) -> Option<Value> {
    let key = Key::parse(bytes)?;
    let [first, second] = [key.first?, key.second.unwrap_or_default()];
    let encoded = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let elliptic = |name: &str, curve: &str, size: usize| {
        let fits = first.len() == size && second.len() == size;
        let key = json!({"EC_EC2": {"curve": curve, "x": encoded(first), "y": encoded(second)}});
        fits.then(|| json!({"type_": name, "key": key}))
    };
    match (key.kind?, key.algorithm?, key.curve) {
        (2, -7, Some(1)) => elliptic("ES256", "SECP256R1", 32),
        (2, -35, Some(2)) => elliptic("ES384", "SECP384R1", 48),
        (2, -36, Some(3)) => elliptic("ES521", "SECP521R1", 66),
        (1, -8, Some(6)) if first.len() == 32 => {
            let key = json!({"EC_OKP": {"curve": "ED25519", "x": encoded(first)}});
            Some(json!({"type_": "EDDSA", "key": key}))
        }
        (3, -257, None) if second.len() == 3 => {
            Some(json!({"type_": "RS256", "key": {"RSA": {"n": encoded(first), "e": second}}}))
        }
        _ => None,
    }
}

/// The members of a key that say what it is. Which numbers they have depends on its kind.
#[derive(Default)]
struct Key<'a> {
    kind: Option<i64>,
    algorithm: Option<i64>,
    /// -1 of an elliptic curve.
    curve: Option<i64>,
    /// -2 of an elliptic curve, and -1 of RSA.
    first: Option<&'a [u8]>,
    /// -3 of an elliptic curve, and -2 of RSA.
    second: Option<&'a [u8]>,
}

enum Item<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

impl<'a> Key<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let (MAP, members @ 0..=MAX_MEMBERS) = reader.head()? else { return None };
        let (mut key, mut minus_two) = (Self::default(), None);
        for _ in 0..members {
            let Item::Number(name) = reader.item()? else { return None };
            match (name, reader.item()?) {
                (1, Item::Number(kind)) => key.kind = Some(kind),
                (3, Item::Number(algorithm)) => key.algorithm = Some(algorithm),
                (-1, Item::Number(curve)) => key.curve = Some(curve),
                (-1, Item::Bytes(modulus)) => key.first = Some(modulus),
                (-2, Item::Bytes(bytes)) => minus_two = Some(bytes),
                (-3, Item::Bytes(bytes)) => key.second = Some(bytes),
                _ => {}
            }
        }
        if key.first.is_none() {
            key.first = minus_two;
        } else {
            key.second = minus_two;
        }
        reader.0.is_empty().then_some(key)
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A major type, and the number that comes with it.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = *self.take(1)?.first()?;
        let number = match first & 31 {
            small @ 0..=23 => u64::from(small),
            size @ 24..=27 => {
                let bytes = self.take(1 << (size - 24))?;
                bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
            _ => return None,
        };
        Some((first >> 5, number))
    }

    fn item(&mut self) -> Option<Item<'a>> {
        Some(match self.head()? {
            (UNSIGNED, number) => Item::Number(number.try_into().ok()?),
            (NEGATIVE, number) => Item::Number(-1 - i64::try_from(number).ok()?),
            (BYTES, count) => Item::Bytes(self.take(count.try_into().ok()?)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn es256() -> Vec<u8> {
        let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01];
        [&head[..], &[0x21, 0x58, 0x20], &[7; 32], &[0x22, 0x58, 0x20], &[8; 32]].concat()
    }

    #[test]
    fn keys_of_passkeys_are_read() {
        let key = public_key(&es256()).unwrap();
        assert_eq!(key["type_"], "ES256");
        assert_eq!(key["key"]["EC_EC2"]["x"], BASE64_URL_SAFE_NO_PAD.encode([7; 32]));
        assert_eq!(key["key"]["EC_EC2"]["y"], BASE64_URL_SAFE_NO_PAD.encode([8; 32]));
        let ed25519 = [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20][..], &[9; 32]].concat();
        assert_eq!(public_key(&ed25519).unwrap()["key"]["EC_OKP"]["curve"], "ED25519");
        let head = [0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x59, 0x01, 0x00];
        let rsa = [&head[..], &[5; 256], &[0x21, 0x43, 1, 0, 1]].concat();
        assert_eq!(public_key(&rsa).unwrap()["key"]["RSA"]["e"], json!([1, 0, 1]));
    }

    #[test]
    fn no_bytes_panic_and_only_whole_keys_are_keys() {
        let whole = es256();
        for end in 0..whole.len() {
            assert!(public_key(&whole[..end]).is_none(), "{end}");
        }
        for place in 0..whole.len() {
            for byte in [0, 0x1b, 0x5b, 0x7f, 0xbb, 0xff] {
                let mut other = whole.clone();
                other[place] = byte;
                let _ = public_key(&other);
            }
        }
        assert!(public_key(&[whole, vec![0]].concat()).is_none(), "something follows");
    }
}
