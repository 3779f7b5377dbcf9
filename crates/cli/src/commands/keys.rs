//! What the commands on key sets share.

use std::str::FromStr as _;

use anyhow::{Result, anyhow, bail};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use sessera_client::ClientError;
use sessera_client::keys::SetVersion;
use sessera_jose::{Algorithm, Jwk, JwkSet};

use crate::global::Context;
use crate::output::{Output, Report, Table, nearest};

/// A key set with its name.
pub(super) struct Named {
    pub(super) set: String,
    pub(super) keys: JwkSet,
}

/// Whether private members are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Members {
    Public,
    Private,
}

/// What a key is for.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum KeyUse {
    /// The key signs
    Sig,
    /// The key encrypts
    Enc,
}

impl KeyUse {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sig => "sig",
            Self::Enc => "enc",
        }
    }
}

/// Reads an algorithm's name. The error for a near miss names the algorithm that was probably meant.
pub(super) fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::from_str(name).map_err(|error| {
        let names = Algorithm::ALL.map(Algorithm::as_str);
        match nearest(&name.to_ascii_uppercase(), names) {
            Some(near) => format!("did you mean {near}? {error}"),
            None => error.to_string(),
        }
    })
}

/// Fetches the public keys of sets by their names, for which nobody has to see private ones.
pub(super) async fn find_public(context: &Context, names: &[String]) -> Result<Vec<Named>> {
    let known = context.client.key_sets().await?;
    let mut sets = Vec::with_capacity(names.len());
    for name in names {
        let Some(found) = known.iter().find(|set| set.name == *name) else {
            // The server says what to do, and shows nothing of a set that is not there.
            find(context, name).await?;
            bail!("the key set \"{name}\" was made just now: repeat the command");
        };
        let secrets = found.count.saturating_sub(found.keys.keys().len());
        if secrets > 0 {
            context.output.note(&format!(
                "shared secrets have no public form, so {secrets} of the keys of {name} are left out; --private shows them"
            ));
        }
        sets.push(Named { set: name.clone(), keys: found.keys.clone() });
    }
    Ok(sets)
}

/// A report of key sets. A single set is printed as `{"set","keys"}`, so that the output can be used as a key
/// set. Several are printed as `{"keys"}`, where each key names its set. Shared secrets have no public form,
/// so they are left out, and a note says so.
pub(super) fn report(sets: &[Named], members: Members, output: &Output) -> Report {
    let mut table = Table::new(&["SET ID", "KEY ID", "ALGORITHM", "USE"]);
    let (mut keys, mut ids) = (Vec::new(), Vec::new());
    for Named { set, keys: jwks } in sets {
        for jwk in jwks.keys() {
            table.row([set, jwk.kid(), jwk.alg().unwrap_or_default(), jwk.key_use().unwrap_or_default()]);
            ids.push(jwk.kid().to_owned());
            match shown(jwk, members) {
                Some(mut key) => {
                    key.insert("set".into(), set.as_str().into());
                    keys.push(Value::Object(key));
                }
                None if !output.is_table() => output.note(&format!(
                    "the key {} of {set} is a shared secret, which has no public form; it is left out. --private shows it",
                    jwk.kid()
                )),
                None => {}
            }
        }
    }
    let json = match sets {
        [only] => json!({ "set": only.set, "keys": keys }),
        _ => json!({ "keys": keys }),
    };
    Report { json, table, ids }
}

fn shown(jwk: &Jwk, members: Members) -> Option<Map<String, Value>> {
    let json = match members {
        Members::Private => jwk.to_private_json(),
        Members::Public => jwk.public()?.to_json(),
    };
    match json {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// Fetches a set by its name. The error for a near miss names the set that was probably meant.
pub(super) async fn find(context: &Context, name: &str) -> Result<JwkSet> {
    match context.client.key_set(name).await {
        Err(error) if error.is_not_found() => Err(not_found(context, name, error).await),
        other => Ok(other?),
    }
}

/// Fetches a set by its name, with its version.
pub(super) async fn find_with_version(context: &Context, name: &str) -> Result<(JwkSet, SetVersion)> {
    match context.client.versioned_key_set(name).await {
        Err(error) if error.is_not_found() => Err(not_found(context, name, error).await),
        other => Ok(other?),
    }
}

/// The server's error, with the name that was probably meant.
pub(super) async fn not_found(context: &Context, name: &str, error: ClientError) -> anyhow::Error {
    let known = context.client.key_sets().await.unwrap_or_default();
    match nearest(name, known.iter().map(|set| set.name.as_str())) {
        Some(near) => anyhow!("{error} Did you mean \"{near}\"?"),
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_jose::generate;

    fn set(name: &str, algorithms: &[Algorithm]) -> Named {
        let keys = algorithms.iter().map(|&algorithm| generate::key(algorithm, None, 2048).unwrap());
        Named { set: name.into(), keys: JwkSet::new(keys.collect()).unwrap() }
    }

    fn quiet() -> Output {
        Output::new("json".parse().unwrap(), true)
    }

    #[test]
    fn a_single_set_is_a_key_set_by_itself() {
        let report = report(&[set("a", &[Algorithm::Es256])], Members::Public, &quiet());
        assert_eq!(report.json["set"], "a");
        assert_eq!(report.json["keys"][0]["set"], "a");
        assert!(report.json["keys"][0].get("d").is_none());
        assert_eq!(JwkSet::from_value(report.json).unwrap().keys().len(), 1);
    }

    #[test]
    fn private_members_are_shown_when_asked_for() {
        let sets = [set("a", &[Algorithm::EdDsa]), set("b", &[Algorithm::Hs256])];
        let private = report(&sets, Members::Private, &quiet()).json;
        assert!(private["keys"][0]["d"].is_string() && private["keys"][1]["k"].is_string());
        assert!(private.get("set").is_none(), "several sets have no name in common");
        let public = report(&sets, Members::Public, &quiet());
        assert_eq!(public.json["keys"].as_array().unwrap().len(), 1, "a shared secret has no public form");
        assert!(public.table.within(None).contains("HS256"));
    }

    #[test]
    fn near_misses_of_algorithms_are_named() {
        assert!(algorithm("es256").unwrap_err().starts_with("did you mean ES256?"));
        assert!(algorithm("ES265").unwrap_err().contains("did you mean ES2"));
        assert!(algorithm("none").unwrap_err().contains("not supported"));
        assert_eq!(algorithm("ES256"), Ok(Algorithm::Es256));
    }
}
