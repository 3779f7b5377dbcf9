//! What passes through this server may end or change sessions, which are then forgotten here and on all other nodes.

use std::sync::Arc;

use sessera_issuer::SessionCache;
use sessera_model::Uuid;
use sessera_store::{Change, Committer};

/// Sessions that may have changed when this is dropped. They are then forgotten, whatever became of the request, also
/// when its client has gone in the middle.
pub(super) struct Forgetting {
    /// Ids of sessions or identities; `None` stands for all.
    pub(super) what: Vec<Option<Uuid>>,
    /// Whether nothing is known to have changed of all when the upstream refuses the request.
    pub(super) all_unless_refused: bool,
    pub(super) cache: Arc<SessionCache>,
    pub(super) committer: Committer,
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
