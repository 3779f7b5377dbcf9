//! How a record is written.

use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use sessera_config::sections::log::Format;
use tracing::Level;

use super::escape;
use super::record::{Fields, Record};

/// A record as text, with the end of its last line.
pub(super) fn text(format: Format, has_colours: bool, record: &Record) -> String {
    let mut text = match format {
        Format::Text => for_people(has_colours, record),
        Format::Json => escape::json(&object(record).to_string()),
        Format::JsonPretty => escape::json(&format!("{:#}", object(record))),
        Format::Gelf => escape::json(&gelf(record).to_string()),
    };
    text.push('\n');
    text
}

fn for_people(has_colours: bool, record: &Record) -> String {
    let mut text = format!("{} ", record.time);
    let colour = match record.level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    };
    // Writing into memory does not fail.
    let _ = if has_colours {
        write!(text, "\x1b[{colour}m{:>5}\x1b[0m ", record.level.as_str())
    } else {
        write!(text, "{:>5} ", record.level.as_str())
    };
    for (name, fields) in &record.spans {
        let _ = write!(text, "{name}{{{}}}: ", pairs(fields));
    }
    text += &escape::shown(&record.message);
    if !record.fields.0.is_empty() {
        text.push(' ');
        text += &pairs(&record.fields);
    }
    text
}

/// Fields as `name=value`, separated by spaces.
fn pairs(Fields(fields): &Fields) -> String {
    let pair = |(name, value): (&String, &Value)| format!("{name}={}", escape::value(&as_text(value)));
    fields.iter().map(pair).collect::<Vec<_>>().join(" ")
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A record as an object.
fn object(record: &Record) -> Value {
    let mut fields = Map::from_iter([("message".to_owned(), Value::from(record.message.as_str()))]);
    fields.extend(record.fields.0.clone());
    let spans: Vec<Value> = record.spans.iter().map(|(name, fields)| with_name(name, fields)).collect();
    let mut object = json!({
        "timestamp": record.time,
        "level": record.level.as_str(),
        "fields": fields,
        "target": record.target,
    });
    if let Some(innermost) = spans.last() {
        object["span"] = innermost.clone();
        object["spans"] = spans.into();
    }
    object
}

fn with_name(name: &str, Fields(fields): &Fields) -> Value {
    let mut members = fields.clone();
    members.insert("name".into(), name.into());
    members.into()
}

/// The name of this machine. The kernel tells it without a file, of which a unit of systemd may show none.
static HOST: LazyLock<String> = LazyLock::new(|| {
    let told = rustix::system::uname();
    let host = told.nodename().to_str().unwrap_or_default();
    if host.is_empty() { "localhost".into() } else { host.to_owned() }
});

/// A record in the Graylog Extended Log Format, version 1.1.
fn gelf(record: &Record) -> Value {
    // The numbers are those of syslog (RFC 5424, section 6.2.1).
    let level = match record.level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    };
    #[expect(clippy::cast_precision_loss, reason = "until the year 2255 microseconds are exact")]
    let timestamp = record.time.micros() as f64 / 1e6;
    let mut object = json!({
        "version": "1.1",
        "host": *HOST,
        "short_message": record.message,
        "timestamp": timestamp,
        "level": level,
        "_target": record.target,
    });
    for (name, fields) in &record.spans {
        for (field, value) in &fields.0 {
            object[format!("_{name}.{field}")] = plain(value);
        }
    }
    for (field, value) in &record.fields.0 {
        // The format keeps the name "_id" for itself.
        let name = if field == "id" { "_event.id".to_owned() } else { format!("_{field}") };
        object[name] = plain(value);
    }
    object
}

/// A value as the format has it, which knows texts and numbers.
fn plain(value: &Value) -> Value {
    if value.is_number() { value.clone() } else { as_text(value).into() }
}
