//! What verifiers are shown: public keys of templates, and where they find them.
//!
//! Everything here is made of [`PublicJwk`]s, a type without a place for a private member. Symmetric
//! keys have no public form and never appear.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::{Value, json};
use sessera_jose::verify::{Verified, verify_with_keys};
use sessera_jose::{Algorithm, Jwk, KidClash, PublicJwk, PublicJwkSet};
use sessera_model::Timestamp;
use sessera_rotation::{Schedule, Timing};
use sessera_store::KeySet;
use sessera_tokenizer::{SourceUrl, Template, Tokenizer};

use crate::settings::Settings;
use crate::templates::Templates;

/// The public keys of all templates that work.
#[derive(Debug, Default)]
pub struct Published {
    templates: BTreeMap<String, Keys>,
    managed: HashMap<String, Scheduled>,
    /// Issuers below the public address, by their paths (see [`issuer_path`]).
    issuers: BTreeMap<String, Issuer>,
    /// The public address without a slash at its end.
    base_url: String,
    timing: Option<Timing>,
}

/// An issuer that templates name, and those templates.
#[derive(Debug)]
struct Issuer {
    /// As tokens name it.
    name: String,
    templates: Vec<String>,
    algorithms: BTreeSet<Algorithm>,
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
struct Scheduled {
    schedule: Schedule,
    keys: HashMap<String, PublicJwk>,
}

/// A published set and how long it may be kept.
#[derive(Debug, PartialEq, Eq)]
pub struct PublishedSet {
    /// A JSON Web Key Set (RFC 7517). All nodes give the same bytes.
    pub json: String,
    /// How long verifiers may keep it.
    pub max_age: Duration,
}

impl PublishedSet {
    /// The keys, each once, whatever the number of templates that have it.
    fn of((keys, max_age): (Vec<Placed<'_>>, Duration)) -> Self {
        let (keys, _) = PublicJwkSet::gather(keys);
        // Keys are texts, which always serialise.
        Self { json: serde_json::to_string(&keys).unwrap_or_default(), max_age }
    }
}

/// A key with the name of a template that has it.
type Placed<'a> = (&'a str, &'a PublicJwk);

impl Published {
    /// Collects the public keys of templates.
    pub(crate) fn compile(settings: &Settings, templates: &Templates, sets: &[KeySet]) -> Self {
        let mut published = Self {
            timing: Some(settings.timing),
            base_url: settings.base_url().to_owned(),
            ..Self::default()
        };
        for (name, outcome) in templates.list() {
            let Ok(tokenizer) = outcome else { continue };
            let set = settings.templates.get(name).and_then(managed_set);
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
            published.note_issuer(settings.base_url(), name, tokenizer);
        }
        for clash in published.clashes() {
            tracing::warn!(template = %clash.second, "{}", about(&clash));
        }
        let working = templates
            .list()
            .into_iter()
            .filter_map(|(name, outcome)| Some((name, &**outcome.as_ref().ok()?)));
        for TemplateNotice { template, sentence } in oddities(settings.base_url(), working) {
            tracing::warn!(%template, "{sentence}");
        }
        published
    }

    /// Different keys with one id in what verifiers are shown, whenever that is, by the templates that have them.
    pub fn clashes(&self) -> Vec<KidClash<String>> {
        let keys = self.templates.iter().flat_map(|(name, keys)| {
            let keys: Vec<&PublicJwk> = match keys {
                Keys::Fixed(keys) => keys.iter().collect(),
                Keys::Managed(set) => {
                    self.managed.get(set).map(|set| set.keys.values().collect()).unwrap_or_default()
                }
            };
            keys.into_iter().map(|key| (name.clone(), key))
        });
        PublicJwkSet::gather(keys).1
    }

    /// The first of the clashes that are not in `known`.
    pub fn new_clash(&self, known: &Self) -> Option<KidClash<String>> {
        let known = known.clashes();
        self.clashes().into_iter().find(|clash| !known.contains(clash))
    }

