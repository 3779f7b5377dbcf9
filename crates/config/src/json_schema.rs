//! The configuration's JSON Schema, by which editors complete and check files.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::kind::{Key, Kind};
use crate::sections::Sections;
use crate::setting::Setting as _;
use crate::text;
use crate::unsupported::{self, TABLE};
use crate::verdict::Verdict;

/// The JSON Schema (draft 7) of a configuration file. Keys of Kratos that have no effect are in it, each with
/// what that means.
pub fn json_schema() -> Value {
    let mut schema = of_kind(Sections::KIND, &mut Vec::new());
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = "Configuration of Sessera".into();
    schema
}

/// The schema of a value. `path` is where it stands.
fn of_kind(kind: Kind, path: &mut Vec<String>) -> Value {
    // A key without a value is as good as absent.
    let or_null = |name: &str| json!({ "type": [name, "null"] });
    match kind {
        Kind::Text => json!({ "type": ["string", "number", "null"] }),
        Kind::Secret(least) => {
            let mut schema = or_null("string");
            if least > 0 {
                schema["pattern"] = format!("^.{{{least},}}$").into();
            }
            schema
        }
        Kind::Bool => or_null("boolean"),
        Kind::Integer(min, max) => {
            let mut schema = or_null("integer");
            schema["minimum"] = min.into();
            if max < i64::MAX {
                schema["maximum"] = max.into();
            }
            schema
        }
        Kind::Ratio => json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 }),
        Kind::Duration(..) => json!({
            "type": ["string", "null"],
            "pattern": r"^\+?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d))*)$",
        }),
        Kind::Bytes(..) => json!({
            "type": ["string", "integer", "null"],
            "pattern": "^ *[0-9]+ *([kKmMgG]([iI]?[bB])?|[bB])? *$",
        }),
        Kind::Url | Kind::PrivateUrl | Kind::Address => json!({ "type": ["string", "null"] }),
        Kind::Color => json!({
            "type": ["string", "null"],
            "pattern": "^$|^#([0-9a-fA-F]{3}){1,2}$",
        }),
        Kind::Choice(words) => {
            // YAML reads a word such as 401 as a number.
            let numbers = words.iter().filter_map(|word| word.parse::<u64>().ok()).map(Value::from);
            let mut words: Vec<Value> = words.iter().map(|word| Value::from(*word)).chain(numbers).collect();
            words.push(Value::Null);
            json!({ "enum": words })
        }
        Kind::List(inner) => {
            path.push("*".into());
            let items = of_kind(*inner, path);
            path.pop();
            // One token may stand where several may.
            let types =
                if kind.is_secret() { json!(["array", "string", "null"]) } else { json!(["array", "null"]) };
            json!({ "type": types, "items": items })
        }
        Kind::Map(inner) => {
            path.push("*".into());
            let members = of_kind(*inner, path);
            path.pop();
            json!({ "type": ["object", "null"], "additionalProperties": members })
        }
        Kind::Object(keys) => of_object(keys, path),
        Kind::Template => of_template(),
        Kind::Any => json!({}),
    }
}

