//! Everything is encrypted under a new secret, while others may write, and the old secret can go.

#[expect(dead_code, reason = "the cases are run for each engine elsewhere")]
mod contract;

use std::sync::Arc;

use sessera_model::{Random, Secret, SystemRandom, Timestamp, Uuid};
use sessera_store::reseal::{Count, ResealError, count, reseal};
use sessera_store::sealer::Sealer;
use sessera_store::sqlite::{SqliteOptions, SqliteStore};
use sessera_store::transfer::{TABLES, Tables, Value};
use sessera_store::{Change, Cipher, Engine, Flow, FlowKind, Store, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A new database of each engine that is there.
async fn databases(folder: &tempfile::TempDir) -> Vec<String> {
    let mut all = vec![format!("sqlite://{}", folder.path().join("db.sqlite").display())];
    if let Ok(server) = std::env::var("SESSERA_TEST_POSTGRES") {
        let random: &dyn Random = &SystemRandom::default();
        let name = format!("reseal_{}", random.uuid().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        let (base, parameters) = server.split_once('?').unwrap_or((&server, ""));
        all.push(format!("{}/{name}?{parameters}", base.rsplit_once('/').unwrap().0));
    }
    all
}

fn cipher(secrets: &[&str]) -> Arc<Cipher> {
    Arc::new(Cipher::new(&secrets.iter().map(|secret| Secret::new(*secret)).collect::<Vec<_>>()).unwrap())
}

fn sealer(secrets: &[&str]) -> Sealer {
    Sealer::new(cipher(secrets), Arc::new(SystemRandom::default()))
}

async fn open(dsn: &str, secrets: &[&str]) -> Result<Arc<dyn Store>, StoreError> {
    let (cipher, random) = (cipher(secrets), Arc::new(SystemRandom::default()));
    match Engine::of(dsn).unwrap() {
        // Several at once, as if they were nodes.
        Engine::Sqlite(path) => {
            let store = SqliteStore::open(SqliteOptions { path, cipher, random }).await?;
            Ok(Arc::new(store))
        }
        server @ Engine::Postgres { .. } => server.open(cipher, random).await,
    }
}

async fn tables(dsn: &str, secrets: &[&str]) -> Arc<dyn Tables> {
    let (cipher, random) = (cipher(secrets), Arc::new(SystemRandom::default()));
    Engine::of(dsn).unwrap().open_tables_in_use(cipher, random).await.unwrap()
}

fn flow(number: u128, body: &str, version: i64) -> Flow {
    Flow {
        id: Uuid::from_u128(number),
        kind: FlowKind::Login,
        body: format!("{{\"{body}\":{number}}}"),
        expires_at: Timestamp::from_seconds(1_900_000_000),
        version,
    }
}

/// One of each kind of record, and more flows than are read at once.
async fn fill(store: &dyn Store) -> Vec<Change> {
    let ada = contract::person("ada@example.org");
    let mut all = vec![Change::InsertIdentity(ada.clone())];
    all.extend(contract::one_of_each(&ada));
    store.commit(&all).await.unwrap();
    let flows: Vec<Change> = (1..=250).map(|number| Change::InsertFlow(flow(number, "a", 1))).collect();
    store.commit(&flows).await.unwrap();
    all
}

fn sum(counts: &[(&'static str, Count)]) -> Count {
    counts.iter().fold(Count::default(), |sum, (_, count)| sum.and(*count))
}

#[tokio::test]
async fn the_old_secret_can_go() {
    let folder = tempfile::tempdir().unwrap();
    for dsn in databases(&folder).await {
        let store = open(&dsn, &["old"]).await.unwrap();
        let all = fill(&*store).await;
        // A node that has both secrets, with the new one first, writes under the new one.
        let both = open(&dsn, &["new", "old"]).await.unwrap();
        both.commit(&[Change::InsertFlow(flow(1000, "b", 1))]).await.unwrap();
        let (tables, sealer) = (tables(&dsn, &["new", "old"]).await, sealer(&["new", "old"]));
        let counted = count(&*tables, &sealer).await.unwrap();
        assert_eq!(counted.len(), 6, "each table is told of once: {counted:?}");
        assert!(counted.iter().all(|(_, count)| count.older > 0), "one of each is there: {counted:?}");
        let before = sum(&counted);
        assert_eq!((before.values - before.older, before.unreadable), (1, 0));
        assert!(matches!(open(&dsn, &["new"]).await, Err(StoreError::WrongSecret)));

        let mut told = Vec::new();
        let done = reseal(&*tables, &sealer, |table, count| told.push((table, count.older))).await.unwrap();
        assert_eq!(done, before);
        // The check value comes last.
        let mut expected: Vec<_> = counted.iter().map(|(table, count)| (*table, count.older)).collect();
        expected.rotate_left(1);
        assert_eq!(told, expected);
        assert_eq!(sum(&count(&*tables, &sealer).await.unwrap()), Count { older: 0, ..before });
        assert_eq!(reseal(&*tables, &sealer, |_, _| panic!("nothing is left")).await.unwrap().older, 0);

        assert!(matches!(open(&dsn, &["old"]).await, Err(StoreError::WrongSecret)));
        let store = open(&dsn, &["new"]).await.unwrap();
        assert_eq!(contract::how_many_of_each(&*store, &all[1..]).await, all.len() - 1);
        for number in [1, 250] {
            let found = store.flow(Uuid::from_u128(number)).await.unwrap().unwrap();
            assert_eq!(found, flow(number, "a", 1));
        }
        assert!(both.flow(Uuid::from_u128(250)).await.unwrap().is_some(), "running nodes read it, too");
    }
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for dsn in databases(&folder).await {
        let store = open(&dsn, &["old"]).await.unwrap();
        store.commit(&[1, 2].map(|number| Change::InsertFlow(flow(number, "a", 1)))).await.unwrap();
        let tables = tables(&dsn, &["new", "old"]).await;
        let table = TABLES.iter().find(|table| table.name == "flows").unwrap();
        let rows = tables.read(table, None, 10).await.unwrap();
        store.commit(&[Change::UpdateFlow(flow(1, "changed", 1))]).await.unwrap();
        let changes: Vec<_> = rows.into_iter().map(|row| (row, b"replaced".to_vec())).collect();
        tables.replace(table, 2, &changes).await.unwrap();
        let found = store.flow(Uuid::from_u128(1)).await.unwrap().unwrap();
        assert_eq!(found, flow(1, "changed", 2));
        let rows = tables.read(table, None, 10).await.unwrap();
        assert_eq!(rows[1][2], Value::Bytes(b"replaced".to_vec()));
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for dsn in databases(&folder).await {
        let store = open(&dsn, &["oldest"]).await.unwrap();
        store.commit(&[Change::InsertFlow(flow(1, "a", 1))]).await.unwrap();
        let store = open(&dsn, &["old", "oldest"]).await.unwrap();
        store.commit(&[Change::InsertFlow(flow(2, "a", 1))]).await.unwrap();
        let tables = tables(&dsn, &["new", "oldest"]).await;
        let refused = reseal(&*tables, &sealer(&["new", "oldest"]), |_, _| ()).await.unwrap_err();
        assert!(matches!(refused, ResealError::Unreadable(1)), "{refused}");
        assert!(open(&dsn, &["oldest"]).await.is_ok(), "the check value is the last to change");
    }
}
