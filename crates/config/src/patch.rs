//! JSON Patch (RFC 6902) on the identity configuration.

use serde_json::{Map, Value};
pub use sessera_model::json_patch::PatchError;
use sessera_model::json_patch::{Action, Budget, Operation};

use crate::config::read;
use crate::keys;
use crate::problem::escape;
use crate::redact::is_readable_at;

/// What project paths begin with.
const PREFIX: &str = "/services/identity/config";

/// The most operations of a patch.
const MAX_OPERATIONS: usize = 500;

/// The largest tree in bytes of JSON.
const MAX_TREE: usize = 4 * 1024 * 1024;

fn refuse<T>(pointer: impl Into<String>, message: impl Into<String>) -> Result<T, PatchError> {
    Err(PatchError::new(pointer, message))
}

/// Applies a patch, whose paths begin with `/services/identity/config`, to an identity configuration.
///
/// Every object that the configuration knows is there while it is applied, so a patch can add to it.
pub fn apply(tree: &Value, patch: &Value) -> Result<Value, PatchError> {
    let mut patched = run(tree, patch, |_, _| Ok(()))?;
    if patched.to_string().len() > MAX_TREE {
        return refuse("", "the configuration would be larger than 4 MiB");
    }
    check(tree, &patched)?;
    keys::prune(&mut patched);
    Ok(patched)
}

/// The pointer of the first place that a patch copies, moves or tests and whose value only owners are shown. Whoever may
/// do that with it learns what it is.
pub fn hidden_read(tree: &Value, patch: &Value) -> Option<String> {
    let mut hidden = None;
    // What else is wrong with the patch is said when it is applied.
    let _ = run(tree, patch, |patched, operation| {
        let source = match operation.action {
            Action::Move(from) | Action::Copy(from) => from,
            Action::Test(_) => operation.path,
            Action::Add(_) | Action::Replace(_) | Action::Remove => return Ok(()),
        };
        match patched.pointer(source) {
            Some(value) if !is_readable_at(value, source) => {
                hidden = Some(source.to_owned());
                refuse(source, "its value is a secret")
            }
            _ => Ok(()),
        }
    });
    hidden
}

/// Applies the operations of a patch one after the other. Each is shown to `look` before, with the tree as it is then.
fn run(
    tree: &Value,
    patch: &Value,
    mut look: impl FnMut(&Value, &Operation<'_>) -> Result<(), PatchError>,
) -> Result<Value, PatchError> {
    let Value::Array(operations) = patch else {
        return refuse("", "a JSON Patch is a list of operations (RFC 6902)");
    };
    if operations.len() > MAX_OPERATIONS {
        return refuse("", format!("a patch has at most {MAX_OPERATIONS} operations"));
    }
    let mut patched = keys::without_machine(&keys::materialised(tree));
    let mut budget = Budget::new(MAX_TREE);
    for (number, operation) in operations.iter().enumerate() {
        let parsed = Operation::parse(operation)
            .map_err(|error| PatchError { pointer: format!("/{number}{}", error.pointer), ..error })?;
        let operation = in_tree(parsed)?;
        look(&patched, &operation)?;
        operation.apply(&mut patched, &mut budget)?;
    }
    Ok(patched)
}

/// Checks a whole tree that replaces another.
pub fn check(before: &Value, after: &Value) -> Result<(), PatchError> {
    if !after.is_object() {
        return refuse("", "the identity configuration must be an object");
    }
    if let Some(machine) = keys::any_of_machine(after) {
        return refuse(format!("/{}", machine.replace('.', "/")), belongs_to_machine(&machine));
    }
    let (_, findings) = read(after);
    // What nobody knew before, in a configuration file perhaps, was warned about and stays.
    let unknown = findings.unknown.into_iter().chain(findings.mistaken);
    let unknown = unknown.filter(|finding| before.pointer(&finding.pointer).is_none());
    if let Some(finding) = findings.wrong.into_iter().chain(unknown).next() {
        return refuse(finding.pointer, finding.message);
    }
    no_new_files(before, after, &mut String::new())
}

/// Whether a value names a source on the server's machine: a file, or a library with the file of its PIN.
pub fn is_local_source(text: &str) -> bool {
    // As sources are read: white space around them does not count.
    let text = text.trim_start();
    text.starts_with("file://") || text.starts_with("pkcs11:")
}

/// Does something one step further down.
fn below<T>(pointer: &mut String, name: &str, visit: impl FnOnce(&mut String) -> T) -> T {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(&escape(name));
    let outcome = visit(pointer);
    pointer.truncate(length);
    outcome
}

/// Refuses `file://` and `pkcs11:` values that were not there before.
fn no_new_files(before: &Value, after: &Value, pointer: &mut String) -> Result<(), PatchError> {
    match after {
        Value::String(text) if is_local_source(text) && before != after => refuse(
            pointer.as_str(),
            "file:// and pkcs11: name files of the server's machine and come from its configuration file only: send the content as base64://, or keep keys here and name them with set://",
        ),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            let known = before.get(name).unwrap_or(&Value::Null);
            below(pointer, name, |pointer| no_new_files(known, member, pointer))
        }),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(at, item)| {
            let known = before.get(at).unwrap_or(&Value::Null);
            below(pointer, &at.to_string(), |pointer| no_new_files(known, item, pointer))
        }),
        _ => Ok(()),
    }
}

