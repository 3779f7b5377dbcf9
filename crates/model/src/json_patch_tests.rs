use serde_json::json;

use super::*;

const ROOM: usize = 10_000;

fn patched(document: Value, patch: &Value) -> Result<Value, PatchError> {
    let (mut document, mut budget) = (document, Budget::new(ROOM));
    for operation in patch.as_array().unwrap() {
        Operation::parse(operation)?.apply(&mut document, &mut budget)?;
    }
    Ok(document)
}

fn one(document: Value, op: &str, path: &str, value: Value) -> Result<Value, PatchError> {
    patched(document, &json!([{"op": op, "path": path, "value": value}]))
}

#[test]
fn parents_that_are_absent_or_null_are_made() {
    for op in ["add", "replace"] {
        for document in [json!({}), json!({"a": null}), json!({"a": {}}), json!({"a": {"b": null}})] {
            assert_eq!(one(document, op, "/a/b/c", json!(1)).unwrap(), json!({"a": {"b": {"c": 1}}}));
        }
    }
    assert_eq!(one(json!({"a": null}), "add", "/a/-", json!(1)).unwrap(), json!({"a": [1]}));
    assert_eq!(one(json!({}), "add", "/a/0/b", json!(1)).unwrap_err().pointer, "/a/0/b");
    assert_eq!(one(json!({}), "add", "/a/b/0", json!(1)).unwrap(), json!({"a": {"b": [1]}}));
    assert_eq!(one(json!([null]), "add", "/0/a", json!(1)).unwrap(), json!([{"a": 1}]));
    let moved = json!([{"op": "move", "from": "/x", "path": "/a/b"}]);
    assert_eq!(patched(json!({"x": 1}), &moved).unwrap(), json!({"a": {"b": 1}}));
    for parent in [json!(1), json!("text"), json!(false)] {
        let error = one(json!({ "a": parent }), "add", "/a/b/c", json!(1)).unwrap_err();
        assert!(error.message.contains("neither an object nor a list"), "{error}");
    }
}

#[test]
fn replace_adds_a_member_that_is_not_there() {
    assert_eq!(one(json!({"a": 1}), "replace", "/b", json!(2)).unwrap(), json!({"a": 1, "b": 2}));
    assert_eq!(one(json!({"a": 1}), "replace", "/a", json!(2)).unwrap(), json!({"a": 2}));
    assert_eq!(one(json!([1, 2]), "replace", "/1", json!(3)).unwrap(), json!([1, 3]));
}

#[test]
fn an_element_that_is_not_there_is_an_error() {
    for op in ["add", "replace", "remove", "test"] {
        for path in ["/a/9", "/a/9/b", "/a/-1", "/a/x", "/a/01", "/b/7", "/b/7/c"] {
            assert!(one(json!({"a": [1]}), op, path, json!(1)).is_err(), "{op} {path}");
        }
    }
    for op in ["replace", "remove"] {
        assert!(one(json!({"a": [1]}), op, "/a/1", json!(1)).is_err(), "{op} behind the end");
        assert!(one(json!({"a": [1]}), op, "/a/-", json!(1)).is_err(), "{op} behind the end");
    }
}

