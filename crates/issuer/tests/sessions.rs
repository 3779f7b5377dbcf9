//! Sessions in memory: what ends is seen at once, and when they were last used is written later.

mod deployment;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deployment::{Deployment, TOKEN};
use serde_json::json;
use sessera_issuer::sessions::Presented;
use sessera_issuer::{Compiled, IssuerError};
use sessera_model::{Clock as _, Timestamp};
use sessera_store::{Change, CommitListener, Committer, Outcome};

/// How old the noted use of a session may be before the next one is noted.
const NOTE_AFTER: Duration = Duration::from_secs(5 * 60);

/// Counts commits.
#[derive(Default)]
struct Commits(AtomicUsize);

impl CommitListener for Commits {
    fn name(&self) -> &'static str {
        "test"
    }

    fn told(&self, changes: &[Change], _: Outcome) {
        assert!(matches!(changes, [Change::NoteUses(_)]), "{changes:?}");
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Asks for Ada's session and writes when it was used. Returns what is stored about that then.
async fn used(deployment: &Deployment, compiled: &Compiled, committer: &Committer) -> Option<Timestamp> {
    deployment.sessions.live(compiled, Presented::Token(TOKEN)).await.unwrap();
    deployment.sessions.write_last_uses(committer).await;
    let stored = deployment.store.session(deployment.session.id).await.unwrap();
    stored.unwrap().0.session.last_used_at
}

#[tokio::test]
async fn a_use_is_written_once_in_five_minutes_and_drops_nothing() {
    let deployment = Deployment::start().await;
    let compiled = deployment.compiled(json!({})).await;
    let commits = Arc::new(Commits::default());
    let committer = Committer::new(deployment.store.clone(), vec![commits.clone()]);
    assert_eq!(used(&deployment, &compiled, &committer).await, None, "signing in says as much");
    deployment.clock.advance(NOTE_AFTER);
    let first = deployment.clock.now();
    for _ in 0..3 {
        assert_eq!(used(&deployment, &compiled, &committer).await, Some(first));
        deployment.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(commits.0.load(Ordering::SeqCst), 1);
    assert_eq!(deployment.sessions.cache().len(), 1, "the session stays in memory");
}

#[tokio::test]
async fn a_session_that_is_read_again_goes_on_from_what_is_stored() {
    let deployment = Deployment::start().await;
    let compiled = deployment.compiled(json!({})).await;
    deployment.clock.advance(NOTE_AFTER);
    let first = deployment.clock.now();
    assert_eq!(used(&deployment, &compiled, &deployment.committer).await, Some(first));
    deployment.sessions.cache().drop_all();
    deployment.clock.advance(Duration::from_secs(4 * 60));
    assert_eq!(used(&deployment, &compiled, &deployment.committer).await, Some(first));
}

#[tokio::test]
async fn a_session_in_memory_needs_no_store_and_ends_all_the_same() {
    let deployment = Deployment::start().await;
    let compiled = deployment.compiled(json!({})).await;
    let live = || deployment.sessions.live(&compiled, Presented::Token(TOKEN));
    live().await.unwrap();
    deployment.store.close().await;
    live().await.unwrap();
    deployment.clock.advance(Duration::from_secs(24 * 3600));
    let ended = live().await;
    assert!(matches!(ended, Err(IssuerError::Store(_))), "nobody can say whether it was extended: {ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_session_opens_nothing_however_many_read_it() {
    let deployment = Arc::new(Deployment::start().await);
    let compiled = Arc::new(deployment.compiled(json!({})).await);
    for round in 0..10 {
        let token: Arc<str> = format!("token {round}").into();
        let session = deployment.sign_in(&deployment.ada, &token).await;
        let (done, stop) = tokio::sync::watch::channel(false);
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (deployment, compiled) = (deployment.clone(), compiled.clone());
                let (token, stop) = (token.clone(), stop.clone());
                tokio::spawn(async move {
                    let live = || deployment.sessions.live(&compiled, Presented::Token(&token));
                    // Once more after the end, so that every reader has asked after the answer.
                    while !*stop.borrow() {
                        let _ = live().await;
                        tokio::task::yield_now().await;
                    }
                    live().await.is_ok()
                })
            })
            .collect();
        let revoke = Change::RevokeSession { id: session.id, of: None };
        deployment.committer.commit(&[revoke]).await.unwrap();
        let revoked = deployment.sessions.live(&compiled, Presented::Token(&token)).await;
        assert!(matches!(revoked, Err(IssuerError::NoSession)), "{revoked:?}");
        done.send(true).unwrap();
        for reader in readers {
            assert!(!reader.await.unwrap());
        }
    }
}
