//! Waiting for what tests have begun.

use std::task::Poll;
use std::time::Duration;

/// Waits for a condition. After a minute nothing will come any more, and the test fails rather than hang.
///
/// # Panics
/// When the condition does not come.
pub async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(outcome.is_ok(), "it does not come within a minute");
}

/// Does several things at once, each as far as it comes before the next one goes on.
pub async fn at_once<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut under_way: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in under_way.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(outcome) = one.as_mut().poll(context) {
                *done = Some(outcome);
            }
        }
        if under_way.iter().all(|(_, done)| done.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    under_way.into_iter().filter_map(|(_, done)| done).collect()
}
