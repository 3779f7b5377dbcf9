//! Questions that are under way, so that many who ask the same ask once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sessera_model::TokenHash;
use tokio::sync::watch;

use crate::sessions::Reading;
use crate::upstream_error::{UpstreamApi, UpstreamError};

/// What all who asked the same are answered.
pub(super) type Answer<T> = Result<T, UpstreamError>;

/// Questions under way, by what they are about.
#[derive(Debug)]
pub(super) struct SharedQuestions<T>(Arc<Mutex<HashMap<TokenHash, UnderWay<T>>>>);

#[derive(Debug)]
struct UnderWay<T> {
    /// What the cache knew when the question was asked.
    read: Reading,
    answer: watch::Receiver<Option<Answer<T>>>,
}

impl<T> Default for SharedQuestions<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + Sync + 'static> SharedQuestions<T> {
    /// The answer to the question `ask` about `key`, or to the same one that is under way. One that was asked before
    /// the newest change is not joined, because its answer may be older than the change. A question goes on when
    /// whoever asked it gives up. The second of the pair tells whether the question was joined.
    pub(super) async fn answer(
        &self,
        key: TokenHash,
        read: Reading,
        ask: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> (Answer<T>, bool) {
        let (mut answer, joined) = self.join(key, read, ask);
        let told = answer.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        // The task of a question ends without an answer only when the runtime stops.
        let in_vain = || Err(UpstreamError::Unanswered(UpstreamApi::Public, "was asked in vain".into()));
        (told.unwrap_or_else(in_vain), joined)
    }

    fn join(
        &self,
        key: TokenHash,
        read: Reading,
        ask: impl Future<Output = Answer<T>> + Send + 'static,
    ) -> (watch::Receiver<Option<Answer<T>>>, bool) {
        let mut under_way = self.lock();
        if let Some(same) = under_way.get(&key).filter(|same| same.read == read) {
            return (same.answer.clone(), true);
        }
        let (teller, answer) = watch::channel(None);
        under_way.insert(key, UnderWay { read, answer: answer.clone() });
        drop(under_way);
        let leaving = Leaving { questions: self.0.clone(), key, answer: answer.clone() };
        tokio::spawn(async move {
            let told = ask.await;
            // Whoever comes from now on finds the answer in memory, or asks again.
            drop(leaving);
            teller.send_replace(Some(told));
        });
        (answer, false)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenHash, UnderWay<T>>> {
        // No code panics while it holds this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is taken out when it ends, however it ends.
struct Leaving<T> {
    questions: Arc<Mutex<HashMap<TokenHash, UnderWay<T>>>>,
    key: TokenHash,
    answer: watch::Receiver<Option<Answer<T>>>,
}

impl<T> Drop for Leaving<T> {
    fn drop(&mut self) {
        let mut under_way = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        // A newer question may have taken its place.
        if under_way.get(&self.key).is_some_and(|there| there.answer.same_channel(&self.answer)) {
            under_way.remove(&self.key);
        }
    }
}
