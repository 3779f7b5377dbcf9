//! Notes of what a store is asked, so that tests can compare work rather than time, and a gate that keeps the
//! answers back while a test holds it.

use std::sync::{Mutex, PoisonError};

use sessera_store::observed::StoreObserver;
use sessera_store::{Change, StoreError};
use tokio::sync::{RwLock, RwLockWriteGuard};

/// A note of every question and change.
#[derive(Debug, Default)]
pub struct Recording {
    notes: Mutex<Vec<String>>,
    gate: RwLock<()>,
}

impl Recording {
    /// The notes since the last call: operations by their names, changes by those of their variants.
    pub fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps all answers back for as long as the guard lives.
    pub async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    fn note(&self, what: impl Into<String>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }
}

impl StoreObserver for Recording {
    async fn observe<T: Send>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.note(operation);
        let _open = self.gate.read().await;
        work.await
    }

    async fn observe_commit(
        &self,
        changes: &[Change],
        work: impl Future<Output = Result<(), StoreError>> + Send,
    ) -> Result<(), StoreError> {
        let _open = self.gate.read().await;
        for change in changes {
            let text = format!("{change:?}");
            self.note(text.split(['(', ' ']).next().unwrap_or_default());
        }
        work.await
    }
}
