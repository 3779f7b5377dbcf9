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
    /// The entry with this number stands where the record has none.
    Added(i64),
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
        loop {
            let ends = self.store.audit_ends().await?;
            let judged = self.judge_between(&ends, after).await?;
            let now = self.store.audit_ends().await?;
            if judged.broken.is_none() && judged.last.number > now.last.number {
                let broken = Some(Broken::Added(now.last.number + 1));
                return Ok(Judged { last: now.last, broken, ..judged });
            }
            // What was swept while it was judged is not missing.
            if judged.broken.is_none() || now.swept == ends.swept {
                return Ok(judged);
            }
        }
    }

    async fn judge_between(&self, ends: &Ends, after: Option<i64>) -> Result<Judged, StoreError> {
        let begun = match after.filter(|after| *after > ends.swept.number) {
            None => None,
            Some(number) => self.link(number).await?,
        };
        let mut last = begun.unwrap_or(ends.swept);
        // Before the first entry that is kept there is none.
        let from = begun.map_or(i64::MIN, |begun| begun.number);
        let (mut limit, from) = (JUDGED, AuditFrom::After(from));
        let entries = loop {
            match self.store.audit(&AuditPage { from: from.clone(), limit }).await {
                // One of them holds what no entry holds. Those before it are judged first.
                Err(StoreError::Corrupt(_)) if limit > 1 => limit /= 2,
                Err(StoreError::Corrupt(_)) => {
                    let broken = Some(Broken::Changed(last.number + 1));
                    return Ok(Judged { entries: 0, last, broken, is_end: false });
                }
                other => break other?,
            }
        };
        let count = entries.len() as u64;
        let mut broken = None;
        for entry in entries {
            let next = last.next(entry.at, &entry.content);
            let found = Link { number: entry.number, hash: entry.hash };
            if found.number > next.number {
                broken = Some(Broken::Missing(next.number));
            } else if found.number < next.number {
                broken = Some(Broken::Added(found.number));
            } else if found != next || !entry.is_found_by_what_it_says() {
                broken = Some(Broken::Changed(found.number));
            } else {
                last = next;
                continue;
            }
            break;
        }
        let is_end = count < u64::from(limit);
        if broken.is_none() && is_end {
            broken = beyond(&last, ends);
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
    use sessera_model::{SystemRandom, Timestamp, Uuid};
    use sessera_store::audit::first_id;
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

    fn entry(second: i64) -> NewEntry {
        NewEntry::new(&SystemRandom::default(), Timestamp::from_seconds(second), None, "[]".into())
    }

    /// Puts something into the record past the server.
    async fn put(tables: &dyn Tables, entry: NewEntry, number: Value, hash: Value) {
        let NewEntry { id, at, identity_id, content } = entry;
        let about = identity_id.map_or(Value::Null, Value::Id);
        let row = vec![Value::Id(id), Value::Integer(at.micros()), about, Value::Text(content), number, hash];
        tables.write(table(), &[row]).await.unwrap();
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

    #[tokio::test]
    async fn an_entry_that_is_found_by_what_it_does_not_say_shows() {
        let ada = Uuid::from_u128(7);
        let at = Timestamp::from_seconds(9);
        let content = format!("{{\"about\":{{\"identity_id\":\"{ada}\"}}}}");
        let written = NewEntry::new(&SystemRandom::default(), at, Some(ada), content);
        let of_nobody = NewEntry { identity_id: None, ..written.clone() };
        let earlier = NewEntry { id: first_id(Timestamp::from_seconds(8)), ..written.clone() };
        for (entry, broken) in
            [(written, None), (of_nobody, Some(Broken::Changed(9))), (earlier, Some(Broken::Changed(9)))]
        {
            let (record, tables, _world) = record(8).await;
            put(&*tables, entry, Value::Null, Value::Null).await;
            record.keep().await.unwrap();
            assert_eq!(record.judge(None).await.unwrap().broken, broken);
            assert_eq!(record.judge(Some(8)).await.unwrap().broken, broken);
        }
    }

    #[tokio::test]
    async fn an_entry_that_cannot_be_read_shows() {
        let (record, tables, _world) = record(8).await;
        let NewEntry { id, at, content, .. } = entry(9);
        let no_id = Value::Bytes(vec![7]);
        let hash = Value::Bytes(vec![7; 32]);
        let (at, number) = (Value::Integer(at.micros()), Value::Integer(9));
        let row = vec![Value::Id(id), at, no_id, Value::Text(content), number, hash];
        tables.write(table(), &[row]).await.unwrap();
        let (mut entries, mut after) = (0, None);
        let broken = loop {
            let judged = record.judge(after).await.unwrap();
            entries += judged.entries;
            if judged.is_end || judged.broken.is_some() {
                break judged.broken;
            }
            after = Some(judged.last.number);
        };
        assert_eq!((entries, broken), (8, Some(Broken::Changed(9))));
    }

    #[tokio::test]
    async fn a_damaged_hash_shows_and_keeps_no_entry_from_being_listed_or_swept() {
        for hash in [vec![0], Vec::new(), vec![7; 33]] {
            let (record, tables, world) = record(8).await;
            let rows = tables.read(table(), None, 100).await.unwrap();
            let row = rows.into_iter().find(|row| row[4] == Value::Integer(8)).unwrap();
            tables.replace(table(), 5, &[(row, hash)]).await.unwrap();
            let judged = record.judge(None).await.unwrap();
            assert_eq!((judged.entries, judged.broken), (8, Some(Broken::Changed(8))));
            assert_eq!(record.judge(Some(7)).await.unwrap().broken, Some(Broken::Changed(8)));
            let page = AuditPage { from: AuditFrom::Latest(sessera_store::Span::ALL), limit: 10 };
            assert_eq!(world.store.audit(&page).await.unwrap().len(), 8);
            world.clock.set(Timestamp::from_seconds(105));
            record.sweep(Duration::from_secs(1)).await.unwrap();
            assert!(world.store.audit(&page).await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn an_entry_that_was_put_behind_the_others_shows() {
        let (record, tables, _world) = record(8).await;
        let last = record.judge(None).await.unwrap().last;
        let forged = entry(9);
        let hash = last.next(forged.at, &forged.content).hash.0.to_vec();
        put(&*tables, forged, Value::Integer(9), Value::Bytes(hash)).await;
        let judged = record.judge(None).await.unwrap();
        assert_eq!((judged.broken, judged.last), (Some(Broken::Added(9)), last));
    }

    #[tokio::test]
    async fn an_entry_that_was_put_before_the_others_shows() {
        let (record, tables, world) = record(8).await;
        world.clock.set(Timestamp::from_seconds(105));
        record.sweep(Duration::from_secs(100)).await.unwrap();
        for number in [2_i64, -2] {
            let hash = Value::Bytes(vec![7; 32]);
            put(&*tables, entry(number.abs()), Value::Integer(number), hash).await;
            assert_eq!(record.judge(None).await.unwrap().broken, Some(Broken::Added(number)));
        }
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
