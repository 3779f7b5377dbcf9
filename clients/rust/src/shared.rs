//! Asking once for what many need at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Error;

/// How long after a question that failed nobody asks again, in seconds.
const REST: i64 = 5;

/// Something that is asked for. All who need it meanwhile wait for the same answer, and who comes soon after a failure does not wait.
pub(crate) struct Shared<T> {
    known: Mutex<Option<Arc<T>>>,
    /// When the last question failed, and how. Whoever asks has it.
    asking: tokio::sync::Mutex<Option<(i64, Error)>>,
}

// Derived, it would ask for the same of what is shared.
impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { known: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }
}

impl<T> Shared<T> {
    fn locked(&self) -> MutexGuard<'_, Option<Arc<T>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the last good answer was.
    pub(crate) fn known(&self) -> Option<Arc<T>> {
        self.locked().clone()
    }

    /// What follows a value that does not serve any more. The question is not asked where there is no need. `now` gives seconds.
    pub(crate) async fn after(
        &self,
        seen: Option<Arc<T>>,
        now: impl Fn() -> i64,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<Arc<T>, Error> {
        let mut failed = self.asking.lock().await;
        if let Some(newer) = self.known()
            && seen.is_none_or(|seen| !Arc::ptr_eq(&seen, &newer))
        {
            return Ok(newer);
        }
        // A clock that was set back must not make it longer.
        if let Some((at, error)) = &*failed
            && (0..REST).contains(&(now() - at))
        {
            return Err(error.clone());
        }
        match question.await {
            Ok(value) => {
                let value = Arc::new(value);
                *self.locked() = Some(Arc::clone(&value));
                *failed = None;
                Ok(value)
            }
            Err(error) => {
                *failed = Some((now(), error.clone()));
                Err(error)
            }
        }
    }
}
