//! What passes through this server may end or change sessions, which are then forgotten here and on all other nodes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sessera_issuer::SessionCache;
use sessera_model::Uuid;
use sessera_store::{Change, Committer};
use tokio::time::timeout;

/// How long the answer to a request is waited for whose client has gone. Afterwards the upstream may still act, which is
/// seen when the sessions' time in memory is over.
const ABANDONED: Duration = Duration::from_secs(120);

/// Sessions that may have changed when this is dropped. They are then forgotten, whatever became of the request, also
/// when its client has gone in the middle.
pub(super) struct Forgetting {
    /// Ids of sessions or identities; `None` stands for all.
    pub(super) what: Vec<Option<Uuid>>,
    pub(super) cache: Arc<SessionCache>,
    pub(super) committer: Committer,
}

impl Forgetting {
    /// Waits for what may change the sessions and forgets them then. This goes on when nobody waits any more, because an
    /// upstream acts also when the client has gone or lost its patience. Nothing when it takes too long.
    pub(super) async fn after<T: Send + 'static>(
        self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        if self.what.is_empty() {
            return Some(work.await);
        }
        let task = tokio::spawn(async move {
            let outcome = timeout(ABANDONED, work).await;
            // Before anybody learns the outcome.
            drop(self);
            outcome
        });
        task.await.ok()?.ok()
    }
}

impl Drop for Forgetting {
    fn drop(&mut self) {
        for what in &self.what {
            match what {
                Some(id) => self.cache.drop_identity(*id),
                None => self.cache.drop_all(),
            }
        }
        // Here they are forgotten already. Whoever waits for an answer need not wait until the others know.
        let changes: Vec<Change> = self.what.drain(..).map(Change::Forget).collect();
        if let (false, Ok(runtime)) = (changes.is_empty(), tokio::runtime::Handle::try_current()) {
            let committer = self.committer.clone();
            runtime.spawn(async move {
                if let Err(error) = committer.commit(&changes).await {
                    tracing::warn!(%error, "other nodes do not know that sessions have changed at the upstream; they notice when session.upstream.ttl is over");
                }
            });
        }
    }
}
