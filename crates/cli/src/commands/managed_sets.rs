//! What the commands on managed key sets share.

use sessera_client::managed_sets::{ManagedKey, ManagedKeySet};
use sessera_model::Timestamp;

use crate::offline::times::about;
use crate::output::{Report, Table};

/// A managed set: a row for each key, with what comes next for it.
pub(super) fn report(set: &ManagedKeySet) -> anyhow::Result<Report> {
    let mut table = Table::new(&["KEY ID", "STATE", "NEXT"]);
    for key in &set.keys {
        table.row([key.kid.clone(), key.state.clone(), next(set, key)]);
    }
    let ids = set.keys.iter().map(|key| key.kid.clone()).collect();
    Ok(Report { json: serde_json::to_value(set)?, table, ids })
}

/// What comes next for a key, and when.
fn next(set: &ManagedKeySet, key: &ManagedKey) -> String {
    if let Some(revoked) = key.revoked_at {
        return format!("out for {}", about(set.now.since(revoked)));
    }
    let entry = set.timeline.iter().find(|entry| entry.kid == key.kid);
    entry.map_or_else(String::new, |entry| format!("{} in {}", entry.state, about(entry.at.since(set.now))))
}

/// Writes a time without fractions of a second.
pub(super) const fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds())
}
