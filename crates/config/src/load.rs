//! Files and environment together.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sessera_jose::strict_json;

use crate::keys::{self, Kind};
use crate::yaml;

/// The configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{}: {problem}. Give the path of the configuration file with -c", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        problem: String,
    },
    /// A file is no YAML.
    #[error("{place}: {message}")]
    Syntax {
        /// File and line.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// Values of the wrong type, one sentence each.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
}

/// The variables of an environment by their names.
pub type Environment = HashMap<String, String>;

/// Files and environment as one tree.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The tree.
    pub tree: Value,
    /// Keys that are not known, one sentence each with file and line.
    pub warnings: Vec<String>,
}

/// Reads files, later ones over earlier ones, and lays the environment over them.
pub fn load(files: &[PathBuf], environment: &Environment) -> Result<Loaded, ConfigError> {
    let mut loaded = Loaded { tree: Value::Object(Map::new()), warnings: Vec::new() };
    for file in files {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::File { file: file.clone(), problem: error.to_string() })?;
        let value = parse_file(file, &text, &mut loaded.warnings)?;
        merge(&mut loaded.tree, value);
    }
    let from_environment = environment_tree(environment)?;
    merge(&mut loaded.tree, from_environment);
    Ok(loaded)
}

/// Parses and checks one file.
pub fn parse_file(file: &Path, text: &str, warnings: &mut Vec<String>) -> Result<Value, ConfigError> {
    let name = file.display();
    let document = yaml::parse(text).map_err(|error| ConfigError::Syntax {
        place: error.line.map_or_else(|| name.to_string(), |line| format!("{name}:{line}")),
        message: error.message,
    })?;
    let value = if document.value.is_null() { Value::Object(Map::new()) } else { document.value };
    let findings = keys::check(&value);
    let sentence = |finding: &keys::Finding| {
        let line = document.lines.get(&finding.pointer).copied().unwrap_or(1);
        format!("{name}:{line}: {}: {}", finding.pointer, finding.message)
    };
    if !findings.wrong.is_empty() {
        return Err(ConfigError::Invalid(findings.wrong.iter().map(sentence).collect()));
    }
    warnings.extend(findings.unknown.iter().map(sentence));
    Ok(value)
}

/// Lays one tree over another: objects are merged, everything else is replaced.
pub fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                match base.get_mut(&name) {
                    Some(known) => merge(known, value),
                    None => {
                        base.insert(name, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}

/// The name of a key's environment variable: `SESSION_WHOAMI_REQUIRED_AAL`.
pub fn variable_name(path: &[&str]) -> String {
    path.join("_").replace('-', "_").to_ascii_uppercase()
}

fn environment_tree(environment: &Environment) -> Result<Value, ConfigError> {
    let mut tree = Value::Object(Map::new());
    let mut wrong = Vec::new();
    for (path, key) in keys::leaves() {
        // Keys without effect would clash with variables that others set, such as VERSION.
        if matches!(key.kind, Kind::Any) {
            continue;
        }
        let name = variable_name(&path);
        let Some(text) = environment.get(&name) else { continue };
        match environment_value(text, key.kind) {
            Some(value) => {
                let nested = path
                    .iter()
                    .rev()
                    .fold(value, |inner, name| Value::Object(Map::from_iter([((*name).to_owned(), inner)])));
                merge(&mut tree, nested);
            }
            None => {
                wrong.push(format!("the environment variable {name}: its value is not of the right type"));
            }
        }
    }
    let findings = keys::check(&tree);
    wrong.extend(findings.wrong.iter().map(|finding| {
        let path: Vec<&str> = finding.pointer.split('/').skip(1).collect();
        format!("the environment variable {}: {}", variable_name(&path), finding.message)
    }));
    if wrong.is_empty() { Ok(tree) } else { Err(ConfigError::Invalid(wrong)) }
}

fn environment_value(text: &str, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Bool => text.parse().ok().map(Value::Bool),
        Kind::Integer => text.trim().parse::<i64>().ok().map(Value::from),
        Kind::Ratio => text.trim().parse::<f64>().ok().map(Value::from),
        Kind::List(Kind::Text | Kind::Secret) => {
            if text.trim_start().starts_with('[') {
                strict_json::parse(text.as_bytes()).ok()
            } else {
                Some(Value::from(
                    text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>(),
                ))
            }
        }
        Kind::List(_) | Kind::Map(_) | Kind::Object(_) => strict_json::parse(text.as_bytes()).ok(),
        Kind::Text | Kind::Secret | Kind::Duration | Kind::Any => Some(Value::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(environment: &[(&str, &str)]) -> Result<Value, ConfigError> {
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        load(&[], &environment).map(|loaded| loaded.tree)
    }

    #[test]
    fn later_files_and_the_environment_lie_over_earlier_ones() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("1.yml"), folder.path().join("2.yml"));
        std::fs::write(&one, "session: {lifespan: 1h, cookie: {name: a}}\nlog: {level: info}\n").unwrap();
        std::fs::write(&two, "session: {cookie: {name: b}}\nsesion: 1\n").unwrap();
        let environment = Environment::from([("LOG_LEVEL".to_owned(), "debug".to_owned())]);
        let loaded = load(&[one, two], &environment).unwrap();
        assert_eq!(
            loaded.tree,
            json!({"session": {"lifespan": "1h", "cookie": {"name": "b"}}, "log": {"level": "debug"}, "sesion": 1})
        );
        assert!(
            loaded.warnings[0].contains("2.yml:2: /sesion") && loaded.warnings[0].contains("\"session\"")
        );
    }

    #[test]
    fn the_environment_has_types() {
        let tree = with(&[
            ("SERVE_PUBLIC_PORT", "4455"),
            ("SERVE_ADMIN_INSECURE", "true"),
            ("SECRETS_CIPHER", "one, two"),
            ("SESSION_WHOAMI_TOKENIZER_TEMPLATES", r#"{"a":{"jwks_url":"set://k"}}"#),
            ("VERSION", "9"),
        ])
        .unwrap();
        assert_eq!(tree["serve"]["public"]["port"], 4455);
        assert_eq!(tree["secrets"]["cipher"], json!(["one", "two"]));
        assert_eq!(tree["session"]["whoami"]["tokenizer"]["templates"]["a"]["jwks_url"], "set://k");
        assert!(tree.get("version").is_none());
        let twice = r#"{"a":{"jwks_url":"set://k","jwks_url":"set://l"}}"#;
        assert!(with(&[("SESSION_WHOAMI_TOKENIZER_TEMPLATES", twice)]).is_err());
        assert!(with(&[("SERVE_PUBLIC_PORT", "x")]).unwrap_err().to_string().contains("SERVE_PUBLIC_PORT"));
        assert!(with(&[("SESSION_LIFESPAN", "1")]).unwrap_err().to_string().contains("SESSION_LIFESPAN"));
    }

    #[test]
    fn errors_name_file_line_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad.yml");
        std::fs::write(&file, "log:\n  level: info\nserve:\n  public:\n    port: no\n").unwrap();
        let error = load(std::slice::from_ref(&file), &Environment::new()).unwrap_err().to_string();
        assert!(error.contains("bad.yml:5: /serve/public/port"), "{error}");
        let missing = load(&[folder.path().join("none.yml")], &Environment::new()).unwrap_err();
        assert!(missing.to_string().contains("none.yml"));
    }
}
