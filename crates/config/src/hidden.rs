//! Values of files and the environment that do not count, because a stored configuration replaces them.

use serde_json::Value;

use crate::keys::kind_at;
use crate::kind::Kind;
use crate::layers::effective;
use crate::problem::{dotted, escape};
use crate::redact::holds_secrets_at;
use crate::unsupported;
use crate::upstream::has_no_effect_with_upstream;

/// How many values are named in a sentence.
const MAX_NAMED: usize = 20;

/// The longest value that is written into a command.
const MAX_VALUE: usize = 80;

/// A value that does not count.
#[derive(Clone, Debug, PartialEq)]
struct Hidden {
    /// Its JSON Pointer.
    pointer: String,
    value: Value,
}

impl Hidden {
    /// The command that makes it count. A secret, and what is long, is left out of it.
    fn command(&self) -> String {
        let shown = self.value.to_string();
        let value = if shown.len() > MAX_VALUE || holds_secrets_at(&self.value, &self.pointer) {
            "VALUE".to_owned()
        } else {
            shown.replace('\'', r"'\''")
        };
        format!("sessera patch identity-config --add '{}={value}'", self.pointer)
    }
}

/// What to say about the values of a tree that do not count with a stored identity configuration over it: which they are, what makes
/// them count, and what goes thereby. Nothing when all of them count.
pub fn sentence(base: &Value, stored: &Value) -> Option<String> {
    let hidden = hidden(base, stored);
    let first = hidden.first()?;
    let gone = differing(stored, base);
    let gone = if gone.is_empty() {
        String::new()
    } else {
        format!(". With those of files and the environment these stored ones go: {}", named(&gone))
    };
    Some(format!(
        "the stored configuration replaces that of files and the environment, so these keys do not count as they stand there: {}. Make one of them count with {}, or all of them with \"sessera rollback identity-config\" and the id of the project, which \"sessera list projects\" prints{gone}",
        named(&hidden),
        first.command(),
    ))
}

/// The keys, as many as a sentence has room for.
fn named(hidden: &[Hidden]) -> String {
    let mut keys: Vec<String> = hidden.iter().map(|hidden| dotted(&hidden.pointer)).collect();
    keys.dedup();
    let more = match keys.len().checked_sub(MAX_NAMED) {
        None | Some(0) => String::new(),
        Some(more) => format!(", and {more} more"),
    };
    keys.truncate(MAX_NAMED);
    keys.join(", ") + &more
}

/// The values of a tree that do not count with a stored identity configuration over it, but would without.
fn hidden(base: &Value, stored: &Value) -> Vec<Hidden> {
    let has_upstream = base.pointer("/session/upstream/url").is_some_and(|url| !url.is_null());
    let would_have_no_effect = |hidden: &Hidden| {
        let path: Vec<&str> = hidden.pointer.split('/').skip(1).collect();
        let names: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let is_used = kind_at(&path).is_some_and(|kind| !matches!(kind, Kind::Any));
        let is_harmless = !is_used && unsupported::is_harmless(&names);
        is_harmless || (has_upstream && has_no_effect_with_upstream(&hidden.pointer))
    };
    let mut hidden = differing(base, &effective(base, Some(stored)));
    hidden.retain(|hidden| !would_have_no_effect(hidden));
    hidden
}

/// The values of a tree that another one has otherwise, or not at all.
fn differing(of: &Value, than: &Value) -> Vec<Hidden> {
    let mut found = Vec::new();
    for (name, value) in of.as_object().into_iter().flatten() {
        // Names that begin with "x-" are their author's own. Keys of the machine are the same in both.
        if !name.starts_with("x-") {
            compare(
                value,
                than.get(name),
                &format!("/{}", escape(name)),
                &mut vec![name.as_str()],
                &mut found,
            );
        }
    }
    found
}

