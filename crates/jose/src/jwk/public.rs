//! Public keys, and sets of them.

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::certificate::OwnCertificate;
use super::{Jwk, PublicKey, check_purpose, head};
use crate::error::KeyError;

/// A public key. It has no place for a private member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicJwk {
    kid: String,
    alg: Option<String>,
    key_use: Option<String>,
    key: PublicKey,
    /// Members that are known to be public.
    other: Map<String, Value>,
}

/// What two keys that the same verifiers see have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Their ids differ, so verifiers tell them apart.
    Apart,
    /// It is one key with one id, perhaps written differently.
    Same,
    /// Two keys have one id: verifiers may take the wrong one.
    Clash,
}

/// Two keys with one id in different places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KidClash<P> {
    /// The id.
    pub kid: String,
    /// The place of the key that was there first.
    pub first: P,
    /// The place of the other one.
    pub second: P,
}

impl PublicJwk {
    /// The public form of a key. Members of it that are not known to be public stay behind: what a program calls a
    /// private member of its own cannot be known here.
    pub(super) fn new(jwk: &Jwk, key: PublicKey) -> Self {
        let certificate = OwnCertificate::of(jwk.other.get("x5c"), &key);
        let other = jwk.other.iter().filter_map(|(name, value)| {
            public_member(name, value, certificate.as_ref()).map(|value| (name.clone(), value))
        });
        Self {
            kid: jwk.kid.clone(),
            alg: jwk.alg.clone(),
            key_use: jwk.key_use.clone(),
            key,
            other: other.collect(),
        }
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that the key names.
    pub fn alg(&self) -> Option<&str> {
        self.alg.as_deref()
    }

    /// What the key is for.
    pub fn key_use(&self) -> Option<&str> {
        self.key_use.as_deref()
    }

    /// Whether the key may be used for signatures: what it says about itself (`use`, `key_ops`) allows it.
    pub fn check_purpose(&self) -> Result<(), KeyError> {
        check_purpose(&self.kid, self.key_use.as_deref(), &self.other)
    }

    /// The key itself.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What this key and another one have to do with each other when the same verifiers see both.
    pub fn relation(&self, other: &Self) -> Relation {
        if self.kid != other.kid {
            Relation::Apart
        } else if self.key == other.key {
            Relation::Same
        } else {
            Relation::Clash
        }
    }

    /// The key as JSON.
    pub fn to_json(&self) -> Value {
        let mut members = head(self.key.kty(), &self.kid, self.alg.as_deref(), self.key_use.as_deref());
        members.append(&mut self.key.members());
        members.append(&mut self.other.clone());
        Value::Object(members)
    }

    /// Takes over what the same key says in another place. What the two contradict each other in is left unsaid, so
    /// that verifiers refuse neither's tokens.
    fn merge(&mut self, same: &Self) {
        merge_text(&mut self.alg, same.alg.as_ref());
        merge_text(&mut self.key_use, same.key_use.as_ref());
        if self.other.get("key_ops") != same.other.get("key_ops") {
            self.other.shift_remove("key_ops");
        }
        for (name, value) in &same.other {
            if name != "key_ops" && !self.other.contains_key(name) {
                self.other.insert(name.clone(), value.clone());
            }
        }
    }
}

fn merge_text(mine: &mut Option<String>, theirs: Option<&String>) {
    match (&mine, theirs) {
        (None, Some(text)) => *mine = Some(text.clone()),
        (Some(text), Some(other)) if text != other => *mine = None,
        _ => {}
    }
}

/// What stands in the public form of a key for one of its members: only those that RFC 7517 (sections 4.3 and 4.6 to
/// 4.9) defines for all keys, in the form that it asks for. Those of each kind of key are written by [`PublicKey`].
///
/// Certificates are shown when the first one is of this key, and thumbprints when they are that certificate's: verifiers
/// may take the key from there. Where an address (`x5u`) leads cannot be known here.
fn public_member(name: &str, value: &Value, certificate: Option<&OwnCertificate>) -> Option<Value> {
    match (name, value) {
        ("key_ops", Value::Array(operations)) => {
            let operations: Vec<Value> = operations.iter().filter_map(public_operation).collect();
            Some(operations.into())
        }
        // Left unlike what it should be, it still keeps the key from being used.
        ("key_ops", _) => Some(Value::Array(Vec::new())),
        ("x5c", _) => certificate.map(|_| value.clone()),
        ("x5t" | "x5t#S256", _) => {
            certificate.filter(|own| own.has_thumbprint(name, value)).map(|_| value.clone())
        }
        _ => None,
    }
}

/// The counterpart of an operation: the private half signs, its public half verifies.
fn public_operation(operation: &Value) -> Option<Value> {
    match operation.as_str()? {
        "sign" | "verify" => Some("verify".into()),
        "decrypt" | "encrypt" => Some("encrypt".into()),
        "unwrapKey" | "wrapKey" => Some("wrapKey".into()),
        _ => None,
    }
}

impl Serialize for PublicJwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
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

