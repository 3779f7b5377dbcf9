//! What becomes of names that no section has: those of Kratos by the table, and all others by what was meant.
//!
//! Whoever writes `enabeld: false` believes that something is switched off. A name that is like that of a key which
//! restricts something is refused therefore, while a name that is like that of any other key is warned about.

use serde_json::Value;

use crate::kind::{Key, Kind, find};
use crate::nearest::{is_spelled_otherwise, slip, unknown};
use crate::problem::{Findings, Problem, escape, names};
use crate::unsupported::{Entry, entry, leads_to, names_at, restricting_paths};

/// Keys that somebody may hope for and that cannot be, each with why it is refused and what to do instead.
const HOPED_FOR: &[(&str, &str)] = &[
    ("gateway.routes.*.required_aal", "a route says with \"aal\" which factors a session must have proven"),
    (
        "events.sinks.*.templates",
        "events cannot be chosen by the templates of a session's tokens: nothing is written when a token is made, so nobody knows of which templates a session has tokens. Leave it out and have the receiver pass over sessions that it does not know",
    ),
];

/// Where every name is that of a flow or a method, hooks may stand, or somebody is told of less than everything, so that one
/// which is not known is an error: who wrote it would believe that something is judged which is not.
const CLOSED: &[&str] = &[
    "events.sinks.*",
    "gateway.routes.*",
    "selfservice.flows",
    "selfservice.methods",
    "selfservice.flows.*.before.**",
    "selfservice.flows.*.after.**",
    "selfservice.flows.*.before",
    "selfservice.flows.*.after",
];

/// Judges a member that no section has.
pub(crate) fn judge(name: &str, value: &Value, keys: &'static [Key], at: &str, found: &mut Findings) {
    // Names that begin with "x-" are their author's own, for anchors for example.
    if name.starts_with("x-") {
        return;
    }
    let place = names(at);
    let pointer = format!("{at}/{}", escape(name));
    let path = below(&place, name);
    if let Some((_, why)) = HOPED_FOR.iter().find(|(known, _)| leads_to(known, &path)) {
        return found.wrong(pointer, *why);
    }
    match entry(&path) {
        // What is about the program of Kratos is no place for what is about its service.
        Some(Entry::Key(_)) if place.is_empty() && holds(value, keys, &[]) => {
            return found.mistaken.push(Problem::new(pointer, wrapping(name)));
        }
        Some(Entry::Key(row)) => return row.judge(value, &pointer, found),
        Some(Entry::Below) => return judge_below(value, &pointer, found),
        None => {}
    }
    let known = || keys.iter().map(|key| key.name).chain(names_at(&place));
    let unknown = || unknown("key", name, known());
    // Somebody means a key that is written otherwise, or hooks, and would believe that they count.
    let has_hooks = is_spelled_otherwise(name, "hooks") || value.get("hooks").is_some();
    if has_hooks || known().any(|known| is_spelled_otherwise(name, known)) || is_closed(&place) {
        found.wrong(pointer, unknown());
    } else if let Some(meant) = meant(name, value, keys, &place) {
        let message = format!(
            "the key \"{name}\" is not known: did you mean \"{meant}\"? As it is written, it restricts nothing"
        );
        found.mistaken.push(Problem::new(pointer, message));
    } else if let Some(path) = misplaced(name, value, keys, &place) {
        found.mistaken.push(Problem::new(pointer, misplaced_message(name, &path)));
    } else if holds(value, keys, &place) {
        found.mistaken.push(Problem::new(pointer, wrapping(name)));
    } else {
        let there = |around| format!("the key \"{name}\" is not known here: write it below \"{around}\"");
        found.unknown.push(Problem::new(pointer, around(name, keys).map_or_else(unknown, there)));
    }
}

/// Whether every name that is not known is an error at a place.
pub(crate) fn is_closed(place: &[String]) -> bool {
    CLOSED.iter().any(|closed| leads_to(closed, place))
}

