//! What the service manager is told (`sd_notify(3)`).

use std::collections::HashMap;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram as Unconnected};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::net::UnixDatagram;

/// The service manager that started this process, if one did that wants to hear of it.
pub(crate) struct ServiceManager(Option<UnixDatagram>);

impl ServiceManager {
    /// The one of this environment. One that cannot be told anything is named in the log.
    pub(crate) fn of(environment: &HashMap<String, String>) -> Self {
        Self(environment.get("NOTIFY_SOCKET").and_then(|address| match connect(address) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, address, "the service manager cannot be told anything");
                None
            }
        }))
    }

    /// The server answers.
    pub(crate) async fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}")).await;
    }

    /// The configuration is read again, until the server is [`ready`](Self::ready).
    pub(crate) async fn reloading(&self) {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now())).await;
    }

    /// The server is about to end.
    pub(crate) async fn stopping(&self, status: &str) {
        self.tell(&format!("STOPPING=1\nSTATUS={status}")).await;
    }

    /// Gives a sign of life at least once in every period, for as long as looks at the server end in time.
    pub(crate) async fn feed<F: Future<Output = ()>>(&self, period: Duration, look: impl Fn() -> F) {
        let half = period / 2;
        let mut clock = tokio::time::interval(half);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            if tokio::time::timeout(half, look()).await.is_ok() {
                self.tell("WATCHDOG=1").await;
            } else {
                tracing::warn!("the server does not answer, so the service manager gets no sign of life");
            }
        }
    }

    async fn tell(&self, state: &str) {
        if let Some(socket) = &self.0
            && let Err(error) = socket.send(state.as_bytes()).await
        {
            tracing::warn!(%error, "the service manager could not be told: {state}");
        }
    }
}

/// An address that begins with @ stands for a name that is no file.
fn connect(address: &str) -> io::Result<UnixDatagram> {
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = Unconnected::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    UnixDatagram::from_std(socket)
}

/// The time of the clock that never jumps, in microseconds, by which the service manager knows which reload is meant.
fn now() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000)
}

/// The time within which the service manager wants a sign of life, if it wants any from this process.
pub(crate) fn watchdog(environment: &HashMap<String, String>) -> Option<Duration> {
    let meant = environment.get("WATCHDOG_PID").is_none_or(|id| *id == std::process::id().to_string());
    let period = environment.get("WATCHDOG_USEC").filter(|_| meant)?.parse().ok()?;
    (period > 1).then(|| Duration::from_micros(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A service manager, and the socket on which it hears.
    fn listening(address: &str, ear: Unconnected) -> (ServiceManager, UnixDatagram) {
        ear.set_nonblocking(true).unwrap();
        (
            ServiceManager::of(&environment(&[("NOTIFY_SOCKET", address)])),
            UnixDatagram::from_std(ear).unwrap(),
        )
    }

    async fn heard(ear: &UnixDatagram) -> String {
        let mut bytes = [0; 512];
        let length = ear.recv(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_name_that_is_no_file_is_found() {
        let name = format!("sessera-test-{}", std::process::id());
        let ear = Unconnected::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let (manager, ear) = listening(&format!("@{name}"), ear);
        manager.ready("serves").await;
        assert_eq!(heard(&ear).await, "READY=1\nSTATUS=serves");
    }

    #[tokio::test]
    async fn who_cannot_be_told_stops_nobody() {
        for address in ["/does/not/exist", "vsock:2:1234", ""] {
            ServiceManager::of(&environment(&[("NOTIFY_SOCKET", address)])).ready("serves").await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_is_fed_twice_in_each_period_and_one_that_hangs_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let (manager, ear) = listening(path.to_str().unwrap(), Unconnected::bind(&path).unwrap());
        let period = Duration::from_secs(60);
        // Past the look at 60 seconds, before that at 90.
        let run = Duration::from_secs(61);
        let _ = tokio::time::timeout(run, manager.feed(period, || std::future::ready(()))).await;
        for _ in 0..3 {
            assert_eq!(heard(&ear).await, "WATCHDOG=1");
        }
        let _ = tokio::time::timeout(run, manager.feed(period, std::future::pending)).await;
        manager.stopping("ends").await;
        assert_eq!(heard(&ear).await, "STOPPING=1\nSTATUS=ends", "nothing was said before");
    }

    #[test]
    fn a_period_counts_when_it_is_meant_for_this_process() {
        let own = std::process::id().to_string();
        let period = Some(Duration::from_secs(60));
        assert_eq!(watchdog(&environment(&[("WATCHDOG_USEC", "60000000")])), period);
        assert_eq!(watchdog(&environment(&[("WATCHDOG_USEC", "60000000"), ("WATCHDOG_PID", &own)])), period);
        for other in [
            &[("WATCHDOG_USEC", "60000000"), ("WATCHDOG_PID", "1")][..],
            &[("WATCHDOG_USEC", "0")],
            &[("WATCHDOG_USEC", "soon")],
            &[],
        ] {
            assert_eq!(watchdog(&environment(other)), None, "{other:?}");
        }
    }
}
