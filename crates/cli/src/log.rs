//! The log, on standard error.

use std::io::IsTerminal as _;

use sessera_config::sections::log::{Format, Level, Log};
use tracing_subscriber::EnvFilter;

/// Begins to write the log as the configuration says. `RUST_LOG` overrides the level.
pub(crate) fn init(config: &Log) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives(config.level)));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // The first log of a process stays in force.
    let _ = match config.format {
        Format::Json => log.json().try_init(),
        Format::Text => log.with_target(false).try_init(),
    };
}

/// What is written at a level. Who asks for details asks for those of this program: libraries then write what
/// should be looked at.
fn directives(level: Level) -> String {
    match level {
        Level::Debug | Level::Trace => format!("warn,sessera={}", level.as_str()),
        level => level.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level as Event;
    use tracing_subscriber::fmt::TestWriter;

    macro_rules! enabled {
        ($level:expr) => {
            (
                tracing::enabled!(target: "sessera_server::serve", $level),
                tracing::enabled!(target: "sqlx::query", $level),
            )
        };
    }
    /// Whether the program, and whether a library, writes an event of a level.
    fn written(configured: Level, event: Event) -> (bool, bool) {
        let filter = EnvFilter::new(directives(configured));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(TestWriter::new).finish();
        tracing::subscriber::with_default(log, || match event {
            Event::ERROR => enabled!(Event::ERROR),
            Event::WARN => enabled!(Event::WARN),
            Event::INFO => enabled!(Event::INFO),
            Event::DEBUG => enabled!(Event::DEBUG),
            _ => enabled!(Event::TRACE),
        })
    }

    #[test]
    fn details_are_those_of_the_program() {
        assert_eq!(written(Level::Debug, Event::DEBUG), (true, false));
        assert_eq!(written(Level::Trace, Event::TRACE), (true, false));
        assert_eq!(written(Level::Debug, Event::WARN), (true, true));
        assert_eq!(written(Level::Info, Event::DEBUG), (false, false));
        assert_eq!(written(Level::Warn, Event::INFO), (false, false));
        assert_eq!(written(Level::Error, Event::WARN), (false, false));
        assert_eq!(written(Level::Error, Event::ERROR), (true, true));
    }
}
