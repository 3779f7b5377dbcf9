//! Everything moves between databases of both engines, and people come over from an Ory Kratos.

#[expect(dead_code, reason = "the cases are run for each engine elsewhere")]
mod contract;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sessera_model::credential::CredentialConfig;
use sessera_model::identity::VerificationStatus;
use sessera_model::{
    AssuranceLevel, CredentialKind, Identity, Random, Secret, StatusIndex, SystemRandom, Timestamp,
    TokenHash, Uuid,
};
use sessera_store::kratos::{ImportError, Imported, Kratos, Target};
use sessera_store::postgres::{PostgresDsn, PostgresOptions, PostgresStore};
use sessera_store::sqlite::{SqliteOptions, SqliteStore};
use sessera_store::transfer::{Sum, TABLES, Tables, TransferError, transfer};
use sessera_store::{Change, Cipher, NewDelivery, SessionKind, Store, StoreError, Taken};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection};

async fn sqlite(folder: &Path, name: &str, secret: &str) -> SqliteStore {
    SqliteStore::open(SqliteOptions {
        path: folder.join(name),
        cipher: Arc::new(Cipher::new(&[Secret::new(secret)]).unwrap()),
        random: Arc::new(SystemRandom::default()),
    })
    .await
    .unwrap()
}

/// A new database on the server that the tests were given, if there is one.
async fn database() -> Option<String> {
    let server = std::env::var("SESSERA_TEST_POSTGRES").ok()?;
    let random: &dyn Random = &SystemRandom::default();
    let name = format!("transfer_{}", random.uuid().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (base, parameters) = server.split_once('?').unwrap_or((&server, ""));
    Some(format!("{}/{name}?{parameters}", base.rsplit_once('/').unwrap().0))
}

async fn postgres(dsn: &str) -> PostgresStore {
    PostgresStore::open(PostgresOptions {
        dsn: PostgresDsn::parse(dsn).unwrap(),
        read_only: None,
        cipher: Arc::new(Cipher::new(&[Secret::new("one")]).unwrap()),
        random: Arc::new(SystemRandom::default()),
    })
    .await
    .unwrap()
}

/// Fills a store and returns what was put in.
async fn fill(store: &dyn Store) -> Vec<Change> {
    let ada = contract::person("ada@example.org");
    let mut all = vec![Change::InsertIdentity(ada.clone())];
    all.extend(contract::one_of_each(&ada));
    store.commit(&[Change::BeginSink { sink: "s".into(), at: Timestamp::default() }]).await.unwrap();
    store.commit(&all).await.unwrap();
    let gone = contract::person("gone@example.org");
    let session = contract::session(&gone, "gone", 0);
    store.commit(&[Change::InsertIdentity(gone.clone()), Change::InsertSession(session)]).await.unwrap();
    store.commit(&[Change::DeleteIdentity(gone.id)]).await.unwrap();
    for number in 0..600 {
        store
            .commit(&[Change::InsertIdentity(contract::person(&format!("p{number}@example.org")))])
            .await
            .unwrap();
    }
    // Whoever looks at the record puts it in order, which would change its rows between two moves.
    store.chain_audit(9).await.unwrap();
    let deliveries = vec![NewDelivery { number: 1, subject: ada.id.to_string() }];
    let taken = Taken { sink: "s".into(), from: 0, to: 1, deliveries, at: ada.created_at };
    store.commit(&[Change::TakeFromRecord(taken)]).await.unwrap();
    all
}

async fn moved(source: &dyn Tables, target: &dyn Tables) -> Vec<(&'static str, Sum)> {
    let mut sums = Vec::new();
    transfer(source, target, |table, sum| sums.push((table, sum))).await.unwrap();
    sums
}

#[tokio::test]
async fn a_file_moves_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite(folder.path(), "source.sqlite", "one").await;
    let target = sqlite(folder.path(), "target.sqlite", "one").await;
    let all = fill(&source).await;
    let sums = moved(&source, &target).await;
    assert_eq!(sums.len(), TABLES.len());
    assert_eq!(sums[1], ("identities", sums[1].1));
    assert_eq!(sums[1].1.rows, 602);
    assert!(sums.iter().all(|(_, sum)| sum.rows > 0), "the fixture has rows for every table: {sums:?}");
    assert_eq!(contract::how_many_of_each(&target, &all[1..]).await, all.len() - 1);
    target.close().await;
    let again = sqlite(folder.path(), "target.sqlite", "one").await;
    assert_eq!(again.deployment_id().await.unwrap(), source.deployment_id().await.unwrap());
    let refused = transfer(&source, &again, |_, _| {}).await.unwrap_err();
    assert!(matches!(refused, TransferError::NotEmpty("identities")), "{refused}");
}

