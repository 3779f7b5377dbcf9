//! Fills a database of SQLite with what the console has pages for, beside people and their sessions: what people sign in
//! with, a long record, and what is on its way to others.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use sessera_model::{Clock as _, SystemClock, SystemRandom, Timestamp, Uuid};
use sessera_store::{Change, Link, Message, NewEntry};
use sqlx::{AssertSqlSafe, Executor as _, QueryBuilder, Row as _, SqliteConnection};

use crate::database::Database;
use crate::person::{identity_id, scattered};
use crate::seed_sqlite;

/// How many sessions the first person has.
pub(crate) const SESSIONS_OF_ONE: u64 = 500;

/// How many messages wait to be sent.
const WAITING: u64 = 5_000;

/// How many entries were given up for the sink.
const GIVEN_UP: u64 = 10_000;

/// How many rows one statement writes.
const ROWS: usize = 1_000;

/// For how long sessions have begun and the record has been kept.
const DAYS: u64 = 30;

/// The name of the token that did little, by which few entries are found.
pub(crate) const RARE_ACTOR: &str = "night-shift";

/// Adds what people sign in with, entries of the record, and what is on its way to `sink`.
pub(crate) async fn fill(
    database: &Database,
    file: &Path,
    people: u64,
    entries: u64,
    sink: &str,
) -> Result<()> {
    let store = database.open().await?;
    let now = SystemClock.now();
    let waiting: Vec<Change> = (0..WAITING).map(|number| message(number, now)).collect();
    store.commit(&waiting).await?;
    store.close().await;
    let mut connection = seed_sqlite::open(file).await?;
    for statement in [
        // Nobody signs in with these, so it does not matter that nobody can open them.
        "INSERT OR IGNORE INTO credentials (identity_id, kind, sealed_config, identifiers, version, created_at, updated_at) \
         SELECT id, 'password', zeroblob(200), json_array(json_extract(traits, '$.email')), 0, created_at, updated_at \
         FROM identities"
            .to_owned(),
        "INSERT OR IGNORE INTO identifiers (kind, identifier, identity_id) \
         SELECT 'password', json_extract(traits, '$.email'), id FROM identities ORDER BY 2"
            .to_owned(),
        // Sessions began on all days, and every twentieth is over already.
        format!(
            "UPDATE sessions SET issued_at = issued_at - abs(random() % {}), active = abs(random() % 20) > 0",
            DAYS * 86_400_000_000
        ),
        format!(
            "WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < {SESSIONS_OF_ONE}) \
             INSERT INTO sessions (id, identity_id, token_hash, kind, active, issued_at, expires_at, authenticated_at, \
             assurance_level, methods, devices, status_index) \
             SELECT randomblob(16), identity_id, randomblob(32), kind, n % 2, issued_at - n * 60000000, expires_at, \
             authenticated_at, assurance_level, methods, devices, next + n \
             FROM sessions, number, status_counter WHERE identity_id = x'{}'",
            identity_id(0).simple()
        ),
        format!("UPDATE status_counter SET next = next + {SESSIONS_OF_ONE} + 1"),
    ] {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    record(&mut connection, people, entries, now).await?;
    connection
        .execute(AssertSqlSafe(format!(
            "INSERT INTO deliveries (sink, number, subject, since, attempts, due_at, problem) \
             SELECT '{sink}', number, 'somebody', at, 30, NULL, 'nobody answered' FROM audit \
             ORDER BY number DESC LIMIT {GIVEN_UP}"
        )))
        .await?;
    // What is in the record already is not sent.
    connection.execute("UPDATE sinks SET number = (SELECT max(number) FROM audit)").await?;
    seed_sqlite::close(connection).await
}

fn message(number: u64, now: Timestamp) -> Change {
    Change::EnqueueMessage(Message {
        id: scattered("message", number),
        recipient: format!("person-{number}@example.org"),
        template: "recovery_code_valid".into(),
        content: "{}".into(),
        attempts: 1,
        created_at: now,
        // Nobody sends them while pages are measured.
        due_at: now + Duration::from_secs(86_400),
    })
}

/// Adds entries behind those that there are, each with the hash that follows, so that the record is a good one.
async fn record(connection: &mut SqliteConnection, people: u64, entries: u64, now: Timestamp) -> Result<()> {
    // Whatever a server told of before has its place already.
    let found = sqlx::query("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1");
    let mut link = Link::default();
    if let Some(row) = found.fetch_optional(&mut *connection).await? {
        link.number = row.try_get("number")?;
        link.hash.0 =
            row.try_get::<Vec<u8>, _>("hash")?.try_into().map_err(|_| anyhow::anyhow!("no hash"))?;
    }
    let between = Duration::from_secs(DAYS * 86_400) / u32::try_from(entries.max(1))?;
    connection.execute("BEGIN").await?;
    let numbers: Vec<u64> = (0..entries).collect();
    for numbers in numbers.chunks(ROWS) {
        let mut insert = QueryBuilder::new("INSERT INTO audit (id, at, identity_id, content, number, hash) ");
        insert.push_values(numbers, |mut values, &number| {
            let ago = between * u32::try_from(entries - number).unwrap_or(u32::MAX);
            let (whom, content) = content(number, people);
            let entry = NewEntry::new(&SystemRandom::default(), now - ago, whom, content);
            link = link.next(entry.at, &entry.content);
            values
                .push_bind(entry.id.as_bytes().to_vec())
                .push_bind(entry.at.micros())
                .push_bind(whom.map(|id| id.as_bytes().to_vec()))
                .push_bind(entry.content)
                .push_bind(link.number)
                .push_bind(link.hash.0.to_vec());
        });
        insert.build().execute(&mut *connection).await?;
    }
    // The last entry and the last one that was swept, each by its number and its hash.
    let ends = [link.number.to_be_bytes().as_slice(), &link.hash.0, &[0; 40]].concat();
    sqlx::query("UPDATE meta SET value = ? WHERE name = 'audit_ends'")
        .bind(ends)
        .execute(&mut *connection)
        .await?;
    connection.execute("COMMIT").await?;
    Ok(())
}

/// What an entry says and whom it is about: people come and go, and now and then somebody does something else.
fn content(number: u64, people: u64) -> (Option<Uuid>, String) {
    let person = number.wrapping_mul(2_654_435_761) % people.max(1);
    let (whom, session) = (identity_id(person), scattered("session", person));
    let by = |name: &str, role: &str| json!({"kind": "token", "name": name, "role": role});
    let oneself = json!({"kind": "identity", "id": whom});
    let (about_session, about_person) = (
        json!({"identity_id": whom, "session_id": session}),
        json!({"identity_id": whom, "method": "password"}),
    );
    let (action, outcome, actor, about) = match number % 1_000 {
        0 => ("identity_changed", "done", by("support", "operator"), about_person),
        1..30 => ("proof_refused", "refused", json!({"kind": "nobody"}), about_person),
        30..230 => ("session_ended", "done", oneself, about_session),
        _ => ("session_began", "done", oneself, about_session),
    };
    // One in a hundred thousand is what somebody looks for.
    let (action, actor) = match number % 100_000 {
        50_000 => ("identity_deleted", by(RARE_ACTOR, "owner")),
        _ => (action, actor),
    };
    let content = json!({
        "action": action,
        "outcome": outcome,
        "actor": actor,
        "about": about,
        "request": {
            "id": format!("{number:016x}-0000000000000001"),
            "address": "203.0.113.7",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        },
    });
    (Some(whom), content.to_string())
}
