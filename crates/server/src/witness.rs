//! A store that notes what it is asked, so that tests can compare work rather than time.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sessera_model::{Credential, CredentialKind, Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};
use sessera_store::{
    Change, Code, CodePurpose, Flow, IdentityFilter, KeySet, Line, Message, Page, PoolUse, Revision,
    RevisionSummary, SessionFilter, Store, StoreError, StoredSession,
};

/// A store with a note of every question and change.
pub(crate) struct Witness {
    store: Arc<dyn Store>,
    notes: Mutex<Vec<String>>,
}

impl Witness {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, notes: Mutex::new(Vec::new()) }
    }

    /// The notes since the last call.
    pub(crate) fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap())
    }

    fn note(&self, what: impl Into<String>) {
        self.notes.lock().unwrap().push(what.into());
    }
}

/// Passes methods on, each with a note of its name.
macro_rules! witnessed {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Witness {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                self.note(stringify!($name));
                self.store.$name($($argument),*).await
            })*

            fn line(&self) -> &Line {
                self.store.line()
            }

            fn pools(&self) -> Vec<PoolUse> {
                self.store.pools()
            }

            async fn copy_of_session(&self, token: &TokenHash) -> Option<(StoredSession, Identity)> {
                self.store.copy_of_session(token).await
            }

            async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
                for change in changes {
                    let text = format!("{change:?}");
                    self.note(text.split(['(', ' ']).next().unwrap_or_default());
                }
                self.store.commit(changes).await
            }

            async fn close(&self) {
                self.store.close().await;
            }
        }
    };
}

witnessed! {
    ping() -> ();
    deployment_id() -> Uuid;
    identity(id: Uuid) -> Option<Identity>;
    identity_by_external_id(external_id: &str) -> Option<Identity>;
    identity_by_identifier(kind: CredentialKind, identifier: &str) -> Option<Identity>;
    identity_by_address(via: &str, value: &str) -> Option<Identity>;
    identities(filter: &IdentityFilter, page: &Page) -> Vec<Identity>;
    credentials(identity_id: Uuid) -> Vec<Credential>;
    credentials_of(identity_ids: &[Uuid]) -> Vec<(Uuid, Credential)>;
    session_by_token(token: &TokenHash) -> Option<(StoredSession, Identity)>;
    session(id: Uuid) -> Option<(StoredSession, Identity)>;
    session_by_status(index: StatusIndex) -> Option<(StoredSession, Identity)>;
    status_list(list: u64, now: Timestamp) -> Option<Vec<u8>>;
    sessions(filter: &SessionFilter, page: &Page) -> Vec<(Session, Identity)>;
    flow(id: Uuid) -> Option<Flow>;
    code(flow_id: Uuid, purpose: CodePurpose) -> Option<Code>;
    recent_codes(identity_id: Uuid, purpose: CodePurpose, after: Timestamp) -> u32;
    due_messages(now: Timestamp, limit: u32) -> Vec<Message>;
    key_set(name: &str) -> Option<KeySet>;
    key_sets() -> Vec<KeySet>;
    newest_revision() -> Option<Revision>;
    revision(id: Uuid) -> Option<Revision>;
    revisions(page: &Page) -> Vec<RevisionSummary>;
    configuration_version() -> [i64; 4];
    sweep(before: Timestamp, limit: u32) -> u64;
}