#[tokio::test]
async fn everything_moves_to_postgres_and_back() {
    let Some(dsn) = database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite(folder.path(), "source.sqlite", "one").await;
    let all = fill(&source).await;
    let server = postgres(&dsn).await;
    let there = moved(&source, &server).await;
    assert_eq!(contract::how_many_of_each(&server, &all[1..]).await, all.len() - 1);
    server.close().await;
    // The secret and the deployment's id moved too.
    let server = postgres(&dsn).await;
    assert_eq!(server.deployment_id().await.unwrap(), source.deployment_id().await.unwrap());
    let back = sqlite(folder.path(), "back.sqlite", "one").await;
    assert_eq!(moved(&server, &back).await, there);
    assert_eq!(contract::how_many_of_each(&back, &all[1..]).await, all.len() - 1);
}

/// Adds a session of a new person and returns where its status stands.
async fn status_of_new_session(store: &dyn Store, token: &str) -> StatusIndex {
    let person = contract::person(&format!("{token}@example.org"));
    let new = contract::session(&person, token, 0);
    store.commit(&[Change::InsertIdentity(person), Change::InsertSession(new.clone())]).await.unwrap();
    store.session(new.session.id).await.unwrap().unwrap().0.status
}

/// Numbers go on behind those that were given before the move, even to sessions that are gone, and lists
/// follow each other.
async fn statuses_go_on<S: Store + Tables, T: Store + Tables>(source: &S, target: &T) {
    source.begin_status_numbers_at(i64::from(StatusIndex::PER_LIST) - 2).await.unwrap();
    let kept = status_of_new_session(source, "kept").await;
    assert_eq!((kept.list(), kept.position()), (0, StatusIndex::PER_LIST - 2));
    let (gone, identity) = {
        let index = status_of_new_session(source, "gone").await;
        source.session_by_status(index).await.unwrap().unwrap()
    };
    source.commit(&[Change::DeleteSessionsOf(identity.id)]).await.unwrap();
    assert_eq!(source.status_list(1, gone.session.issued_at).await.unwrap(), None, "not begun yet");
    moved(source, target).await;
    let next = status_of_new_session(target, "next").await;
    assert_eq!((next.list(), next.position()), (1, 0));
    let at = gone.session.issued_at;
    let first = target.status_list(0, at).await.unwrap().unwrap();
    assert_eq!(
        first[first.len() - 1],
        0b1000_0000,
        "the one that was kept lives, the one that is gone does not"
    );
    assert_eq!(target.status_list(1, at).await.unwrap().unwrap()[0], 0);
    assert_eq!(target.status_list(2, at).await.unwrap(), None);
    target.begin_status_numbers_at(0).await.unwrap();
    assert_eq!(status_of_new_session(target, "more").await.number(), next.number() + 1, "never back");
}

#[tokio::test]
async fn places_in_status_lists_are_never_given_again_after_a_move() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name| sqlite(folder.path(), name, "one");
    statuses_go_on(&file("a.sqlite").await, &file("b.sqlite").await).await;
    let Some(dsn) = database().await else { return };
    statuses_go_on(&file("c.sqlite").await, &postgres(&dsn).await).await;
    let dsn = database().await.unwrap();
    statuses_go_on(&postgres(&dsn).await, &file("d.sqlite").await).await;
}

