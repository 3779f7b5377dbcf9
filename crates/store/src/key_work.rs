//! What was done to the keys of a set, as its event tells it.

use crate::records::StoredKey;

/// What was done to keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyWork {
    /// They were made here.
    Created,
    /// They were brought here.
    Imported,
    /// Others were put in the place of those with the same ids.
    Replaced,
    /// One was made the first, which signs.
    Promoted,
    /// They were taken out by their owner.
    Deleted,
    /// The set was made a managed one, and this one signs on.
    Adopted,
    /// The one that signs next was made and published.
    Prepared,
    /// One was told to sign before it was due.
    Rotated,
    /// One was taken out because somebody else may have it.
    Revoked,
    /// The private half of one that no longer signs was destroyed.
    Destroyed,
    /// The times of the set follow the configuration.
    Adapted,
    /// The set was changed in a way that has no name here.
    Changed,
}

impl KeyWork {
    /// That it was done to a key.
    pub fn to(self, key: impl Into<String>) -> KeysDone {
        KeysDone { work: self, keys: vec![key.into()] }
    }

    /// That it was done to the set, and to none of its keys.
    pub const fn to_set(self) -> KeysDone {
        KeysDone { work: self, keys: Vec::new() }
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Imported => "imported",
            Self::Replaced => "replaced",
            Self::Promoted => "promoted",
            Self::Deleted => "deleted",
            Self::Adopted => "adopted",
            Self::Prepared => "prepared",
            Self::Rotated => "rotated",
            Self::Revoked => "revoked",
            Self::Destroyed => "destroyed",
            Self::Adapted => "adapted",
            Self::Changed => "changed",
        }
    }
}

/// What was done, and to which keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysDone {
    /// What was done to the keys.
    pub work: KeyWork,
    /// The ids of the keys.
    pub keys: Vec<String>,
}

/// What the owner of a set has done to its keys by sending all of them.
pub fn differences(before: &[StoredKey], after: &[StoredKey]) -> Vec<KeysDone> {
    let known = |of: &[StoredKey], kid: &str| of.iter().find(|key| key.kid == kid).cloned();
    let kids = |of: &[StoredKey], is_wanted: &dyn Fn(&StoredKey) -> bool| {
        of.iter().filter(|key| is_wanted(key)).map(|key| key.kid.clone()).collect()
    };
    let is_new = |key: &StoredKey| known(before, &key.kid).is_none();
    let is_other = |key: &StoredKey| known(before, &key.kid).is_some_and(|known| known.jwk != key.jwk);
    let is_gone = |key: &StoredKey| known(after, &key.kid).is_none();
    // One that was there signs now, and another one did before.
    let first = after.first().filter(|first| !is_new(first));
    let first = first.filter(|first| before.first().is_some_and(|before| before.kid != first.kid));
    let all = [
        KeysDone { work: KeyWork::Imported, keys: kids(after, &is_new) },
        KeysDone { work: KeyWork::Replaced, keys: kids(after, &is_other) },
        KeysDone { work: KeyWork::Deleted, keys: kids(before, &is_gone) },
        KeysDone { work: KeyWork::Promoted, keys: first.map(|key| key.kid.clone()).into_iter().collect() },
    ];
    all.into_iter().filter(|done| !done.keys.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use sessera_model::Timestamp;

    use super::*;

    fn keys(all: &[(&str, &str)]) -> Vec<StoredKey> {
        let key = |(kid, jwk): &(&str, &str)| StoredKey {
            kid: (*kid).into(),
            jwk: (*jwk).into(),
            created_at: Timestamp::default(),
        };
        all.iter().map(key).collect()
    }

    #[test]
    fn each_thing_that_an_owner_does_by_sending_a_set_is_named() {
        let before = keys(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let found = |after: &[(&str, &str)]| {
            let found = differences(&before, &keys(after));
            found.into_iter().map(|done| (done.work.as_str(), done.keys.join(" "))).collect::<Vec<_>>()
        };
        let told = |all: &[(&'static str, &str)]| {
            all.iter().map(|(work, keys)| (*work, (*keys).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(found(&[("b", "1"), ("a", "1"), ("c", "1")]), told(&[("promoted", "b")]));
        assert_eq!(
            found(&[("d", "1"), ("a", "2"), ("e", "1")]),
            told(&[("imported", "d e"), ("replaced", "a"), ("deleted", "b c")])
        );
        assert_eq!(found(&[("b", "1"), ("c", "1")]), told(&[("deleted", "a"), ("promoted", "b")]));
        assert_eq!(found(&[("a", "1"), ("b", "1"), ("c", "1")]), told(&[]));
    }
}
