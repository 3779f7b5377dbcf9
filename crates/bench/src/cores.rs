//! Which core does what. The server has the first ones, most often one, and the client has the second one.

use std::ops::Range;

use anyhow::{Context as _, Result};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// The first core of the server.
pub(crate) const SERVER: usize = 0;

/// The core of the client, and of whatever the server talks to.
pub(crate) const CLIENT: usize = 1;

/// Keeps this thread, and every thread and process that it starts from now on, on one core.
pub(crate) fn pin(core: usize) -> Result<()> {
    pin_to(core..core + 1)
}

fn pin_to(cores: Range<usize>) -> Result<()> {
    let seen = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut set = CpuSet::new();
    // A thread that is pinned already sees one core only, although the machine may have more.
    for core in cores.clone() {
        set.set(core)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
        .with_context(|| format!("cannot use the cores {cores:?}: measuring needs two cores, {seen} seen"))
}

/// Does something on the first cores, as many as the server has, and then goes back to the client's core.
pub(crate) fn of_the_server<T>(cores: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
    pin_to(SERVER..SERVER + cores)?;
    let outcome = work();
    pin(CLIENT)?;
    outcome
}