/// A column that a migration adds and nobody moves would be lost.
#[tokio::test]
async fn all_columns_of_all_tables_are_moved() {
    let folder = tempfile::tempdir().unwrap();
    sqlite(folder.path(), "db.sqlite", "one").await.close().await;
    let mut file =
        SqliteConnection::connect(&format!("sqlite://{}", folder.path().join("db.sqlite").display()))
            .await
            .unwrap();
    let columns = "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
                   WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
                   AND m.name NOT IN ('_sqlx_migrations', 'status_counter')";
    let rows = sqlx::query(columns).fetch_all(&mut file).await.unwrap();
    let mut there: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    there.sort();
    assert_eq!(there, moved_columns());
    let Some(dsn) = database().await else { return };
    postgres(&dsn).await.close().await;
    let mut server = PgConnection::connect(&dsn).await.unwrap();
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                   WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'";
    let rows = sqlx::query(columns).fetch_all(&mut server).await.unwrap();
    let mut there: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    there.sort();
    assert_eq!(there, moved_columns());
}

fn moved_columns() -> Vec<(String, String)> {
    let of = |table: &'static sessera_store::transfer::Table| {
        table.columns.iter().map(|(column, _)| (table.name.to_owned(), (*column).to_owned()))
    };
    let mut columns: Vec<_> = TABLES.iter().flat_map(of).collect();
    columns.sort();
    columns
}

const FIXTURE: &str = include_str!("kratos.sql");

fn fixture(id: &str, json: &str, time: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(FIXTURE.replace("{id}", id).replace("{json}", json).replace("{time}", time))
}

/// The database of a Kratos.
enum Other {
    Sqlite(String),
    Postgres(String),
}

impl Other {
    /// A file in a folder.
    async fn on_sqlite(folder: &Path) -> Self {
        let dsn = format!("sqlite://{}?_fk=true", folder.join("kratos.sqlite").display());
        let other = Self::Sqlite(dsn);
        other.execute(fixture("char(36)", "TEXT", "DATETIME")).await;
        other
    }

    /// A database on the server that the tests were given, if there is one.
    async fn on_postgres() -> Option<Self> {
        let other = Self::Postgres(database().await?);
        other.execute(fixture("UUID", "jsonb", "timestamp")).await;
        Some(other)
    }

    async fn execute(&self, statements: AssertSqlSafe<String>) {
        match self {
            Self::Sqlite(dsn) => {
                let dsn = dsn.replace("_fk=true", "mode=rwc");
                let mut file = SqliteConnection::connect(&dsn).await.unwrap();
                file.execute(statements).await.unwrap();
                file.close().await.unwrap();
            }
            Self::Postgres(dsn) => {
                let mut server = PgConnection::connect(dsn).await.unwrap();
                server.execute(statements).await.unwrap();
            }
        }
    }

    /// What comes over from it.
    async fn import(&self, target: &dyn Target, now: Timestamp) -> Result<Imported, ImportError> {
        let (Self::Sqlite(dsn) | Self::Postgres(dsn)) = self;
        Kratos::open(dsn).await.unwrap().import(target, now).await
    }
}

/// 2024-05-08, two days after most of it happened.
const NOW: Timestamp = Timestamp::from_seconds(1_715_126_400);

fn id(end: &str) -> Uuid {
    Uuid::parse_str(&format!("00000000-0000-4000-8000-0000000000{end}")).unwrap()
}

