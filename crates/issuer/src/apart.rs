//! Work that takes its time, such as that of mappers which somebody tries out, beside the threads that answer requests.

use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// How many such works are done at once. Each may take as many steps as a mapper is allowed, and tokens for people have
/// the processors first.
const AT_ONCE: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Does a work on a thread that may take its time, when it is its turn.
///
/// # Panics
/// When the work does.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // Nobody closes it.
    let turn = TURNS.acquire().await.ok();
    // The turn ends with the work, also when nobody waits for it any more.
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    match done.await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime stops, and whoever waits with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn few_works_are_done_at_once_on_threads_of_their_own() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (began, has_begun) = mpsc::channel();
        let here = std::thread::current().id();
        let works = (0..6).map(|_| {
            let (running, most, began) = (running.clone(), most.clone(), began.clone());
            let (go, may_go) = mpsc::channel::<()>();
            let work = tokio::spawn(apart(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                began.send(()).unwrap();
                // Until its other end is gone.
                assert!(may_go.recv().is_err());
                running.fetch_sub(1, Ordering::SeqCst);
                std::thread::current().id()
            }));
            (work, go)
        });
        let works: Vec<_> = works.collect();
        // As many have begun as may; the others come when these end.
        let has_begun = tokio::task::spawn_blocking(move || {
            for _ in 0..AT_ONCE {
                has_begun.recv().unwrap();
            }
            has_begun
        });
        let has_begun = has_begun.await.unwrap();
        assert!(has_begun.try_recv().is_err());
        for (work, go) in works {
            drop(go);
            assert_ne!(work.await.unwrap(), here);
        }
        assert_eq!((most.load(Ordering::SeqCst), has_begun.try_iter().count()), (AT_ONCE, 6 - AT_ONCE));
    }
}
