//! Values in the JSON on the wire.

use serde::Serialize;
use serde_json::Value;

/// A value as the text that it prints.
pub(crate) fn text(value: &impl ToString) -> Value {
    Value::String(value.to_string())
}

/// A list of values.
pub(crate) fn list<T: Serialize>(items: &[T]) -> Value {
    // These types hold strings, flags and times only, which always have a JSON form.
    serde_json::to_value(items).unwrap_or_default()
}
