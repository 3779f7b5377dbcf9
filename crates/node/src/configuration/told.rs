//! What is told of a configuration that is used: in the log, and to whoever changes it.

use serde_json::Value;
use sessera_config::{Config, Loaded, Problem, hidden};
use sessera_issuer::Templates;
use sessera_issuer::trial::Trial;
use sessera_model::GoDuration;
use sessera_store::Revision;

use super::parse;
use crate::snapshot::Snapshot;

/// The notes that a change brings about: those about values that it sets or changes, and those about values that stay which
/// were not there before.
pub(super) fn news((config, after): (&Config, &Value), (known, before): (&Config, &Value)) -> Vec<String> {
    let is_known = |note: &Problem| known.notes.iter().chain(&known.accepted).any(|known| known == note);
    let is_new = |note: &&Problem| {
        let now = after.pointer(&note.pointer);
        now.is_some() && now != before.pointer(&note.pointer) || !is_known(note)
    };
    config.notes.iter().chain(&config.accepted).filter(is_new).map(Problem::to_string).collect()
}

/// What becomes of tokens that name a status list where nothing stands any more after a change.
pub(super) fn lost_lists(after: &Templates, before: &Templates) -> Vec<String> {
    let ttl_with_lists = |templates: &Templates, name: &str| {
        let found = templates.get(name).and_then(|outcome| outcome.as_ref().ok());
        found.filter(|found| found.status_uri("", 0).is_some()).map(|found| found.ttl())
    };
    let names = before.list().into_iter().map(|(name, _)| name);
    let lost = names.filter_map(|name| {
        let ttl = GoDuration::new(ttl_with_lists(before, name)?);
        ttl_with_lists(after, name).is_none().then(|| format!(
            "The template \"{name}\" has no status lists any more. Its tokens that are out name one, so verifiers that look there refuse them until the last one has ended, in {ttl}. To avoid that, keep the template as it is and let apps ask for tokens of another one first."
        ))
    });
    lost.collect()
}

/// Logs what whoever runs the server should know about its configuration: notes with the places of their values, and
/// what does not count because it is stored otherwise.
pub fn warn(loaded: &Loaded, revision: Option<&Revision>, snapshot: &Snapshot, trial: &Trial) {
    let config = &snapshot.config;
    for (name, outcome) in snapshot.issuer.templates.list() {
        if let Some(doubt) = outcome.as_ref().ok().and_then(|found| trial.of(name, found).sentence()) {
            tracing::warn!("{doubt}");
        }
    }
    let stored = revision.and_then(parse).unwrap_or_default();
    let notes = config.notes.iter().chain(&config.accepted);
    let (of_stored, own): (Vec<_>, Vec<_>) = notes.partition(|note| stored.pointer(&note.pointer).is_some());
    for note in of_stored {
        tracing::warn!("the stored configuration: {note}");
    }
    for sentence in loaded.told(own) {
        tracing::warn!("{sentence}");
    }
    if revision.is_some()
        && let Some(sentence) = hidden::sentence(&loaded.tree, &stored)
    {
        tracing::warn!("{sentence}");
    }
}
