//! A few threads that make calls which may never return, with a short queue before them and a time-out for
//! everybody who waits for a result.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Pkcs11Error;

/// How many calls into a module are under way at once. Each has a session of its own.
const THREADS: usize = 4;

/// How many jobs may wait for a thread. Any more are refused at once.
const QUEUE: usize = 64;

/// A piece of work on what a thread holds, a session for example. It fails with [`Pkcs11Error::Lost`] when
/// that has to be made anew.
type Work<H> = Box<dyn FnMut(&mut H) -> Option<Pkcs11Error> + Send>;

struct Job<H> {
    work: Work<H>,
    /// The time after which nobody waits for it any more.
    until: Instant,
    /// Is told why the work could not be begun.
    failed: SyncSender<Pkcs11Error>,
}

/// The threads that do the work, and their queue.
pub(crate) struct Pool<H> {
    queue: SyncSender<Job<H>>,
}

impl<H: 'static> Pool<H> {
    /// Makes a pool. From its first job on, each thread holds what `connect` gives.
    pub(crate) fn new(connect: impl Fn() -> Result<H, Pkcs11Error> + Send + Sync + 'static) -> Self {
        let (queue, jobs) = sync_channel::<Job<H>>(QUEUE);
        let (jobs, connect) = (Arc::new(Mutex::new(jobs)), Arc::new(connect));
        for number in 0..THREADS {
            let (jobs, connect) = (jobs.clone(), connect.clone());
            let thread = std::thread::Builder::new().name(format!("pkcs11-{number}"));
            // A system that has no threads left is in deeper trouble; its jobs simply time out.
            if let Err(error) = thread.spawn(move || serve(&jobs, &*connect)) {
                tracing::error!("no thread can be started: {error}");
            }
        }
        Self { queue }
    }

    /// Does something on a thread and waits for it, for at most `patience`.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        mut work: impl FnMut(&mut H) -> Result<T, Pkcs11Error> + Send + 'static,
    ) -> Result<T, Pkcs11Error> {
        let (done, outcome) = sync_channel(1);
        let (failed, failure) = sync_channel(1);
        let until = Instant::now() + patience;
        let work: Work<H> = Box::new(move |held| match work(held) {
            Err(lost @ Pkcs11Error::Lost(_)) => Some(lost),
            // The caller may have given up.
            other => {
                let _ = done.try_send(other);
                None
            }
        });
        self.queue.try_send(Job { work, until, failed }).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Pkcs11Error::Busy,
        })?;
        match outcome.recv_timeout(patience) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(Pkcs11Error::Late(patience)),
            // The job was dropped without an outcome.
            Err(RecvTimeoutError::Disconnected) => {
                Err(failure.try_recv().unwrap_or(Pkcs11Error::Late(patience)))
            }
        }
    }
}

fn serve<H>(jobs: &Mutex<Receiver<Job<H>>>, connect: &dyn Fn() -> Result<H, Pkcs11Error>) {
    let mut held = None;
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = next else { return };
        // The work is tried with what is held already and, when that is gone, once more with a new one.
        for _ in 0..2 {
            if job.until <= Instant::now() {
                break;
            }
            let connected = match held.take() {
                Some(connected) => Ok(connected),
                None => connect(),
            };
            let lost = match connected {
                Ok(mut connected) => match (job.work)(&mut connected) {
                    None => {
                        held = Some(connected);
                        break;
                    }
                    Some(lost) => lost,
                },
                Err(error) => error,
            };
            tracing::warn!("a token is not reached: {lost}");
            // Only the first message counts.
            let _ = job.failed.try_send(lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(50);

    #[test]
    fn who_asks_waits_for_a_bounded_time_and_the_queue_is_bounded() {
        let pool: Arc<Pool<()>> = Arc::new(Pool::new(|| Ok(())));
        assert_eq!(pool.run(LONG, |()| Ok(1)), Ok(1));
        // All threads are held up.
        let (release, gate) = channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let (stuck, is_stuck) = channel();
        let waiting: Vec<_> = (0..THREADS)
            .map(|_| {
                let (pool, gate, stuck) = (pool.clone(), gate.clone(), stuck.clone());
                std::thread::spawn(move || {
                    pool.run(LONG, move |()| {
                        let _ = stuck.send(());
                        // The threads go on when the sender is gone.
                        let _ = gate.lock().unwrap().recv();
                        Ok(2)
                    })
                })
            })
            .collect();
        for _ in 0..THREADS {
            is_stuck.recv().unwrap();
        }
        let touched = Arc::new(AtomicUsize::new(0));
        for _ in 0..QUEUE {
            let touched = touched.clone();
            let work = Box::new(move |(): &mut ()| {
                touched.fetch_add(1, Ordering::SeqCst);
                None
            });
            let job = Job { work, until: Instant::now(), failed: sync_channel(1).0 };
            assert!(pool.queue.try_send(job).is_ok());
        }
        assert_eq!(pool.run(LONG, |()| Ok(3)), Err(Pkcs11Error::Busy));
        drop(release);
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), Ok(2));
        }
        // Jobs for which nobody waits any more are skipped.
        let again = || pool.run(LONG, |()| Ok(4));
        while again() == Err(Pkcs11Error::Busy) {}
        assert_eq!(again(), Ok(4));
        assert_eq!(touched.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn what_does_not_answer_is_late() {
        let pool: Pool<()> = Pool::new(|| Ok(()));
        let (release, gate) = channel::<()>();
        let late = pool.run(SHORT, move |()| {
            let _ = gate.recv();
            Ok(())
        });
        assert_eq!(late, Err(Pkcs11Error::Late(SHORT)));
        drop(release);
    }

    #[test]
    fn what_is_lost_is_made_anew_once() {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = made.clone();
        let pool: Pool<usize> = Pool::new(move || Ok(counted.fetch_add(1, Ordering::SeqCst)));
        let lost = || Pkcs11Error::Lost("gone".into());
        let mut first = true;
        let worked = pool.run(LONG, move |_| {
            if std::mem::take(&mut first) { Err(Pkcs11Error::Lost("gone".into())) } else { Ok(()) }
        });
        assert_eq!((worked, made.load(Ordering::SeqCst)), (Ok(()), 2));
        assert_eq!(pool.run(LONG, move |_| Err::<(), _>(lost())), Err(lost()));
        // The session is kept after any other error.
        let refused = || Pkcs11Error::Refused("no".into());
        assert_eq!(pool.run(LONG, move |_| Err::<(), _>(refused())), Err(refused()));
    }

    #[test]
    fn why_nothing_is_reached_is_told() {
        let pool: Pool<()> = Pool::new(|| Err(Pkcs11Error::Tokens { found: 0 }));
        assert_eq!(pool.run(LONG, |()| Ok(())), Err(Pkcs11Error::Tokens { found: 0 }));
    }
}
