//! Something that waits beside a task which is woken often.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// A future that is polled only when it was woken itself. To poll those that wait for timers and for the end of the server takes
/// locks that all connections share, and a connection is woken by each request.
pub(super) struct Aside<F> {
    /// Absent when it has ended.
    future: Option<Pin<Box<F>>>,
    bell: Arc<SharedWaker>,
    waker: Waker,
}

/// What wakes the future, and with it the task.
struct SharedWaker {
    rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for SharedWaker {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl<F: Future> Aside<F> {
    /// Polls `future` the first time, and then whenever it is woken. All polls belong to one task.
    pub(super) fn new(future: F) -> Self {
        let bell = Arc::new(SharedWaker { rung: AtomicBool::new(true), task: Mutex::default() });
        Self { future: Some(Box::pin(future)), waker: bell.clone().into(), bell }
    }

    /// What has come of the future, once. Pending when it was not woken, and after its end.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<F::Output> {
        if !self.bell.rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        let Some(future) = &mut self.future else { return Poll::Pending };
        // In this order, whoever wakes it from now on finds the task.
        *self.bell.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        self.bell.rung.store(false, Ordering::Release);
        let polled = future.as_mut().poll(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            self.future = None;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_polled_when_it_is_woken_and_wakes_its_task() {
        let told = Arc::new(Notify::new());
        let polled = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (inside, count) = (told.clone(), polled.clone());
        let mut aside = Aside::new(async move {
            let mut notified = Box::pin(inside.notified());
            poll_fn(|context| {
                count.fetch_add(1, Ordering::SeqCst);
                notified.as_mut().poll(context)
            })
            .await;
        });
        for _ in 0..3 {
            let waits = timeout(Duration::from_secs(1), poll_fn(|context| aside.poll(context))).await;
            assert!(waits.is_err());
        }
        assert_eq!(polled.load(Ordering::SeqCst), 1);
        let task = tokio::spawn(async move { poll_fn(|context| aside.poll(context)).await });
        told.notify_one();
        task.await.unwrap();
        assert_eq!(polled.load(Ordering::SeqCst), 2);
    }
}
