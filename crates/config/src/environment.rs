//! The environment: which key a variable stands for, and its place over the files.

mod stray;

use std::collections::HashMap;
use std::ffi::OsString;

use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::loaded::Loaded;
use crate::merge::merge;
use crate::problem::escape;
use crate::sections::Sections;
use crate::setting::Setting as _;
use crate::text;
use crate::unsupported;
use crate::verdict::way_out;
use stray::{Stray, stray};

/// The variables of an environment by their names, and those options of the command line that stand for a key by theirs,
/// with dashes: they are laid over the variables.
pub type Environment = HashMap<String, String>;

/// Objects below an item of a list whose members are judged as a whole, as those of a hook are.
const BELOW_ITEMS: &[&str] = &["config", "response", "auth", "headers"];

/// The longest list that variables can fill.
const MAX_ITEMS: usize = 1000;

/// Words that no other program has for a variable.
const OWN_WORDS: &[&str] = &["COURIER", "HASHERS", "SELFSERVICE"];

/// The options of the command line that stand for keys, with the variables of these.
const OPTIONS: &[(&str, &str)] =
    &[("--upstream", "SESSION_UPSTREAM_URL"), ("--upstream-admin", "SESSION_UPSTREAM_ADMIN_URL")];

/// The one list to which a variable adds, as whoever starts the server and whoever writes its file may each know of a
/// restriction.
const ACCEPT: &str = "accept_unsupported";

/// A step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A member of an object.
    Member(String),
    /// An item of a list.
    Item(usize),
}

/// The name of a key's environment variable: `SESSION_WHOAMI_REQUIRED_AAL`.
pub fn variable_name(path: &[&str]) -> String {
    path.join("_").replace('-', "_").to_ascii_uppercase()
}

