//! Names that shells complete, because the running server knows them. Without a server nothing is offered.

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use clap_complete::engine::ArgValueCompleter;
use serde_json::Value;
use sessera_client::identities::IdentityQuery;
use sessera_client::sessions::SessionQuery;
use sessera_client::{AdminClient, ClientError};
use sessera_config::escape;

use super::identities::label;
use crate::global;

/// How long a person waits for names at the most.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many identities, sessions and revisions are asked for. More than that nobody chooses from.
const SOME: Option<u32> = Some(1000);

/// A name, and what is said beside it.
type Name = (String, String);

/// The names of key sets.
pub(super) fn sets() -> ArgValueCompleter {
    completer(async |client| {
        let sets = client.key_sets().await?;
        Ok(sets.into_iter().map(|set| (set.name, format!("{} keys", set.count))).collect())
    })
}

/// The names of admin tokens, each with its role.
pub(super) fn admin_tokens() -> ArgValueCompleter {
    completer(async |client| {
        let tokens = client.admin_tokens().await?;
        Ok(tokens.into_iter().map(|token| (token.name, token.role.to_string())).collect())
    })
}

/// The names of sinks, each with where it is.
pub(super) fn sinks() -> ArgValueCompleter {
    completer(async |client| {
        let sinks = client.sinks().await?;
        Ok(sinks.into_iter().map(|sink| (sink.name, sink.origin)).collect())
    })
}

/// The ids of keys, each with its set.
pub(super) fn keys() -> ArgValueCompleter {
    completer(async |client| {
        let sets = client.key_sets().await?;
        let keys = sets.iter().flat_map(|set| set.keys.keys().iter().map(move |key| (set, key)));
        Ok(keys.map(|(set, key)| (key.kid().to_owned(), set.name.clone())).collect())
    })
}

/// What identities sign in with, and their ids.
pub(super) fn identities() -> ArgValueCompleter {
    completer(async |client| {
        let query = IdentityQuery { page_size: SOME, ..IdentityQuery::default() };
        let found = client.identities(&query).await?.items;
        let names = found.iter().flat_map(|identity| {
            let (label, id) = (label(identity), identity.id.to_string());
            [(label.clone(), id.clone()), (id, label)]
        });
        Ok(names.collect())
    })
}

/// The ids of sessions, each with whose it is.
pub(super) fn sessions() -> ArgValueCompleter {
    completer(async |client| {
        let query = SessionQuery { page_size: SOME, active: Some(true), ..SessionQuery::default() };
        let found = client.sessions(&query).await?.items;
        let named = found.iter().map(|session| {
            (session.id.to_string(), session.identity.as_ref().map(label).unwrap_or_default())
        });
        Ok(named.collect())
    })
}

/// The ids of revisions, each with when it was made.
pub(super) fn revisions() -> ArgValueCompleter {
    completer(async |client| {
        let found = client.revisions(global::DEFAULT_PROJECT, SOME, None).await?.items;
        Ok(found.into_iter().map(|revision| (revision.id.to_string(), revision.created_at)).collect())
    })
}

/// The places in the identity configuration, with a text behind each.
pub(super) fn pointers(behind: &'static str) -> ArgValueCompleter {
    completer(async move |client| {
        let mut found = Vec::new();
        add_pointers(&client.config(global::DEFAULT_PROJECT).await?, "", behind, &mut found);
        Ok(found)
    })
}

fn add_pointers(value: &Value, pointer: &str, behind: &str, found: &mut Vec<Name>) {
    let Value::Object(members) = value else { return };
    for (name, member) in members {
        let pointer = format!("{pointer}/{}", escape(name));
        found.push((format!("{pointer}{behind}"), String::new()));
        add_pointers(member, &pointer, behind, found);
    }
}

/// Asks the server, and offers what begins as the person has begun.
fn completer(
    ask: impl AsyncFn(AdminClient) -> Result<Vec<Name>, ClientError> + Send + Sync + 'static,
) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let names = answer(&ask).unwrap_or_default();
        let begun = current.to_string_lossy();
        let fitting = names.into_iter().filter(|(name, _)| name.starts_with(&*begun));
        fitting
            .map(|(name, beside)| {
                let beside = (!beside.is_empty()).then(|| beside.into());
                CompletionCandidate::new(name).help(beside)
            })
            .collect()
    })
}

/// Nothing when there is no answer: a shell has no place for errors.
fn answer(ask: &impl AsyncFn(AdminClient) -> Result<Vec<Name>, ClientError>) -> Option<Vec<Name>> {
    let client = global::client(endpoint(std::env::args()).as_deref()).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async { tokio::time::timeout(PATIENCE, ask(client)).await.ok()?.ok() })
}

/// The address in the command that is being typed.
fn endpoint(words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    let given = words.iter().enumerate().find_map(|(at, word)| match word.as_str() {
        "--endpoint" | "-e" => words.get(at + 1).map(String::as_str),
        other => other.strip_prefix("--endpoint="),
    });
    given.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_address_is_taken_from_the_command() {
        let of = |words: &[&str]| endpoint(words.iter().map(|&word| word.to_owned()));
        assert_eq!(of(&["sessera", "-e", "http://a", "get"]).as_deref(), Some("http://a"));
        assert_eq!(of(&["sessera", "get", "--endpoint=http://b"]).as_deref(), Some("http://b"));
        assert_eq!(of(&["sessera", "get", "-e"]), None);
    }

    #[test]
    fn pointers_lead_to_every_member() {
        let mut found = Vec::new();
        add_pointers(&json!({"session": {"a/b": {"c": [1]}}}), "", "=", &mut found);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["/session=", "/session/a~1b=", "/session/a~1b/c="]);
    }
}