    /// One set of the keys of several places, each key once. Two different keys with one id both stay, because tokens
    /// of both may be around, and are named as a clash.
    pub fn gather<'k, P: Clone>(
        keys: impl IntoIterator<Item = (P, &'k PublicJwk)>,
    ) -> (Self, Vec<KidClash<P>>) {
        let (mut gathered, mut places, mut clashes) = (Vec::<PublicJwk>::new(), Vec::new(), Vec::new());
        let mut by_kid: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, key) in keys {
            let known = by_kid.entry(key.kid()).or_default();
            if let Some(at) = known.iter().find(|at| gathered[**at].key == key.key) {
                gathered[*at].merge(key);
                continue;
            }
            if let Some(first) = known.first() {
                let first: &P = &places[*first];
                clashes.push(KidClash { kid: key.kid.clone(), first: first.clone(), second: place.clone() });
            }
            known.push(gathered.len());
            gathered.push(key.clone());
            places.push(place);
        }
        (Self::new(gathered), clashes)
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicJwk] {
        &self.keys
    }

    /// The first key with this id.
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
    use serde_json::json;

    use super::*;
    use crate::{Algorithm, generate};

    fn public(jwk: &Jwk) -> PublicJwk {
        jwk.public().unwrap()
    }

    fn with(jwk: &Jwk, member: &str, value: Value) -> Jwk {
        let mut json = jwk.to_private_json();
        json[member] = value;
        Jwk::from_value(json).unwrap()
    }

    #[test]
    fn a_public_form_has_only_members_that_are_known_to_be_public() {
        let common = ["use", "kty", "kid", "alg", "key_ops"];
        for (algorithm, own) in [
            (Algorithm::Es256, &["crv", "x", "y"][..]),
            (Algorithm::EdDsa, &["crv", "x"]),
            (Algorithm::Rs256, &["n", "e"]),
        ] {
            let mut json = generate::key(algorithm, None, 2048).unwrap().to_private_json();
            let all = [
                "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "k", "priv", "key_hsm", "seed",
                "D",
            ];
            for name in all {
                if json.get(name).is_none() {
                    json[name] = "c2VjcmV0".into();
                }
            }
            json["x5c"] = json!(["MIIB"]);
            json["x5u"] = json!("https://example.org/another-key.pem");
            json["x5t"] = json!("c2VjcmV0");
            let public = public(&Jwk::from_value(json.clone()).unwrap()).to_json();
            for (name, value) in public.as_object().unwrap() {
                assert!(
                    common.contains(&name.as_str()) || own.contains(&name.as_str()),
                    "{algorithm}: {name}"
                );
                assert_ne!(value, "c2VjcmV0", "{algorithm}: {name}");
            }
        }
    }

    #[test]
    fn certificates_are_shown_when_they_are_of_the_key() {
        use super::super::certificate::tests::certificate;
        use crate::base64url::{decode, decode_lenient, encode};
        use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

        let key = generate::key(Algorithm::EdDsa, None, 0).unwrap();
        let x = decode(public(&key).to_json()["x"].as_str().unwrap()).unwrap();
        let own = certificate(&x, &[]);
        let bytes = decode_lenient(&own).unwrap();
        let print = |algorithm| json!(encode(digest(algorithm, &bytes)));
        let shown = |chain: Value, sha1: Value, sha256: Value| {
            let mut json = key.to_private_json();
            (json["x5c"], json["x5t"], json["x5t#S256"]) = (chain, sha1, sha256);
            let public = public(&Jwk::from_value(json).unwrap()).to_json();
            ["x5c", "x5t", "x5t#S256"].map(|name| public.get(name).is_some())
        };
        let (sha1, sha256) = (print(&SHA1_FOR_LEGACY_USE_ONLY), print(&SHA256));
        let other = certificate(&[7; 32], &[]);
        assert_eq!(shown(json!([own, other]), sha1.clone(), sha256.clone()), [true; 3]);
        assert_eq!(shown(json!([own]), sha256.clone(), json!("AAAA")), [true, false, false]);
        assert_eq!(shown(json!([other, own]), sha1.clone(), sha256.clone()), [false; 3]);
        assert_eq!(shown(Value::Null, sha1, sha256), [false; 3]);
    }

    #[test]
    fn operations_become_those_of_the_public_half() {
        let key = generate::key(Algorithm::Es256, None, 0).unwrap();
        let operations = |given: Value| public(&with(&key, "key_ops", given)).to_json()["key_ops"].clone();
        assert_eq!(operations(json!(["sign"])), json!(["verify"]));
        assert_eq!(operations(json!(["decrypt", "secret", 1])), json!(["encrypt"]));
        assert!(public(&with(&key, "key_ops", json!("sign"))).check_purpose().is_err());
    }

    #[test]
    fn a_key_that_stands_in_several_places_is_gathered_once() {
        let key = generate::key(Algorithm::Rs256, Some("k".into()), 2048).unwrap();
        let places = [
            public(&key),
            public(&with(&key, "use", Value::Null)),
            public(&with(&key, "alg", json!("PS256"))),
            public(&key.clone().with_kid("other")),
        ];
        let (set, clashes) = PublicJwkSet::gather(places.iter().enumerate());
        assert_eq!(set.keys().iter().map(PublicJwk::kid).collect::<Vec<_>>(), ["k", "other"]);
        assert_eq!(set.keys()[0].key_use(), Some("sig"));
        assert_eq!(set.keys()[0].alg(), None, "tokens of either algorithm must verify");
        assert_eq!(clashes, []);
    }

    #[test]
    fn two_keys_with_one_id_clash() {
        let key = |kid: &str| public(&generate::key(Algorithm::Es256, Some(kid.into()), 0).unwrap());
        let (a, b, c) = (key("k"), key("k"), key("other"));
        assert_eq!(a.relation(&b), Relation::Clash);
        assert_eq!(a.relation(&a.clone()), Relation::Same);
        assert_eq!(a.relation(&c), Relation::Apart);
        let (set, clashes) = PublicJwkSet::gather([("one", &a), ("two", &c), ("three", &b), ("four", &b)]);
        assert_eq!(set.keys().len(), 3);
        assert_eq!(clashes, [KidClash { kid: "k".into(), first: "one", second: "three" }]);
    }
}
