//! A store that notes what it is asked, so that tests can compare work rather than time, and that keeps its
//! answers back while a test holds it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sessera_model::{Credential, CredentialKind, Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};
use sessera_store::{
    Change, Code, CodePurpose, Flow, IdentityFilter, KeySet, Line, Message, Page, PoolUse, Revision,
    RevisionSummary, SessionFilter, Store, StoreError, StoredSession,
};
use tokio::sync::{RwLock, RwLockWriteGuard};

use crate::measured_store::with_questions;

/// A store with a note of every question and change.
pub(crate) struct RecordingStore {
    store: Arc<dyn Store>,
    notes: Mutex<Vec<String>>,
    gate: RwLock<()>,
}

impl RecordingStore {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, notes: Mutex::new(Vec::new()), gate: RwLock::new(()) }
    }

    /// The notes since the last call.
    pub(crate) fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap())
    }

    /// Keeps all answers back for as long as the guard lives.
    pub(crate) async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    fn note(&self, what: impl Into<String>) {
        self.notes.lock().unwrap().push(what.into());
    }
}

/// Passes methods on, each with a note of its name.
macro_rules! recorded {
    ($($operation:literal $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for RecordingStore {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                self.note(stringify!($name));
                let _open = self.gate.read().await;
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
                let _open = self.gate.read().await;
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

with_questions!(recorded);
