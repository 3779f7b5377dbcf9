//! The tree without its secrets, and the difference of two trees.

use serde_json::{Map, Value, json};
use sessera_jose::JwkSet;
use sessera_tokenizer::source::decode_base64;

use crate::keys::kind_at;
use crate::kind::Kind;
use crate::problem::{escape, names};
use crate::shown::{has_user, hidden, host_alone, short_digest, without_secrets};

/// The tree with every secret replaced by a short digest and every `base64://` key set by its key ids. A tree without its
/// secrets stays as it is.
#[must_use]
pub fn redacted(tree: &Value) -> Value {
    redact(tree, &mut Vec::new(), false)
}

/// The tree without its secrets, in which mappers and schemas can be read.
#[must_use]
pub fn readable(tree: &Value) -> Value {
    redact(tree, &mut Vec::new(), true)
}

/// Whether the value at a pointer stands in [`readable`] as it is.
pub(crate) fn is_readable_at(value: &Value, pointer: &str) -> bool {
    redact(value, &mut names(pointer), true) == *value
}

/// With `contents`, what stands behind `base64://` is left as it is where no keys stand there.
fn redact(value: &Value, path: &mut Vec<String>, contents: bool) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| {
                path.push(name.clone());
                let shown = redact(member, path, contents);
                path.pop();
                (name.clone(), shown)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                path.push(at.to_string());
                let shown = redact(item, path, contents);
                path.pop();
                shown
            })
            .collect(),
        Value::String(text) => {
            let shown = match text.strip_prefix("base64://") {
                Some(_) if contents && is_shown(path) && !holds_secret(value, path) => text.clone(),
                Some(content) => describe_base64(content),
                None if is_private_url(path) => host_alone(text),
                None if is_shown(path) && text.starts_with(KEY_SET) => text.clone(),
                None if is_shown(path) => without_secrets(text),
                None => hidden(text),
            };
            Value::from(shown)
        }
        Value::Number(number) if !is_shown(path) => Value::from(short_digest(number.to_string().as_bytes())),
        other => other.clone(),
    }
}

/// Whether somebody who reads a tree learns a secret.
pub fn holds_secrets(tree: &Value) -> bool {
    holds_secret(tree, &mut Vec::new())
}

/// Whether somebody who reads the value at a pointer learns a secret.
pub(crate) fn holds_secrets_at(value: &Value, pointer: &str) -> bool {
    holds_secret(value, &mut names(pointer))
}

/// A value that somebody wants at a pointer, with `VALUE` in the place of each secret.
#[must_use]
pub fn with_placeholders(value: &Value, pointer: &str) -> Value {
    fn walk(value: &Value, path: &mut Vec<String>) -> Value {
        match value {
            Value::Object(members) => {
                let member = |(name, member): (&String, &Value)| {
                    path.push(name.clone());
                    let shown = walk(member, path);
                    path.pop();
                    (name.clone(), shown)
                };
                members.iter().map(member).collect::<Map<_, _>>().into()
            }
            Value::Array(items) => {
                let item = |(at, item): (usize, &Value)| {
                    path.push(at.to_string());
                    let shown = walk(item, path);
                    path.pop();
                    shown
                };
                items.iter().enumerate().map(item).collect()
            }
            other if holds_secret(other, path) => "VALUE".into(),
            other => other.clone(),
        }
    }
    walk(value, &mut names(pointer))
}

fn holds_secret(value: &Value, path: &mut Vec<String>) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, member)| {
            path.push(name.clone());
            let holds = holds_secret(member, path);
            path.pop();
            holds
        }),
        Value::Array(items) => items.iter().enumerate().any(|(at, item)| {
            path.push(at.to_string());
            let holds = holds_secret(item, path);
            path.pop();
            holds
        }),
        Value::String(text) => {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let is_secret = match kind_at(&names) {
                Some(Kind::Template) => names.last() == Some(&"jwks_url") && text.starts_with("base64://"),
                Some(kind) if kind.is_secret() => !is_bare_address(text),
                Some(Kind::Any) | None => below_known(&names).iter().any(|name| sounds_secret(name)),
                // A name or an address of mail may have an @, too.
                Some(Kind::Text) => text.contains("://") && has_user(text),
                Some(_) => has_user(text),
            };
            is_secret && !text.is_empty()
        }
        _ => false,
    }
}

/// The end of a path that no section has. What stands before it has names that say what they are, as the method `password` does.
fn below_known<'p, 's>(path: &'p [&'s str]) -> &'p [&'s str] {
    let is_known = |length: &usize| kind_at(&path[..*length]).is_some_and(|kind| !matches!(kind, Kind::Any));
    &path[(0..path.len()).rev().find(is_known).unwrap_or_default()..]
}

