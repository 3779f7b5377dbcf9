//! Status lists as both engines make them.

use sessera_model::StatusIndex;

/// How many places the database counts together, so that a list comes in few rows.
pub(crate) const PER_WORD: u32 = 32;

/// The places of a list, from the first to the one behind the last. It is `None` when no database counts that
/// far.
pub(crate) fn range(list: u64) -> Option<(i64, i64)> {
    let first = i64::try_from(StatusIndex::at(list, 0)?.number()).ok()?;
    Some((first, first.checked_add(i64::from(StatusIndex::PER_LIST))?))
}

/// Makes a list from its words with refused sessions, each with its position and a bit for each session.
///
/// All other places are 0, be it for a live session or because nobody has them yet. A list is good for a
/// while, and a session that gets a place in the meantime must not be refused by it.
pub(crate) fn list(words: impl IntoIterator<Item = (i64, i64)>) -> Vec<u8> {
    let mut bytes = vec![0; StatusIndex::PER_LIST as usize / 8];
    for (word, refused) in words {
        let (Ok(word), Ok(refused)) = (usize::try_from(word), u32::try_from(refused)) else { continue };
        if let Some(place) = bytes.get_mut(word * 4..word * 4 + 4) {
            // The first place is the lowest bit of the first byte.
            place.copy_from_slice(&refused.to_le_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_sessions_are_ones_from_the_lowest_bit() {
        let bytes = list([(0, 0b1000_0001), (1, 1 << 31), (32_767, 1), (32_768, 1), (-1, 1), (2, -1)]);
        assert_eq!(bytes.len(), 131_072);
        assert_eq!(bytes[..9], [0b1000_0001, 0, 0, 0, 0, 0, 0, 0b1000_0000, 0]);
        assert_eq!(bytes[131_068..], [1, 0, 0, 0]);
    }

    #[test]
    fn a_list_has_its_range() {
        assert_eq!(range(0), Some((0, 1 << 20)));
        assert_eq!(range(3), Some((3 << 20, 4 << 20)));
        assert_eq!(range(u64::MAX), None);
        assert_eq!(range(1 << 43), None);
    }
}
