//! PostgreSQL does what every engine must do, and what only a server must.
//!
//! The tests need a server. `SESSERA_TEST_POSTGRES` names it with a user who may create databases.
//! `cargo xtask test` starts one.

mod contract;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sessera_model::{Clock as _, Random, Secret, SystemClock, SystemRandom, Timestamp};
use sessera_store::postgres::{PostgresDsn, PostgresOptions, PostgresStore};
use sessera_store::{Change, Cipher, Conflict, KeySet, Store as _, StoreError, StoredKey};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// The server, or `None` where there is none.
fn server() -> Option<String> {
    std::env::var("SESSERA_TEST_POSTGRES").ok()
}

/// A new database on the server.
async fn database(server: &str) -> String {
    let random: &dyn Random = &SystemRandom::default();
    let name = format!("test_{}", random.uuid().simple());
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (base, parameters) = server.split_once('?').unwrap_or((server, ""));
    format!("{}/{name}?{parameters}", base.rsplit_once('/').unwrap().0)
}

async fn open_with(dsn: &str, secret: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(PostgresOptions {
        dsn: PostgresDsn::parse(dsn)?,
        read_only: None,
        cipher: Arc::new(Cipher::new(&[Secret::new(secret)]).unwrap()),
        random: Arc::new(SystemRandom::default()),
    })
    .await
}

async fn open() -> Option<(PostgresStore, String)> {
    let dsn = database(&server()?).await;
    Some((open_with(&dsn, "one").await.unwrap(), dsn))
}

/// A new database that is reached by a detour through this thread, so that no answer is there before somebody
/// waits for it. On a busy machine a commit could otherwise be over before it can be interrupted.
async fn open_by_a_detour() -> Option<(PostgresStore, String)> {
    let dsn = database(&server()?).await;
    let authority = dsn.split(['/', '@']).find(|part| part.contains(':') && !part.ends_with(':')).unwrap();
    let detour = relay(authority.to_owned()).await.to_string();
    Some((open_with(&dsn.replacen(authority, &detour, 1), "one").await.unwrap(), dsn))
}

/// Passes on what comes, both ways. Returns where it listens.
async fn relay(to: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await?;
                near.set_nodelay(true)?;
                far.set_nodelay(true)?;
                copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    address
}

contract!(open_by_a_detour());

fn keys() -> Change {
    let key = StoredKey {
        kid: "k".into(),
        jwk: "{\"d\":\"PRIVATEBYTES\"}".into(),
        created_at: Timestamp::default(),
    };
    Change::PutKeySet(KeySet::new("keys".into(), vec![key]), vec![])
}

#[tokio::test]
async fn nodes_that_start_together_share_one_database() {
    let Some(server) = server() else { return };
    let dsn = database(&server).await;
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let dsn = dsn.clone();
            tokio::spawn(async move { open_with(&dsn, "one").await.unwrap().deployment_id().await.unwrap() })
        })
        .collect();
    let mut ids = Vec::new();
    for start in starts {
        ids.push(start.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert!(matches!(open_with(&dsn, "two").await, Err(StoreError::WrongSecret)));
}

#[tokio::test]
async fn the_database_has_a_clock() {
    let Some((store, _)) = open().await else { return };
    let told = store.database_time().await.unwrap().unwrap();
    let here = SystemClock.now();
    assert!(here.since(told).max(told.since(here)) < Duration::from_secs(60), "it runs on this machine");
}

#[tokio::test]
async fn private_keys_do_not_stand_in_the_tables() {
    let Some((store, dsn)) = open().await else { return };
    store.commit(&[keys()]).await.unwrap();
    let mut beside = PgConnection::connect(&dsn).await.unwrap();
    let clear: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM keys WHERE position('PRIVATEBYTES'::bytea in sealed_jwk) > 0",
    )
    .fetch_one(&mut beside)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

#[tokio::test]
async fn a_newer_database_and_a_missing_one_are_refused() {
    let Some((store, dsn)) = open().await else { return };
    store.close().await;
    let mut beside = PgConnection::connect(&dsn).await.unwrap();
    beside
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'from the future', true, '\\x00', 0)",
        )
        .await
        .unwrap();
    assert!(matches!(open_with(&dsn, "one").await, Err(StoreError::NewerSchema(_))));
    let missing = dsn.replace("/test_", "/missing_");
    let error = open_with(&missing, "one").await.unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up() {
    let Some((store, dsn)) = open().await else { return };
    store.close().await;
    let store = open_with(&format!("{dsn}&statement_timeout=300&max_conns=1"), "one").await.unwrap();
    let mut beside = PgConnection::connect(&dsn).await.unwrap();
    let mut lock = beside.begin().await.unwrap();
    lock.execute("LOCK TABLE key_sets").await.unwrap();
    // It would wait for as long as the lock is held.
    let outcome = store.commit(&[keys()]).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    lock.rollback().await.unwrap();
    store.commit(&[keys()]).await.unwrap();
}

