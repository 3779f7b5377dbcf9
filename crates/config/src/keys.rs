//! The keys of the whole tree as data.

use serde_json::{Map, Value};

use crate::kind::{Key, Kind, find};
use crate::sections::Sections;
use crate::setting::Setting as _;

/// The part of a path, from its beginning, that leads to a key of the machine: one that comes from files and the
/// environment only. `None` where the path leads to no such key.
pub fn machine_key<'p, 's>(path: &'p [&'s str]) -> Option<&'p [&'s str]> {
    let mut keys = Sections::KEYS;
    for (depth, name) in path.iter().enumerate() {
        let key = find(keys, name)?;
        if key.is_of_machine {
            return Some(&path[..=depth]);
        }
        let Kind::Object(inner) = key.kind else { return None };
        keys = inner;
    }
    None
}

/// The tree without the keys that belong to the machine.
#[must_use]
pub fn without_machine(tree: &Value) -> Value {
    part(tree, Sections::KEYS, false).into()
}

/// The keys of a tree that belong to the machine, and nothing else.
#[must_use]
pub fn of_machine(tree: &Value) -> Value {
    part(tree, Sections::KEYS, true).into()
}

/// The keys of an object that belong to the machine, or all others.
fn part(tree: &Value, keys: &'static [Key], of_machine: bool) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, member) in tree.as_object().into_iter().flatten() {
        let key = find(keys, name);
        let is_of_machine = key.is_some_and(|key| key.is_of_machine);
        match key.map(|key| key.kind) {
            Some(Kind::Object(inner)) if !is_of_machine && member.is_object() => {
                let inner = part(member, inner, of_machine);
                if !of_machine || !inner.is_empty() {
                    kept.insert(name.clone(), inner.into());
                }
            }
            _ if is_of_machine == of_machine => {
                kept.insert(name.clone(), member.clone());
            }
            _ => {}
        }
    }
    kept
}

/// The path, with dots, of a key of the machine that stands in a tree.
pub(crate) fn any_of_machine(tree: &Value) -> Option<String> {
    fn look(tree: &Value, path: &str) -> Option<String> {
        let (name, member) = tree.as_object()?.iter().next()?;
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let names: Vec<&str> = path.split('.').collect();
        if machine_key(&names).is_some() { Some(path) } else { look(member, &path) }
    }
    look(&of_machine(tree), "")
}

/// The type of the value at a path; `None` where no section has it.
pub(crate) fn kind_at(path: &[&str]) -> Option<Kind> {
    path.iter().try_fold(Sections::KIND, |kind, name| match kind {
        Kind::Object(keys) => find(keys, name).map(|key| key.kind),
        Kind::List(inner) | Kind::Map(inner) => Some(*inner),
        Kind::Template | Kind::Any => Some(kind),
        _ => None,
    })
}

/// The tree with every object that has known names, so that a patch can add to it.
#[must_use]
pub fn materialised(tree: &Value) -> Value {
    let mut tree = tree.clone();
    fill(&mut tree, Sections::KIND);
    tree
}

fn fill(value: &mut Value, kind: Kind) {
    if !matches!(kind, Kind::Object(_) | Kind::Map(_)) {
        return;
    }
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(members) = value else { return };
    if let Kind::Object(keys) = kind {
        for key in keys.iter().filter(|key| matches!(key.kind, Kind::Object(_) | Kind::Map(_))) {
            fill(members.entry(key.name).or_insert(Value::Null), key.kind);
        }
    }
}

/// The tree without objects that hold nothing.
pub fn prune(tree: &mut Value) {
    prune_value(tree, Sections::KIND);
}

