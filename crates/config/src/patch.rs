//! JSON Patch (RFC 6902) on the identity configuration.

use serde_json::{Map, Value};

use crate::config::read;
use crate::keys::{self, is_of_machine};
use crate::problem::escape;

/// What project paths begin with.
const PREFIX: &str = "/services/identity/config";

/// The most operations of a patch.
const MAX_OPERATIONS: usize = 500;

/// The largest tree in bytes of JSON.
const MAX_TREE: usize = 4 * 1024 * 1024;

/// A patch is refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct PatchError {
    /// The JSON Pointer of what is to blame.
    pub pointer: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

fn refuse<T>(pointer: impl Into<String>, message: impl Into<String>) -> Result<T, PatchError> {
    Err(PatchError { pointer: pointer.into(), message: message.into() })
}

/// Applies a patch, whose paths begin with `/services/identity/config`, to an identity configuration.
///
/// Every object that the configuration knows is there while it is applied, so a patch can add to it.
pub fn apply(tree: &Value, patch: &Value) -> Result<Value, PatchError> {
    let Value::Array(operations) = patch else {
        return refuse("", "a JSON Patch is a list of operations (RFC 6902)");
    };
    if operations.len() > MAX_OPERATIONS {
        return refuse("", format!("a patch has at most {MAX_OPERATIONS} operations"));
    }
    let mut patched = keys::materialised(tree);
    if let Value::Object(members) = &mut patched {
        members.retain(|name, _| !is_of_machine(name));
    }
    apply_all(&mut patched, operations)?;
    if patched.to_string().len() > MAX_TREE {
        return refuse("", "the configuration would be larger than 4 MiB");
    }
    check(tree, &patched)?;
    keys::prune(&mut patched);
    Ok(patched)
}

fn apply_all(tree: &mut Value, operations: &[Value]) -> Result<(), PatchError> {
    operations.iter().enumerate().try_for_each(|(number, operation)| apply_one(tree, operation, number))
}

/// Checks a whole tree that replaces another.
pub fn check(before: &Value, after: &Value) -> Result<(), PatchError> {
    let Value::Object(members) = after else {
        return refuse("", "the identity configuration must be an object");
    };
    if let Some(machine) = members.keys().find(|name| is_of_machine(name)) {
        return refuse(
            format!("/{machine}"),
            format!(
                "\"{machine}\" belongs to the machine: set it in the configuration file or the environment of the server"
            ),
        );
    }
    let (_, findings) = read(after);
    // What nobody knew before, in a configuration file perhaps, was warned about and stays.
    let unknown = findings.unknown.into_iter().filter(|finding| before.pointer(&finding.pointer).is_none());
    if let Some(finding) = findings.wrong.into_iter().chain(unknown).next() {
        return refuse(finding.pointer, finding.message);
    }
    no_new_files(before, after, String::new())
}

/// Whether a value names something of the server's machine: a file, or a library with the file of its PIN.
pub fn is_of_the_machine(text: &str) -> bool {
    // As sources are read: white space around them does not count.
    let text = text.trim_start();
    text.starts_with("file://") || text.starts_with("pkcs11:")
}

/// Refuses `file://` and `pkcs11:` values that were not there before.
fn no_new_files(before: &Value, after: &Value, pointer: String) -> Result<(), PatchError> {
    match after {
        Value::String(text) if is_of_the_machine(text) && before != after => refuse(
            pointer,
            "file:// and pkcs11: name files of the server's machine and come from its configuration file only: send the content as base64://, or keep keys here and name them with set://",
        ),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            let known = before.get(name).unwrap_or(&Value::Null);
            no_new_files(known, member, format!("{pointer}/{}", escape(name)))
        }),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(at, item)| {
            no_new_files(before.get(at).unwrap_or(&Value::Null), item, format!("{pointer}/{at}"))
        }),
        _ => Ok(()),
    }
}

