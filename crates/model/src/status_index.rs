//! Places in status lists (Token Status List, draft-ietf-oauth-status-list).

/// The place of a session in the status lists, by which others see that it was revoked. A session gets it
/// once, when it is made, and no other session ever gets it again. A token that somebody kept can therefore
/// never be taken for one of another session that is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusIndex(u64);

impl StatusIndex {
    /// How many places a list has.
    pub const PER_LIST: u32 = 1 << 20;

    /// The place of the session that was the `number`-th to be made, counted from 0.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The place at a position of a list, or `None` when a list has no such position.
    pub fn at(list: u64, position: u32) -> Option<Self> {
        let first = list.checked_mul(u64::from(Self::PER_LIST))?;
        (position < Self::PER_LIST).then_some(Self(first.checked_add(u64::from(position))?))
    }

    /// The number of the session, counted from 0.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The list in which it stands.
    pub const fn list(self) -> u64 {
        self.0 / Self::PER_LIST as u64
    }

    /// The position in the list at which it stands.
    #[expect(clippy::cast_possible_truncation, reason = "a rest is smaller than what it is the rest of")]
    pub const fn position(self) -> u32 {
        (self.0 % Self::PER_LIST as u64) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_follow_each_other() {
        for (number, list, position) in
            [(0, 0, 0), (1_048_575, 0, 1_048_575), (1_048_576, 1, 0), (2_097_159, 2, 7)]
        {
            let index = StatusIndex::from_number(number);
            assert_eq!((index.list(), index.position()), (list, position));
            assert_eq!(StatusIndex::at(list, position), Some(index));
        }
        assert_eq!(StatusIndex::at(0, 1 << 20), None);
        assert_eq!(StatusIndex::at(u64::MAX, 0), None);
    }
}