#[tokio::test]
async fn connections_that_broke_are_replaced() {
    let Some((store, dsn)) = open().await else { return };
    store.commit(&[keys()]).await.unwrap();
    let mut beside = PgConnection::connect(&dsn).await.unwrap();
    let end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
    beside.execute(end_all).await.unwrap();
    // Connections that were idle for a moment fail once each and no more.
    let mut failures = 0;
    while let Err(error) = store.key_set("keys").await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        failures += 1;
        assert!(failures < 3);
    }
}

#[tokio::test]
async fn a_text_that_cannot_be_stored_is_refused_and_not_found() {
    let Some((store, _)) = open().await else { return };
    assert_eq!(store.identity_by_external_id("a\0b").await.unwrap(), None);
    let set = KeySet::new("a\0b".into(), vec![]);
    let refused = store.commit(&[Change::PutKeySet(set, vec![])]).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::Unstorable))), "{refused:?}");
}

/// A statement that fails, whichever it is, leaves nothing of its commit behind.
#[tokio::test]
async fn a_failing_statement_leaves_nothing() {
    let Some((store, dsn)) = open().await else { return };
    let ada = contract::person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let all = contract::one_of_each(&ada);
    let mut beside = PgConnection::connect(&dsn).await.unwrap();
    beside
        .execute(
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'fault'; END $$",
        )
        .await
        .unwrap();
    for table in contract::TABLES {
        let fault = format!("CREATE TRIGGER fault BEFORE INSERT ON {table} EXECUTE FUNCTION fault()");
        beside.execute(sqlx::AssertSqlSafe(fault)).await.unwrap();
        let failed = store.commit(&all).await;
        assert!(matches!(&failed, Err(StoreError::Corrupt(what)) if what.contains("fault")), "{table}");
        beside.execute(sqlx::AssertSqlSafe(format!("DROP TRIGGER fault ON {table}"))).await.unwrap();
        assert_eq!(contract::how_many_of_each(&store, &all).await, 0, "{table}");
    }
    store.commit(&all).await.unwrap();
}

#[tokio::test]
async fn nodes_share_what_is_swept_and_nobody_waits_for_it() {
    let Some((store, dsn)) = open().await else { return };
    let ada = contract::person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let sessions: Vec<_> = (0..3).map(|n| contract::session(&ada, &format!("t{n}"), n)).collect();
    store.commit(&sessions.iter().cloned().map(Change::InsertSession).collect::<Vec<_>>()).await.unwrap();
    // Another node stays in the middle of a batch for as long as the test wants.
    let mut beside = PgConnection::connect(&dsn).await.unwrap();
    let mut batch = beside.begin().await.unwrap();
    let first = sqlx::query("DELETE FROM sessions WHERE id = $1").bind(sessions[0].session.id);
    batch.execute(first).await.unwrap();
    assert!(store.session_by_token(&sessions[0].token).await.unwrap().is_some());
    let after_all = Timestamp::from_seconds(10_000_000_000);
    assert_eq!(
        store.sweep(contract::ended(after_all), 10).await.unwrap(),
        2,
        "the third is the other node's"
    );
    batch.commit().await.unwrap();
    assert_eq!(store.sweep(contract::ended(after_all), 10).await.unwrap(), 0);
}

/// However many callers ask, the database sees no more connections than it was promised. A caller that waits
/// for too long is told what to do.
#[tokio::test]
async fn a_pool_keeps_to_its_limit() {
    let Some((store, dsn)) = open().await else { return };
    store.close().await;
    let store = Arc::new(open_with(&format!("{dsn}&max_conns=2&connect_timeout=1"), "one").await.unwrap());
    let mut beside = PgConnection::connect(&dsn).await.unwrap();
    let mut lock = beside.begin().await.unwrap();
    lock.execute("LOCK TABLE key_sets").await.unwrap();
    let asks: Vec<_> = (0..12)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.key_set("keys").await })
        })
        .collect();
    let mut said = Vec::new();
    for ask in asks {
        said.push(ask.await.unwrap().unwrap_err().to_string());
    }
    assert!(said.iter().any(|error| error.contains("max_conns")), "{said:?}");
    // These are its own, the two of the pool, and the one that listens to other nodes.
    let connections: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            .fetch_one(&mut *lock)
            .await
            .unwrap();
    assert!(connections <= 4, "{connections}");
    lock.rollback().await.unwrap();
    store.key_set("keys").await.unwrap();
}

#[tokio::test]
async fn the_database_of_a_kratos_is_refused_and_stays_as_it_is() {
    let Some(server) = server() else { return };
    let dsn = database(&server).await;
    let mut connection = PgConnection::connect(&dsn).await.unwrap();
    connection.execute("CREATE TABLE identity_credential_types (id UUID PRIMARY KEY)").await.unwrap();
    assert!(matches!(open_with(&dsn, "one").await, Err(StoreError::OfKratos(_))));
    let tables = "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema()";
    assert_eq!(connection.fetch_all(tables).await.unwrap().len(), 1);
}
