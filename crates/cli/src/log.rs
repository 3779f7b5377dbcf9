//! The log, on standard error.

use std::io::IsTerminal as _;

use sessera_config::tree::LogConfig;
use tracing_subscriber::EnvFilter;

/// Begins to write the log as the configuration says. `RUST_LOG` overrides the level.
pub(crate) fn init(config: &LogConfig) {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(&config.level))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // The first log of a process stays in force.
    let _ = if config.json { log.json().try_init() } else { log.with_target(false).try_init() };
}