/// The schema of a tokenizer template, whose reader is that of the crate `tokenizer`.
fn of_template() -> Value {
    let duration = || of_kind(Duration::KIND, &mut Vec::new());
    let text = || json!({ "type": ["string", "null"] });
    let flag = || json!({ "type": ["boolean", "null"] });
    let members = [
        ("jwks_url", text(), "The key set that signs: set://NAME, file://, base64:// or pkcs11:."),
        ("claims_mapper_url", text(), "The Jsonnet mapper of claims: file:// or base64://."),
        ("ttl", duration(), "How long tokens live. Default: 10m."),
        (
            "subject_source",
            json!({ "enum": ["id", "external_id", "", null] }),
            "Which id becomes sub. Default: id.",
        ),
        (
            "audience",
            json!({ "type": ["string", "array", "null"], "minItems": 1, "items": { "type": "string", "minLength": 1 } }),
            "Whom tokens are for (aud).",
        ),
        ("issuer", text(), "The issuer of tokens (iss). Default: the public address."),
        ("typ", text(), "The type of tokens in their header, such as at+jwt. Default: JWT."),
        ("algorithm", text(), "The algorithm that the key set must have."),
        ("nbf_leeway", duration(), "How much earlier than now tokens begin to be good (nbf), at most 10m."),
        ("cap_to_session", flag(), "Whether tokens end with their session at the latest."),
        ("bearer", flag(), "Whether whoami takes its tokens as bearer tokens."),
        ("status_list", flag(), "Whether its tokens say where others see that their session was revoked."),
    ];
    let properties: Map<String, Value> = members
        .into_iter()
        .map(|(name, mut schema, about)| {
            schema["description"] = about.into();
            (name.to_owned(), schema)
        })
        .collect();
    json!({
        "type": ["object", "null"],
        "properties": properties,
        "required": ["jwks_url"],
        "additionalProperties": false,
    })
}

fn of_object(keys: &'static [Key], path: &mut Vec<String>) -> Value {
    let mut properties = Map::new();
    for key in keys {
        path.push(key.name.to_owned());
        let mut schema = of_kind(key.kind, path);
        schema["description"] = key.about().into();
        if let Some(default) = key.default.and_then(|default| text::value(default, &key.kind)) {
            schema["default"] = default;
        }
        properties.insert(key.name.to_owned(), schema);
        path.pop();
    }
    for name in unsupported::names_at(path) {
        if !properties.contains_key(name) {
            path.push(name.to_owned());
            properties.insert(name.to_owned(), of_unsupported(path));
            path.pop();
        }
    }
    json!({
        "type": ["object", "null"],
        "properties": properties,
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
    })
}

