//! Sets of keys (RFC 7517, section 5).

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::{Jwk, PublicJwk};
use crate::error::KeyError;
use crate::strict_json;

/// A set of keys in the order of their owner, private members included.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// A set of these keys. Two keys with the same id are refused.
    pub fn new(keys: Vec<Jwk>) -> Result<Self, KeyError> {
        for (at, key) in keys.iter().enumerate() {
            if keys[..at].iter().any(|other| other.kid == key.kid) {
                return Err(KeyError::DuplicateKid(key.kid.clone()));
            }
        }
        Ok(Self { keys })
    }

    /// Parses `{"keys":[...]}`. Duplicate members are refused.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        Self::from_value(strict_json::parse(json).map_err(KeyError::NotAKeySet)?)
    }

    /// Parses `{"keys":[...]}` for verifying only. Keys of kinds that are not known here are left out and
    /// returned as errors (RFC 7517, section 5), because others may understand them.
    pub fn parse_known(json: &[u8]) -> Result<(Self, Vec<KeyError>), KeyError> {
        let value = strict_json::parse(json).map_err(KeyError::NotAKeySet)?;
        let (mut keys, mut left_out) = (Vec::new(), Vec::new());
        for key in key_list(value)? {
            match Jwk::from_value(key) {
                Ok(key) => keys.push(key),
                Err(error) => left_out.push(error),
            }
        }
        Ok((Self::new(keys)?, left_out))
    }

    /// Reads a JSON value `{"keys":[...]}`.
    pub fn from_value(value: Value) -> Result<Self, KeyError> {
        Self::new(key_list(value)?.into_iter().map(Jwk::from_value).collect::<Result<_, _>>()?)
    }

    /// The keys in the order of their owner.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The key with this id.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The public forms of all keys that have one.
    pub fn public(&self) -> PublicJwkSet {
        PublicJwkSet { keys: self.keys.iter().filter_map(Jwk::public).collect() }
    }

    /// The set as JSON, private members included, which must not be shown to anybody but the owner.
    pub fn to_private_json(&self) -> Value {
        json!({ "keys": self.keys.iter().map(Jwk::to_private_json).collect::<Vec<_>>() })
    }
}

fn key_list(set: Value) -> Result<Vec<Value>, KeyError> {
    let keys = match set {
        Value::Object(mut members) => members.shift_remove("keys"),
        _ => None,
    };
    match keys {
        Some(Value::Array(keys)) => Ok(keys),
        _ => Err(KeyError::NotAKeySet("an object with the member \"keys\", an array, was expected".into())),
    }
}

/// A set of public keys. It has no place for a private member.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PublicJwkSet {
    keys: Vec<PublicJwk>,
}

impl PublicJwkSet {
    /// A set of these keys.
    pub const fn new(keys: Vec<PublicJwk>) -> Self {
        Self { keys }
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicJwk] {
        &self.keys
    }

    /// The key with this id.
    pub fn find(&self, kid: &str) -> Option<&PublicJwk> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

impl Serialize for PublicJwkSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("keys", &self.keys)?;
        map.end()
    }
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
