//! Writes many people at once into a database of SQLite, with rows in the order of their keys and indexes
//! made afterwards.

use std::path::Path;

use anyhow::Result;
use sessera_model::{TokenHash, Uuid};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, FromRow, QueryBuilder, Row as _,
    SqliteConnection,
};

use crate::person::{email, scattered, token};

/// How many rows one statement writes.
const ROWS: usize = 500;

/// How many rows are in one transaction.
const PART: usize = 2_000 * ROWS;

/// The rows of the person who is there already. All others get copies, in which what is theirs alone is
/// replaced.
struct Model {
    number: u64,
    identity: IdentityRow,
    address: (String, String),
    session: SessionRow,
}

struct IdentityRow {
    schema_id: String,
    state: String,
    state_changed_at: i64,
    traits: String,
    verifiable_addresses: String,
    recovery_addresses: String,
    metadata_public: String,
    version: i64,
}

impl FromRow<'_, SqliteRow> for IdentityRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            schema_id: row.try_get("schema_id")?,
            state: row.try_get("state")?,
            state_changed_at: row.try_get("state_changed_at")?,
            traits: row.try_get("traits")?,
            verifiable_addresses: row.try_get("verifiable_addresses")?,
            recovery_addresses: row.try_get("recovery_addresses")?,
            metadata_public: row.try_get("metadata_public")?,
            version: row.try_get("version")?,
        })
    }
}

struct SessionRow {
    kind: String,
    active: bool,
    issued_at: i64,
    expires_at: i64,
    assurance_level: String,
    methods: String,
    devices: String,
}

impl FromRow<'_, SqliteRow> for SessionRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            kind: row.try_get("kind")?,
            active: row.try_get("active")?,
            issued_at: row.try_get("issued_at")?,
            expires_at: row.try_get("expires_at")?,
            assurance_level: row.try_get("assurance_level")?,
            methods: row.try_get("methods")?,
            devices: row.try_get("devices")?,
        })
    }
}

/// Opens a database for writing much at once, without what would let it survive a crash: one that is lost is simply made
/// again.
pub(crate) async fn open(file: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-3000000")
        .foreign_keys(false);
    Ok(options.connect().await?)
}

/// Closes a database that was opened so, in the mode in which the server reads it.
pub(crate) async fn close(mut connection: SqliteConnection) -> Result<()> {
    connection.execute("PRAGMA journal_mode = WAL;").await?;
    Ok(connection.close().await?)
}

/// Adds people like the one with the number `model`, from one number up to before another.
pub(crate) async fn people(file: &Path, model: u64, from: u64, to: u64) -> Result<()> {
    let mut connection = open(file).await?;
    let model = Model::read(&mut connection, model).await?;
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL \
         AND tbl_name IN ('identities', 'addresses', 'sessions')",
    )
    .fetch_all(&mut connection)
    .await?;
    for (name, _) in &indexes {
        connection.execute(AssertSqlSafe(format!("DROP INDEX {name}"))).await?;
    }
    let (next,): (i64,) =
        sqlx::query_as("SELECT next FROM status_counter").fetch_one(&mut connection).await?;
    let mut numbers: Vec<u64> = (from..to).collect();
    numbers.sort_by_cached_key(|number| scattered("identity", *number));
    for part in numbers.chunks(PART) {
        model.insert_identities(&mut connection, part).await?;
    }
    numbers.sort_by_cached_key(|number| email(*number));
    for part in numbers.chunks(PART) {
        model.insert_addresses(&mut connection, part).await?;
    }
    numbers.sort_by_cached_key(|number| scattered("session", *number));
    for part in numbers.chunks(PART) {
        model.insert_sessions(&mut connection, part, |number| next + (number - from).cast_signed()).await?;
    }
    sqlx::query("UPDATE status_counter SET next = next + ?")
        .bind((to - from).cast_signed())
        .execute(&mut connection)
        .await?;
    for (_, sql) in indexes {
        connection.execute(AssertSqlSafe(sql)).await?;
    }
    close(connection).await
}