fn of_unsupported(path: &mut Vec<String>) -> Value {
    if !unsupported::is_leaf(path) {
        return of_object(&[], path);
    }
    let dotted = path.join(".");
    let is_its = |known: &&str| **known == dotted || known.strip_suffix(".**") == Some(dotted.as_str());
    let row = TABLE.iter().find(|row| row.paths.iter().any(is_its));
    let about = row.map(|row| match row.verdict {
        Verdict::Harmless => format!("Has no effect: {}.", row.about),
        Verdict::WithoutEffect => format!("Has no effect, and a warning: {}.", row.about),
        Verdict::Restricting => format!("Refused, unless accept_unsupported names it: {}.", row.about),
    });
    json!({ "description": about.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read;
    use crate::yaml;

    /// The examples of the documents: blocks of YAML that begin with a key of the configuration.
    fn examples() -> Vec<(String, Value)> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let mut found = Vec::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for block in text.split("```").skip(1).step_by(2) {
                let Some(block) = block.strip_prefix("yaml\n").or_else(|| block.strip_prefix("yml\n")) else {
                    continue;
                };
                let value = yaml::parse(block).map(|document| document.value).unwrap_or_default();
                let is_configuration = |name: &String| Sections::KEYS.iter().any(|key| key.name == name);
                if value.as_object().is_some_and(|members| members.keys().all(is_configuration)) {
                    found.push((path.display().to_string(), value));
                }
            }
        }
        found
    }

    #[test]
    fn the_schema_accepts_what_the_documents_show() {
        let validator = jsonschema::validator_for(&json_schema()).unwrap();
        let examples = examples();
        assert!(examples.len() >= 3, "{examples:?}");
        for (file, example) in examples {
            let errors: Vec<String> =
                validator.iter_errors(&example).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{file}: {errors:?}\n{example}");
            let (_, found) = read(&example);
            assert!(found.wrong.is_empty() && found.unknown.is_empty(), "{file}: {found:?}");
        }
    }

    #[test]
    fn editors_know_the_members_of_a_template() {
        let schema = of_template();
        let known: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(known, sessera_tokenizer::template::MEMBERS);
        let validator = jsonschema::validator_for(&schema).unwrap();
        for (more, is_good) in [
            (json!({}), true),
            (json!({"ttl": "10m", "audience": ["a"], "bearer": true, "subject_source": "external_id"}), true),
            (json!({"audience": "a", "claims_mapper_url": null}), true),
            (json!({"jwks_url": 5}), false),
            (json!({"ttl": "ten"}), false),
            (json!({"audience": []}), false),
            (json!({"foo": 1}), false),
        ] {
            let mut template = json!({"jwks_url": "set://k"});
            crate::merge::merge(&mut template, more);
            let is_taken = sessera_tokenizer::Template::from_json(&template).is_ok();
            assert_eq!((validator.is_valid(&template), is_taken), (is_good, is_good), "{template}");
        }
        assert!(!validator.is_valid(&json!({})));
    }

    #[test]
    fn schema_and_reader_refuse_the_same() {
        let validator = jsonschema::validator_for(&json_schema()).unwrap();
        for bad in [
            json!({"serve": {"public": {"port": "x"}}}),
            json!({"serve": {"public": {"port": 70000}}}),
            json!({"session": {"lifespan": 5}}),
            json!({"session": {"lifespan": "5 minutes"}}),
            json!({"session": {"cookie": {"same_site": "lax"}}}),
            json!({"selfservice": {"allowed_return_urls": "https://a"}}),
            json!({"selfservice": {"methods": {"sms": {"enabled": true}}}}),
            json!({"tracing": {"providers": {"otlp": {"sampling": {"sampling_ratio": 2}}}}}),
            json!({"hashers": {"bcrypt": {"cost": 16}}}),
            json!({"hashers": {"argon2": {"memory": "much"}}}),
            json!({"pages": {"colors": {"light": {"accent": "teal"}}}}),
            json!({"identity": []}),
            json!({"secrets": {"cipher": ["a"]}}),
            json!({"session": {"lifespan": "", "cache": {}}}),
            json!({"session": {"cache": {"max_bytes": ""}}}),
            json!({"session": {"cookie": {"same_site": ""}}}),
            json!({"log": {"level": ""}}),
            json!({"serve": {"public": {"port": ""}}}),
        ] {
            assert!(!validator.is_valid(&bad), "{bad}");
            let (_, found) = read(&bad);
            assert!(found.wrong.len() + found.weak.len() > 0, "{bad}");
        }
        for good in [
            json!({}),
            json!({"session": null, "x-anchors": {"a": 1}}),
            json!({"serve": {"admin": {"token": "one-of-at-least-24-characters"}}}),
            json!({"secrets": {"cipher": ["words-of-no-sample-for-these-tests"]}}),
            json!({"session": {"lifespan": "1h30m", "cache": {"max_bytes": 1024}}}),
            json!({"session": {"whoami": {"tokenizer": {"templates": {"t": {"jwks_url": "set://k"}}}}}}),
            json!({"selfservice": {"methods": {"oidc": {"enabled": false, "config": {"providers": []}}}}}),
            json!({"serve": {"public": {"tls": {"cert": {"path": "/x"}}}}}),
            json!({"pages": {"colors": {"dark": {"accent": "#a5B0ff", "text": "#fff"}}}}),
            json!({"identity": {"schemas": [{"id": "a", "url": "file:///a", "selfservice_selectable": true}]}}),
            json!({"courier": {"smtp": {"headers": {"X-A": "b"}}}, "version": "v1.0.0"}),
        ] {
            let errors: Vec<String> = validator.iter_errors(&good).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{good}: {errors:?}");
            assert!(read(&good).1.wrong.is_empty(), "{good}");
        }
    }

    #[test]
    fn every_default_is_valid() {
        fn look(schema: &Value, path: &str) {
            if let Some(default) = schema.get("default") {
                assert!(jsonschema::is_valid(schema, default), "{path}: {default}");
            }
            for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
                look(inner, &format!("{path}/{name}"));
            }
        }
        look(&json_schema(), "");
    }
}
