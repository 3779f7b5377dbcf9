//! The ids of requests, by which their records are found in the log.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header with the id of a request, in requests and in answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id of a request that is taken over.
const MAX_ID: usize = 128;

/// Gives requests their ids: a part that is random for every start, and a number.
#[derive(Debug)]
pub struct RequestIds {
    start: [u8; 16],
    next: AtomicU64,
}

impl RequestIds {
    /// Ids that begin with `start`.
    pub fn new(start: u64) -> Self {
        Self { start: hexadecimal(start), next: AtomicU64::new(1) }
    }

    /// The id of a request: the one that it brings along, else a new one. Whoever asks may choose one, so it is short and
    /// has no character that means something in a log, an address or a page. It finds records and proves nothing.
    pub fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let given = headers.get(REQUEST_ID).filter(|id| {
            let bytes = id.as_bytes();
            (1..=MAX_ID).contains(&bytes.len()) && bytes.iter().all(|byte| is_plain(*byte))
        });
        given.cloned().unwrap_or_else(|| {
            let mut id = [b'-'; 33];
            id[..16].copy_from_slice(&self.start);
            id[17..].copy_from_slice(&hexadecimal(self.next.fetch_add(1, Ordering::Relaxed)));
            // Hexadecimal digits and a hyphen.
            HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("none"))
        })
    }
}

/// The characters of the ids that proxies and clients make: of UUIDs, of base64 in both alphabets, of numbers and names.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'=' | b'+' | b'/' | b'@')
}

fn hexadecimal(number: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|at| DIGITS[(number >> (60 - 4 * at) & 15) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_two_hexadecimal_numbers() {
        let ids = RequestIds::new(0xABC);
        let none = HeaderMap::new();
        assert_eq!(ids.of(&none), "0000000000000abc-0000000000000001");
        assert_eq!(ids.of(&none), "0000000000000abc-0000000000000002");
    }

    #[test]
    fn an_id_of_somebody_else_is_taken_when_it_is_short_and_plain() {
        let ids = RequestIds::new(0xABC);
        let of = |given: &[u8]| {
            let given = HeaderValue::from_bytes(given).unwrap();
            ids.of(&HeaderMap::from_iter([(REQUEST_ID, given)]))
        };
        let long = "x".repeat(MAX_ID);
        for good in ["1", "6f1c6c2e-0000-4000-8000-000000000000", "Root=1-67891233-abc", "aZ+/_-=.:@", &long]
        {
            assert_eq!(of(good.as_bytes()), good);
        }
        let too_long = "x".repeat(MAX_ID + 1);
        for bad in [
            "",
            "two words",
            "a\"b",
            "a'b",
            "<b>",
            "a{b",
            "a,b",
            "a;b",
            "a&b",
            "a%0ab",
            "a\tb",
            "\u{e9}",
            &too_long,
        ] {
            let id = of(bad.as_bytes());
            assert!(id.to_str().unwrap().starts_with("0000000000000abc-"), "{bad}: {id:?}");
        }
    }
}
