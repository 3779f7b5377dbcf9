//! The record of what happened: what is done for it again and again, and whether it is as it was written.

use std::sync::Arc;
use std::time::Duration;

use sessera_model::Clock;
use sessera_store::{AuditFrom, AuditPage, Committer, Ends, Link, Store, StoreError};

/// How many entries are put in order, or swept, in one transaction.
const STEP: u32 = 500;

/// How many entries are judged at once.
const JUDGED: u32 = 10_000;

/// The record of a deployment.
pub struct Record {
    store: Arc<dyn Store>,
    committer: Committer,
    clock: Arc<dyn Clock>,
}

/// What was found out about a part of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// How many entries were looked at.
    pub entries: u64,
    /// The last one that is as it was written.
    pub last: Link,
    /// What is wrong behind it, if anything is.
    pub broken: Option<Broken>,
    /// Whether there is nothing more to look at.
    pub is_end: bool,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The entry with this number was changed, or one before it.
    Changed(i64),
    /// The entries from this number on are missing.
    Missing(i64),
}

impl Record {
    /// The record in a store.
    pub fn new(store: Arc<dyn Store>, committer: Committer, clock: Arc<dyn Clock>) -> Self {
        Self { store, committer, clock }
    }

    /// Writes what waits, and puts in order what has none yet.
    pub async fn keep(&self) -> Result<(), StoreError> {
        self.committer.write_waiting().await?;
        while self.store.chain_audit(STEP).await? == u64::from(STEP) {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Sweeps what is older than `retention`, in small steps.
    pub async fn sweep(&self, retention: Duration) -> Result<(), StoreError> {
        let before = self.clock.now() - retention;
        while self.store.sweep_audit(before, STEP).await? == u64::from(STEP) {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Judges a part of the record: what follows the entry with the number `after`, which was judged before, or the first
    /// entry that is kept.
    pub async fn judge(&self, after: Option<i64>) -> Result<Judged, StoreError> {
        let ends = self.store.audit_ends().await?;
        let mut last = match after.filter(|after| *after > ends.swept.number) {
            None => ends.swept,
            Some(number) => self.link(number).await?.unwrap_or(ends.swept),
        };
        let page = AuditPage { from: AuditFrom::After(last.number), limit: JUDGED };
        let entries = self.store.audit(&page).await?;
        let count = entries.len() as u64;
        let mut broken = None;
        for entry in entries {
            let next = last.next(entry.at, &entry.content);
            let found = Link { number: entry.number, hash: entry.hash };
            if found.number > next.number {
                broken = Some(Broken::Missing(next.number));
            } else if found != next {
                broken = Some(Broken::Changed(found.number));
            } else {
                last = next;
                continue;
            }
            break;
        }
        let is_end = count < u64::from(JUDGED);
        if broken.is_none() && is_end {
            broken = beyond(&last, &ends);
        }
        Ok(Judged { entries: count, last, broken, is_end })
    }

    /// The entry with a number, as it is kept.
    async fn link(&self, number: i64) -> Result<Option<Link>, StoreError> {
        let page = AuditPage { from: AuditFrom::After(number - 1), limit: 1 };
        let found = self.store.audit(&page).await?.into_iter().next();
        Ok(found.filter(|entry| entry.number == number).map(|entry| Link { number, hash: entry.hash }))
    }
}

/// What is wrong with the end of the record, where `last` is the last entry that was found.
fn beyond(last: &Link, ends: &Ends) -> Option<Broken> {
    if last.number < ends.last.number {
        return Some(Broken::Missing(last.number + 1));
    }
    (last.number == ends.last.number && *last != ends.last).then_some(Broken::Changed(last.number))
}

#[cfg(test)]
mod tests {
    use sessera_model::{SystemRandom, Timestamp};
    use sessera_store::sqlite::{SqliteOptions, SqliteStore};
    use sessera_store::transfer::{TABLES, Table, Tables, Value};
    use sessera_store::{Change, Cipher, NewEntry};
    use sessera_testing::TestStore;

    use super::*;

    /// A record with some entries, and the tables in which they lie.
    async fn record(entries: i64) -> (Record, Arc<dyn Tables>, TestStore) {
        let world = TestStore::open().await.unwrap();
        let committer = Committer::new(world.store.clone(), vec![]);
        let options = SqliteOptions {
            path: world.folder.path().join("test.sqlite"),
            cipher: Arc::new(Cipher::new(&[sessera_testing::CIPHER_SECRET.into()]).unwrap()),
            random: Arc::new(SystemRandom::default()),
        };
        let tables = Arc::new(SqliteStore::open(options).await.unwrap());
        let record = Record::new(world.store.clone(), committer, world.clock.clone());
        let at = Timestamp::from_seconds;
        let all =
            (1..=entries).map(|n| NewEntry::new(&SystemRandom::default(), at(n), None, format!("[{n}]")));
        world.store.commit(&[Change::Record(all.collect())]).await.unwrap();
        record.keep().await.unwrap();
        (record, tables, world)
    }

    fn table() -> &'static Table {
        TABLES.iter().find(|table| table.name == "audit").unwrap()
    }

    /// Gives the entry with a number another hash, as whoever forges one must.
    async fn forge(tables: &dyn Tables, number: i64) {
        let rows = tables.read(table(), None, 100).await.unwrap();
        let row = rows.into_iter().find(|row| row[4] == Value::Integer(number)).unwrap();
        tables.replace(table(), 5, &[(row, vec![7; 32])]).await.unwrap();
    }

    #[tokio::test]
    async fn a_record_that_nobody_changed_is_good_also_after_it_was_swept() {
        let (record, _, world) = record(8).await;
        let whole = record.judge(None).await.unwrap();
        assert_eq!((whole.entries, whole.broken, whole.is_end, whole.last.number), (8, None, true, 8));
        world.clock.set(Timestamp::from_seconds(105));
        record.sweep(Duration::from_secs(100)).await.unwrap();
        let rest = record.judge(None).await.unwrap();
        assert_eq!((rest.entries, rest.broken, rest.last), (4, None, whole.last));
        assert_eq!(record.judge(Some(2)).await.unwrap(), rest, "what was swept is no place to begin");
        record.sweep(Duration::ZERO).await.unwrap();
        let none = record.judge(None).await.unwrap();
        assert_eq!((none.entries, none.broken, none.last), (0, None, whole.last));
    }

    #[tokio::test]
    async fn a_forged_entry_shows() {
        let (record, tables, _world) = record(8).await;
        forge(&*tables, 5).await;
        let judged = record.judge(None).await.unwrap();
        assert_eq!((judged.broken, judged.last.number), (Some(Broken::Changed(5)), 4));
        let (record, tables, _world) = self::record(8).await;
        forge(&*tables, 8).await;
        assert_eq!(record.judge(None).await.unwrap().broken, Some(Broken::Changed(8)));
    }

    #[test]
    fn entries_that_are_missing_at_the_end_show() {
        let link = |number| Link { number, ..Link::default() };
        let ends = Ends { last: link(8), swept: link(0) };
        assert_eq!(beyond(&link(7), &ends), Some(Broken::Missing(8)));
        assert_eq!(beyond(&link(8), &ends), None);
        let other = Link { hash: link(8).next(Timestamp::default(), "").hash, ..link(8) };
        assert_eq!(beyond(&other, &ends), Some(Broken::Changed(8)));
    }
}
