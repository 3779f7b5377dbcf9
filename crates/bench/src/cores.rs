//! Which core does what. The server has the first one, and the client has the second one.

use anyhow::{Context as _, Result};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// The core of the server.
pub(crate) const SERVER: usize = 0;

/// The core of the client, and of whatever the server talks to.
pub(crate) const CLIENT: usize = 1;

/// Keeps this thread, and every thread and process that it starts from now on, on one core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut set = CpuSet::new();
    // A thread that is pinned already sees one core only, although the machine may have more.
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set)
        .with_context(|| format!("cannot use core {core}: measuring needs two cores, {cores} seen"))
}

/// Does something on one core and then goes back to the client's core.
pub(crate) fn on<T>(core: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
    pin(core)?;
    let outcome = work();
    pin(CLIENT)?;
    outcome
}
