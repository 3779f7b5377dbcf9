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

/// The table of the check value.
const CHECKED: &str = "meta";

/// A table with its columns of encrypted values.
struct Sealed {
    table: &'static Table,
    columns: Vec<usize>,
}

/// Counts the values of each table, and how many are not under the first secret. Nothing is changed.
///
/// # Errors
///
/// It fails when the database does not answer.
pub async fn count(tables: &dyn Tables, sealer: &Sealer) -> Result<Vec<(&'static str, Count)>, StoreError> {
    let mut counts = Vec::new();
    for columns in all() {
        counts.push((columns.table.name, round(tables, sealer, &columns, false).await?));
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
        for columns in all().into_iter().filter(|columns| columns.table.name != CHECKED) {
            let count = round(tables, sealer, &columns, true).await?;
            if count.older > 0 {
                told(columns.table.name, count);
            }
            found = found.and(count);
        }
        if found.unreadable > 0 {
            return Err(ResealError::Unreadable(found.unreadable));
        }
        done = Count { older: done.older + found.older, ..found };
        if found.older == 0 {
            for columns in all().into_iter().filter(|columns| columns.table.name == CHECKED) {
                let count = round(tables, sealer, &columns, true).await?;
                if count.older > 0 {
                    told(columns.table.name, count);
                }
                done = done.and(count);
            }
            return Ok(done);
        }
    }
    Err(ResealError::StillWritten)
}

/// The encrypted columns of each table that has some.
fn all() -> Vec<Sealed> {
    let sealed = |table: &'static Table| {
        let is_sealed =
            move |name: &str| name.starts_with("sealed") || (table.name == CHECKED && name == "value");
        let named = table.columns.iter().enumerate().filter(move |(_, (name, _))| is_sealed(name));
        Sealed { table, columns: named.map(|(column, _)| column).collect() }
    };
    TABLES.iter().map(sealed).filter(|sealed| !sealed.columns.is_empty()).collect()
}

/// Goes once over the encrypted columns of a table. With `write`, older values are encrypted again.
async fn round(
    tables: &dyn Tables,
    sealer: &Sealer,
    sealed: &Sealed,
    write: bool,
) -> Result<Count, StoreError> {
    let mut count = Count::default();
    for &column in &sealed.columns {
        count = count.and(round_of_column(tables, sealer, sealed.table, column, write).await?);
    }
    Ok(count)
}

async fn round_of_column(
    tables: &dyn Tables,
    sealer: &Sealer,
    table: &'static Table,
    column: usize,
    write: bool,
) -> Result<Count, StoreError> {
    let mut count = Count::default();
    let mut after = None;
    loop {
        let rows = tables.read(table, after.as_ref(), PAGE).await?;
        let mut changes = Vec::new();
        for row in &rows {
            let (Some(place), Value::Bytes(value)) = (place_of(table, column, row), &row[column]) else {
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
            tables.replace(table, column, &changes).await?;
        }
        match rows.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(count),
        }
    }
}

/// What the value of a row in a column belongs to; nothing when it is not encrypted.
fn place_of(table: &Table, column: usize, row: &Row) -> Option<Vec<u8>> {
    Some(match (table.name, row.as_slice()) {
        (CHECKED, [Value::Text(name), ..]) if name == "check" => CHECK.to_vec(),
        ("credentials", [Value::Id(identity), Value::Text(kind), ..]) => {
            place("credentials.config", credential_place(*identity, kind))
        }
        ("keys", [Value::Text(set), Value::Text(kid), ..]) => place("keys.jwk", key_row(set, kid)),
        ("flows", [Value::Id(id), ..]) => place("flows.body", id),
        ("outbox", [Value::Id(id), ..]) => place("outbox", id),
        ("revisions", [_, Value::Id(id), ..]) if table.columns[column].0 == "sealed_diff" => {
            place("revisions.diff", id)
        }
        ("revisions", [_, Value::Id(id), ..]) => place("revisions.config", id),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encrypted_column_is_known() {
        let known: Vec<_> = all().iter().map(|sealed| (sealed.table.name, sealed.columns.len())).collect();
        let of_one_column = ["meta", "credentials", "flows", "outbox", "keys"].map(|name| (name, 1));
        assert_eq!(known, [&of_one_column[..], &[("revisions", 2)]].concat());
    }
}