fn apply_one(tree: &mut Value, operation: &Value, number: usize) -> Result<(), PatchError> {
    let Some(members) = operation.as_object() else {
        return refuse(format!("/{number}"), "an operation is an object with \"op\" and \"path\"");
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let Some(path) = text("path") else {
        return refuse(format!("/{number}/path"), "the operation needs a \"path\"");
    };
    let Some(inner) = path.strip_prefix(PREFIX).filter(|inner| inner.is_empty() || inner.starts_with('/'))
    else {
        return refuse(path, format!("only paths under {PREFIX} can be changed here"));
    };
    let first = inner.split('/').nth(1).unwrap_or_default();
    if is_of_machine(first) {
        return refuse(
            inner,
            format!(
                "\"{first}\" belongs to the machine: set it in the configuration file or the environment of the server"
            ),
        );
    }
    let from = text("from").and_then(|from| from.strip_prefix(PREFIX));
    let value = || match members.get("value") {
        Some(value) => Ok(value.clone()),
        None => refuse(inner, "the operation needs a \"value\""),
    };
    match text("op") {
        Some("add") => add(tree, inner, value()?),
        Some("replace") => replace(tree, inner, value()?),
        Some("remove") => remove(tree, inner).map(|_| ()),
        Some("test") => {
            let wanted = value()?;
            match tree.pointer(inner) {
                Some(found) if equal(found, &wanted) => Ok(()),
                _ => refuse(inner, "the test failed: the value there is another one"),
            }
        }
        Some(op @ ("move" | "copy")) => {
            let Some(from) = from else {
                return refuse(inner, format!("the operation {op} needs \"from\" under {PREFIX}"));
            };
            if op == "move" && inner.starts_with(&format!("{from}/")) {
                return refuse(inner, "a value cannot be moved into itself");
            }
            let moved = match (op, tree.pointer(from)) {
                (_, None) => return refuse(from, "there is nothing at \"from\""),
                ("copy", Some(found)) => found.clone(),
                _ => remove(tree, from)?,
            };
            if tree.to_string().len() + moved.to_string().len() > MAX_TREE {
                return refuse(inner, "the configuration would be larger than 4 MiB");
            }
            add(tree, inner, moved)
        }
        Some(other) => refuse(
            inner,
            format!(
                "\"{}\" is no operation: use add, remove, replace, move, copy or test",
                other.chars().take(16).collect::<String>()
            ),
        ),
        None => refuse(format!("/{number}/op"), "the operation needs an \"op\""),
    }
}

/// Splits a pointer into the place of its parent and the last name.
fn split(pointer: &str) -> Option<(&str, String)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn parent<'t>(tree: &'t mut Value, pointer: &str) -> Result<(&'t mut Value, String), PatchError> {
    let Some((above, name)) = split(pointer) else {
        return refuse(pointer, "the path must begin with /");
    };
    match tree.pointer_mut(above) {
        Some(parent @ (Value::Object(_) | Value::Array(_))) => Ok((parent, name)),
        Some(_) => refuse(pointer, format!("\"{above}\" is neither an object nor a list")),
        None => refuse(pointer, format!("there is nothing at \"{above}\" to which this could be added")),
    }
}

/// An index into a list (RFC 6901, section 4): digits without a leading zero.
fn index(name: &str, len: usize, pointer: &str) -> Result<usize, PatchError> {
    let good = name == "0"
        || (!name.starts_with('0') && !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()));
    match name.parse::<usize>().ok().filter(|at| good && *at < len) {
        Some(at) => Ok(at),
        None => refuse(pointer, format!("\"{name}\" is no place in a list of {len}")),
    }
}

