//! SQLite does what every engine must do, and what only a file must.

mod contract;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use sessera_model::{Random, Secret, SystemRandom, Timestamp};
use sessera_store::sqlite::{SqliteOptions, SqliteStore};
use sessera_store::{Change, Cipher, Engine, KeySet, Page, Revision, Store as _, StoreError, StoredKey};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;

async fn open_with(path: &Path, secret: &str) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(SqliteOptions {
        path: path.to_owned(),
        cipher: Arc::new(Cipher::new(&[Secret::new(secret)]).unwrap()),
        random: Arc::new(SystemRandom::default()),
    })
    .await
}

/// Makes a database as an older version left it.
async fn migrate_to(version: i64, connection: &mut SqliteConnection) {
    let migrations = Migrator::new(Path::new("migrations/sqlite")).await.unwrap();
    migrations.run_to(version, connection).await.unwrap();
}

async fn open() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store =
        open_with(&folder.path().join("db.sqlite"), "a secret of thirty-two characters").await.unwrap();
    (store, folder)
}

contract!(some(open()));

async fn some<T>(opened: impl Future<Output = T>) -> Option<T> {
    Some(opened.await)
}

fn keys() -> Change {
    keys_in("keys")
}

fn keys_in(set: &str) -> Change {
    let key = StoredKey {
        kid: "k".into(),
        jwk: "{\"d\":\"PRIVATEBYTES\"}".into(),
        created_at: Timestamp::default(),
    };
    Change::PutKeySet(KeySet::new(set.into(), vec![key]), vec![])
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    let store = open_with(&path, "one").await.unwrap();
    store.commit(&[keys()]).await.unwrap();
    let id = store.deployment_id().await.unwrap();
    store.close().await;
    let store = open_with(&path, "one").await.unwrap();
    assert_eq!(store.deployment_id().await.unwrap(), id);
    assert!(store.key_set("keys").await.unwrap().is_some());
}

#[tokio::test]
async fn another_secret_does_not_open_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    open_with(&path, "one").await.unwrap().close().await;
    assert!(matches!(open_with(&path, "two").await, Err(StoreError::WrongSecret)));
}

#[tokio::test]
async fn private_keys_do_not_stand_in_the_file_and_only_its_owner_reads_it() {
    let (store, folder) = open().await;
    store.commit(&[keys()]).await.unwrap();
    store.close().await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"PRIVATEBYTES"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }
}

/// Whether bytes stand in the database or in its log.
fn stands_in_files(folder: &TempDir, bytes: &[u8]) -> bool {
    let stands = |name: &str| {
        let content = std::fs::read(folder.path().join(name)).unwrap_or_default();
        content.windows(bytes.len()).any(|window| window == bytes)
    };
    // What moves from the log to the database meanwhile is read in one of them at least when the log is read first.
    stands("db.sqlite-wal") || stands("db.sqlite")
}

async fn until_gone(folder: &TempDir, bytes: &[u8]) {
    while stands_in_files(folder, bytes) {
        tokio::task::yield_now().await;
    }
}

