//! Which key signs when.

use sessera_jose::{Jwk, JwkSet, KeyError, Signer};

/// A key of a managed set with the second from which it signs.
pub type Activation = (String, i64);

/// A key that is ready to sign, and the time from which it does.
#[derive(Debug)]
pub(crate) struct TimedSigner {
    /// When it begins to sign, in seconds since the epoch.
    from: i64,
    pub(crate) signer: Signer,
    /// The token's header with the dot behind it.
    header: String,
}

impl TimedSigner {
    /// A token up to its claims, with room for that many encoded bytes of them and the signature.
    pub(crate) fn begin(&self, claims: usize) -> String {
        /// The longest signature, of RSA with 4096 bits, and the dot before it.
        const SIGNATURE: usize = 700;
        let mut token = String::with_capacity(self.header.len() + claims + SIGNATURE);
        token.push_str(&self.header);
        token
    }

    /// Signs a token that has its claims.
    pub(crate) fn end(&self, mut token: String) -> Result<String, KeyError> {
        self.signer.sign(&mut token)?;
        Ok(token)
    }
}

/// The keys of a template in the order in which they sign. There is always one.
#[derive(Debug)]
pub(crate) struct SigningOrder {
    first: TimedSigner,
    /// The keys, ordered by the time from which they sign.
    later: Vec<TimedSigner>,
}

impl SigningOrder {
    /// The keys in the order of their activations. Without activations, the first key of the set always
    /// signs.
    pub(crate) fn new(
        keys: &JwkSet,
        activations: &[Activation],
        typ: &str,
        template: Option<&str>,
    ) -> Result<Self, KeyError> {
        let turn = |from: i64, signer: Signer| TimedSigner {
            from,
            header: signer.encoded_header(typ, template),
            signer,
        };
        if activations.is_empty() {
            return Ok(Self { first: turn(i64::MIN, Signer::of_set(keys)?), later: Vec::new() });
        }
        let find = |kid: &str| -> Option<&Jwk> { keys.find(kid) };
        let mut turns = activations
            .iter()
            .filter_map(|(kid, from)| find(kid).map(|key| Signer::new(key).map(|signer| turn(*from, signer))))
            .collect::<Result<Vec<_>, _>>()?;
        turns.sort_by_key(|turn| turn.from);
        if turns.is_empty() {
            return Err(KeyError::EmptySet);
        }
        let later = turns.split_off(1);
        // A set has exactly one key per activation, so the first of the list is there.
        let first = turns.pop().ok_or(KeyError::EmptySet)?;
        Ok(Self { first, later })
    }

    /// A schedule with one key, which always signs.
    pub(crate) fn of_one(signer: Signer, typ: &str, named: Option<&str>) -> Self {
        let header = signer.encoded_header(typ, named);
        Self { first: TimedSigner { from: i64::MIN, signer, header }, later: Vec::new() }
    }

    /// The key that signs at a time in seconds since the epoch.
    pub(crate) fn at(&self, now: i64) -> &TimedSigner {
        self.later.iter().rev().find(|turn| turn.from <= now).unwrap_or(&self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_jose::{Algorithm, generate};

    #[test]
    fn keys_take_turns_at_their_second() {
        let key = |kid: &str| generate::key(Algorithm::Es256, Some(kid.into()), 2048).unwrap();
        let set = JwkSet::new(vec![key("a"), key("b"), key("c")]).unwrap();
        let schedule = SigningOrder::new(&set, &[("c".into(), 200), ("b".into(), 100)], "JWT", None).unwrap();
        for (now, kid) in [(0, "b"), (100, "b"), (199, "b"), (200, "c"), (i64::MAX, "c")] {
            assert_eq!(schedule.at(now).signer.kid(), kid, "{now}");
        }
        assert_eq!(SigningOrder::new(&set, &[], "JWT", None).unwrap().at(0).signer.kid(), "a");
        assert_eq!(SigningOrder::new(&set, &[("z".into(), 1)], "JWT", None).err(), Some(KeyError::EmptySet));
    }
}
