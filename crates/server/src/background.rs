//! What goes on beside requests for as long as the server runs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sessera_issuer::Sessions;
use sessera_model::Clock;
use sessera_store::{Committer, Ended, Store};
use sessera_tokenizer::MAX_STATUS_TTL;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::Stopping;
use crate::configuration::Configuration;
use sessera_http::listener::stopped;

/// How often files that were read are looked at for changes.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// How often what has ended is swept, and how many rows at once.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_ROWS: u32 = 500;

/// How often is written when sessions were last used.
const NOTE_USES_EVERY: Duration = Duration::from_secs(5);

/// How long after its end a session stays in lists: an hour more, for clocks, than the last of its tokens can
/// be good, because the status lists forget it with that.
const KEEP_SESSIONS: Duration = MAX_STATUS_TTL.saturating_add(Duration::from_secs(3600));

/// How long after its end everything else stays, so that whoever comes late is told what has ended.
const KEEP_OTHERS: Duration = Duration::from_hours(1);

/// What is done again and again needs these parts of the server.
pub(crate) struct Chores {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) committer: Committer,
}

impl Chores {
    /// Does them until the server stops.
    pub(crate) fn spawn(self, tasks: &mut JoinSet<()>, stop: &watch::Receiver<bool>) {
        let Self { configuration, store, clock, sessions, committer } = self;
        tasks.spawn(every(WATCH_EVERY, stop.clone(), move || {
            let configuration = configuration.clone();
            async move { watch_files(&configuration).await }
        }));
        tasks.spawn(every(SWEEP_EVERY, stop.clone(), move || {
            let (store, clock) = (store.clone(), clock.clone());
            async move { sweep(&*store, &*clock).await }
        }));
        tasks.spawn(every(NOTE_USES_EVERY, stop.clone(), move || {
            let (sessions, committer) = (sessions.clone(), committer.clone());
            async move { sessions.write_last_uses(&committer).await }
        }));
    }
}

/// Turns readiness red when the server is told to stop, and gives load balancers time to see it before
/// connections are refused.
pub(crate) async fn drain(
    stopping: Stopping,
    time: Duration,
    mut stop: watch::Receiver<bool>,
    end: watch::Sender<bool>,
) {
    stopped(&mut stop).await;
    stopping.set(true);
    tokio::time::sleep(time).await;
    // The receivers live as long as the server runs.
    let _ = end.send(true);
}

/// Does something again and again until the server stops.
async fn every<F: Future<Output = ()>>(
    period: Duration,
    mut stop: watch::Receiver<bool>,
    work: impl Fn() -> F,
) {
    let mut clock = tokio::time::interval(period);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = clock.tick() => work().await,
            () = stopped(&mut stop) => return,
        }
    }
}

async fn watch_files(configuration: &Configuration) {
    if configuration.is_outdated().await {
        reload(configuration).await;
    }
}

/// Reads everything again; when it cannot be used, says so and goes on with what there is.
pub async fn reload(configuration: &Configuration) {
    let began = SystemTime::now();
    match configuration.reload().await {
        Ok(()) => tracing::info!("the configuration was read again"),
        Err(error) => {
            tracing::error!(
                "the configuration cannot be used, the server goes on with the one before: {error}"
            );
            configuration.watch(began).await;
        }
    }
}

async fn sweep(store: &dyn Store, clock: &dyn Clock) {
    let now = clock.now();
    let ended = Ended { sessions: now - KEEP_SESSIONS, others: now - KEEP_OTHERS };
    loop {
        match store.sweep(ended, SWEEP_ROWS).await {
            Ok(0) => return,
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => {
                tracing::warn!(%error, "what has ended could not be swept; it is tried again");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use sessera_model::{AssuranceLevel, Session, TokenHash, Uuid};
    use sessera_store::{Change, NewSession, SessionKind};

    use super::*;
    use crate::testing::TestServer;

    #[tokio::test]
    async fn what_has_ended_is_swept_to_the_last_while_others_are_answered() {
        let server = TestServer::start().await;
        let ada = Uuid::parse_str(&server.person("ada@example.org").await).unwrap();
        let begin = server.clock.now();
        let ended = |number: u32| {
            let session = Session {
                id: server.app.random.uuid(),
                identity_id: ada,
                active: true,
                issued_at: begin,
                expires_at: begin,
                authenticated_at: begin,
                last_used_at: None,
                assurance_level: AssuranceLevel::Aal1,
                methods: vec![],
                devices: vec![],
            };
            let token = TokenHash::of(&number.to_string());
            Change::InsertSession(NewSession { session, kind: SessionKind::Native, token })
        };
        server.app.commit(&(0..=2 * SWEEP_ROWS).map(ended).collect::<Vec<_>>()).await.unwrap();
        server.clock.advance(KEEP_SESSIONS);
        let (token, _) = server.signed_in("ada@example.org").await;
        sweep(&*server.app.store, &*server.app.clock).await;
        assert!(server.app.store.session_by_token(&TokenHash::of("0")).await.unwrap().is_some(), "not yet");
        server.clock.advance(Duration::from_secs(1));
        server.recorded().notes();
        let mut sweeping = Box::pin(sweep(&*server.app.store, &*server.app.clock));
        // As far as the second batch, which waits for this test from then on.
        let mut notes = Vec::new();
        std::future::poll_fn(|context| {
            assert!(sweeping.as_mut().poll(context).is_pending(), "there are more batches");
            notes.extend(server.recorded().notes());
            if notes.len() < 2 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        server.app.sessions.cache().drop_all();
        let headers = [("x-session-token", token.as_str())];
        assert_eq!(server.public("GET", "/sessions/whoami", &headers, None).await.status, 200);
        sweeping.await;
        notes.extend(server.recorded().notes());
        let batches = notes.iter().filter(|note| *note == "sweep").count();
        assert_eq!(batches, 4, "three with rows and one without");
        for number in 0..=2 * SWEEP_ROWS {
            let token = TokenHash::of(&number.to_string());
            assert_eq!(server.app.store.session_by_token(&token).await.unwrap(), None);
        }
    }
}