async fn comes_over(other: &Other) {
    let folder = tempfile::tempdir().unwrap();
    let target = sqlite(folder.path(), "target.sqlite", "one").await;
    let done = other.import(&target, NOW).await.unwrap();
    assert_eq!(done.identities, 2);
    let credentials: Vec<_> = done.credentials.iter().map(|(kind, count)| (*kind, *count)).collect();
    let kinds = ["code", "lookup_secret", "oidc", "password", "totp", "webauthn"];
    assert_eq!(credentials, kinds.map(|kind| (kind, 1)));
    assert_eq!((done.addresses, done.sessions), (3, 1));
    assert_eq!(done.schemas.get("person"), Some(&2));
    let left: Vec<_> = done.left.iter().map(|(what, count)| (what.as_str(), *count)).collect();
    let no_owner = "sessions of people who may not sign in, or were not carried";
    assert_eq!(
        left,
        [
            ("credentials of kind saml", 1),
            (no_owner, 1),
            ("sessions that have ended", 2),
            ("tokens of a provider in links", 1)
        ]
    );
    assert_eq!(done.refused.len(), 1, "two identities have the same external id");
    assert!(done.refused[0].0.ends_with("c3") && done.refused[0].1.contains("external id"));

    let ada = target.identity_by_external_id("crm-1").await.unwrap().unwrap();
    assert_eq!(ada.id, id("a1"));
    assert_eq!((ada.schema_id.as_str(), ada.state.as_str()), ("person", "active"));
    assert_eq!(ada.created_at, Timestamp::from_micros(1_714_979_289_100_000));
    assert_eq!(ada.traits["name"]["first"], "Ada");
    assert_eq!(ada.metadata_public.unwrap()["plan"], "pro");
    assert_eq!(ada.metadata_admin.unwrap()["note"][1], 2);
    let address = &ada.verifiable_addresses[0];
    assert!(address.verified && address.status == VerificationStatus::Completed);
    assert!(address.verified_at.is_some());
    let by = target.identity_by_identifier(CredentialKind::Password, "ada@example.org").await.unwrap();
    assert_eq!(by.unwrap().id, ada.id);
    let hash = |config: &CredentialConfig| config.text("hashed_password").map(str::to_owned);
    let kept = target.credentials(ada.id).await.unwrap();
    assert!(kept.iter().any(|credential| hash(&credential.config).is_some_and(|h| h.starts_with("$2a$"))));
    let totp = kept.iter().find(|credential| credential.kind == CredentialKind::Totp).unwrap();
    assert_eq!(totp.identifiers, [ada.id.to_string()]);
    let bob = target.identity_by_address("email", "bob@example.org").await.unwrap().unwrap();
    assert_eq!(bob.state.as_str(), "inactive");
    assert_eq!(bob.metadata_public, None);
    let kept = target.credentials(bob.id).await.unwrap();
    let code = kept.iter().find(|credential| credential.kind == CredentialKind::Code).unwrap();
    assert_eq!(code.config.expose()["addresses"][0]["address"], "bob@example.org");
    let by = target.identity_by_identifier(CredentialKind::Oidc, "google:1234").await.unwrap();
    assert_eq!(by.unwrap().id, bob.id);

    let (session, _) = target.session_by_token(&TokenHash::of("ory_st_live")).await.unwrap().unwrap();
    assert_eq!((session.session.id, session.kind), (id("51"), SessionKind::Browser));
    assert_eq!(session.session.assurance_level, AssuranceLevel::Aal2);
    let methods: Vec<_> = session.session.methods.iter().map(|method| method.method.as_str()).collect();
    assert_eq!(methods, ["password", "totp"]);
    let device = &session.session.devices[0];
    assert_eq!((device.ip_address.as_str(), device.location.as_str()), ("192.0.2.1", "Zurich"));
    let again = other.import(&target, NOW).await.unwrap();
    let came = (again.identities, again.changed, again.deleted, again.sessions, again.changed_sessions);
    assert_eq!(came, (0, 0, 0, 0, 0), "nothing has changed: {again}");
    let stranger = contract::person("stranger@example.org");
    let full = sqlite(folder.path(), "full.sqlite", "one").await;
    full.commit(&[Change::InsertIdentity(stranger)]).await.unwrap();
    assert!(matches!(other.import(&full, NOW).await, Err(ImportError::NotEmpty)));
}