    /// What is shown when the key set of these templates becomes another one.
    pub(crate) fn with_keys(&self, templates: &[&str], keys: &[PublicJwk]) -> Self {
        let mut with = Self::default();
        for (name, fixed) in &self.templates {
            let keys = match fixed {
                _ if templates.contains(&name.as_str()) => keys.to_vec(),
                Keys::Fixed(keys) => keys.clone(),
                Keys::Managed(set) => {
                    self.managed.get(set).map(|set| set.keys.values().cloned().collect()).unwrap_or_default()
                }
            };
            with.templates.insert(name.clone(), Keys::Fixed(keys));
        }
        // Those that do not work yet, because the set is not there, will.
        for name in templates.iter().filter(|name| !self.templates.contains_key(**name)) {
            with.templates.insert((*name).to_owned(), Keys::Fixed(keys.to_vec()));
        }
        with
    }

    /// Notes the issuer of a template when it has a place below the public address.
    fn note_issuer(&mut self, base_url: &str, name: &str, tokenizer: &Tokenizer) {
        let Some(issuer) = tokenizer.issuer() else { return };
        let Some(path) = issuer_path(base_url, issuer) else { return };
        let known = self.issuers.entry(path.to_owned()).or_insert_with(|| Issuer {
            name: issuer.to_owned(),
            templates: Vec::new(),
            algorithms: BTreeSet::new(),
        });
        // Who runs the server is told by the oddities.
        if known.name != issuer {
            return;
        }
        known.templates.push(name.to_owned());
        known.algorithms.extend(Some(tokenizer.algorithm()).filter(|algorithm| !algorithm.is_symmetric()));
    }

    /// The discovery document of the issuer at a path below the public address; see [`document`].
    pub fn issuer_document(&self, path: &str) -> Option<Value> {
        let found = self.issuers.get(path)?;
        Some(describe(&found.name, &self.base_url, found.algorithms.iter().copied()))
    }

    /// The keys of the templates of the issuer at a path, as they are published at a time.
    pub fn issuer_set(&self, path: &str, now: Timestamp) -> Option<PublishedSet> {
        let found = self.issuers.get(path)?;
        let sources = found.templates.iter().filter_map(|name| self.templates.get_key_value(name));
        Some(PublishedSet::of(self.collect(sources, now)))
    }

    /// The keys of one template, or with `None` of all of them, as they are published at a time. Nothing
    /// when there is no such template.
    pub fn set(&self, template: Option<&str>, now: Timestamp) -> Option<PublishedSet> {
        self.keys(template, now).map(PublishedSet::of)
    }

    /// A token that one of these keys has signed; nothing when none has.
    pub fn verify(&self, template: Option<&str>, token: &str, now: Timestamp) -> Option<Verified> {
        let (keys, _) = self.keys(template, now)?;
        verify_with_keys(token, &keys.into_iter().map(|(_, key)| key).collect::<Vec<_>>()).ok()
    }

    fn keys(&self, template: Option<&str>, now: Timestamp) -> Option<(Vec<Placed<'_>>, Duration)> {
        Some(match template {
            Some(name) => self.collect([self.templates.get_key_value(name)?], now),
            None => self.collect(&self.templates, now),
        })
    }