/// The operation with its paths as they are within the tree. Those that lead elsewhere are refused.
fn in_tree(operation: Operation<'_>) -> Result<Operation<'_>, PatchError> {
    let inner = |path| {
        within(path)
            .ok_or_else(|| PatchError::new(path, format!("only paths under {PREFIX} can be changed here")))
    };
    let action = match operation.action {
        Action::Move(from) => Action::Move(inner(from)?),
        Action::Copy(from) => Action::Copy(inner(from)?),
        other => other,
    };
    let path = inner(operation.path)?;
    let names: Vec<&str> = path.split('/').skip(1).collect();
    if let Some(machine) = keys::machine_key(&names) {
        return refuse(path, belongs_to_machine(&machine.join(".")));
    }
    Ok(Operation { path, action })
}

fn within(path: &str) -> Option<&str> {
    path.strip_prefix(PREFIX).filter(|inner| inner.is_empty() || inner.starts_with('/'))
}

fn belongs_to_machine(name: &str) -> String {
    format!(
        "\"{name}\" belongs to the machine: set it in the configuration file or the environment of the server"
    )
}

/// The names of the templates that differ between two configurations.
pub fn touched_templates(before: &Value, after: &Value) -> Vec<String> {
    const TEMPLATES: &str = "/session/whoami/tokenizer/templates";
    let empty = Map::new();
    let old = before.pointer(TEMPLATES).and_then(Value::as_object).unwrap_or(&empty);
    let new = after.pointer(TEMPLATES).and_then(Value::as_object).unwrap_or(&empty);
    new.iter()
        .filter(|(name, template)| old.get(*name) != Some(template))
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operation(op: &str, path: &str, value: Value) -> Value {
        json!([{"op": op, "path": format!("{PREFIX}{path}"), "value": value}])
    }

    #[test]
    fn the_guide_s_add_works_on_a_project_without_templates() {
        let patch = operation("add", "/session/whoami/tokenizer/templates/t", json!({"jwks_url": "set://k"}));
        let patched = apply(&json!({"session": {"lifespan": "1h"}}), &patch).unwrap();
        assert_eq!(
            patched,
            json!({"session": {"lifespan": "1h", "whoami": {"tokenizer": {"templates": {"t": {"jwks_url": "set://k"}}}}}})
        );
        assert_eq!(touched_templates(&json!({}), &patched), ["t"]);
        assert!(touched_templates(&patched, &patched).is_empty());
    }

    #[test]
    fn what_must_not_be_patched_is_refused() {
        let tree = json!({"session": {"lifespan": "1h"}});
        let refused = |patch: Value| apply(&tree, &patch).unwrap_err().to_string();
        assert!(refused(operation("add", "/dsn", json!("x"))).contains("belongs to the machine"));
        assert!(refused(operation("add", "", json!({"serve": {}}))).contains("belongs to the machine"));
        let upstream = json!({"url": "http://evil.example"});
        for (path, value) in [
            ("/session/upstream", upstream.clone()),
            ("/session/upstream/url", json!("http://evil.example")),
            ("/session", json!({"upstream": upstream})),
        ] {
            let told = refused(operation("add", path, value));
            assert!(told.contains("\"session.upstream\" belongs to the machine"), "{told}");
        }
        assert!(refused(operation("add", "/session/lifespn", json!("1h"))).contains("lifespan"));
        assert!(refused(operation("replace", "/session/lifespan", json!(5))).contains("/session/lifespan"));
        assert!(refused(operation("add", "/nope/x", json!(5))).contains("/nope"));
        assert!(refused(operation("remove", "/session/cookie/name", json!(5))).contains("nothing to remove"));
        assert!(refused(operation("x", "/session", json!(5))).contains("no operation"));
        assert!(refused(json!([{"op": "add", "path": "/other", "value": 1}])).contains(PREFIX));
        assert!(refused(json!({})).contains("list"));
        for source in
            ["file:///etc/passwd", " file:///etc/passwd", "pkcs11:object=k?module-path=/tmp/evil.so"]
        {
            let template = json!({ "jwks_url": source });
            let said = refused(operation("add", "/session/whoami/tokenizer/templates/t", template));
            assert!(said.contains("base64://"), "{source}: {said}");
        }
    }

    #[test]
    fn a_key_that_was_unknown_before_does_not_block_others() {
        let tree = json!({"sesion": 1, "session": {"lifespn": "1h"}});
        let patched = apply(&tree, &operation("add", "/session/lifespan", json!("1h"))).unwrap();
        assert_eq!(patched, json!({"sesion": 1, "session": {"lifespn": "1h", "lifespan": "1h"}}));
        assert!(apply(&tree, &operation("add", "/session/nope", json!(1))).is_err());
    }

    #[test]
    fn parents_are_made_and_replace_adds() {
        let template = "/session/whoami/tokenizer/templates/t";
        let made = json!({"session": {"whoami": {"tokenizer": {"templates": {"t": {"ttl": "1m"}}}}}});
        for (op, tree) in [("add", json!({})), ("replace", json!({})), ("replace", json!({"session": null}))]
        {
            let patched = apply(&tree, &operation(op, &format!("{template}/ttl"), json!("1m")));
            assert_eq!(patched.unwrap(), made, "{op} {tree}");
        }
        let missing =
            apply(&json!({}), &operation("replace", "/selfservice/allowed_return_urls/3", json!("x")));
        assert!(missing.is_err(), "an element that is not there");
    }

    #[test]
    fn what_stays_keeps_its_order() {
        let templates =
            json!({"z": {"ttl": "1m"}, "b": {"ttl": "1m"}, "q": {"ttl": "1m"}, "a": {"ttl": "1m"}});
        let tree = json!({"session": {"whoami": {"tokenizer": {"templates": templates}}}});
        let removed = operation("remove", "/session/whoami/tokenizer/templates/b", json!(null));
        let patched = apply(&tree, &removed).unwrap();
        let left = patched.pointer("/session/whoami/tokenizer/templates").and_then(Value::as_object).unwrap();
        assert_eq!(left.keys().collect::<Vec<_>>(), ["z", "q", "a"]);
    }

    #[test]
    fn copies_cannot_grow_without_end() {
        let mut patch = vec![
            json!({"op": "add", "path": format!("{PREFIX}/session/whoami/tokenizer/templates/a"), "value": ["x".repeat(1000)]}),
        ];
        for _ in 0..40 {
            patch.push(json!({"op": "copy", "from": format!("{PREFIX}/session/whoami/tokenizer/templates/a"), "path": format!("{PREFIX}/session/whoami/tokenizer/templates/a/-")}));
        }
        assert!(apply(&json!({}), &Value::Array(patch)).is_err());
    }
}