/// What happens at the other server after the first run, and what must come of it.
const MEANWHILE: &str = "
    UPDATE identities SET traits = '{\"email\": \"ada@example.net\"}', updated_at = '2024-05-08 01:00:00'
        WHERE external_id = 'crm-1' AND schema_id = 'person';
    UPDATE identity_credentials SET config = '{\"hashed_password\": \"new\"}', updated_at = '2024-05-08 01:00:00'
        WHERE id = '00000000-0000-4000-8000-000000000011';
    DELETE FROM identity_credentials WHERE id = '00000000-0000-4000-8000-000000000012';
    DELETE FROM identities WHERE id = '00000000-0000-4000-8000-0000000000b2';
    INSERT INTO identities (id, schema_id, traits, created_at, updated_at, nid, state) VALUES
        ('00000000-0000-4000-8000-0000000000d4', 'person', '{}', '2024-05-08 01:00:00', '2024-05-08 01:00:00',
         '00000000-0000-4000-8000-00000000000f', 'active');
    UPDATE sessions SET active = FALSE, updated_at = '2024-05-08 01:00:00'
        WHERE id = '00000000-0000-4000-8000-000000000051';
    INSERT INTO sessions VALUES
        ('00000000-0000-4000-8000-000000000055', '2024-05-08 01:00:00', '2124-05-08 01:00:00', '2024-05-08 01:00:00',
         '00000000-0000-4000-8000-0000000000d4', '2024-05-08 01:00:00', '2024-05-08 01:00:00', 'ory_st_new', TRUE,
         '00000000-0000-4000-8000-00000000000f', 'ory_lo_55', 'aal1', '[]');";

async fn what_changed_comes_over_in_a_second_run(other: &Other) {
    let folder = tempfile::tempdir().unwrap();
    let target = sqlite(folder.path(), "target.sqlite", "one").await;
    other.import(&target, NOW).await.unwrap();
    let mut local = contract::person("local@example.org");
    local.created_at = NOW + Duration::from_secs(60);
    target.commit(&[Change::InsertIdentity(local.clone())]).await.unwrap();
    other.execute(AssertSqlSafe(MEANWHILE.to_owned())).await;
    let later = NOW + Duration::from_hours(2);
    let done = other.import(&target, later).await.unwrap();
    let came = (done.identities, done.changed, done.deleted, done.sessions, done.changed_sessions);
    assert_eq!(came, (1, 1, 1, 1, 1), "{done}");
    let ada = target.identity(id("a1")).await.unwrap().unwrap();
    assert_eq!((&ada.traits["email"], ada.version), (&serde_json::json!("ada@example.net"), 2));
    let kept = target.credentials(ada.id).await.unwrap();
    let kinds: Vec<_> = kept.iter().map(|credential| credential.kind.as_str()).collect();
    assert_eq!(kinds, ["lookup_secret", "password"], "the app was taken away");
    assert_eq!(kept[1].config.text("hashed_password"), Some("new"));
    assert_eq!(target.identity(id("b2")).await.unwrap(), None);
    assert!(target.identity(local.id).await.unwrap().is_some(), "who came here stays");
    let live = async |token| {
        let found = target.session_by_token(&TokenHash::of(token)).await.unwrap();
        found.is_some_and(|(stored, _)| stored.session.is_live(later))
    };
    assert!(!live("ory_st_live").await && live("ory_st_new").await);

    // What was changed or deleted here since stays so.
    let traits = serde_json::json!({"email": "ada@example.com"});
    let changed = Identity { traits: traits.clone(), updated_at: later + Duration::from_secs(9), ..ada };
    target.commit(&[Change::UpdateIdentity(changed), Change::DeleteIdentity(id("d4"))]).await.unwrap();
    let done = other.import(&target, later + Duration::from_secs(60)).await.unwrap();
    assert_eq!((done.identities, done.changed, done.deleted), (0, 0, 0), "{done}");
    assert_eq!(target.identity(id("a1")).await.unwrap().unwrap().traits, traits);
    assert!(target.identity(local.id).await.unwrap().is_some(), "who came here stays in every run");
}

#[tokio::test]
async fn people_come_over_from_a_kratos_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    comes_over(&Other::on_sqlite(folder.path()).await).await;
}

#[tokio::test]
async fn people_come_over_from_a_kratos_on_postgres() {
    let Some(other) = Other::on_postgres().await else { return };
    comes_over(&other).await;
}

#[tokio::test]
async fn a_second_run_carries_what_changed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    what_changed_comes_over_in_a_second_run(&Other::on_sqlite(folder.path()).await).await;
    if let Some(other) = Other::on_postgres().await {
        what_changed_comes_over_in_a_second_run(&other).await;
    }
}

