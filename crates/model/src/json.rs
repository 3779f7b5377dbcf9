//! Values in the JSON on the wire.

use serde::Serialize;
use serde_json::Value;

/// A JSON string with the text that a value prints.
pub(crate) fn text(value: &impl ToString) -> Value {
    Value::String(value.to_string())
}

/// A JSON array of the values.
pub(crate) fn list<T: Serialize>(items: &[T]) -> Value {
    // These types hold strings, flags and times only, which always have a JSON form.
    serde_json::to_value(items).unwrap_or_default()
}
