//! Sets of keys (RFC 7517, section 5).

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{Jwk, PublicJwkSet};
use crate::error::KeyError;
use crate::strict_json;
use crate::text::without_byte_order_mark_in;

/// A set of keys in the order of their owner, private members included.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// A set of these keys. Both halves of a key, or a key that stands there twice, become one. Two different keys with
    /// the same id are refused.
    pub fn new(keys: Vec<Jwk>) -> Result<Self, KeyError> {
        let set = Self { keys: merged(keys) };
        let mut known = HashSet::new();
        match set.keys.iter().find(|key| !known.insert(key.kid.as_str())) {
            Some(twice) => Err(KeyError::DuplicateKid(twice.kid.clone())),
            None => Ok(set),
        }
    }

    /// Parses `{"keys":[...]}`, or a single key as a set of one. Duplicate members are refused.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        Self::from_value(strict_json::parse(without_byte_order_mark_in(json)).map_err(KeyError::NotAKeySet)?)
    }

    /// Parses a set as somebody who only verifies: keys of kinds that are not known here are left out and returned as
    /// errors (RFC 7517, section 5), because others may understand them, and several keys may have one id, because
    /// each of them is tried.
    pub fn parse_known(json: &[u8]) -> Result<(Self, Vec<KeyError>), KeyError> {
        let value = strict_json::parse(without_byte_order_mark_in(json)).map_err(KeyError::NotAKeySet)?;
        let (mut keys, mut left_out) = (Vec::new(), Vec::new());
        for key in key_list(value)? {
            match Jwk::from_value(key) {
                Ok(key) => keys.push(key),
                Err(error) => left_out.push(error),
            }
        }
        Ok((Self { keys: merged(keys) }, left_out))
    }

    /// From a JSON value `{"keys":[...]}`, or that of a single key.
    pub fn from_value(value: Value) -> Result<Self, KeyError> {
        Self::new(key_list(value)?.into_iter().map(Jwk::from_value).collect::<Result<_, _>>()?)
    }

    /// The keys in the order of their owner.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The keys in the order of their owner, without the set.
    pub fn into_keys(self) -> Vec<Jwk> {
        self.keys
    }

    /// The key that signs: the first one that can. Where none can, it is the first with something to sign with, which says
    /// why. Nothing when the set is empty or holds public halves only.
    pub fn signing_key(&self) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.can_sign()).or_else(|| self.keys.iter().find(|key| key.is_private()))
    }

    /// The first key with this id.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The public forms of all keys that have one.
    pub fn public(&self) -> PublicJwkSet {
        PublicJwkSet::new(self.keys.iter().filter_map(Jwk::public).collect())
    }

    /// The set as JSON, private members included, which must not be shown to anybody but the owner.
    pub fn to_private_json(&self) -> Value {
        json!({ "keys": self.keys.iter().map(Jwk::to_private_json).collect::<Vec<_>>() })
    }
}

/// Keys of which each stands there once: the half that signs, at the place of the first.
fn merged(keys: Vec<Jwk>) -> Vec<Jwk> {
    let mut merged: Vec<Jwk> = Vec::with_capacity(keys.len());
    // Both halves of a key have one thumbprint, and no two keys have the same.
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    for key in keys {
        let place = *places.entry((key.kid.clone(), key.thumbprint())).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(known) => known.absorb(key),
            None => merged.push(key),
        }
    }
    merged
}

fn key_list(set: Value) -> Result<Vec<Value>, KeyError> {
    if let Value::Object(mut members) = set {
        match members.shift_remove("keys") {
            Some(Value::Array(keys)) => return Ok(keys),
            None if members.contains_key("kty") => return Ok(vec![Value::Object(members)]),
            _ => {}
        }
    }
    Err(KeyError::NotAKeySet(
        "an object with the member \"keys\", an array, or a single key was expected".into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"sig","kid":"1"}"#;

    #[test]
    fn a_set_keeps_the_owner_s_order() {
        let set =
            JwkSet::parse(br#"{"keys":[{"kty":"oct","k":"YQ","kid":"b"},{"kty":"oct","k":"Yg","kid":"a"}]}"#)
                .unwrap();
        assert_eq!(set.keys().iter().map(Jwk::kid).collect::<Vec<_>>(), ["b", "a"]);
        assert!(matches!(
            JwkSet::parse(br#"{"keys":[{"kty":"oct","k":"YQ","kid":"b"},{"kty":"oct","k":"Yg","kid":"b"}]}"#),
            Err(KeyError::DuplicateKid(_))
        ));
        assert!(matches!(JwkSet::parse(b"{\"keys\":[],\"keys\":[]}"), Err(KeyError::NotAKeySet(_))));
        for text in ["{", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[1]}"] {
            assert!(JwkSet::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(JwkSet::parse(b"{\"keys\":[]}").unwrap().keys().len(), 0);
    }

    #[test]
    fn verifiers_leave_out_keys_of_unknown_kinds() {
        let set = format!(r#"{{"keys":[{{"kty":"OKP","crv":"X25519","x":"AA","kid":"x"}},{EC}]}}"#);
        assert!(JwkSet::parse(set.as_bytes()).is_err());
        let (known, left_out) = JwkSet::parse_known(set.as_bytes()).unwrap();
        assert_eq!(known.keys().iter().map(Jwk::kid).collect::<Vec<_>>(), ["1"]);
        assert_eq!(left_out.len(), 1);
        assert!(matches!(JwkSet::parse_known(b"[]"), Err(KeyError::NotAKeySet(_))));
    }
}