    /// The keys as often as templates have them, and how long they may be kept.
    fn collect<'a>(
        &'a self,
        sources: impl IntoIterator<Item = (&'a String, &'a Keys)>,
        now: Timestamp,
    ) -> (Vec<Placed<'a>>, Duration) {
        let mut max_age = self.timing.map(|timing| timing.max_age.get()).unwrap_or_default();
        let mut keys = Vec::new();
        for (name, source) in sources {
            let more: Vec<&PublicJwk> = match source {
                Keys::Fixed(keys) => keys.iter().collect(),
                Keys::Managed(name) => {
                    let (Some(set), Some(timing)) = (self.managed.get(name), &self.timing) else { continue };
                    max_age = max_age.min(set.schedule.max_age(now, timing));
                    let published = set.schedule.published(now, timing);
                    published.into_iter().filter_map(|key| set.keys.get(&key.kid)).collect()
                }
            };
            keys.extend(more.into_iter().map(|key| (name.as_str(), key)));
        }
        (keys, max_age)
    }
}

/// What whoever runs templates should know about them that no template shows by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateNotice {
    /// The template that came second.
    pub template: String,
    /// What is to be known, as a sentence.
    pub sentence: String,
}

/// Different keys with one id in the key sets of templates, by the templates that have them.
pub fn clashes<'t>(templates: impl IntoIterator<Item = (&'t str, &'t Tokenizer)>) -> Vec<KidClash<String>> {
    let mut templates: Vec<(&str, &Tokenizer)> = templates.into_iter().collect();
    templates.sort_by_key(|(name, _)| *name);
    let keys = templates.iter().flat_map(|(name, tokenizer)| {
        tokenizer.public_keys().keys().iter().map(|key| ((*name).to_owned(), key))
    });
    PublicJwkSet::gather(keys).1
}

/// What is odd about templates that stand beside each other: issuers with one address.
pub fn oddities<'t>(
    base_url: &str,
    templates: impl IntoIterator<Item = (&'t str, &'t Tokenizer)>,
) -> Vec<TemplateNotice> {
    let mut templates: Vec<(&str, &Tokenizer)> = templates.into_iter().collect();
    templates.sort_by_key(|(name, _)| *name);
    let mut found = Vec::new();
    let mut issuers: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, tokenizer) in templates {
        let Some(issuer) = tokenizer.issuer() else { continue };
        let Some(path) = issuer_path(base_url, issuer) else { continue };
        let known = *issuers.entry(path).or_insert(issuer);
        if known != issuer {
            let sentence = format!(
                "the issuer \"{issuer}\" of the template \"{name}\" has no discovery document, because \"{known}\" of another template has the same address"
            );
            found.push(TemplateNotice { template: name.to_owned(), sentence });
        }
    }
    found
}

/// A clash as a sentence.
pub fn about(KidClash { kid, first, second }: &KidClash<String>) -> String {
    format!(
        "the templates \"{first}\" and \"{second}\" have different keys with the id \"{kid}\", so verifiers may refuse their tokens: give one of the keys another \"kid\""
    )
}

/// The stored set that a template signs with.
fn managed_set(template: &Value) -> Option<String> {
    match Template::from_json(template).ok()?.jwks_url {
        SourceUrl::Set(name) => Some(name),
        _ => None,
    }
}

fn managed_keys(set: &KeySet) -> Option<Scheduled> {
    let schedule = set.managed.as_ref()?.schedule.clone();
    let keys = set
        .keys
        .iter()
        .filter_map(|key| Jwk::parse(key.jwk.expose().as_bytes()).ok()?.public())
        .map(|key| (key.kid().to_owned(), key))
        .collect();
    Some(Scheduled { schedule, keys })
}

/// Where an issuer stands below the public address: its path without slashes at its ends. The discovery
/// document is at `PATH/.well-known/openid-configuration`. Nothing when it has none of its own: it is another
/// address, the public address itself, or no address as it would be written in a request.
pub fn issuer_path<'a>(base_url: &str, issuer: &'a str) -> Option<&'a str> {
    let path = issuer.strip_prefix(base_url.trim_end_matches('/'))?.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    // What a client would write in another way than it stands there (RFC 3986, section 6.2.2) is left out.
    let is_plain = |segment: &str| {
        !matches!(segment, "" | "." | ".." | ".well-known")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    path.split('/').all(is_plain).then_some(path)
}