fn add(tree: &mut Value, pointer: &str, value: Value) -> Result<(), PatchError> {
    if pointer.is_empty() {
        *tree = value;
        return Ok(());
    }
    match parent(tree, pointer)? {
        (Value::Object(members), name) => {
            members.insert(name, value);
        }
        (Value::Array(items), name) if name == "-" => items.push(value),
        (Value::Array(items), name) => {
            let at = index(&name, items.len() + 1, pointer)?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn replace(tree: &mut Value, pointer: &str, value: Value) -> Result<(), PatchError> {
    match tree.pointer_mut(pointer) {
        Some(found) => {
            *found = value;
            Ok(())
        }
        None => refuse(pointer, "there is nothing to replace; use add"),
    }
}

fn remove(tree: &mut Value, pointer: &str) -> Result<Value, PatchError> {
    if pointer.is_empty() {
        return Ok(std::mem::replace(tree, Value::Object(Map::new())));
    }
    let removed = match parent(tree, pointer)? {
        (Value::Object(members), name) => members.shift_remove(&name),
        (Value::Array(items), name) => {
            let at = index(&name, items.len(), pointer)?;
            Some(items.remove(at))
        }
        _ => None,
    };
    removed.map_or_else(|| refuse(pointer, "there is nothing to remove"), Ok)
}

/// Equal as RFC 6902, section 4.6 has it: numbers by value.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
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

    /// Public vectors, where they are there: each case is a document, a patch, and what comes of it.
    #[test]
    fn public_vectors() {
        let folder = std::env::var_os("SESSERA_VECTORS").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
            std::path::PathBuf::from,
        );
        let mut run = 0;
        for file in ["spec_tests.json", "tests.json"] {
            let Ok(text) = std::fs::read_to_string(folder.join("json-patch").join(file)) else {
                eprintln!("skipped: no vectors for JSON Patch here (SESSERA_VECTORS)");
                return;
            };
            let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
            for case in cases.iter().filter(|case| case.get("doc").is_some() && case["disabled"] != true) {
                let mut patch = case["patch"].clone();
                for operation in patch.as_array_mut().unwrap() {
                    for name in ["path", "from"] {
                        if let Some(path) = operation.get(name).and_then(Value::as_str) {
                            // A path that does not begin with a slash stays the wrong one that it is.
                            operation[name] = format!("{PREFIX}{path}").into();
                        }
                    }
                }
                let mut document = case["doc"].clone();
                let outcome = apply_all(&mut document, patch.as_array().unwrap());
                if case.get("error").is_some() {
                    assert!(outcome.is_err(), "{case}");
                } else {
                    assert!(outcome.is_ok(), "{case}: {outcome:?}");
                    let expected = case.get("expected").unwrap_or(&document);
                    assert!(equal(&document, expected), "{case}: {document}");
                }
                run += 1;
            }
        }
        assert!(run > 100, "{run}");
    }

    #[test]
    fn rfc_6902_s_examples() {
        // Appendix A, on a part of the tree where anything may stand.
        let at = "/session/whoami/tokenizer/templates";
        let start = |inner: Value| json!({"session": {"whoami": {"tokenizer": {"templates": inner}}}});
        let run = |inner: Value, patch: Value| {
            let mut patch = patch;
            for operation in patch.as_array_mut().unwrap() {
                for name in ["path", "from"] {
                    if let Some(path) = operation.get(name).and_then(Value::as_str) {
                        operation[name] = format!("{PREFIX}{at}{path}").into();
                    }
                }
            }
            apply(&start(inner), &patch).map(|tree| tree.pointer(at).cloned().unwrap_or_else(|| json!({})))
        };
        let table = [
            (
                json!({"foo": ["bar", "baz"]}),
                json!([{"op": "add", "path": "/foo/1", "value": "qux"}]),
                Some(json!({"foo": ["bar", "qux", "baz"]})),
            ),
            (
                json!({"baz": "qux", "foo": "bar"}),
                json!([{"op": "remove", "path": "/baz"}]),
                Some(json!({"foo": "bar"})),
            ),
            (
                json!({"foo": ["a", "b", "c"]}),
                json!([{"op": "remove", "path": "/foo/1"}]),
                Some(json!({"foo": ["a", "c"]})),
            ),
            (
                json!({"baz": "qux"}),
                json!([{"op": "replace", "path": "/baz", "value": "boo"}]),
                Some(json!({"baz": "boo"})),
            ),
            (
                json!({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"c": "g"}}),
                json!([{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}]),
                Some(json!({"foo": {"bar": "baz"}, "qux": {"c": "g", "thud": "fred"}})),
            ),
            (
                json!({"foo": ["all", "grass", "cows", "eat"]}),
                json!([{"op": "move", "from": "/foo/1", "path": "/foo/3"}]),
                Some(json!({"foo": ["all", "cows", "eat", "grass"]})),
            ),
            (json!({"baz": "qux"}), json!([{"op": "test", "path": "/baz", "value": "bar"}]), None),
            (json!({"foo": "bar"}), json!([{"op": "add", "path": "/baz/bat", "value": "qux"}]), None),
            (
                json!({"/": 9, "~1": 10}),
                json!([{"op": "test", "path": "/~01", "value": 10}]),
                Some(json!({"/": 9, "~1": 10})),
            ),
            (
                json!({"foo": ["bar"]}),
                json!([{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}]),
                Some(json!({"foo": ["bar", ["abc", "def"]]})),
            ),
            (
                json!({"foo": [1]}),
                json!([{"op": "copy", "from": "/foo", "path": "/bar"}]),
                Some(json!({"foo": [1], "bar": [1]})),
            ),
            (json!({"foo": [1, 2]}), json!([{"op": "remove", "path": "/foo/01"}]), None),
            (
                json!({"foo": 1.0}),
                json!([{"op": "test", "path": "/foo", "value": 1}]),
                Some(json!({"foo": 1.0})),
            ),
        ];
        for (inner, patch, result) in table {
            assert_eq!(run(inner, patch.clone()).ok(), result, "{patch}");
        }
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
