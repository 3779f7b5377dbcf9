//! Lists of statuses (Token Status List, draft-ietf-oauth-status-list, section 4): a few bits for each token,
//! compressed, in the claim `status_list` of a token of its own.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde_json::{Map, Value};

use crate::base64url;

/// The `typ` of a token that holds a list.
pub const TYP: &str = "statuslist+jwt";

/// The status of a token that is good; every other one means that it must be refused.
pub const VALID: u8 = 0;

/// The most bytes that a list may have when it is read: four million tokens with eight bits each.
const MAX_LIST: usize = 4 << 20;

/// What is wrong with a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusListError {
    /// The claims are not those of a list.
    #[error("the claim \"status_list\" has no \"bits\" (1, 2, 4 or 8) and \"lst\" (zlib, as base64url)")]
    Malformed,
    /// The list does not reach so far.
    #[error("the list has no index {0}")]
    NoSuchIndex(u64),
}

/// Writes a list as it stands in `lst`, which is zlib (RFC 1950) as base64url. Equal bytes give equal texts
/// on every machine.
pub fn encode(bits: &[u8]) -> String {
    base64url::encode(compress_to_vec_zlib(bits, 9))
}

/// The status of a token at an index of the list in these claims.
pub fn status(claims: &Map<String, Value>, index: u64) -> Result<u8, StatusListError> {
    let list = claims.get("status_list").ok_or(StatusListError::Malformed)?;
    let bits = list.get("bits").and_then(Value::as_u64).filter(|bits| matches!(bits, 1 | 2 | 4 | 8));
    let lst = list.get("lst").and_then(Value::as_str).and_then(base64url::decode);
    let bytes = lst.and_then(|lst| decompress_to_vec_zlib_with_limit(&lst, MAX_LIST).ok());
    let (bits, bytes) = bits.zip(bytes).ok_or(StatusListError::Malformed)?;
    let per_byte = 8 / bits;
    let byte = usize::try_from(index / per_byte).ok().and_then(|place| bytes.get(place));
    let byte = u64::from(*byte.ok_or(StatusListError::NoSuchIndex(index))?);
    // The first status is in the lowest bits.
    let status = byte >> (index % per_byte * bits) & ((1 << bits) - 1);
    Ok(u8::try_from(status).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(bits: u64, lst: &str) -> Map<String, Value> {
        json!({"status_list": {"bits": bits, "lst": lst}}).as_object().unwrap().clone()
    }

    /// The examples are those of sections 4.1 and 4.2 of the draft.
    #[test]
    fn the_draft_s_examples_are_read() {
        let of = |claims: &Map<String, Value>, count: u64| {
            (0..count).map(|index| status(claims, index).unwrap()).collect::<Vec<_>>()
        };
        let one = claims(1, "eNrbuRgAAhcBXQ");
        assert_eq!(of(&one, 16), [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
        assert_eq!(status(&one, 16), Err(StatusListError::NoSuchIndex(16)));
        let two = claims(2, "eNo76fITAAPfAgc");
        assert_eq!(of(&two, 12), [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn what_is_written_is_read_and_a_list_of_all_sizes_is_small() {
        let mut bits = vec![u8::MAX; 131_072];
        bits[70] = 0b1110_1111;
        let lst = encode(&bits);
        assert!(lst.len() < 300, "{}", lst.len());
        let claims = claims(1, &lst);
        for (index, expected) in [(0, 1), (563, 1), (564, 0), (565, 1), (1_048_575, 1)] {
            assert_eq!(status(&claims, index), Ok(expected), "{index}");
        }
        assert_eq!(status(&claims, 1_048_576), Err(StatusListError::NoSuchIndex(1_048_576)));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let huge = encode(&vec![0; MAX_LIST + 1]);
        for (bits, lst) in [(3, "eNrbuRgAAhcBXQ"), (0, "eNrbuRgAAhcBXQ"), (1, "@"), (1, "AAAA"), (1, &huge)] {
            assert_eq!(status(&claims(bits, lst), 0), Err(StatusListError::Malformed), "{bits} {lst:.20}");
        }
        assert_eq!(status(&Map::new(), 0), Err(StatusListError::Malformed));
    }
}
