//! Fills a database with people and their sessions, straight through the store.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use sessera_model::identity::VerificationStatus;
use sessera_model::{
    AssuranceLevel, AuthenticationMethod, Clock as _, Device, Identity, Session, SystemClock, Timestamp,
    TokenHash, VerifiableAddress,
};
use sessera_store::{Change, NewSession, SessionKind};

use crate::database::{Database, psql};
use crate::person::{email, identity_id, scattered, token};
use crate::seed_sqlite;

/// How many people are written in one transaction.
const BATCH: u64 = 5_000;

/// The number of people from which on the database is filled in the fastest way there is.
const MANY: u64 = 50_000;

/// Adds the people whose numbers lie in `from..to`, each with one session, who signed in now.
pub(crate) fn people(database: &Database, from: u64, to: u64) -> Result<()> {
    people_of(database, from, to, SystemClock.now())
}

/// Adds the people whose numbers lie in `from..to`, each with one session, who signed in at `signed_in`.
pub(crate) fn people_of(database: &Database, from: u64, to: u64, signed_in: Timestamp) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // When there are many people, all others are copied from the first one without the store.
    let told = if to - from > MANY { from + 1 } else { to };
    runtime.block_on(async {
        let store = database.open().await?;
        let mut number = from;
        while number < told {
            let end = told.min(number + BATCH);
            let changes: Vec<Change> = (number..end).flat_map(|number| person(number, signed_in)).collect();
            store.commit(&changes).await?;
            number = end;
        }
        store.close().await;
        if told == to {
            return Ok(());
        }
        match database {
            Database::Sqlite(file) => seed_sqlite::people(file, from, told, to).await,
            Database::Postgres(dsn) => {
                let settings = format!("\\set model {from}\n\\set from {told}\n\\set to {to}\n");
                psql(dsn, &(settings + include_str!("seed_postgres.sql"))).map(drop)
            }
        }
    })
}

fn person(number: u64, now: Timestamp) -> [Change; 2] {
    let (id, email) = (identity_id(number), email(number));
    let identity = Identity {
        verifiable_addresses: vec![VerifiableAddress {
            id: scattered("address", number),
            value: email.clone(),
            verified: true,
            via: "email".into(),
            status: VerificationStatus::Completed,
            verified_at: Some(now),
            created_at: now,
            updated_at: now,
        }],
        metadata_public: Some(json!({"plan": "gold"})),
        ..Identity::new(
            id,
            "default",
            json!({"email": email, "name": {"first": "Ada", "last": format!("Lovelace {number}")}}),
            now,
        )
    };
    let session = Session {
        methods: vec![AuthenticationMethod {
            method: "password".into(),
            aal: AssuranceLevel::Aal1,
            completed_at: now,
            provider: None,
        }],
        devices: vec![Device {
            id: scattered("device", number),
            ip_address: "203.0.113.7".into(),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
            location: String::new(),
        }],
        ..Session::new(scattered("session", number), id, now, now + Duration::from_secs(30 * 24 * 3600))
    };
    let stored = NewSession { session, kind: SessionKind::Native, token: TokenHash::of(&token(number)) };
    [Change::InsertIdentity(identity), Change::InsertSession(stored)]
}