/// The discovery document (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2) of the issuer that
/// tokens name without a mapper. Only what it says about tokens is here: Sessera signs people in by its own
/// flows, so there is no authorization endpoint.
pub fn document(settings: &Settings, templates: &Templates) -> Value {
    let working = templates.list().into_iter().filter_map(|(_, outcome)| outcome.as_ref().ok());
    let algorithms: BTreeSet<Algorithm> = working
        .map(|tokenizer| tokenizer.algorithm())
        .filter(|algorithm| !algorithm.is_symmetric())
        .collect();
    describe(&settings.issuer, settings.base_url(), algorithms)
}

fn describe(issuer: &str, base_url: &str, algorithms: impl IntoIterator<Item = Algorithm>) -> Value {
    let algorithms: BTreeSet<&str> = algorithms.into_iter().map(Algorithm::as_str).collect();
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')),
        "token_endpoint": format!("{base_url}/oauth2/token"),
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        "id_token_signing_alg_values_supported": algorithms,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "claims_supported": ["aud", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_jose::{JwkSet, Signer, generate};

    /// What two templates with fixed keys show.
    fn published(one: &Jwk, two: &Jwk) -> Published {
        let keys = |key: &Jwk| Keys::Fixed(vec![key.public().unwrap()]);
        let templates = BTreeMap::from([("one".to_owned(), keys(one)), ("two".to_owned(), keys(two))]);
        Published { templates, ..Published::default() }
    }

    fn kids(published: &Published) -> Vec<String> {
        let set = published.set(None, Timestamp::default()).unwrap();
        let set = JwkSet::parse_known(set.json.as_bytes()).unwrap().0;
        set.keys().iter().map(|key| key.kid().to_owned()).collect()
    }

    #[test]
    fn a_key_of_several_templates_is_published_once_however_it_is_written() {
        let key = generate::key(Algorithm::Es256, Some("k".into()), 0).unwrap();
        let mut json = key.to_private_json();
        json.as_object_mut().unwrap().retain(|name, _| name != "use");
        let published = published(&key, &Jwk::from_value(json).unwrap());
        assert_eq!(kids(&published), ["k"]);
        assert_eq!(published.clashes(), []);
    }

    #[test]
    fn keys_that_share_an_id_are_named_and_the_tokens_of_both_verify() {
        let keys = [(), ()].map(|()| generate::key(Algorithm::Es256, Some("same".into()), 0).unwrap());
        let published = published(&keys[0], &keys[1]);
        let clash = KidClash { kid: "same".into(), first: "one".into(), second: "two".into() };
        assert_eq!(published.clashes(), [clash]);
        assert_eq!(kids(&published), ["same", "same"]);
        for key in &keys {
            let token = Signer::new(key).unwrap().sign_compact("JWT", b"{}").unwrap();
            assert!(published.verify(None, &token, Timestamp::default()).is_some());
        }
    }

    #[test]
    fn an_issuer_has_its_place_below_the_public_address() {
        let bases = ["https://id.example.org/auth/", "https://id.example.org/auth"];
        for (issuer, path) in [
            ("https://id.example.org/auth/a", Some("a")),
            ("https://id.example.org/auth/tenants/a-b_c.d~1/", Some("tenants/a-b_c.d~1")),
            ("https://id.example.org/auth/", None),
            ("https://id.example.org/auth", None),
            ("https://id.example.org/auth//a", None),
            ("https://id.example.org/auth/a//", None),
            ("https://id.example.org/auth/a/../b", None),
            ("https://id.example.org/auth/./a", None),
            ("https://id.example.org/auth/a?b", None),
            ("https://id.example.org/auth/%61", None),
            ("https://id.example.org/auth/a/.well-known/b", None),
            ("https://id.example.org/authority", None),
            ("http://id.example.org/auth/a", None),
            ("https://other.example.org/auth/a", None),
        ] {
            for base in bases {
                assert_eq!(issuer_path(base, issuer), path, "{issuer}");
            }
        }
    }
}
