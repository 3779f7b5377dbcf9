//! The log, on standard error.
//!
//! Everything that is written passes [`record`], where an event becomes a record, and [`format`], where a record becomes
//! text. What clients chose is escaped there, in every format and for every event, so that one event is one record.

mod escape;
mod format;
mod record;

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use sessera_config::sections::log::{Format, Level, Log};
use sessera_model::{Clock, SystemClock};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use record::{Fields, Record};

/// Begins to write the log as the configuration says. `RUST_LOG` overrides the level.
pub(crate) fn init(config: &Log) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives(config.level)));
    let has_colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // Nothing can be said about a log that cannot be written.
    let write = |text: &str| drop(std::io::stderr().lock().write_all(text.as_bytes()));
    let written =
        Written { format: config.format, has_colours, clock: Arc::new(SystemClock), write: Box::new(write) };
    // The first log of a process stays in force.
    let _ = tracing_subscriber::registry().with(filter).with(written).try_init();
}

/// What is written at a level. Who asks for details asks for those of this program: libraries then write what
/// should be looked at.
fn directives(level: Level) -> String {
    match level {
        Level::Debug | Level::Trace => format!("warn,sessera={}", level.as_str()),
        level => level.as_str().to_owned(),
    }
}

/// Writes each event as one record.
struct Written {
    format: Format,
    has_colours: bool,
    clock: Arc<dyn Clock>,
    write: Box<dyn Fn(&str) + Send + Sync>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Written {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Fields::of(|fields| attributes.record(fields)));
        }
    }

    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let spans = context.event_scope(event).into_iter().flat_map(Scope::from_root);
        let spans = spans.map(|span| {
            let fields = span.extensions().get::<Fields>().cloned().unwrap_or_default();
            (span.name(), fields)
        });
        let record = Record::of(self.clock.now(), event, spans.collect());
        (self.write)(&format::text(self.format, self.has_colours, &record));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::Value;
    use sessera_model::{FixedClock, Timestamp};
    use tracing::Level as Event;

    use super::*;

    /// What `work` writes into the log.
    fn written(format: Format, work: impl FnOnce()) -> String {
        let lines = Arc::new(Mutex::new(String::new()));
        let (kept, clock) = (lines.clone(), FixedClock::at(Timestamp::from_seconds(1_700_000_000)));
        let write = move |text: &str| kept.lock().unwrap().push_str(text);
        let written = Written { format, has_colours: false, clock: Arc::new(clock), write: Box::new(write) };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(written), work);
        let lines = lines.lock().unwrap();
        lines.clone()
    }

    macro_rules! enabled {
        ($level:expr) => {
            (
                tracing::enabled!(target: "sessera_server::serve", $level),
                tracing::enabled!(target: "sqlx::query", $level),
            )
        };
    }

    /// Whether the program, and whether a library, writes an event of a level.
    fn is_written(configured: Level, event: Event) -> (bool, bool) {
        let filter = EnvFilter::new(directives(configured));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(filter), || match event {
            Event::ERROR => enabled!(Event::ERROR),
            Event::WARN => enabled!(Event::WARN),
            Event::INFO => enabled!(Event::INFO),
            Event::DEBUG => enabled!(Event::DEBUG),
            _ => enabled!(Event::TRACE),
        })
    }

    #[test]
    fn details_are_those_of_the_program() {
        assert_eq!(is_written(Level::Debug, Event::DEBUG), (true, false));
        assert_eq!(is_written(Level::Trace, Event::TRACE), (true, false));
        assert_eq!(is_written(Level::Debug, Event::WARN), (true, true));
        assert_eq!(is_written(Level::Info, Event::DEBUG), (false, false));
        assert_eq!(is_written(Level::Warn, Event::INFO), (false, false));
        assert_eq!(is_written(Level::Error, Event::WARN), (false, false));
        assert_eq!(is_written(Level::Error, Event::ERROR), (true, true));
    }

    /// Texts that would begin a line, hide, turn round, or end what is around them.
    const HOSTILE: [&str; 12] = [
        "\n1999-01-01T00:00:00Z  INFO x",
        "\r\n",
        "\u{b}\u{c}\u{1c}\u{1d}\u{1e}",
        "\u{85}",
        "\u{2028}\u{2029}",
        "\u{1b}[2K\u{1b}]0;x\u{7}",
        "\u{7f}\u{9b}2K",
        "\u{202a}\u{202b}\u{202d}\u{202e}\u{202c}",
        "\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}",
        "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}\u{180e}",
        "\u{e0041}\u{fff9}",
        "\" user=root x=\"",
    ];

    fn is_plain(text: &str) -> bool {
        text.chars().all(|c| c == ' ' || c.escape_debug().len() == 1 || "\"'\\".contains(c))
    }

    #[test]
    fn nothing_in_a_value_begins_a_record_or_disguises_one() {
        for text in HOSTILE {
            let log = || {
                let span = tracing::error_span!("request", id = text, other = %text);
                span.in_scope(|| tracing::info!(text, shown = %text, debugged = ?text, "said: {text}"));
            };
            for format in [Format::Text, Format::Json, Format::Gelf] {
                let line = written(format, log);
                let line = line.strip_suffix('\n').unwrap();
                assert!(is_plain(line), "{format:?}: {line}");
            }
            let pretty = written(Format::JsonPretty, log);
            assert!(pretty.lines().all(is_plain), "{pretty}");
            let read: Value = serde_json::from_str(&written(Format::Json, log)).unwrap();
            assert_eq!(read["fields"]["text"], text);
            assert_eq!(read["fields"]["message"], format!("said: {text}"));
            assert_eq!(read["span"]["id"], text);
        }
    }

    #[test]
    fn a_value_never_looks_like_another_field() {
        let line = written(Format::Text, || tracing::info!(name = "x user=root", path = "/a/b", "called"));
        assert_eq!(line, "2023-11-14T22:13:20Z  INFO called name=\"x user=root\" path=/a/b\n");
        let line = written(Format::Text, || tracing::info!(name = "a\"b\\", none = "", "called"));
        assert!(line.ends_with("called name=\"a\\\"b\\\\\" none=\"\"\n"), "{line}");
    }

    #[test]
    fn every_format_has_level_message_fields_and_the_request() {
        let log = || {
            tracing::error_span!("request", id = "r1")
                .in_scope(|| tracing::warn!(number = 7, good = true, "said"));
        };
        assert_eq!(
            written(Format::Text, log),
            "2023-11-14T22:13:20Z  WARN request{id=r1}: said number=7 good=true\n"
        );
        for format in [Format::Json, Format::JsonPretty] {
            let read: Value = serde_json::from_str(&written(format, log)).unwrap();
            assert_eq!(read["level"], "WARN");
            assert_eq!(read["timestamp"], "2023-11-14T22:13:20Z");
            assert_eq!(read["fields"], serde_json::json!({"message": "said", "number": 7, "good": true}));
            assert_eq!(read["span"], serde_json::json!({"id": "r1", "name": "request"}));
        }
        assert_eq!(written(Format::Json, log).lines().count(), 1);
        let read: Value = serde_json::from_str(&written(Format::Gelf, log)).unwrap();
        assert_eq!((&read["version"], &read["level"]), (&"1.1".into(), &4.into()));
        assert_eq!((&read["short_message"], &read["timestamp"]), (&"said".into(), &1_700_000_000.0.into()));
        assert_eq!(
            (&read["_number"], &read["_good"], &read["_request.id"]),
            (&7.into(), &"true".into(), &"r1".into())
        );
        assert!(read["host"].as_str().is_some_and(|host| !host.is_empty()));
    }
}
