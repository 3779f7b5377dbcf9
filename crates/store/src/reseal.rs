//! Encrypting everything that is stored under the first of the secrets, so that older ones can go.
//!
//! Rows are read in pages by key, and a value is replaced only while it is still what was read, so nodes may
//! write meanwhile. What is under the first secret already is left alone, so the work can stop and begin
//! again at any place. It goes round until a whole round finds nothing more to do. The check value by which a
//! server recognises its secret comes last, so no server starts with the new secret alone before that.

use crate::error::StoreError;
use crate::sealer::{CHECK, Sealer, credential_place, key_row, place};
use crate::transfer::{Row, TABLES, Table, Tables, Value};

/// How many rows are read and replaced at once.
const PAGE: u32 = 100;

/// The number of rounds after which somebody is taken to write under an older secret still.
const ROUNDS: u32 = 10;

/// What was found in a table, or in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many encrypted values there are.
    pub values: u64,
    /// How many of them were under another secret than the first one.
    pub older: u64,
    /// How many of them none of the secrets opens.
    pub unreadable: u64,
}

impl Count {
    /// Adds both counts.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            values: self.values + other.values,
            older: self.older + other.older,
            unreadable: self.unreadable + other.unreadable,
        }
    }
}

/// Why not everything could be encrypted again.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// The database failed. What was done stays done.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Some values are under a secret that is not in the list.
    #[error(
        "{0} values cannot be decrypted with any secret of secrets.cipher: add the secret that they were written under, and run this again. Nothing is lost as long as you have it"
    )]
    Unreadable(u64),
    /// Somebody goes on writing under an older secret.
    #[error(
        "values are still being written under an older secret: put the new one first on every node, restart them, and run this again"
    )]
    StillWritten,
}

/// A column of encrypted values.
struct Sealed {
    table: &'static Table,
    column: usize,
}

/// Counts the values of each table, and how many are not under the first secret. Nothing is changed.
///
/// # Errors
///
/// It fails when the database does not answer.
pub async fn count(tables: &dyn Tables, sealer: &Sealer) -> Result<Vec<(&'static str, Count)>, StoreError> {
    let mut counts = Vec::new();
    for sealed in all() {
        counts.push((sealed.table.name, round(tables, sealer, &sealed, false).await?));
    }
    Ok(counts)
}

/// Encrypts everything under the first secret. `told` is called after every round over a table; `older` is
/// how many values were encrypted again.
///
/// # Errors
///
/// It fails as [`ResealError`] says.
pub async fn reseal(
    tables: &dyn Tables,
    sealer: &Sealer,
    mut told: impl FnMut(&'static str, Count),
) -> Result<Count, ResealError> {
    let mut done = Count::default();
    for _ in 0..ROUNDS {
        let mut found = Count::default();
        // The check value comes last, after a round that found nothing else.
        for sealed in all().into_iter().filter(|sealed| sealed.table.name != "meta") {
            let count = round(tables, sealer, &sealed, true).await?;
            if count.older > 0 {
                told(sealed.table.name, count);
            }
            found = found.and(count);
        }
        if found.unreadable > 0 {
            return Err(ResealError::Unreadable(found.unreadable));
        }
        done = Count { older: done.older + found.older, ..found };
        if found.older == 0 {
            for sealed in all().into_iter().filter(|sealed| sealed.table.name == "meta") {
                done = done.and(round(tables, sealer, &sealed, true).await?);
            }
            return Ok(done);
        }
    }
    Err(ResealError::StillWritten)
}

/// All columns that hold encrypted values.
fn all() -> Vec<Sealed> {
    let columns = |table: &'static Table| {
        let is_sealed =
            move |name: &str| name.starts_with("sealed") || (table.name == "meta" && name == "value");
        let named = table.columns.iter().enumerate().filter(move |(_, (name, _))| is_sealed(name));
        named.map(move |(column, _)| Sealed { table, column })
    };
    TABLES.iter().flat_map(columns).collect()
}

/// Goes once over a table. With `write`, older values are encrypted again.
async fn round(
    tables: &dyn Tables,
    sealer: &Sealer,
    sealed: &Sealed,
    write: bool,
) -> Result<Count, StoreError> {
    let mut count = Count::default();
    let mut after = None;
    loop {
        let rows = tables.read(sealed.table, after.as_ref(), PAGE).await?;
        let mut changes = Vec::new();
        for row in &rows {
            let (Some(place), Value::Bytes(value)) = (sealed.place(row), &row[sealed.column]) else {
                continue;
            };
            count.values += 1;
            match sealer.reseal(&place, value) {
                Ok(None) => {}
                Ok(Some(new)) => {
                    count.older += 1;
                    changes.push((row.clone(), new));
                }
                Err(_) => count.unreadable += 1,
            }
        }
        if write {
            tables.replace(sealed.table, sealed.column, &changes).await?;
        }
        match rows.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(count),
        }
    }
}

impl Sealed {
    const fn name(&self) -> &'static str {
        self.table.columns[self.column].0
    }

    /// What the value of a row belongs to; nothing when it is not encrypted.
    fn place(&self, row: &Row) -> Option<Vec<u8>> {
        Some(match (self.table.name, row.as_slice()) {
            ("meta", [Value::Text(name), ..]) if name == "check" => CHECK.to_vec(),
            ("credentials", [Value::Id(identity), Value::Text(kind), ..]) => {
                place("credentials.config", credential_place(*identity, kind))
            }
            ("keys", [Value::Text(set), Value::Text(kid), ..]) => place("keys.jwk", key_row(set, kid)),
            ("flows", [Value::Id(id), ..]) => place("flows.body", id),
            ("outbox", [Value::Id(id), ..]) => place("outbox", id),
            ("revisions", [_, Value::Id(id), ..]) if self.name() == "sealed_diff" => {
                place("revisions.diff", id)
            }
            ("revisions", [_, Value::Id(id), ..]) => place("revisions.config", id),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encrypted_column_is_known() {
        let known: Vec<_> = all().iter().map(|sealed| sealed.table.name).collect();
        assert_eq!(known, ["meta", "credentials", "flows", "outbox", "keys", "revisions", "revisions"]);
    }
}