#[test]
fn what_is_removed_or_moved_leaves_the_order_of_the_rest() {
    let document = json!({"z": 1, "b": 1, "q": 1, "a": {"y": 1, "c": 1, "x": 1}});
    let patch = json!([
        {"op": "remove", "path": "/b"},
        {"op": "remove", "path": "/a/c"},
        {"op": "move", "from": "/z", "path": "/last"},
        {"op": "replace", "path": "/q", "value": 2},
    ]);
    let text = patched(document, &patch).unwrap().to_string();
    assert_eq!(text, r#"{"q":2,"a":{"y":1,"x":1},"last":1}"#);
}

#[test]
fn rfc_6902_s_examples() {
    let table = [
        (
            json!({"foo": ["bar", "baz"]}),
            json!([{"op": "add", "path": "/foo/1", "value": "qux"}]),
            Some(json!({"foo": ["bar", "qux", "baz"]})),
        ),
        (
            json!({"foo": ["a", "b", "c"]}),
            json!([{"op": "remove", "path": "/foo/1"}]),
            Some(json!({"foo": ["a", "c"]})),
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
        (json!({"foo": 1.0}), json!([{"op": "test", "path": "/foo", "value": 1}]), Some(json!({"foo": 1.0}))),
        (json!({"foo": {}}), json!([{"op": "move", "from": "/foo", "path": "/foo/bar"}]), None),
        (json!({"foo": 1}), json!([{"op": "move", "from": "/foo", "path": "/foo"}]), Some(json!({"foo": 1}))),
    ];
    for (document, patch, result) in table {
        assert_eq!(patched(document, &patch).ok(), result, "{patch}");
    }
}

#[test]
fn what_is_no_operation_is_refused() {
    for (operation, pointer) in [
        (json!([]), ""),
        (json!({"path": "/a", "value": 1}), "/op"),
        (json!({"op": "increase", "path": "/a", "value": 1}), "/op"),
        (json!({"op": "add", "value": 1}), "/path"),
        (json!({"op": "add", "path": "/a"}), "/value"),
        (json!({"op": "copy", "path": "/a"}), "/from"),
    ] {
        assert_eq!(Operation::parse(&operation).unwrap_err().pointer, pointer, "{operation}");
    }
    assert!(one(json!({}), "add", "a", json!(1)).is_err(), "a pointer begins with /");
}

#[test]
fn copies_cannot_grow_without_end() {
    let mut patch = vec![json!({"op": "add", "path": "/a", "value": ["x".repeat(100)]})];
    for _ in 0..40 {
        patch.push(json!({"op": "copy", "from": "/a", "path": "/a/-"}));
    }
    assert!(patched(json!({}), &Value::Array(patch)).unwrap_err().message.contains("too large"));
}

#[test]
fn nothing_is_nested_without_end() {
    let long = "/a".repeat(100_000);
    assert!(one(json!({}), "add", &long, json!(1)).unwrap_err().message.contains("nested"));
    let doubling: Vec<Value> = (0..20)
        .map(|step| json!({"op": "copy", "from": "/a", "path": "/a".repeat((1 << step) + 1)}))
        .collect();
    assert!(patched(json!({"a": {}}), &Value::Array(doubling)).is_err());
    let nested = (0..MAX_DEPTH).fold(json!(1), |inner, _| json!([inner]));
    assert!(one(json!({}), "add", "/a", nested).is_err());
}

/// Public vectors, where they are there: each case is a document, a patch, and what comes of it.
#[test]
fn public_vectors() {
    /// What the vectors call errors and is none here: parents are made.
    const LIBERTIES: [&str; 3] = ["missing objects", "non-existent target", "missing parent key"];
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
            let outcome = patched(case["doc"].clone(), &case["patch"]);
            let error = case.get("error").and_then(Value::as_str);
            if error.is_some_and(|error| !LIBERTIES.iter().any(|liberty| error.contains(liberty))) {
                assert!(outcome.is_err(), "{case}");
            } else {
                let document = outcome.unwrap_or_else(|error| panic!("{case}: {error}"));
                let expected = case.get("expected").unwrap_or(&document);
                assert!(equal(&document, expected), "{case}: {document}");
            }
            run += 1;
        }
    }
    assert!(run > 100, "{run}");
}

#[test]
fn long_lists_are_not_moved_again_and_again() {
    let list = json!({"list": vec![0; 20_000], "object": (0..20_000).map(|n| (n.to_string(), json!(0))).collect::<Map<_, _>>()});
    for operation in [
        json!({"op": "add", "path": "/list/0", "value": 1}),
        json!({"op": "move", "from": "/list/0", "path": "/list/-"}),
        json!({"op": "move", "from": "/list", "path": "/list"}),
        json!({"op": "move", "from": "/object/19999", "path": "/object/19999"}),
    ] {
        let patch = |times: usize| Value::Array(vec![operation.clone(); times]);
        assert!(patched(list.clone(), &patch(10)).is_ok(), "{operation}");
        let refused = patched(list.clone(), &patch(100)).unwrap_err();
        assert!(refused.message.contains("moves too much"), "{operation}: {refused}");
    }
    let at_the_end = json!({"op": "add", "path": "/list/-", "value": 1});
    assert!(patched(list, &Value::Array(vec![at_the_end; 1000])).is_ok());
}