fn prune_value(value: &mut Value, kind: Kind) {
    let (Kind::Object(keys), Value::Object(members)) = (kind, value) else { return };
    for key in keys.iter().filter(|key| matches!(key.kind, Kind::Object(_) | Kind::Map(_))) {
        let Some(member) = members.get_mut(key.name) else { continue };
        prune_value(member, key.kind);
        if member.as_object().is_some_and(Map::is_empty) {
            members.shift_remove(key.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read;
    use serde_json::json;

    #[test]
    fn unknown_keys_are_told_with_their_neighbour() {
        let (_, found) = read(&json!({"sesion": {}, "session": {"cahce": {}, "qqqqqqqqqqqq": 1}, "x-a": 1}));
        assert_eq!(found.wrong, []);
        let messages: Vec<&str> = found.unknown.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(messages.len(), 3);
        assert!(messages.iter().any(|message| message.contains("\"session\"")));
        assert!(messages.iter().any(|message| message.contains("\"cache\"")));
        assert!(messages.iter().any(|message| !message.contains("did you mean")));
        assert!(found.unknown.iter().any(|problem| problem.pointer == "/session/cahce"));
    }

    #[test]
    fn wrong_types_are_told_with_their_place() {
        let (_, found) = read(
            &json!({"serve": {"public": {"port": "x"}}, "session": {"lifespan": "-5m"}, "identity": []}),
        );
        let places: Vec<&str> = found.wrong.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(places, ["/serve/public/port", "/identity", "/session/lifespan"]);
    }

    #[test]
    fn every_known_object_can_be_there_and_go_again() {
        let mut tree = materialised(&json!({"session": {"lifespan": "1h"}}));
        assert_eq!(tree["session"]["whoami"]["tokenizer"]["templates"], json!({}));
        prune(&mut tree);
        assert_eq!(tree, json!({"session": {"lifespan": "1h"}}));
    }

    #[test]
    fn every_default_is_a_value_of_its_type() {
        fn look(keys: &'static [Key], path: &str) {
            for key in keys {
                let path = format!("{path}/{}", key.name);
                if let Some(default) = key.default {
                    assert!(crate::text::value(default, &key.kind).is_some(), "{path}");
                }
                look(key.kind.keys(), &path);
            }
        }
        look(Sections::KEYS, "");
        // A default that cannot be read would become the default of its type.
        let (sections, found) = read(&json!({}));
        assert_eq!(found, crate::problem::Findings::default());
        assert_eq!(sections.serve.public.cors.max_age, 0);
        assert_eq!(sections.session.lifespan.as_secs(), 86_400);
        assert_eq!(sections.hashers.argon2.memory.0, 19 << 20);
        assert_eq!(sections.serve.public.cors.allowed_methods.len(), 5);
        assert!(sections.selfservice.methods.password.enabled);
    }

    #[test]
    fn what_a_section_is_without_a_tree_is_what_it_is_with_an_empty_one() {
        let (sections, _) = read(&json!({}));
        assert_eq!(format!("{:?}", Sections::default()), format!("{sections:?}"));
    }

    #[test]
    fn keys_of_the_machine_are_parted_from_all_others_at_any_depth() {
        let tree =
            json!({"dsn": "x", "session": {"lifespan": "1h", "upstream": {"url": "http://k"}}, "x-a": 1});
        assert_eq!(without_machine(&tree), json!({"session": {"lifespan": "1h"}, "x-a": 1}));
        assert_eq!(of_machine(&tree), json!({"dsn": "x", "session": {"upstream": {"url": "http://k"}}}));
        assert_eq!(any_of_machine(&json!({"session": {"upstream": {}}})), Some("session.upstream".into()));
        assert_eq!(any_of_machine(&json!({"session": {"lifespan": "1h"}})), None);
        let key = |path: &[&str]| machine_key(path).map(<[&str]>::len);
        assert_eq!(key(&["session", "upstream", "url"]), Some(2));
        assert_eq!((key(&["log"]), key(&["session"]), key(&["session", "lifespan"])), (Some(1), None, None));
    }

    #[test]
    fn types_are_known_by_path() {
        let is_secret = |path: &[&str]| kind_at(path).is_some_and(Kind::is_secret);
        assert!(is_secret(&["secrets", "cipher"]) && is_secret(&["secrets", "cipher", "0"]));
        assert!(is_secret(&["courier", "smtp", "connection_uri"]));
        assert!(is_secret(&["courier", "smtp", "headers", "X-Key"]));
        assert!(!is_secret(&["session", "lifespan"]));
        assert!(kind_at(&["selfservice", "methods", "captcha", "config"]).is_none());
    }
}
