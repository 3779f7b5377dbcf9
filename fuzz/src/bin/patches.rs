//! Any operation of JSON Patch is applied or refused, and makes nothing larger than there is room for.

#![no_main]

use serde_json::{Value, json};
use sessera_model::json_patch::{Budget, Operation};

/// How much operations may make.
const ROOM: usize = 10_000;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(Value::Array(operations)) = serde_json::from_slice(bytes) else { return };
    let mut document =
        json!({"traits": {"email": "a@example.org", "groups": ["a", "b"]}, "metadata_public": null});
    let given = bytes.len() + document.to_string().len();
    let mut budget = Budget::new(ROOM);
    for operation in &operations {
        let Ok(operation) = Operation::parse(operation) else { return };
        let _ = operation.changes().count();
        if operation.apply(&mut document, &mut budget).is_err() {
            return;
        }
    }
    assert!(nodes(&document) <= given + ROOM);
});

fn nodes(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(nodes).sum::<usize>(),
        _ => 1,
    }
}