/// Whether a text is an address without a password, as that of a database in a file is.
fn is_bare_address(text: &str) -> bool {
    text.contains("://") && !text.contains('@') && !text.contains("password=")
}

/// Whether the name of a key that no section has is that of a secret.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "value"
        || ["secret", "password", "key", "token", "authorization"].iter().any(|part| name.contains(part))
}

/// Whether the value at a path may be shown: a section has its key, and it is no secret. In what no section has,
/// secrets may stand of which nobody here knows.
fn is_shown(path: &[String]) -> bool {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    kind_at(&names).is_some_and(|kind| !kind.is_secret() && !matches!(kind, Kind::Any))
}

/// Whether the value at a path is an address of which the host alone may be shown.
fn is_private_url(path: &[String]) -> bool {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(kind_at(&names), Some(Kind::PrivateUrl))
}

/// How the description of a key set begins.
const KEY_SET: &str = "(key set with the keys ";

fn describe_base64(content: &str) -> String {
    let bytes = decode_base64(content).unwrap_or_default();
    match JwkSet::parse(&bytes) {
        Ok(set) => {
            let kids: Vec<&str> = set.keys().iter().map(sessera_jose::Jwk::kid).collect();
            format!("{KEY_SET}{}) {}", kids.join(", "), short_digest(&bytes))
        }
        Err(_) => short_digest(content.as_bytes()),
    }
}

/// What changed from one tree to another, without secrets: `[{"op","path","before"?,"after"?}]`.
#[must_use]
pub fn difference(before: &Value, after: &Value) -> Value {
    let mut changes = Vec::new();
    compare(&redacted(before), &redacted(after), "", &mut changes);
    Value::Array(changes)
}

/// The places at which one tree says something else than another.
#[must_use]
pub fn changed_places(before: &Value, after: &Value) -> Vec<String> {
    let changes = difference(before, after);
    let path = |change: &Value| change.get("path").and_then(Value::as_str).map(str::to_owned);
    changes.as_array().into_iter().flatten().filter_map(path).collect()
}

/// A difference that was stored, perhaps by a version that hid less, as it may be shown now.
#[must_use]
pub fn shown_difference(stored: &str) -> Value {
    let mut changes: Value = serde_json::from_str(stored).unwrap_or_default();
    for change in changes.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let path = names(change.get("path").and_then(Value::as_str).unwrap_or_default());
        for side in ["before", "after"] {
            if let Some(value) = change.get_mut(side) {
                *value = redact(value, &mut path.clone(), false);
            }
        }
    }
    changes
}

