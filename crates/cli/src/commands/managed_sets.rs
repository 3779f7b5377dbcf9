//! What the commands on managed key sets share.

use std::time::Duration;

use sessera_client::managed_sets::{ManagedKey, ManagedKeySet};
use sessera_model::Timestamp;

use crate::output::{Report, Table};

/// A managed set: a row for each key, with what comes next for it.
pub(super) fn report(set: &ManagedKeySet) -> anyhow::Result<Report> {
    let mut table = Table::new(&["KEY ID", "STATE", "SIGNS FROM", "NEXT"]);
    for key in &set.keys {
        table.row([key.kid.clone(), key.state.clone(), second(key.activates_at).to_string(), next(set, key)]);
    }
    let ids = set.keys.iter().map(|key| key.kid.clone()).collect();
    Ok(Report { json: serde_json::to_value(set)?, table, ids })
}

fn next(set: &ManagedKeySet, key: &ManagedKey) -> String {
    if let Some(revoked) = key.revoked_at {
        return format!("out since {}", second(revoked));
    }
    let entry = set.timeline.iter().find(|entry| entry.kid == key.kid);
    entry.map_or_else(String::new, |entry| {
        format!("{} at {}, in {}", entry.state, second(entry.at), about(entry.at.since(set.now)))
    })
}

/// Writes a time without fractions of a second.
pub(super) const fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds())
}

/// Writes a time span for people, in its two largest units.
pub(super) fn about(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let first = units.iter().position(|(size, _)| seconds >= *size).unwrap_or(units.len() - 1);
    let mut rest = seconds;
    let parts = units[first..].iter().take(2).map(|(size, unit)| {
        let count = rest / size;
        rest %= size;
        (count, unit)
    });
    let parts: Vec<String> = parts
        .enumerate()
        .filter(|(at, (n, _))| *at == 0 || *n > 0)
        .map(|(_, (n, u))| format!("{n}{u}"))
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        let spans =
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (2_592_000, "30d"), (90_000, "1d 1h")];
        for (seconds, text) in spans {
            assert_eq!(about(Duration::from_secs(seconds)), text);
        }
    }
}
