//! What was taken over, and what was not.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// What was carried and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many identities.
    pub identities: u64,
    /// How many identities that were there already have been changed since.
    pub changed: u64,
    /// How many identities that were there have been deleted since.
    pub deleted: u64,
    /// How many credentials, by kind.
    pub credentials: BTreeMap<&'static str, u64>,
    /// How many addresses to verify or to recover by.
    pub addresses: u64,
    /// How many live sessions.
    pub sessions: u64,
    /// How many sessions that were there already have been changed or have ended since.
    pub changed_sessions: u64,
    /// The ids of the schemas that the identities need in `identity.schemas`, and how many identities need
    /// each.
    pub schemas: BTreeMap<String, u64>,
    /// What was left behind, by name, and how much of it.
    pub left: BTreeMap<String, u64>,
    /// Identities that were refused, with the reason.
    pub refused: Vec<(String, String)>,
}

impl Imported {
    /// Counts something that is left behind.
    pub(super) fn leave(&mut self, what: impl Into<String>) {
        *self.left.entry(what.into()).or_default() += 1;
    }

    /// The report as programs read it.
    pub fn to_json(&self) -> Value {
        let refused: Vec<Value> =
            self.refused.iter().map(|(id, reason)| json!({ "id": id, "reason": reason })).collect();
        json!({
            "identities": self.identities,
            "changed": self.changed,
            "deleted": self.deleted,
            "credentials": self.credentials,
            "addresses": self.addresses,
            "sessions": self.sessions,
            "changed_sessions": self.changed_sessions,
            "schemas": self.schemas,
            "left": self.left,
            "refused": refused,
        })
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "identities: {}", self.identities)?;
        for (what, count) in [("changed", self.changed), ("deleted", self.deleted)] {
            if count > 0 {
                writeln!(f, "identities {what} since the last time: {count}")?;
            }
        }
        for (kind, count) in &self.credentials {
            writeln!(f, "credentials of kind {kind}: {count}")?;
        }
        writeln!(f, "addresses: {}", self.addresses)?;
        writeln!(f, "sessions: {}", self.sessions)?;
        if self.changed_sessions > 0 {
            writeln!(f, "sessions changed or ended since the last time: {}", self.changed_sessions)?;
        }
        for (schema, count) in &self.schemas {
            writeln!(f, "identities of schema \"{schema}\": {count}")?;
        }
        for (what, count) in &self.left {
            writeln!(f, "not carried: {what}: {count}")?;
        }
        for (id, reason) in &self.refused {
            writeln!(f, "not carried: identity {id}: {reason}")?;
        }
        Ok(())
    }
}