fn compare<'a>(
    base: &'a Value,
    effective: Option<&Value>,
    pointer: &str,
    path: &mut Vec<&'a str>,
    found: &mut Vec<Hidden>,
) {
    let is_template = matches!(kind_at(path), Some(Kind::Template));
    match (base, effective) {
        (Value::Null, _) => {}
        (Value::Object(members), _) if effective.is_some_and(Value::is_object) || !is_template => {
            for (name, value) in members {
                path.push(name);
                let inner = effective.and_then(|effective| effective.get(name));
                compare(value, inner, &format!("{pointer}/{}", escape(name)), path, found);
                path.pop();
            }
        }
        (base, Some(effective)) if base == effective => {}
        (base, _) => found.push(Hidden { pointer: pointer.to_owned(), value: base.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(base: &Value, stored: &Value) -> Vec<String> {
        hidden(base, stored).into_iter().map(|hidden| hidden.pointer).collect()
    }

    #[test]
    fn what_has_no_effect_in_either_is_not_named() {
        let base = |upstream: &Value| {
            json!({"version": "v1.3.0", "dev": true, "courier": {"smtp": {"from_name": "a"}}, "session": {"lifespan": "2h",
                "upstream": upstream}, "selfservice": {"allowed_return_urls": ["https://a.example"]}})
        };
        let stored = json!({"session": {"lifespan": "3h"}});
        let always = "/selfservice/allowed_return_urls";
        let own = ["/courier/smtp/from_name", "/session/lifespan", always];
        assert_eq!(pointers(&base(&Value::Null), &stored), own);
        assert_eq!(pointers(&base(&json!({"url": "http://127.0.0.1:4433"})), &stored), [always]);
    }

    #[test]
    fn what_the_stored_configuration_has_otherwise_or_not_at_all_is_hidden() {
        let base = json!({
            "log": {"level": "debug"}, "x-mine": 1,
            "session": {"lifespan": "2h", "cookie": {"name": "a"}, "whoami": {"tokenizer": {"templates": {
                "same": {"jwks_url": "set://k"}, "gone": {"jwks_url": "set://k", "ttl": "1h"},
                "file": {"jwks_url": "file:///now"}, "other": {"jwks_url": "set://k", "ttl": "1h"}}}}},
            "identity": {"schemas": [{"id": "a", "url": "file:///now"}]},
            "selfservice": {"allowed_return_urls": ["https://a.example"]},
        });
        let stored = json!({
            "session": {"lifespan": "3h", "whoami": {"tokenizer": {"templates": {
                "same": {"jwks_url": "set://k", "ttl": "5m"}, "file": {"jwks_url": "file:///old"},
                "other": {"jwks_url": "set://k", "ttl": "5m"}, "new": {"jwks_url": "set://k"}}}}},
            "identity": {"schemas": [{"id": "a", "url": "file:///old"}]},
            "selfservice": {"allowed_return_urls": ["https://b.example"]},
        });
        let templates = "/session/whoami/tokenizer/templates";
        assert_eq!(
            pointers(&base, &stored),
            [
                "/session/lifespan",
                "/session/cookie/name",
                &format!("{templates}/gone"),
                &format!("{templates}/other/ttl"),
                "/selfservice/allowed_return_urls",
            ]
        );
        assert_eq!(sentence(&base, &base), None);
    }

    #[test]
    fn the_sentence_has_the_keys_and_a_command_and_no_secret() {
        let said = sentence(&json!({"session": {"lifespan": "2h"}}), &json!({})).unwrap();
        assert!(!said.contains("stored ones go"), "{said}");
        assert!(said.contains("session.lifespan. "), "{said}");
        assert!(said.contains("sessera patch identity-config --add '/session/lifespan=\"2h\"'"), "{said}");
        let base = json!({"courier": {"smtp": {"connection_uri": "smtp://u:SECRET@h"}}});
        let said = sentence(&base, &json!({})).unwrap();
        assert!(said.contains("connection_uri=VALUE'") && !said.contains("SECRET"), "{said}");
        let many: serde_json::Map<String, Value> =
            (0..50).map(|n| (format!("t{n}"), json!({"jwks_url": "set://k"}))).collect();
        let base = json!({"session": {"whoami": {"tokenizer": {"templates": many}}}});
        let said = sentence(&base, &json!({})).unwrap();
        assert!(said.contains("and 30 more"), "{said}");
    }

    #[test]
    fn the_sentence_names_what_is_stored_and_goes_when_files_count_again() {
        let base = json!({"session": {"lifespan": "2h", "cookie": {"name": "a"}}});
        let stored = json!({"session": {"lifespan": "3h", "cookie": {"name": "a"}, "whoami": {"tokenizer": {"templates": {
            "own": {"jwks_url": "set://k", "ttl": "5m"}}}}}});
        let said = sentence(&base, &stored).unwrap();
        let gone = "these stored ones go: session.lifespan, session.whoami.tokenizer.templates.own";
        assert!(said.ends_with(gone), "{said}");
    }
}
