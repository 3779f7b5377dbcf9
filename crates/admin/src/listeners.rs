//! How many clients follow what happens at a time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most clients that a node tells at a time.
pub const MOST: usize = 64;

/// The places for clients that follow what happens.
#[derive(Clone)]
pub struct Listeners(Arc<Semaphore>);

impl Default for Listeners {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

impl Listeners {
    /// A place for one more, which is free again when it is dropped. Nothing when there is none.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_owned().ok()
    }

    /// How many places are free.
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }
}