/// What one statement finds, as the file has it.
async fn stored(folder: &TempDir, select: &'static str) -> Vec<u8> {
    let options = SqliteConnectOptions::new().filename(folder.path().join("db.sqlite"));
    let mut beside = options.connect().await.unwrap();
    let (value,): (Vec<u8>,) = sqlx::query_as(select).fetch_one(&mut beside).await.unwrap();
    beside.close().await.unwrap();
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_for_the_sake_of_secrecy_leaves_the_files() {
    let (store, folder) = open().await;
    let ada = contract::person("ada@example.org");
    let mut all = vec![Change::InsertIdentity(ada.clone())];
    all.extend(contract::one_of_each(&ada));
    store.commit(&all).await.unwrap();
    store.commit(&[keys_in("another set")]).await.unwrap();
    let owner = all.iter().find_map(|change| match change {
        Change::PutCredential(credential) => Some(credential.identity_id),
        _ => None,
    });
    let delete_key = Change::DeleteKeySet("another set".into());
    for (select, delete) in [
        ("SELECT sealed_jwk FROM keys WHERE set_name = 'another set'", delete_key),
        ("SELECT token_hash FROM sessions", Change::DeleteSessionsOf(ada.id)),
        ("SELECT sealed_config FROM credentials", Change::DeleteIdentity(owner.unwrap())),
    ] {
        let secret = stored(&folder, select).await;
        assert!(stands_in_files(&folder, &secret), "{select}");
        store.commit(&[delete]).await.unwrap();
        until_gone(&folder, &secret).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_meanwhile_is_not_disturbed_and_does_not_keep_what_was_deleted() {
    let (store, folder) = open().await;
    store.commit(&[keys()]).await.unwrap();
    let secret = stored(&folder, "SELECT sealed_jwk FROM keys").await;
    let options = SqliteConnectOptions::new().filename(folder.path().join("db.sqlite"));
    let mut reader = options.connect().await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    let count = "SELECT count(*) FROM keys";
    assert_eq!(sqlx::query_as::<_, (i64,)>(count).fetch_one(&mut *reading).await.unwrap(), (1,));
    store.commit(&[Change::DeleteKeySet("keys".into())]).await.unwrap();
    // Both go on, the reader with what it began with, and the writer with the next change.
    assert_eq!(sqlx::query_as::<_, (i64,)>(count).fetch_one(&mut *reading).await.unwrap(), (1,));
    store.commit(&[Change::InsertIdentity(contract::person("ada@example.org"))]).await.unwrap();
    assert!(stands_in_files(&folder, &secret), "the reader still needs it");
    reading.commit().await.unwrap();
    until_gone(&folder, &secret).await;
}

#[tokio::test]
async fn nothing_of_a_revision_stands_in_clear_and_older_ones_are_sealed_when_the_file_is_opened() {
    const OLDER: i64 = 5;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut beside = options.connect().await.unwrap();
    migrate_to(OLDER, &mut beside).await;
    let random: &dyn Random = &SystemRandom::default();
    let id = random.uuid();
    let config = Cipher::new(&[Secret::new("one")]).unwrap().seal(
        random,
        &[&b"revisions.config/"[..], id.as_bytes()].concat(),
        b"{}",
    );
    sqlx::query(
        "INSERT INTO revisions (id, parent, created_at, sealed_config, diff) VALUES (?, NULL, 1, ?, ?)",
    )
    .bind(id)
    .bind(config)
    .bind(r#"[{"op":"add","value":"SECRET-OLD"}]"#)
    .execute(&mut beside)
    .await
    .unwrap();
    beside.close().await.unwrap();
    assert!(stands_in_files(&folder, b"SECRET-OLD"));

    let store = open_with(&path, "one").await.unwrap();
    until_gone(&folder, b"SECRET-OLD").await;
    let new = Revision {
        id: random.uuid(),
        parent: Some(id),
        created_at: Timestamp::from_seconds(2),
        made_by: None,
        config: r#"{"a":"SECRET-CONFIG"}"#.into(),
        diff: r#"[{"op":"add","value":"SECRET-NEW"}]"#.into(),
    };
    store.commit(&[Change::InsertRevision(new.clone())]).await.unwrap();
    assert!(!stands_in_files(&folder, b"SECRET"));
    let page = Page { after: None, limit: 10 };
    let diffs: Vec<String> =
        store.revisions(&page).await.unwrap().into_iter().map(|revision| revision.diff).collect();
    assert_eq!(diffs, [new.diff.clone(), r#"[{"op":"add","value":"SECRET-OLD"}]"#.into()]);
    assert_eq!(store.newest_revision().await.unwrap().unwrap().diff, new.diff);
}

#[tokio::test]
async fn one_file_is_for_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}", folder.path().join("db.sqlite").display());
    let engine = || Engine::of(&dsn).unwrap();
    let (cipher, random) =
        (Arc::new(Cipher::new(&[Secret::new("one")]).unwrap()), Arc::new(SystemRandom::default()));
    let first = engine().open(cipher.clone(), random.clone()).await.unwrap();
    let Err(refused) = engine().open(cipher.clone(), random.clone()).await else { panic!("a second one") };
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
    let moved = engine().open_tables(cipher.clone(), random.clone()).await;
    assert!(matches!(moved, Err(StoreError::InUse { .. })), "nor may its tables be moved meanwhile");
    engine().open_tables_in_use(cipher.clone(), random.clone()).await.unwrap().close_tables().await;
    first.close().await;
    engine().open(cipher, random).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_or_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.txt");
    std::fs::write(&path, "this is a letter, not a database. ".repeat(100)).unwrap();
    assert!(matches!(open_with(&path, "one").await, Err(StoreError::Corrupt(_))));

    let path = folder.path().join("newer.sqlite");
    open_with(&path, "one").await.unwrap().close().await;
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    assert!(matches!(open_with(&path, "one").await, Err(StoreError::NewerSchema(_))));
}

/// A statement that fails, whichever it is, leaves nothing of its commit behind.
#[tokio::test]
async fn a_failing_statement_leaves_nothing() {
    let (store, folder) = open().await;
    let ada = contract::person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let all = contract::one_of_each(&ada);
    let url = format!("sqlite://{}", folder.path().join("db.sqlite").display());
    let mut beside = sqlx::SqliteConnection::connect(&url).await.unwrap();
    for table in contract::TABLES {
        let fault =
            format!("CREATE TRIGGER fault BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'fault'); END");
        sqlx::query(sqlx::AssertSqlSafe(fault)).execute(&mut beside).await.unwrap();
        let failed = store.commit(&all).await;
        assert!(matches!(&failed, Err(StoreError::Corrupt(what)) if what.contains("fault")), "{table}");
        sqlx::query("DROP TRIGGER fault").execute(&mut beside).await.unwrap();
        assert_eq!(contract::how_many_of_each(&store, &all).await, 0, "{table}");
    }
    store.commit(&all).await.unwrap();
}

/// Every table that version 3 had is there afterwards with its rows, and references still hold.
#[tokio::test]
async fn rows_of_an_older_version_stay_with_all_that_refers_to_them() {
    const OLDER: i64 = 3;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    let options = SqliteConnectOptions::new().filename(&path);
    let mut beside = options.clone().create_if_missing(true).connect().await.unwrap();
    migrate_to(OLDER, &mut beside).await;
    beside
        .execute(
            "INSERT INTO identities VALUES (x'01', 'ext', 's', 'active', 1, '{}', '[]', '[]', NULL, '{}', 2, 3, 4);
             INSERT INTO addresses VALUES ('verify', 'email', 'a@example.org', x'01');
             INSERT INTO credentials VALUES (x'01', 'password', x'05', '[]', 6, 7, 8);
             INSERT INTO identifiers VALUES ('password', 'a@example.org', x'01');
             INSERT INTO sessions VALUES (x'09', x'01', x'0a', 'native', 1, 11, 12, 13, 'aal1', '[]', '[]', 14, 15);
             INSERT INTO codes VALUES (x'10', x'11', 'recovery', x'01', 'a@example.org', x'12', 0, 0, 13);
             INSERT INTO flows VALUES (x'11', 'login', x'14', 15, 16);",
        )
        .await
        .unwrap();
    let tables = ["identities", "addresses", "credentials", "identifiers", "sessions", "codes", "flows"];
    let before = rows(&mut beside, &tables).await;
    beside.close().await.unwrap();

    open_with(&path, "one").await.unwrap().close().await;
    let mut beside = options.foreign_keys(true).connect().await.unwrap();
    assert_eq!(rows(&mut beside, &tables).await, before);
    assert!(beside.fetch_all("PRAGMA foreign_key_check").await.unwrap().is_empty());
    beside.execute("DELETE FROM identities").await.unwrap();
    let left: Vec<usize> = rows(&mut beside, &tables).await.iter().map(Vec::len).collect();
    assert_eq!(left, [0, 0, 0, 0, 0, 0, 1], "all but the flow was the identity's");
}

/// The rows of tables, each as one text of all its columns but those that were dropped later.
async fn rows(connection: &mut SqliteConnection, tables: &[&str]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for table in tables {
        let columns: Vec<(String,)> =
            sqlx::query_as("SELECT name FROM pragma_table_info(?) WHERE name <> 'attempts' ORDER BY name")
                .bind(table)
                .fetch_all(&mut *connection)
                .await
                .unwrap();
        let quoted: Vec<String> = columns.iter().map(|(name,)| format!("quote({name})")).collect();
        let select = format!("SELECT {} FROM {table}", quoted.join(" || ' ' || "));
        let found: Vec<(String,)> =
            sqlx::query_as(sqlx::AssertSqlSafe(select)).fetch_all(&mut *connection).await.unwrap();
        all.push(found.into_iter().map(|(row,)| row).collect());
    }
    all
}

#[tokio::test]
async fn the_database_of_a_kratos_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kratos.sqlite");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    connection.execute("CREATE TABLE identity_credential_types (id, name)").await.unwrap();
    connection.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let engine = Engine::of(&format!("sqlite://{}", path.display())).unwrap();
    let cipher = Arc::new(Cipher::new(&[Secret::new("one")]).unwrap());
    let alone = engine.open(cipher, Arc::new(SystemRandom::default())).await;
    for refused in [open_with(&path, "one").await.err(), alone.err()] {
        let told = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains("belongs to an Ory Kratos") && told.contains("DSN"), "{told}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is put beside it");
}
