//! What is written of an event, in whichever format.

use std::fmt;

use serde_json::{Map, Value};
use sessera_model::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// An event with what is around it.
pub(super) struct Record {
    pub(super) time: Timestamp,
    pub(super) level: Level,
    pub(super) target: &'static str,
    pub(super) message: String,
    pub(super) fields: Fields,
    /// Names and fields of the spans that it happened in, the outermost first.
    pub(super) spans: Vec<(&'static str, Fields)>,
}

impl Record {
    pub(super) fn of(time: Timestamp, event: &Event<'_>, spans: Vec<(&'static str, Fields)>) -> Self {
        let mut fields = Fields::of(|fields| event.record(fields));
        let message = match fields.0.shift_remove("message") {
            Some(Value::String(message)) => message,
            _ => String::new(),
        };
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        Self { time, level, target, message, fields, spans }
    }
}

/// Names with values, in the order in which they were written.
#[derive(Clone, Default)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    pub(super) fn of(record: impl FnOnce(&mut Self)) -> Self {
        let mut fields = Self::default();
        record(&mut fields);
        fields
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        // Libraries that write by another interface have these in addition to the event's own.
        if !field.name().starts_with("log.") {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