/// The 16 bytes of an id.
fn id(what: &str, number: u64) -> Vec<u8> {
    scattered(what, number).as_bytes().to_vec()
}

impl Model {
    async fn read(connection: &mut SqliteConnection, number: u64) -> Result<Self> {
        let identity = sqlx::query_as("SELECT * FROM identities WHERE id = ?").bind(id("identity", number));
        let address = sqlx::query_as("SELECT purpose, via FROM addresses WHERE identity_id = ?")
            .bind(id("identity", number));
        let session = sqlx::query_as("SELECT * FROM sessions WHERE id = ?").bind(id("session", number));
        Ok(Self {
            number,
            identity: identity.fetch_one(&mut *connection).await?,
            address: address.fetch_one(&mut *connection).await?,
            session: session.fetch_one(&mut *connection).await?,
        })
    }

    /// A text of the model, changed for another person.
    fn of(&self, text: &str, number: u64) -> String {
        let uuid = |what: &str, number: u64| -> String { Uuid::to_string(&scattered(what, number)) };
        text.replace(&email(self.number), &email(number))
            .replace(&format!("Lovelace {}\"", self.number), &format!("Lovelace {number}\""))
            .replace(&uuid("address", self.number), &uuid("address", number))
            .replace(&uuid("device", self.number), &uuid("device", number))
    }

    async fn insert_identities(&self, connection: &mut SqliteConnection, numbers: &[u64]) -> Result<()> {
        let row = &self.identity;
        let mut transaction = connection.begin().await?;
        for numbers in numbers.chunks(ROWS) {
            let mut insert = QueryBuilder::new(
                "INSERT INTO identities (id, schema_id, state, state_changed_at, traits, verifiable_addresses, \
                 recovery_addresses, metadata_public, created_at, updated_at, version) ",
            );
            insert.push_values(numbers, |mut values, &number| {
                values
                    .push_bind(id("identity", number))
                    .push_bind(&row.schema_id)
                    .push_bind(&row.state)
                    .push_bind(row.state_changed_at)
                    .push_bind(self.of(&row.traits, number))
                    .push_bind(self.of(&row.verifiable_addresses, number))
                    .push_bind(&row.recovery_addresses)
                    .push_bind(&row.metadata_public)
                    .push_bind(row.state_changed_at)
                    .push_bind(row.state_changed_at)
                    .push_bind(row.version);
            });
            insert.build().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn insert_addresses(&self, connection: &mut SqliteConnection, numbers: &[u64]) -> Result<()> {
        let (purpose, via) = &self.address;
        let mut transaction = connection.begin().await?;
        for numbers in numbers.chunks(ROWS) {
            let mut insert = QueryBuilder::new("INSERT INTO addresses (purpose, via, value, identity_id) ");
            insert.push_values(numbers, |mut values, &number| {
                values
                    .push_bind(purpose)
                    .push_bind(via)
                    .push_bind(email(number))
                    .push_bind(id("identity", number));
            });
            insert.build().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn insert_sessions(
        &self,
        connection: &mut SqliteConnection,
        numbers: &[u64],
        status: impl Fn(u64) -> i64,
    ) -> Result<()> {
        let row = &self.session;
        let mut transaction = connection.begin().await?;
        for numbers in numbers.chunks(ROWS) {
            let mut insert = QueryBuilder::new(
                "INSERT INTO sessions (id, identity_id, token_hash, kind, active, issued_at, expires_at, \
                 authenticated_at, assurance_level, methods, devices, status_index) ",
            );
            insert.push_values(numbers, |mut values, &number| {
                values
                    .push_bind(id("session", number))
                    .push_bind(id("identity", number))
                    .push_bind(TokenHash::of(&token(number)).as_bytes().to_vec())
                    .push_bind(&row.kind)
                    .push_bind(row.active)
                    .push_bind(row.issued_at)
                    .push_bind(row.expires_at)
                    .push_bind(row.issued_at)
                    .push_bind(&row.assurance_level)
                    .push_bind(&row.methods)
                    .push_bind(self.of(&row.devices, number))
                    .push_bind(status(number));
            });
            insert.build().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}