/// The environment of this process. What is not UTF-8 text has U+FFFD in it, so that a variable which is read can be refused.
pub fn of_process() -> Environment {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// Adds to the keys that are accepted as unsupported.
pub fn accept_unsupported(environment: &mut Environment, keys: &[String]) {
    if !keys.is_empty() {
        let list = environment.entry(variable_name(&[ACCEPT])).or_default();
        *list = format!("{list},{}", keys.join(","));
    }
}

/// Lays the variables of an environment over a tree.
pub(crate) fn overlay(loaded: &mut Loaded, environment: &Environment) {
    let mut read = Vec::new();
    let mut unread = Vec::new();
    let mut refused = Vec::new();
    for (name, text) in environment {
        let option = OPTIONS.iter().find(|(option, _)| option == name);
        let (variable, kind_of_source) =
            option.map_or((name.as_str(), "environment variable"), |(_, variable)| (*variable, "option"));
        let source = format!("the {kind_of_source} {name}");
        match steps(variable) {
            Some(_) if text.contains(char::REPLACEMENT_CHARACTER) => {
                loaded.errors.push(format!("{source} is not UTF-8 text: write it anew"));
            }
            Some((steps, kind)) if !is_structure(kind) || begins_object(text) => {
                if text.is_empty() && !kind.is_strong() {
                    unread.push(format!(
                        "{source} is empty, so the default counts whatever a file says: give it a value, or unset it"
                    ));
                }
                read.push((steps, option.is_some(), kind, source, text));
            }
            // A single word is another program's, such as SESSION or LOG.
            Some((steps, _)) if steps.len() == 1 && !OWN_WORDS.contains(&name.as_str()) => {}
            Some((steps, _)) => {
                let sentence =
                    format!("{source} is not read: it stands for an object, which is written as JSON");
                // What is written below a name of two words or more was meant for this program, perhaps to restrict something.
                if steps.len() > 1 && !text.is_empty() {
                    loaded.errors.push(format!("{sentence}, as in {variable}='{{\"name\": \"value\"}}'"));
                } else {
                    unread.push(sentence);
                }
            }
            None => match stray(name, text) {
                Some(Stray { sentence, restricts: true }) if !text.is_empty() => {
                    refused.push((name, sentence));
                }
                stray => unread.extend(stray.map(|stray| stray.sentence)),
            },
        }
    }
    // A list as a whole comes before its items, and item 2 before item 10. An option comes after the variable of its key.
    read.sort_by(|(a, a_option, ..), (b, b_option, ..)| (a, a_option).cmp(&(b, b_option)));
    for (steps, _, kind, source, text) in read {
        let value = match value(text, kind) {
            Ok(value) => value,
            Err(problem) => {
                loaded.errors.push(format!("{source}: {problem}"));
                continue;
            }
        };
        let value = match (steps.as_slice(), loaded.tree.get(ACCEPT), &value) {
            ([Step::Member(key)], Some(Value::Array(before)), Value::Array(more)) if key == ACCEPT => {
                [before.as_slice(), more.as_slice()].concat().into()
            }
            _ => value,
        };
        match put(&mut loaded.tree, &steps, value, is_structure(kind)) {
            Ok(()) => {
                let pointer = steps.iter().map(Step::in_pointer).collect();
                loaded.places.note(pointer, source);
            }
            Err(problem) => loaded.errors.push(format!("{source}: {problem}")),
        }
    }
    refused.sort();
    for (name, sentence) in refused {
        let accepted = loaded.tree.get(ACCEPT).and_then(Value::as_array);
        if accepted.is_some_and(|accepted| accepted.iter().any(|key| key == name.as_str())) {
            unread.push(format!("{sentence} (accept_unsupported names it)"));
        } else {
            loaded.errors.push(format!(
                "{sentence} As it is written, it restricts nothing. Write it as it is meant, {}",
                way_out(name)
            ));
        }
    }
    unread.sort();
    loaded.warnings.append(&mut unread);
}

/// Whether a variable stands for an object whose names are known, and which is laid over that of the files.
fn is_structure(kind: Kind) -> bool {
    matches!(kind, Kind::Object(_) | Kind::Map(Kind::Any))
}

fn begins_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The value that a text stands for, or the text itself, which the reader of the value then refuses. An empty text is none.
fn value(text: &str, kind: Kind) -> Result<Value, String> {
    if text.is_empty() && !kind.is_strong() {
        return Ok(Value::Null);
    }
    match text::value(text, &kind) {
        // A list of secrets in which there is none was meant to have one.
        Some(Value::Array(items)) if items.is_empty() && kind.is_strong() => Ok(Value::from("")),
        Some(value) => Ok(value),
        None => match text::broken_json(text, &kind) {
            Some(error) => Err(format!("it begins as JSON does and is none: {error}")),
            None => Ok(Value::from(text)),
        },
    }
}

impl Step {
    fn in_pointer(&self) -> String {
        match self {
            Self::Member(name) => format!("/{}", escape(name)),
            Self::Item(place) => format!("/{place}"),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Member(name) => name.clone(),
            Self::Item(place) => place.to_string(),
        }
    }
}

/// The way to the value that a variable stands for, and the type of that value.
fn steps(variable: &str) -> Option<(Vec<Step>, Kind)> {
    if variable.ends_with('_') {
        return None;
    }
    let mut way = Vec::new();
    let kind = descend(variable, Some(Sections::KIND), &mut way)?;
    // A single word that means nothing here is another program's, such as VERSION or CONFIG.
    let names: Vec<String> = way.iter().map(Step::name).collect();
    let is_anothers = way.len() == 1 && matches!(kind, Kind::Any) && unsupported::is_harmless(&names);
    (!way.is_empty() && !is_anothers).then_some((way, kind))
}

/// Goes on with what is left of a name. `kind` is `None` among keys of Kratos that no section has.
fn descend(rest: &str, kind: Option<Kind>, way: &mut Vec<Step>) -> Option<Kind> {
    let table = || way.iter().map(Step::name).collect::<Vec<_>>();
    if rest.is_empty() {
        let names = table();
        return match kind {
            Some(kind) => Some(kind),
            None if unsupported::is_leaf(&names) => Some(Kind::Any),
            None => (!unsupported::names_at(&names).is_empty()).then_some(Kind::Map(&Kind::Any)),
        };
    }
    match kind {
        Some(Kind::List(inner)) => {
            let (place, after) = item(rest)?;
            way.push(Step::Item(place));
            descend(after, Some(*inner), way)
        }
        None if unsupported::is_leaf(&table()) => {
            let Some((place, after)) = item(rest) else {
                way.push(Step::Member(rest.to_ascii_lowercase()));
                return Some(Kind::Any);
            };
            way.push(Step::Item(place));
            Some(below_item(after, way))
        }
        None | Some(Kind::Object(_)) => {
            let keys = kind.map_or(&[][..], Kind::keys);
            let mut names: Vec<(&str, Option<Kind>)> =
                keys.iter().map(|key| (key.name, Some(key.kind))).collect();
            names.extend(unsupported::names_at(&table()).into_iter().map(|name| (name, None)));
            for (name, kind) in names {
                let Some(after) = rest.strip_prefix(&variable_name(&[name])) else { continue };
                let Some(after) = after.strip_prefix('_').or(after.is_empty().then_some("")) else {
                    continue;
                };
                let before = way.len();
                way.push(Step::Member(name.to_owned()));
                match descend(after, kind, way) {
                    Some(kind) => return Some(kind),
                    None => way.truncate(before),
                }
            }
            None
        }
        Some(Kind::Any) if matches!(way.last(), Some(Step::Item(_))) => Some(below_item(rest, way)),
        Some(_) => None,
    }
}

/// Goes on below an item of a list whose members no section has.
fn below_item(rest: &str, way: &mut Vec<Step>) -> Kind {
    let name = rest.to_ascii_lowercase();
    let mut rest = name.as_str();
    while let Some((name, after)) = rest.split_once('_')
        && BELOW_ITEMS.contains(&name)
    {
        way.push(Step::Member(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        way.push(Step::Member(rest.to_owned()));
    }
    Kind::Any
}

/// The number of an item, with which what is left of a name begins, and what is left behind it.
fn item(rest: &str) -> Option<(usize, &str)> {
    let (number, after) = rest.split_once('_').unwrap_or((rest, ""));
    // One item has one name, so that no two variables stand for it.
    let place = number.parse().ok().filter(|place: &usize| place.to_string() == number)?;
    (place < MAX_ITEMS).then_some((place, after))
}

/// Puts a value where the steps lead. Objects and lists on the way are made. An object is laid over the one that is
/// there when `merges`.
fn put(tree: &mut Value, steps: &[Step], value: Value, merges: bool) -> Result<(), String> {
    let Some((first, after)) = steps.split_first() else {
        if merges {
            merge(tree, value);
        } else {
            *tree = value;
        }
        return Ok(());
    };
    let inner = match first {
        Step::Member(name) => {
            if !tree.is_object() {
                *tree = Value::Object(Map::new());
            }
            let Value::Object(members) = tree else { return Ok(()) };
            members.entry(name.clone()).or_insert(Value::Null)
        }
        Step::Item(place) => {
            if !tree.is_array() {
                *tree = Value::Array(Vec::new());
            }
            let Value::Array(items) = tree else { return Ok(()) };
            match items.len() {
                len if *place < len => {}
                len if *place == len => items.push(Value::Null),
                len => {
                    return Err(format!("the list has {len} items, so number {len} must be set before it"));
                }
            }
            &mut items[*place]
        }
    };
    put(inner, after, value, merges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::load_all;
    use serde_json::json;

    fn with(environment: &[(&str, &str)]) -> Loaded {
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        load_all(&[], &environment)
    }

    #[test]
    fn the_environment_has_types() {
        let loaded = with(&[
            ("SERVE_PUBLIC_PORT", "4455"),
            ("SERVE_ADMIN_INSECURE", "1"),
            ("COURIER_SMTP_FROM_NAME", "one, two"),
            ("SECRETS_COOKIE", "one-of-16-characters, two-of-16-characters"),
            ("SESSION_WHOAMI_TOKENIZER_TEMPLATES", r#"{"a":{"jwks_url":"set://k"}}"#),
            ("FEATURE_FLAGS_USE_CONTINUE_WITH_TRANSITIONS", "T"),
            ("VERSION", "9"),
            ("CONFIG", "x"),
        ]);
        assert!(loaded.errors.is_empty() && loaded.warnings.is_empty(), "{loaded:?}");
        assert_eq!(
            loaded.tree,
            json!({
                "serve": {"public": {"port": 4455}, "admin": {"insecure": true}},
                "courier": {"smtp": {"from_name": "one, two"}},
                "secrets": {"cookie": ["one-of-16-characters", "two-of-16-characters"]},
                "session": {"whoami": {"tokenizer": {"templates": {"a": {"jwks_url": "set://k"}}}}},
                "feature_flags": {"use_continue_with_transitions": true},
            })
        );
        let twice = r#"{"a":{"jwks_url":"set://k","jwks_url":"set://l"}}"#;
        for (name, text) in [
            ("SESSION_WHOAMI_TOKENIZER_TEMPLATES", twice),
            ("SERVE_PUBLIC_PORT", "x"),
            ("SESSION_LIFESPAN", "1"),
            ("SERVE_PUBLIC_CORS_ENABLED", "yes"),
        ] {
            let errors = with(&[(name, text)]).errors;
            assert!(errors.len() == 1 && errors[0].contains(name), "{errors:?}");
        }
    }

    #[test]
    fn names_with_an_index_fill_lists() {
        let loaded = with(&[
            ("SELFSERVICE_ALLOWED_RETURN_URLS_1", "https://b.example.org/"),
            ("SELFSERVICE_ALLOWED_RETURN_URLS_0", "https://a.example.org/"),
            ("IDENTITY_SCHEMAS_0_ID", "default"),
            ("IDENTITY_SCHEMAS_0_URL", "base64://e30="),
            ("SECRETS_COOKIE", "the-first-of-two-secrets,the-second-of-two-secrets"),
            ("SECRETS_COOKIE_0", "another-secret-for-cookies"),
        ]);
        assert!(loaded.errors.is_empty() && loaded.warnings.is_empty(), "{loaded:?}");
        assert_eq!(
            loaded.tree["selfservice"]["allowed_return_urls"],
            json!(["https://a.example.org/", "https://b.example.org/"])
        );
        assert_eq!(loaded.tree["identity"]["schemas"], json!([{"id": "default", "url": "base64://e30="}]));
        assert_eq!(
            loaded.tree["secrets"]["cookie"],
            json!(["another-secret-for-cookies", "the-second-of-two-secrets"])
        );
        let gap = with(&[("SECRETS_COOKIE_1", "x")]).errors;
        assert!(gap[0].contains("number 0"), "{gap:?}");
        let far = with(&[("SECRETS_COOKIE_99999", "x")]).errors;
        assert!(far.len() == 1 && far[0].contains("SECRETS_COOKIE_99999 is not read"), "{far:?}");
    }

    #[test]
    fn every_key_has_a_variable_that_is_read() {
        for stray::Variable { name, .. } in stray::variables() {
            assert!(steps(name).is_some(), "{name}");
        }
    }

    #[test]
    fn an_object_is_laid_over_that_of_the_files_and_below_its_own_members() {
        let loaded = with(&[
            ("SECURITY", r#"{"account_enumeration":{"mitigate":true}}"#),
            ("SESSION", r#"{"lifespan":"1h","cookie":{"name":"a"}}"#),
            ("SESSION_COOKIE", r#" {"path":"/in","name":"b"}"#),
            ("SESSION_COOKIE_NAME", "c"),
            ("LOG", "everything"),
            ("SERVE", "static"),
        ]);
        assert!(loaded.errors.is_empty() && loaded.warnings.is_empty(), "{loaded:?}");
        assert_eq!(loaded.tree["session"], json!({"lifespan": "1h", "cookie": {"name": "c", "path": "/in"}}));
        assert!(loaded.config().unwrap().mitigates_enumeration);
        let mut over = Loaded { tree: json!({"session": {"lifespan": "2h"}}), ..Loaded::default() };
        let cookie = ("SESSION".to_owned(), r#"{"cookie":{"name":"a"}}"#.to_owned());
        overlay(&mut over, &Environment::from([cookie]));
        assert_eq!(over.tree["session"], json!({"lifespan": "2h", "cookie": {"name": "a"}}));
        for broken in [("SECURITY", "{\"account"), ("SERVE_PUBLIC", "{tls: 1}"), ("CLIENTS_HTTP", "{1}")] {
            let errors = with(&[broken]).errors;
            assert!(errors.len() == 1 && errors[0].contains(broken.0), "{broken:?}: {errors:?}");
        }
        let told = with(&[("SELFSERVICE_METHODS_PROFILE", "")]).warnings;
        assert!(told.len() == 1 && told[0].contains("as JSON"), "{told:?}");
        for name in ["SERVE_PUBLIC", "SECURITY_ACCOUNT_ENUMERATION", "SELFSERVICE_METHODS_PROFILE"] {
            let refused = with(&[(name, "true")]).errors;
            assert!(refused.len() == 1 && refused[0].contains("as JSON"), "{name}: {refused:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_where_it_would_be_read() {
        for name in ["SERVE_ADMIN_TOKEN", "SELFSERVICE_FLOWS_REGISTRATION_ENABLED"] {
            let refused = with(&[(name, "k\u{fffd}y-really-random-q83nfkd9xxzz")]).errors;
            assert!(refused.len() == 1 && refused[0].contains("is not UTF-8 text"), "{name}: {refused:?}");
        }
        assert!(with(&[("PATH", "/\u{fffd}")]).errors.is_empty());
    }

    #[test]
    fn an_item_has_one_name() {
        for name in ["IDENTITY_SCHEMAS_00_URL", "IDENTITY_SCHEMAS_+0_URL"] {
            let told = with(&[(name, "file:///x")]);
            assert!(told.errors.is_empty() && told.warnings.len() == 1, "{name}: {told:?}");
        }
    }

    #[test]
    fn a_restriction_is_refused_however_a_variable_says_it() {
        for (name, text) in [
            ("ORGANIZATIONS", r#"[{"id":"3fa85f64-5717-4562-b3fc-2c963f66afa6","domains":["example.org"]}]"#),
            ("ORGANIZATIONS_0_ID", "3fa85f64-5717-4562-b3fc-2c963f66afa6"),
            ("SERVE_PUBLIC", r#"{"tls":{"key":{"path":"/x"}}}"#),
            ("SERVE", r#"{"admin":{"socket":{"mode":448}}}"#),
            ("CLIENTS", r#"{"smtp":{"disallow_private_ip_ranges":true}}"#),
            ("CLIENTS_SMTP", r#"{"disallow_private_ip_ranges":true}"#),
            ("SELFSERVICE", r#"{"methods":{"profile":{"enabled":false}}}"#),
            ("SELFSERVICE_METHODS_PROFILE", r#"{"enabled":false}"#),
            ("SELFSERVICE_FLOWS_LOGIN_BEFORE", r#"{"hooks":[{"hook":"b2b_sso"}]}"#),
            ("SELFSERVICE_FLOWS_LOGIN_BEFORE_HOOKS_0_HOOK", "b2b_sso"),
            ("SELFSERVICE_FLOWS_LOGIN_AFTER_PASSWORD_HOOKS_0_HOOK", "b2b_sso"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_PROFILE_HOOKS_0_HOOK", "verify_new_address"),
        ] {
            let loaded = with(&[(name, text)]);
            let told = loaded.config().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(told.contains("--accept-unsupported") && loaded.warnings.is_empty(), "{name}: {told}");
        }
        let short = with(&[("SECRETS", r#"{"cipher":["short"]}"#)]).errors;
        assert!(short.len() == 1 && short[0].contains("variable SECRETS: "), "{short:?}");
    }

    #[test]
    fn members_of_the_items_of_a_list_are_read() {
        let loaded = with(&[
            ("SELFSERVICE_FLOWS_LOGIN_AFTER_PASSWORD_HOOKS_0_HOOK", "require_verified_address"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_0_HOOK", "revoke_active_sessions"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_HOOK", "web_hook"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_CONFIG_URL", "https://hooks.example.org/"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_CONFIG_METHOD", "POST"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_CONFIG_RESPONSE_IGNORE", "true"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_CONFIG_AUTH_TYPE", "api_key"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_CONFIG_AUTH_CONFIG_NAME", "X-Key"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_CONFIG_AUTH_CONFIG_VALUE", "x"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_CONFIG_AUTH_CONFIG_IN", "header"),
            ("SELFSERVICE_FLOWS_SETTINGS_AFTER_HOOKS_1_CONFIG_CAN_INTERRUPT", "false"),
        ]);
        assert!(loaded.errors.is_empty(), "{loaded:?}");
        let flows = &loaded.tree["selfservice"]["flows"];
        assert_eq!(
            flows["login"]["after"]["password"]["hooks"],
            json!([{"hook": "require_verified_address"}])
        );
        assert_eq!(
            flows["settings"]["after"]["hooks"][1],
            json!({"hook": "web_hook", "config": {"url": "https://hooks.example.org/", "method": "POST", "response": {"ignore": true}, "auth": {"type": "api_key", "config": {"name": "X-Key", "value": "x", "in": "header"}}, "can_interrupt": false}})
        );
        let unnamed = with(&[("SELFSERVICE_FLOWS_LOGIN_AFTER_HOOKS_0_HOKO", "require_verified_address")]);
        assert!(unnamed.errors[0].contains("/hooks/0: "), "{unnamed:?}");
    }

    #[test]
    fn keys_without_effect_are_judged_from_the_environment_too() {
        let loaded = with(&[("SELFSERVICE_METHODS_SAML_ENABLED", "true")]);
        assert!(loaded.warnings[0].contains("SELFSERVICE_METHODS_SAML_ENABLED"), "{loaded:?}");
        let refused = with(&[("SERVE_PUBLIC_TLS_CERT_PATH", "/c")]).config().unwrap_err().to_string();
        assert!(refused.contains("serve.public.tls"), "{refused}");
    }

    #[test]
    fn a_variable_that_says_nothing_and_one_that_is_no_object_are_warned_about() {
        let warnings = |name: &str, text: &str| {
            load_all(&[], &Environment::from([(name.to_owned(), text.to_owned())])).warnings.join("\n")
        };
        for name in ["SELFSERVICE_FLOWS_REGISTRATION_ENABLED", "SESSION_LIFESPAN", "SERVE_PUBLIC_BASE_URL"] {
            let told = warnings(name, "");
            assert!(told.contains(name) && told.contains("is empty"), "{name}: {told}");
        }
        for name in ["SELFSERVICE", "COURIER", "HASHERS"] {
            for text in ["x", ""] {
                assert!(warnings(name, text).contains("written as JSON"), "{name}={text}");
            }
        }
        for name in ["LOG", "SESSION", "SERVE", "VERSION"] {
            assert_eq!(warnings(name, "x"), "", "{name} belongs to another program");
        }
    }
}
