//! Two layers of configuration: that of the machine, which files and the environment give, and over it the stored
//! revision.

use serde_json::Value;

use crate::keys::{of_machine, without_machine};
use crate::merge::merge;
use crate::patch::is_local_source;

/// The tree that a server runs with: the machine's keys of files and environment, and the rest of the
/// stored revision if there is one.
pub fn effective(base: &Value, stored: Option<&Value>) -> Value {
    let Some(stored) = stored else { return base.clone() };
    let mut tree = of_machine(base);
    merge(&mut tree, without_machine(stored));
    take_files_from(base, &mut tree);
    tree
}

/// Files are named by the machine's own configuration only: where a stored revision still has a
/// `file://` that it took over from there, what stands there now counts.
fn take_files_from(base: &Value, tree: &mut Value) {
    match (base, tree) {
        (Value::String(now), Value::String(stored)) if is_local_source(stored) => {
            stored.clone_from(now);
        }
        (Value::Object(base), Value::Object(stored)) => {
            for (name, member) in stored {
                if let Some(now) = base.get(name) {
                    take_files_from(now, member);
                }
            }
        }
        (Value::Array(base), Value::Array(stored)) => {
            // Items that have an id, as schemas do, belong together by it.
            for item in stored.iter_mut().filter(|item| item.get("id").is_some()) {
                if let Some(now) = base.iter().find(|now| now.get("id") == item.get("id")) {
                    take_files_from(now, item);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stored_revision_never_overrides_what_belongs_to_the_machine() {
        let base = json!({
            "dsn": "sqlite://now", "log": {"level": "warn"},
            "identity": {"schemas": [{"id": "b", "url": "file:///b/now"}, {"id": "a", "url": "file:///a/now"}]},
            "session": {"lifespan": "1h", "upstream": {"url": "http://now"},
                "whoami": {"tokenizer": {"templates": {"t": {"jwks_url": "file:///now"}}}}},
        });
        let stored = json!({
            "dsn": "sqlite://old", "log": {"level": "debug"},
            "identity": {"schemas": [{"id": "a", "url": "file:///a/old"}, {"id": "b", "url": "base64://e30="}]},
            "session": {"lifespan": "2h", "upstream": {"url": "http://old"}, "whoami": {"tokenizer": {"templates": {
                "t": {"jwks_url": "file:///old"}, "u": {"jwks_url": "set://u"}}}}},
        });
        assert_eq!(
            effective(&base, Some(&stored)),
            json!({
                "dsn": "sqlite://now", "log": {"level": "warn"},
                "identity": {"schemas": [{"id": "a", "url": "file:///a/now"}, {"id": "b", "url": "base64://e30="}]},
                "session": {"upstream": {"url": "http://now"}, "lifespan": "2h", "whoami": {"tokenizer": {"templates": {
                    "t": {"jwks_url": "file:///now"}, "u": {"jwks_url": "set://u"}}}}},
            })
        );
        assert_eq!(effective(&base, None), base);
    }
}
