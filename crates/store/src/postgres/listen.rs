//! Hearing what other nodes changed, through LISTEN and NOTIFY.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::Pool;
use sessera_model::Uuid;
use sqlx::Row as _;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::connection::{Connection, Hosts};
use super::fault::from_sqlx;
use crate::change::Change;
use crate::error::StoreError;
use crate::line::{Invalidation, Line, Position};

/// The channel on which changes are announced.
const CHANNEL: &str = "sessera";

/// How often a heartbeat is sent.
const BEAT: Duration = Duration::from_millis(150);

/// How long after a heartbeat was sent the line is trusted, once the heartbeat has come back. What
/// another node changed is not answered from memory for longer than this.
const TRUST: Duration = Duration::from_millis(700);

/// How long the line may be without a heartbeat before a new one is made.
const GIVE_UP: Duration = Duration::from_secs(3);

/// How long to wait before the next attempt.
const PAUSE: Duration = Duration::from_millis(200);

/// The longest notification, in bytes. PostgreSQL takes fewer than 8000.
const LONGEST: usize = 7500;

/// Listens for as long as the store is open. With `standbys` it also asks the primary how far they must be.
pub(super) async fn listen(pool: Pool<Hosts>, line: Arc<Line>, node: Uuid, standbys: bool) {
    let mut silent = false;
    loop {
        let began = Instant::now();
        let Err(error) = hear(&pool, &line, node, standbys).await;
        line.distrust();
        if pool.is_closed() {
            return;
        }
        // A break of a line that held for a while is logged; failures to make one are logged once.
        if !silent || began.elapsed() > GIVE_UP {
            tracing::warn!(%error, "the line to the database broke; sessions are read from it until the line is back");
        }
        silent = true;
        sleep(PAUSE).await;
    }
}

/// The type of what never happens, because listening ends with an error only.
enum Never {}

/// Makes a line and listens until it breaks.
async fn hear(pool: &Pool<Hosts>, line: &Line, node: Uuid, standbys: bool) -> Result<Never, StoreError> {
    let hosts = pool.manager();
    let options = hosts.primary().await?;
    let connected = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(hosts.dsn().connect_timeout)
        .connect_with(options)
        .await
        .map_err(from_sqlx)?;
    let mut listener = PgListener::connect_with(&connected).await.map_err(from_sqlx)?;
    listener.eager_reconnect(false);
    let own = format!("{CHANNEL}_{}", node.simple());
    within(async { listener.listen_all([CHANNEL, &own]).await }).await?;
    // A heartbeat that is lost in a crash of the database is sent again anyway.
    within(async { sqlx::query("SET synchronous_commit = off").execute(&mut listener).await }).await?;
    let history = if standbys { history(&mut listener).await } else { None };
    // Nobody knows what was announced while this node did not listen.
    line.tell(&Invalidation::Everything);
    tracing::info!("listening to what other nodes change");
    let mut clock = interval(BEAT);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beat = 0_u64;
    let mut sent = None;
    loop {
        tokio::select! {
            biased;
            heard = listener.try_recv() => {
                let heard = heard.map_err(from_sqlx)?.ok_or_else(broken)?;
                if heard.channel() == own {
                    if let Some(at) = sent && heard.payload() == beat.to_string() {
                        line.confirm(at, TRUST);
                        sent = None;
                    }
                } else {
                    pass_on(line, &heard);
                }
            }
            _ = clock.tick() => match sent {
                _ if pool.is_closed() => return Err(broken()),
                Some(at) if at.elapsed() > GIVE_UP => return Err(broken()),
                Some(_) => {}
                None => {
                    beat += 1;
                    sent = Some(Instant::now());
                    let query = sqlx::query("SELECT pg_notify($1, $2)").bind(&own).bind(beat.to_string());
                    within(async { query.execute(&mut listener).await }).await?;
                }
            },
            changes = line.moved(), if history.is_some() => {
                let query = sqlx::query("SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS BIGINT) AS log");
                let row = within(async { query.fetch_one(&mut listener).await }).await?;
                let log = row.try_get("log").map_err(from_sqlx)?;
                if let Some((system, timeline)) = history {
                    line.locate(changes, Position { system, timeline, log });
                }
            }
        }
    }
}

/// Reads which cluster this is and which of its histories it follows, for comparing positions. Standbys are
/// not used when that is unknown.
async fn history(listener: &mut PgListener) -> Option<(i64, i64)> {
    let query = sqlx::query(
        "SELECT system_identifier AS system, CAST(CAST('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) \
         AS bit(32)) AS BIGINT) AS timeline FROM pg_control_system()",
    );
    let told = within(async {
        let row = query.fetch_one(listener).await?;
        Ok((row.try_get("system")?, row.try_get("timeline")?))
    });
    told.await.inspect_err(|error| tracing::warn!(%error, "the standbys of dsn_read_only are not used")).ok()
}

fn broken() -> StoreError {
    StoreError::Unavailable("the connection for notifications broke".into())
}

/// Gives up on a line that is frozen.
async fn within<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    timeout(GIVE_UP, work).await.map_err(|_| broken())?.map_err(from_sqlx)
}

/// A notification consists of the node that made the change and words. What this node changed itself it
/// has mostly dropped already, but a commit that it gave up may happen later.
fn pass_on(line: &Line, heard: &PgNotification) {
    for word in heard.payload().split(' ').skip(1) {
        line.tell(&Invalidation::parse(word));
    }
}

/// Tells others what a transaction changes. They hear it when it is committed, and not otherwise.
pub(super) async fn tell(
    connection: &mut Connection,
    node: Uuid,
    changes: &[Change],
) -> Result<(), StoreError> {
    let mut words: Vec<String> =
        changes.iter().filter_map(Invalidation::of).map(|told| told.word()).collect();
    words.sort_unstable();
    words.dedup();
    for payload in payloads(node, &words) {
        let query = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload);
        connection.execute(query).await?;
    }
    Ok(())
}

/// Puts the words into as few notifications as possible.
fn payloads(node: Uuid, words: &[String]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for word in words {
        match payloads.last_mut() {
            Some(payload) if payload.len() + 1 + word.len() <= LONGEST => {
                payload.push(' ');
                payload.push_str(word);
            }
            _ => payloads.push(format!("{} {word}", node.simple())),
        }
    }
    payloads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_words_take_several_notifications() {
        let node = Uuid::from_u128(1);
        assert!(payloads(node, &[]).is_empty());
        let words: Vec<String> =
            (0..500).map(|n| Invalidation::Identity(Uuid::from_u128(n)).word()).collect();
        let payloads = payloads(node, &words);
        assert!(payloads.iter().all(|payload| payload.len() < 8000));
        let back: Vec<&str> = payloads.iter().flat_map(|payload| payload.split(' ').skip(1)).collect();
        assert_eq!(back, words);
    }
}