fn compare(before: &Value, after: &Value, pointer: &str, changes: &mut Vec<Value>) {
    if before == after {
        return;
    }
    if let (Value::Object(old), Value::Object(new)) = (before, after) {
        for (name, value) in old {
            let at = format!("{pointer}/{}", escape(name));
            match new.get(name) {
                Some(other) => compare(value, other, &at, changes),
                None => changes.push(json!({"op": "remove", "path": at, "before": value})),
            }
        }
        for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            let at = format!("{pointer}/{}", escape(name));
            changes.push(json!({"op": "add", "path": at, "after": value}));
        }
        return;
    }
    changes.push(json!({"op": "replace", "path": pointer, "before": before, "after": after}));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shown_as_ids_and_digests() {
        let set = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldA","kid":"k1@a?b"}]}"#;
        let encoded = sessera_jose::base64url::encode(set);
        let tree = json!({
            "secrets": {"cipher": ["very secret"]},
            "courier": {"smtp": {"connection_uri": "smtp://u:password@h", "headers": {"X-Key": "SECRET-ONE"}}},
            "selfservice": {
                "methods": {
                    "oidc": {"config": {"providers": [{"client_secret": "SECRET-TWO"}]}},
                    "captcha": {"config": {"secret": 31337}},
                },
                "flows": {"registration": {"after": {"hooks": [{"config": {"auth": {"value": "SECRET-THREE"}}}]}}},
            },
            "session": {"lifespan": "1h", "whoami": {"tokenizer": {"templates": {"t": {
                "jwks_url": format!("base64://{encoded}"), "claims_mapper_url": "base64://e30="}}}}},
        });
        let shown = redacted(&tree).to_string();
        for secret in ["very secret", "password@", &encoded, "c2VjcmV0", "SECRET-", "31337"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("k1") && shown.contains("1h"));
        assert_eq!(redacted(&redacted(&tree)), redacted(&tree));
        let shown = readable(&tree).to_string();
        for secret in ["very secret", "password@", &encoded, "c2VjcmV0", "SECRET-", "31337"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("k1") && shown.contains("base64://e30="), "{shown}");
    }

    #[test]
    fn of_a_receiver_of_events_the_host_is_shown_alone() {
        let sink = |path: &str| json!({"events": {"sinks": {"a": {"url": format!("https://example.org:8443{path}")}}}});
        let tree = sink("/in/SECRET?key=SECRET");
        for shown in [redacted(&tree), readable(&tree), difference(&json!({}), &tree)] {
            let shown = shown.to_string();
            assert!(
                shown.contains("https://example.org:8443/(sha256 ") && !shown.contains("SECRET"),
                "{shown}"
            );
        }
        assert_eq!(redacted(&sink("/")), sink("/"));
        assert_eq!(difference(&tree, &sink("/in/OTHER")).as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn what_an_earlier_version_stored_is_shown_as_new_differences_are() {
        let sink = |url: &str| json!({"events": {"sinks": {"a": {"url": url, "secret": ["whsec_SECRET"]}}}});
        let (one, other) = (sink("https://u:SECRET@x/in/SECRET"), sink("https://x/SECRET?key=SECRET"));
        for (before, after) in [(json!({}), one.clone()), (one.clone(), other), (one, json!({}))] {
            let new = difference(&before, &after);
            let mut whole = Vec::new();
            compare(&before, &after, "", &mut whole);
            assert!(Value::from(whole.clone()).to_string().contains("/in/SECRET"));
            assert_eq!(shown_difference(&Value::from(whole).to_string()), new);
            assert_eq!(shown_difference(&new.to_string()), new, "what is hidden stays as it is");
            assert!(!new.to_string().contains("SECRET"), "{new}");
        }
    }

    #[test]
    fn files_with_secrets_are_told_from_those_without() {
        for tree in [
            json!({"secrets": {"cipher": ["x"]}}),
            json!({"serve": {"admin": {"token": "x"}}}),
            json!({"dsn": "postgres://user:word@host/db"}),
            json!({"courier": {"smtp": {"connection_uri": "smtp://u:p@h"}}}),
            json!({"courier": {"smtp": {"headers": {"X-Key": "x"}}}}),
            json!({"tracing": {"providers": {"otlp": {"authorization_header": "x"}}}}),
            json!({"selfservice": {"methods": {"oidc": {"config": {"providers": [{"client_secret": "x"}]}}}}}),
            json!({"serve": {"public": {"tls": {"key": {"base64": "x"}}}}, "secrets": {"pagination": ["x"]}}),
            json!({"session": {"whoami": {"tokenizer": {"templates": {"t": {"jwks_url": "base64://e30="}}}}}}),
            json!({"selfservice": {"flows": {"login": {"after": {"password": {"hooks": [{"hook": "web_hook", "config": {"auth": {"config": {"value": "x"}}}}]}}}}}}),
        ] {
            assert!(holds_secrets(&tree), "{tree}");
        }
        for tree in [
            json!({"dsn": "sqlite:///var/lib/sessera.sqlite", "version": "v1.0.0"}),
            json!({"courier": {"smtp": {"connection_uri": "smtp://localhost:25"}}}),
            json!({"session": {"whoami": {"tokenizer": {"templates": {"t": {"jwks_url": "set://k", "claims_mapper_url": "base64://e30="}}}}}}),
            json!({"selfservice": {"flows": {"login": {"after": {"password": {"hooks": [{"hook": "session"}]}}}}}}),
        ] {
            assert!(!holds_secrets(&tree), "{tree}");
        }
    }

    #[test]
    fn another_key_under_the_same_id_is_a_difference() {
        let with = |secret: &str| {
            let set = format!(r#"{{"keys":[{{"kty":"oct","k":"{secret}","kid":"k1"}}]}}"#);
            json!({"x": format!("base64://{}", sessera_jose::base64url::encode(set))})
        };
        assert_eq!(difference(&with("YQ"), &with("Yg")).as_array().map(Vec::len), Some(1));
        assert_eq!(difference(&with("YQ"), &with("YQ")), json!([]));
    }

    #[test]
    fn differences_are_told_by_place() {
        let before = json!({"dev": true, "session": {"lifespan": "1h", "x/y": 2}, "same": [1]});
        let after = json!({"session": {"lifespan": "2h", "x/y": 2, "cookie": {}}, "same": [1]});
        assert_eq!(
            difference(&before, &after),
            json!([
                {"op": "remove", "path": "/dev", "before": true},
                {"op": "replace", "path": "/session/lifespan", "before": "1h", "after": "2h"},
                {"op": "add", "path": "/session/cookie", "after": {}},
            ])
        );
    }
}