/// The one object beside a name in which a key of that name stands.
fn around(name: &str, keys: &'static [Key]) -> Option<&'static str> {
    let has_it = |key: &&Key| matches!(key.kind, Kind::Object(inner) if find(inner, name).is_some());
    let mut around = keys.iter().filter(has_it).map(|key| key.name);
    around.next().filter(|_| around.next().is_none())
}

fn wrapping(name: &str) -> String {
    format!(
        "the key \"{name}\" is not known, and what stands in it restricts nothing there: write that without \"{name}\" around it"
    )
}

/// Whether something that would restrict at a place stands in an object that nobody knows, however deep.
fn holds(value: &Value, keys: &'static [Key], place: &[String]) -> bool {
    value.as_object().is_some_and(|members| {
        members
            .iter()
            .any(|(name, member)| restricts(name, member, keys, place) || holds(member, keys, place))
    })
}

/// Judges what lies below a member that no section has.
fn judge_below(value: &Value, at: &str, found: &mut Findings) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, member) in members {
                judge(name, member, &[], at, found);
            }
        }
        _ => found.wrong(at, "an object is expected"),
    }
}

fn below(place: &[String], name: &str) -> Vec<String> {
    [place, &[name.to_owned()]].concat()
}

/// The known name that was meant by one that is not, where a restriction is lost with it.
fn meant(name: &str, value: &Value, keys: &'static [Key], place: &[String]) -> Option<&'static str> {
    let known = keys.iter().map(|key| key.name).chain(names_at(place));
    let like: Vec<_> = known.filter_map(|known| Some((slip(name, known)?, known))).collect();
    let nearest = like.iter().map(|(distance, _)| *distance).min()?;
    let nearest = like.into_iter().filter(|(distance, _)| *distance == nearest).map(|(_, known)| known);
    nearest.into_iter().find(|known| restricts(known, value, keys, place))
}

/// Whether a value restricts something when it is that of a known name.
pub(crate) fn restricts(name: &str, value: &Value, keys: &'static [Key], place: &[String]) -> bool {
    if value.is_null() || value.as_str().is_some_and(str::is_empty) {
        return false;
    }
    let place = below(place, name);
    match (find(keys, name), entry(&place)) {
        (Some(key), _) => key.restricts || holds_restriction(value, key.kind, &place),
        (None, Some(Entry::Key(row))) => row.restricts(value),
        (None, Some(Entry::Below)) => holds_restriction(value, Kind::Object(&[]), &place),
        (None, None) => false,
    }
}

/// Whether something that restricts stands in a value of a known kind, as it is or by a slip.
fn holds_restriction(value: &Value, kind: Kind, place: &[String]) -> bool {
    match (kind, value) {
        (Kind::Object(keys), Value::Object(members)) => members.iter().any(|(name, member)| {
            // A name that is known is no slip, so what is below it is looked at once.
            restricts(name, member, keys, place)
                || (find(keys, name).is_none() && meant(name, member, keys, place).is_some())
        }),
        (Kind::List(inner), Value::Array(items)) => {
            items.iter().any(|item| holds_restriction(item, *inner, &below(place, "0")))
        }
        (Kind::Map(inner), Value::Object(members)) => {
            members.iter().any(|(name, member)| holds_restriction(member, *inner, &below(place, name)))
        }
        _ => false,
    }
}

/// Where the key stands that was meant by a name which is right and stands too high, where a restriction is lost with it.
fn misplaced(name: &str, value: &Value, keys: &'static [Key], place: &[String]) -> Option<String> {
    let mut below_it = deeper(keys, place).into_iter();
    if let Some((_, path)) = below_it.find(|(key, path)| is_meant(key, path, name, value)) {
        return Some(below(&path, name).join("."));
    }
    let path = restricting_paths().find(|path| is_too_high(path, place, name, value))?;
    Some(path.join("."))
}

/// Whether a name that stands at a place is that of a key of the table which stands deeper, as a path says, and its value
/// restricts something there.
fn is_too_high(path: &[&'static str], place: &[String], name: &str, value: &Value) -> bool {
    let is_below = path.iter().zip(place).all(|(known, written)| known == written);
    let Some(behind) = path.get(place.len()..).filter(|_| is_below) else { return false };
    let Some(skipped) = behind.iter().skip(1).position(|known| *known == name) else { return false };
    let value = behind[skipped + 2..].iter().try_fold(value, |value, name| value.get(name));
    let whole: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
    value.is_some_and(|value| matches!(entry(&whole), Some(Entry::Key(row)) if row.restricts(value)))
}

/// Refuses the names in a tree that nobody knows where they stand and that are those of keys which restrict something and
/// stand beside one of the objects around, or that have such keys in them. `keys` are those of the tree.
pub(crate) fn judge_too_deep(tree: &Value, keys: &'static [Key], found: &mut Findings) {
    for problem in std::mem::take(&mut found.unknown) {
        match too_deep(&problem.pointer, tree, keys) {
            Some(message) => found.mistaken.push(Problem { message, ..problem }),
            None => found.unknown.push(problem),
        }
    }
}

fn too_deep(pointer: &str, tree: &Value, keys: &'static [Key]) -> Option<String> {
    let (mut place, value) = (names(pointer), tree.pointer(pointer)?);
    let name = place.pop()?;
    // A whole configuration may stand in it.
    if holds(value, keys, &[]) {
        return Some(wrapping(&name));
    }
    (0..place.len()).rev().find_map(|depth| {
        let around = &place[..depth];
        let mut beside = keys_at(keys, around)?.iter();
        beside.find(|key| is_meant(key, around, &name, value))?;
        Some(misplaced_message(&name, &below(around, &name).join(".")))
    })
}

fn misplaced_message(name: &str, path: &str) -> String {
    format!(
        "the key \"{name}\" is not known here: did you mean {path}? Where it stands, it restricts nothing"
    )
}

/// Whether a name and its value are those of a key that stands elsewhere, and restrict something there.
fn is_meant(key: &'static Key, path: &[String], name: &str, value: &Value) -> bool {
    key.name == name && is_of(value, key.kind) && restricts(name, value, std::slice::from_ref(key), path)
}

/// The keys of all objects below an object, those of the nearest first, each with the path of its object.
fn deeper(keys: &'static [Key], place: &[String]) -> Vec<(&'static Key, Vec<String>)> {
    let objects = keys.iter().filter(|key| matches!(key.kind, Kind::Object(_)));
    let mut level: Vec<_> = objects.map(|key| (key, below(place, key.name))).collect();
    let mut found = Vec::new();
    while !level.is_empty() {
        let below_it = |(key, path): &(&'static Key, Vec<String>)| {
            let path = path.clone();
            key.kind.keys().iter().map(move |key| (key, path.clone())).collect::<Vec<_>>()
        };
        let members: Vec<_> = level.iter().flat_map(below_it).collect();
        found.extend(members.iter().cloned());
        let objects = members.into_iter().filter(|(key, _)| matches!(key.kind, Kind::Object(_)));
        level = objects.map(|(key, path)| (key, below(&path, key.name))).collect();
    }
    found
}

/// The keys of the object at a place of a tree, where its names are known.
fn keys_at(keys: &'static [Key], place: &[String]) -> Option<&'static [Key]> {
    place.iter().try_fold(keys, |keys, name| match find(keys, name)?.kind {
        Kind::Object(keys) => Some(keys),
        _ => None,
    })
}

/// Whether a value has the form of a kind.
fn is_of(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::Object(_) | Kind::Map(_) | Kind::Template => value.is_object(),
        Kind::List(_) => !value.is_object(),
        Kind::Bool => value.is_boolean() || matches!(value.as_str(), Some("true" | "false")),
        _ => !value.is_object() && !value.is_array(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{Config, read};
    use crate::kind::Kind;
    use crate::sections::Sections;
    use crate::unsupported::KRATOS_KEYS;

    /// A tree with one value in it.
    fn at(path: &str, value: &Value) -> Value {
        let names = path.rsplit('.');
        names.fold(value.clone(), |inner, name| json!({name: inner}))
    }

    #[test]
    fn a_name_that_stands_elsewhere_is_told_where() {
        let (_, found) = read(&at("selfservice.methods.oidc.providers", &json!([])));
        let said: Vec<&str> = found.unknown.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(said, ["the key \"providers\" is not known here: write it below \"config\""]);
    }

    #[test]
    fn a_name_that_is_like_that_of_a_key_which_restricts_is_refused_with_the_right_one_and_the_way_out() {
        for (path, value, right) in [
            ("selfservice.flows.registration.enabeld", json!(false), "enabled"),
            ("selfservice.flows.registration.enable", json!(false), "enabled"),
            ("selfservice.flows.registration.disabled", json!(true), "enabled"),
            ("selfservice.methods.password.enabld", json!(false), "enabled"),
            ("selfservice.methods.password.config.min_pasword_length", json!(12), "min_password_length"),
            ("selfservice.methods.password.config.password_min_length", json!(12), "min_password_length"),
            (
                "selfservice.flows.settings.privileged_sesion_max_ag",
                json!("1m"),
                "privileged_session_max_age",
            ),
            ("selfservice.limit.free_failures", json!(1), "limits"),
            ("serve.admin.tokens", json!(["x"]), "token"),
            ("serve.admn.token", json!(["x"]), "admin"),
            ("serve.public.tsl", json!({"cert": {"path": "/c"}}), "tls"),
            ("serve.public.cors.allowed_origin", json!(["https://a.example.org"]), "allowed_origins"),
            ("security.account_enumeration.mitigated", json!(true), "mitigate"),
            ("security.acount_enumeration.mitigate", json!(true), "account_enumeration"),
            ("securty.account_enumeration.mitigate", json!(true), "security"),
            ("session.whoami.required_all", json!("highest_available"), "required_aal"),
            ("sesion.whoami.requird_aal", json!("highest_available"), "session"),
            ("secrets.ciphers", json!(["x"]), "cipher"),
            ("clients.smtp.disallow_private_ip_range", json!(true), "disallow_private_ip_ranges"),
            ("clients.smpt.disallow_private_ip_ranges", json!(true), "smtp"),
            ("selfservic.methods.profile.enabled", json!(false), "selfservice"),
            // The name is right, but stands one section too high or too deep.
            ("account_enumeration.mitigate", json!(true), "security.account_enumeration"),
            ("security.mitigate", json!(true), "security.account_enumeration.mitigate"),
            ("session.required_aal", json!("aal1"), "session.whoami.required_aal"),
            ("selfservice.registration.enabled", json!(false), "selfservice.flows.registration"),
            ("session.whoami.lifespan", json!("1h"), "session.lifespan"),
            ("serve.token", json!("a-token-of-24-characters-and-more"), "serve.admin.token"),
            ("serve.tls", json!({"cert": {"path": "/c"}}), "serve.public.tls"),
            ("selfservice.profile.enabled", json!(false), "selfservice.methods.profile.enabled"),
        ] {
            let tree = at(path, &value);
            let (_, found) = read(&tree);
            let refused = found.mistaken.iter().map(|problem| &problem.message).collect::<Vec<_>>();
            assert!(refused.len() == 1 && found.unknown.is_empty(), "{path}: {found:?}");
            assert!(
                refused[0].contains(&format!("did you mean \"{right}\"?"))
                    || refused[0].contains(&format!("did you mean {right}?")),
                "{path}: {refused:?}"
            );
            let told = Config::from_tree(&tree).unwrap_err().to_string();
            let key = told.rsplit(' ').next().unwrap_or_default().to_owned();
            assert!(told.contains("--accept-unsupported") && path.starts_with(&key), "{path}: {told}");
            let mut accepting = tree;
            accepting["accept_unsupported"] = json!([key]);
            let accepted = read(&accepting).1;
            assert_eq!(accepted.wrong, [], "{path}");
            if let Ok(config) = Config::from_tree(&accepting) {
                assert_eq!((config.accepted.len(), config.notes.len()), (1, 0), "{path}: {:?}", config.notes);
            } else {
                let left = Config::from_tree(&accepting).unwrap_err().to_string();
                assert!(!left.contains("did you mean"), "{path}: {left}");
            }
        }
    }

    #[test]
    fn a_route_has_known_names_only() {
        for (name, told) in
            [("schema_id", "did you mean \"schema_ids\"?"), ("required_aal", "says with \"aal\""), ("x", "")]
        {
            let found = read(&at(&format!("gateway.routes.admin.{name}"), &json!("aal2"))).1;
            assert!(found.wrong.len() == 1 && found.wrong[0].message.contains(told), "{name}: {found:?}");
        }
    }

    #[test]
    fn what_restricts_is_refused_in_objects_that_nobody_knows_however_deep() {
        for (path, value) in [
            ("config.selfservice.flows.registration.enabled", json!(false)),
            ("version.serve.admin.token", json!(["x"])),
            ("kratos.config.security.account_enumeration.mitigate", json!(true)),
            ("serve.admin.auth.token", json!(["x"])),
            ("session.config.whoami.required_aal", json!("highest_available")),
            ("security.account_enumeration.config.mitigate", json!(true)),
            ("serve.wrapped.selfservice.flows.registration.enabled", json!(false)),
        ] {
            let (_, found) = read(&at(path, &value));
            assert!(found.mistaken.len() == 1 && found.unknown.is_empty(), "{path}: {found:?}");
        }
        for (path, value) in [
            ("config", json!(["a.yml"])),
            ("version", json!("v1.3.0")),
            ("kratos.config.log.level", json!("debug")),
        ] {
            let (_, found) = read(&at(path, &value));
            assert!(found.mistaken.is_empty() && found.wrong.is_empty(), "{path}: {found:?}");
        }
    }

    #[test]
    fn a_name_that_is_like_that_of_a_key_which_only_adds_is_warned_about() {
        for (path, value) in [
            ("log.levl", json!("debug")),
            ("sesion.cookie.name", json!("a")),
            ("session.cookie.nam", json!("a")),
            ("serve.public.cors.enabld", json!(true)),
            ("serve.public.prt", json!(1)),
            ("selfservice.flows.login.ui_ur", json!("/login")),
            ("selfservice.flows.registration.enabeld", Value::Null),
            ("selfservice.methods.oidc.config.base_redirect_url", json!("https://a.example.org/")),
            ("serve.admin.tokens_of_nobody_we_know", json!(["x"])),
            ("defaults", json!({"a": 1})),
            ("default", json!({"a": 1})),
            ("session.nothing_like_it", json!(1)),
        ] {
            let (_, found) = read(&at(path, &value));
            assert!(
                found.mistaken.is_empty() && found.wrong.is_empty() && found.unknown.len() == 1,
                "{path}: {found:?}"
            );
        }
    }

    #[test]
    fn no_key_of_kratos_is_taken_for_another_one() {
        for path in KRATOS_KEYS.lines() {
            let names: Vec<&str> = path.split('.').collect();
            let end = names.iter().position(|name| *name == "*").unwrap_or(names.len());
            let value = if end < names.len() { json!([]) } else { json!("") };
            let (_, found) = read(&at(&names[..end].join("."), &value));
            let all = found.wrong.iter().chain(&found.mistaken).chain(&found.unknown);
            let taken: Vec<_> = all.filter(|problem| problem.message.contains("is not known")).collect();
            assert!(taken.is_empty(), "{path}: {taken:?}");
        }
    }

    #[test]
    fn every_key_that_restricts_is_recognised_with_a_letter_too_few_or_two_exchanged() {
        fn look(keys: &'static [Key], place: &[String], seen: &mut usize) {
            for key in keys {
                let path = below(place, key.name);
                if key.restricts && key.name.len() > 3 {
                    let mut exchanged: Vec<char> = key.name.chars().collect();
                    exchanged.swap(2, 3);
                    let value = match key.kind {
                        Kind::Bool => json!(true),
                        Kind::List(_) => json!(["x"]),
                        _ => json!("x"),
                    };
                    for written in [&key.name[..key.name.len() - 1], &exchanged.iter().collect::<String>()] {
                        if written != key.name {
                            assert_eq!(meant(written, &value, keys, place), Some(key.name), "{path:?}");
                            *seen += 1;
                        }
                    }
                }
                look(key.kind.keys(), &path, seen);
            }
        }
        let mut seen = 0;
        look(Sections::KEYS, &[], &mut seen);
        assert!(seen > 100, "{seen}");
    }
}
