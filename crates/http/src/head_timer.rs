//! The timer of a connection of HTTP/1, which has one time-out at a time: that of the head of its next request.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The sleep of tokio, kept while nobody sleeps.
type Kept = Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>;

/// A timer that gives the same sleep again. hyper drops the one of a head and asks for the next one with each request, and to
/// enter and leave the timers of the runtime takes two locks that all connections share. To move a time-out on takes none.
#[derive(Clone, Default)]
pub(super) struct HeadTimer(Kept);

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sleep = match kept {
            Some(mut sleep) => {
                sleep.as_mut().reset(deadline.into());
                sleep
            }
            None => Box::pin(tokio::time::sleep_until(deadline.into())),
        };
        Box::pin(Lent { sleep: Some(sleep), kept: self.0.clone() })
    }

    /// The time of tokio, which tests stop.
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// A sleep that goes back when it is dropped.
struct Lent {
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    kept: Kept,
}

impl Future for Lent {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl Sleep for Lent {}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = self.sleep.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_sleep_ends_at_its_own_time_and_they_are_one() {
        let timer = HeadTimer::default();
        let begun = timer.now();
        timer.sleep_until(begun + Duration::from_secs(3)).await;
        assert_eq!(timer.now() - begun, Duration::from_secs(3));
        // One that was dropped before its time does not end the next one.
        drop(timer.sleep_until(timer.now() + Duration::from_secs(5)));
        assert!(timer.0.lock().unwrap().is_some(), "it is kept");
        let begun = timer.now();
        timer.sleep_until(begun + Duration::from_secs(20)).await;
        assert_eq!(timer.now() - begun, Duration::from_secs(20));
        let both = [timer.sleep_until(timer.now()), timer.sleep_until(timer.now())];
        for sleep in both {
            sleep.await;
        }
    }
}
