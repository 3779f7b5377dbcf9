//! What verifiers are shown: public keys of templates, and where they find them.
//!
//! Everything here is made of [`PublicJwk`]s, a type without a place for a private member. Symmetric
//! keys have no public form and never appear.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use sessera_jose::verify::{Verified, verify_with_keys};
use sessera_jose::{Jwk, PublicJwk};
use sessera_model::Timestamp;
use sessera_rotation::{ManagedSet, Timing};
use sessera_store::KeySet;
use sessera_tokenizer::{SourceUrl, Template};

use crate::config::Config;
use crate::tokenizers::Tokenizers;

/// The public keys of all templates that work.
#[derive(Debug, Default)]
pub struct Published {
    templates: BTreeMap<String, Keys>,
    managed: HashMap<String, ManagedKeys>,
    timing: Option<Timing>,
}

/// Where the keys of a template come from.
#[derive(Debug)]
enum Keys {
    /// All keys of its set, as long as the set stays as it is.
    Fixed(Vec<PublicJwk>),
    /// Those of a managed set that are published at the time.
    Managed(String),
}

#[derive(Debug)]
struct ManagedKeys {
    rotation: ManagedSet,
    keys: HashMap<String, PublicJwk>,
}

/// A published set and how long it may be kept.
#[derive(Debug, PartialEq, Eq)]
pub struct PublishedSet {
    /// A JSON Web Key Set (RFC 7517). The same bytes on every node.
    pub json: String,
    /// How long verifiers may keep it.
    pub max_age: Duration,
}

#[derive(Serialize)]
struct SetBody<'a> {
    keys: Vec<&'a PublicJwk>,
}

impl Published {
    /// Collects the public keys of a configuration.
    pub fn compile(config: &Config, tokenizers: &Tokenizers, sets: &[KeySet]) -> Self {
        let mut published = Self { timing: Some(config.session.rotation), ..Self::default() };
        for (name, outcome) in tokenizers.list() {
            let Ok(tokenizer) = outcome else { continue };
            let set = config.templates.get(name).and_then(managed_set);
            let keys = match set.and_then(|set| sets.iter().find(|known| known.name == set)) {
                Some(set) if tokenizer.is_managed() => {
                    if let Some(keys) = managed_keys(set) {
                        published.managed.insert(set.name.clone(), keys);
                    }
                    Keys::Managed(set.name.clone())
                }
                _ => Keys::Fixed(tokenizer.public_keys().keys().to_vec()),
            };
            published.templates.insert(name.to_owned(), keys);
        }
        published
    }

    /// The keys of one template, or with `None` of all of them, as they are published at a time. Nothing
    /// when there is no such template.
    pub fn set(&self, template: Option<&str>, now: Timestamp) -> Option<PublishedSet> {
        let (keys, max_age) = self.keys(template, now)?;
        // Keys serialise always: they are texts.
        let json = serde_json::to_string(&SetBody { keys }).unwrap_or_default();
        Some(PublishedSet { json, max_age })
    }

    /// A token that one of these keys has signed; nothing when none has.
    pub fn verify(&self, template: Option<&str>, token: &str, now: Timestamp) -> Option<Verified> {
        verify_with_keys(token, &self.keys(template, now)?.0).ok()
    }

    /// The keys, each once, and how long they may be kept.
    fn keys(&self, template: Option<&str>, now: Timestamp) -> Option<(Vec<&PublicJwk>, Duration)> {
        let mut max_age = self.timing.map(|timing| timing.max_age.get()).unwrap_or_default();
        let mut keys: Vec<&PublicJwk> = Vec::new();
        let templates: Vec<&Keys> = match template {
            Some(name) => vec![self.templates.get(name)?],
            None => self.templates.values().collect(),
        };
        for source in templates {
            let more: Vec<&PublicJwk> = match source {
                Keys::Fixed(keys) => keys.iter().collect(),
                Keys::Managed(name) => {
                    let (Some(set), Some(timing)) = (self.managed.get(name), &self.timing) else { continue };
                    max_age = max_age.min(set.rotation.max_age(now, timing));
                    let published = set.rotation.published(now, timing);
                    published.into_iter().filter_map(|key| set.keys.get(&key.kid)).collect()
                }
            };
            for key in more {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        Some((keys, max_age))
    }
}

/// The stored set that a template signs with.
fn managed_set(template: &Value) -> Option<String> {
    match Template::from_json(template).ok()?.jwks_url {
        SourceUrl::Set(name) => Some(name),
        _ => None,
    }
}

fn managed_keys(set: &KeySet) -> Option<ManagedKeys> {
    let rotation = set.managed.as_ref()?.rotation.clone();
    let keys = set
        .keys
        .iter()
        .filter_map(|key| Jwk::parse(key.jwk.expose().as_bytes()).ok()?.public())
        .map(|key| (key.kid().to_owned(), key))
        .collect();
    Some(ManagedKeys { rotation, keys })
}

/// The discovery document (OpenID Connect Discovery 1.0, section 3; RFC 8414) of the issuer that tokens
/// name without a mapper. Only what it says about tokens is here: Sessera signs people in by its own
/// flows, so there is no authorization endpoint.
pub fn document(issuer: &str, tokenizers: &Tokenizers) -> Value {
    let algorithms: BTreeSet<&str> = tokenizers
        .list()
        .into_iter()
        .filter_map(|(_, outcome)| outcome.as_ref().ok())
        .map(|tokenizer| tokenizer.algorithm())
        .filter(|algorithm| !algorithm.is_symmetric())
        .map(sessera_jose::Algorithm::as_str)
        .collect();
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')),
        "id_token_signing_alg_values_supported": algorithms,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "claims_supported": ["aud", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"],
    })
}
