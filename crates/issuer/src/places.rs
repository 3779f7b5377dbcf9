//! Places in the status lists of sessions that are kept elsewhere. Those of the own store have theirs from the
//! beginning.

use std::sync::Arc;

use sessera_store::{AssignedStatusIndex, Change, Committer, Store};

use crate::error::IssuerError;
use crate::sessions::LiveSession;

/// Gives sessions their places: one write a session, when a token names its place for the first time.
pub struct Places {
    store: Arc<dyn Store>,
    committer: Committer,
}

impl Places {
    /// Places that are kept in `store`, which `committer` writes to.
    pub fn new(store: Arc<dyn Store>, committer: Committer) -> Self {
        Self { store, committer }
    }

    /// Gives a session its place, unless it has one.
    pub(crate) async fn give(&self, live: &LiveSession) -> Result<(), IssuerError> {
        if live.status.get().is_some() {
            return Ok(());
        }
        let (id, identity_id) = (live.session.id, live.session.identity_id);
        // One that was found to be over and has been told of as live since is not over. What was in memory when it ended
        // is not asked for its place any more.
        let is_good = |place: &AssignedStatusIndex| place.ended_at.is_none_or(|ended| ended >= live.known_at);
        let place = match self.store.place(id).await?.filter(is_good) {
            Some(place) => place,
            None => {
                let at = live.known_at;
                self.committer.commit(&[Change::PlaceSession { id, identity_id, at }]).await?;
                // Another request, or another node, may have been faster. All of them get the same place.
                let place = self.store.place(id).await?;
                place.ok_or_else(|| IssuerError::internal("a session that was given a place has none"))?
            }
        };
        live.status.get_or_init(|| place.index);
        Ok(())
    }
}