/// Who came to the other server a minute before the first run, and two hours later before the second one.
const AT_THE_LAST_MOMENT: &str = "
    INSERT INTO identities (id, schema_id, traits, created_at, updated_at, nid, state) VALUES
        ('00000000-0000-4000-8000-0000000000{end}1', 'person', '{}', '{at}', '{at}',
         '00000000-0000-4000-8000-00000000000f', 'active'),
        ('00000000-0000-4000-8000-0000000000{end}2', 'person', '{}', '{at}', '{at}',
         '00000000-0000-4000-8000-00000000000f', 'active');
    INSERT INTO sessions VALUES
        ('00000000-0000-4000-8000-0000000000{end}3', '{at}', '2124-05-08 01:00:00', '{at}',
         '00000000-0000-4000-8000-0000000000a1', '{at}', '{at}', 'ory_st_{end}', TRUE,
         '00000000-0000-4000-8000-00000000000f', 'ory_lo_{end}', 'aal1', '[]');";

#[tokio::test]
async fn what_came_at_the_last_moment_is_known_in_later_runs() {
    let folder = tempfile::tempdir().unwrap();
    let other = Other::on_sqlite(folder.path()).await;
    let target = sqlite(folder.path(), "target.sqlite", "one").await;
    let mut now = NOW;
    for (end, at) in [("e", "2024-05-07 23:59:00"), ("f", "2024-05-08 01:59:00")] {
        let text = AT_THE_LAST_MOMENT.replace("{end}", end).replace("{at}", at);
        other.execute(AssertSqlSafe(text)).await;
        other.import(&target, now).await.unwrap();
        now = now + Duration::from_hours(2);
    }
    let local = Identity { created_at: NOW, ..contract::person("local@example.org") };
    target.commit(&[Change::InsertIdentity(local.clone())]).await.unwrap();
    for end in ["e", "f"] {
        let id = |last: &str| id(&format!("{end}{last}"));
        assert!(target.identity(id("1")).await.unwrap().is_some());
        // One is deleted there, and another one here.
        let ended = format!(
            "DELETE FROM identities WHERE id = '{}'; DELETE FROM sessions WHERE id = '{}'",
            id("1"),
            id("3")
        );
        other.execute(AssertSqlSafe(ended)).await;
        target.commit(&[Change::DeleteIdentity(id("2"))]).await.unwrap();
    }
    let done = other.import(&target, now).await.unwrap();
    let came = (done.identities, done.changed, done.deleted, done.sessions, done.changed_sessions);
    assert_eq!(came, (0, 0, 2, 0, 2), "{done}");
    for end in ["e", "f"] {
        let id = |last: &str| id(&format!("{end}{last}"));
        assert_eq!(target.identity(id("1")).await.unwrap(), None, "deleted there");
        assert_eq!(target.identity(id("2")).await.unwrap(), None, "deleted here");
        assert!(!target.session(id("3")).await.unwrap().unwrap().0.session.is_live(now));
    }
    assert!(target.identity(local.id).await.unwrap().is_some(), "who came here stays");
}

#[tokio::test]
async fn people_of_another_kratos_are_not_mixed_in() {
    let folder = tempfile::tempdir().unwrap();
    let other = Other::on_sqlite(folder.path()).await;
    let target = sqlite(folder.path(), "target.sqlite", "one").await;
    other.import(&target, NOW).await.unwrap();
    let moved = "UPDATE identities SET nid = '00000000-0000-4000-8000-00000000000e'".to_owned();
    other.execute(AssertSqlSafe(moved)).await;
    assert!(matches!(other.import(&target, NOW).await, Err(ImportError::OtherSource(_))));
}

#[tokio::test]
async fn what_is_no_kratos_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // It is one of Sessera.
    drop(sqlite(folder.path(), "target.sqlite", "one").await);
    let dsn = format!("sqlite://{}", folder.path().join("target.sqlite").display());
    let Err(error) = Kratos::open(&dsn).await else { panic!("it is no Kratos") };
    assert!(matches!(error, ImportError::Store(StoreError::Corrupt(_))), "{error}");
    assert!(error.to_string().contains("Kratos"));
}
