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

    /// The id of a request: the one that a proxy gave it, else a new one.
    pub fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let given = headers.get(REQUEST_ID).filter(|id| {
            let bytes = id.as_bytes();
            (1..=MAX_ID).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
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
}
