//! What the commands on the identity configuration share.

use anyhow::Result;
use serde_json::Value;
use sessera_client::projects::{CONFIG_PREFIX, ChangedConfig};
use sessera_config::problem;

use crate::global::Context;

/// What others rely on by its name: where it stands, and what it is called.
const RELIED_ON: [(&str, &str); 4] = [
    ("/session/whoami/tokenizer/templates", "template"),
    ("/identity/schemas", "identity schema"),
    ("/gateway/routes", "route"),
    ("/events/sinks", "sink"),
];

/// What others rely on that is in one configuration and not in another, in words.
pub(super) fn lost(before: &Value, after: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    for (pointer, what) in RELIED_ON {
        let left = names(after.pointer(pointer));
        let gone = names(before.pointer(pointer)).into_iter().filter(|name| !left.contains(name));
        lost.extend(gone.map(|name| format!("the {what} {name}")));
    }
    lost
}

/// The names of the members of an object, or the ids of the items of a list.
fn names(part: Option<&Value>) -> Vec<String> {
    match part {
        Some(Value::Object(members)) => {
            members.iter().filter(|(_, member)| !member.is_null()).map(|(name, _)| name.clone()).collect()
        }
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

/// What others rely on and what these operations remove by its own name, in the words of [`lost`].
pub(super) fn named(before: &Value, operations: &[Value]) -> Vec<String> {
    let name = |operation: &Value| {
        let path = operation["path"].as_str().filter(|_| operation["op"] == "remove")?;
        let pointer = path.strip_prefix(CONFIG_PREFIX)?;
        let (list, _) = pointer.rsplit_once('/')?;
        let (_, what) = RELIED_ON.iter().find(|(relied_on, _)| *relied_on == list)?;
        let id = before.pointer(pointer)?["id"].as_str().map(str::to_owned);
        Some(format!("the {what} {}", id.or_else(|| problem::names(pointer).pop())?))
    };
    operations.iter().filter_map(name).collect()
}

/// Prints the configuration that a change resulted in, and warns of what its author should know.
pub(super) fn print_changed(context: &Context, changed: &ChangedConfig) -> Result<()> {
    for warning in &changed.warnings {
        crate::output::warn(warning);
    }
    if context.output.is_quiet() {
        return Ok(());
    }
    context.output.print_document(&changed.config)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_rely_on_is_named_when_it_goes() {
        let before = json!({
            "session": {"lifespan": "1h", "whoami": {"tokenizer": {"templates": {"a": {}, "b": {}}}}},
            "identity": {"schemas": [{"id": "person", "url": "x"}, {"id": "robot", "url": "y"}]},
            "gateway": {"routes": {"api": {}}},
            "events": {"sinks": {"siem": {}}},
        });
        let everything = lost(&before, &json!({}));
        assert_eq!(everything.len(), 6, "{everything:?}");
        let mut after = before.clone();
        after["session"] = json!({"whoami": {"tokenizer": {"templates": {"a": {"ttl": "1m"}, "b": null}}}});
        after["identity"]["schemas"] = json!([{"id": "robot", "url": "z"}]);
        assert_eq!(lost(&before, &after), ["the template b", "the identity schema person"]);
        assert_eq!(lost(&json!({}), &before), [""; 0]);
    }

    #[test]
    fn what_a_removal_names_needs_no_question() {
        let before = json!({
            "session": {"whoami": {"tokenizer": {"templates": {"a/b": {}}}}},
            "identity": {"schemas": [{"id": "person", "url": "x"}]},
        });
        let named = |op: &str, path: &str| {
            named(&before, &[json!({"op": op, "path": format!("{CONFIG_PREFIX}{path}")})])
        };
        assert_eq!(named("remove", "/session/whoami/tokenizer/templates/a~1b"), ["the template a/b"]);
        assert_eq!(named("remove", "/identity/schemas/0"), ["the identity schema person"]);
        for (op, path) in [
            ("remove", "/session"),
            ("remove", "/session/whoami/tokenizer/templates"),
            ("replace", "/session/whoami/tokenizer/templates/a~1b"),
        ] {
            assert_eq!(named(op, path), [""; 0], "{op} {path}");
        }
    }
}
