//! Tokenizer templates from files and options.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{ArgGroup, Args};
use serde_json::{Map, Value, json};
use sessera_issuer::templates::{Broken, LocalSources};
use sessera_jose::{Algorithm, JwkSet, Signer, SigningKey, generate, strict_json};
use sessera_tokenizer::{LoadError, SourceError, Sources, Template, TokenizeError, Tokenizer};

use crate::input;

/// A template, given whole or in parts.
#[derive(Args, Debug, Default)]
#[command(group = ArgGroup::new("keys").args(["template", "jwks"]).required(true).multiple(true))]
pub(crate) struct TemplateOptions {
    /// The template as JSON, as it stands under session.whoami.tokenizer.templates
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<String>,
    /// The key set whose first key signs: a file, file://... or base64://...
    #[arg(long, value_name = "FILE")]
    pub(crate) jwks: Option<String>,
    /// The claims mapper in Jsonnet: a file, file://... or base64://...
    #[arg(long, value_name = "FILE")]
    pub(crate) mapper: Option<String>,
    /// How long the token lives, for example 10m
    #[arg(long, value_name = "DURATION")]
    pub(crate) ttl: Option<String>,
    /// Which id becomes "sub": "id" or "external_id"
    #[arg(long, value_name = "SOURCE")]
    pub(crate) subject_source: Option<String>,
}

impl TemplateOptions {
    /// The template as JSON, which has the file's members overlaid with the options.
    pub(crate) fn to_json(&self) -> Result<Value> {
        let base = match &self.template {
            None => json!({}),
            Some(source) => parse(source, &input::text(source)?)?,
        };
        Ok(self.over(base))
    }

    /// Lays these options over the members of a template.
    pub(crate) fn over(&self, base: Value) -> Value {
        let mut members = match base {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let given = [
            ("jwks_url", self.jwks.as_deref().map(source)),
            ("claims_mapper_url", self.mapper.as_deref().map(source)),
            ("ttl", self.ttl.clone()),
            ("subject_source", self.subject_source.clone()),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                members.insert(name.into(), value.into());
            }
        }
        Value::Object(members)
    }
}

/// Parses a template. Members that stand twice are refused.
pub(crate) fn parse(source: &str, text: &str) -> Result<Value> {
    let name = input::name(source);
    match strict_json::parse(text.as_bytes()) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => bail!("{name} is not a template: a JSON object with the member \"jwks_url\" was expected"),
        Err(problem) => bail!("{name} is not a template: {problem}"),
    }
}

/// Makes a source of a text. A path is short for a `file://` source.
pub(crate) fn source(text: &str) -> String {
    if text.contains("://") || text.starts_with("pkcs11:") {
        text.to_owned()
    } else {
        format!("file://{text}")
    }
}

/// Sources without a server. Files are read, and a key may stand in for stored key sets.
pub(crate) struct OfflineSources {
    stand_in: Option<Vec<u8>>,
    stood_in_for: RefCell<Vec<String>>,
}

impl OfflineSources {
    /// A stored key set is an error.
    pub(crate) const fn strict() -> Self {
        Self { stand_in: None, stood_in_for: RefCell::new(Vec::new()) }
    }

    /// A key made for this run stands in for every stored key set.
    pub(crate) fn with_stand_in() -> Result<Self> {
        let key = generate::key(Algorithm::Es256, None, 0)?;
        let set = JwkSet::new(vec![key])?.to_private_json().to_string().into_bytes();
        Ok(Self { stand_in: Some(set), stood_in_for: RefCell::new(Vec::new()) })
    }

    /// The stored sets that were stood in for.
    pub(crate) fn stood_in_for(&self) -> Vec<String> {
        self.stood_in_for.borrow().clone()
    }
}

impl Sources for OfflineSources {
    fn file(&self, path: &Path) -> Result<Vec<u8>, SourceError> {
        LocalSources::new(&[]).file(path)
    }

    fn signing_key(&self, uri: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
        let Some(set) = &self.stand_in else { return LocalSources::new(&[]).signing_key(uri) };
        let stand_in = JwkSet::parse(set).and_then(|set| Signer::of_set(&set));
        stand_in.map(|signer| signer.key()).map_err(|error| SourceError::Elsewhere(error.to_string()))
    }

    fn key_set(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        match &self.stand_in {
            Some(set) => {
                self.stood_in_for.borrow_mut().push(name.to_owned());
                Ok(set.clone())
            }
            None => Err(SourceError::NeedsServer(name.to_owned())),
        }
    }
}

/// Compiles a template. An error comes with an excerpt. `name` is how errors call a mapper that is not in a
/// file.
pub(crate) fn compile(name: &str, template: &Value, sources: &OfflineSources) -> Result<Tokenizer> {
    let compiled = Template::from_json(template)
        .map_err(Broken::from)
        .and_then(|template| Ok(Tokenizer::compile(name, &template, sources)?));
    compiled.map_err(|error| anyhow!(broken(&error)))
}

/// Makes a template of this mapper and the key that stands in.
pub(crate) fn with_mapper(mapper: &str) -> Value {
    json!({
        "jwks_url": "set://stand-in",
        "claims_mapper_url": format!("base64://{}", STANDARD.encode(mapper)),
    })
}

/// Says why a token could not be made, with an excerpt of the mapper where it is to blame.
pub(crate) fn failure(error: &TokenizeError) -> anyhow::Error {
    match error {
        TokenizeError::Mapper(error) => anyhow!(without_label(&error.render())),
        TokenizeError::BadTime { .. } | TokenizeError::LateExpiry { .. } => anyhow!("{}", error.public()),
        other => anyhow!("{other}"),
    }
}

/// Says what is wrong with a template, with an excerpt of the mapper where it is to blame.
pub(crate) fn broken(error: &Broken) -> String {
    match error {
        Broken::Load(LoadError::Mapper(error)) => without_label(&error.render()),
        other => other.render(),
    }
}

/// Removes the first word of an engine's report, because the command line writes its own.
pub(crate) fn without_label(report: &str) -> String {
    report.strip_prefix("error: ").unwrap_or(report).trim_end().to_owned()
}

/// Whether a text is a template rather than a mapper, which is so for a JSON object with a template's
/// members.
pub(crate) fn is_template(text: &str) -> bool {
    let value: Option<Value> = serde_json::from_str(text).ok();
    value.is_some_and(|value| value.get("jwks_url").is_some() || value.get("claims_mapper_url").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_lie_over_the_file_of_the_template() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("template.json");
        std::fs::write(&file, r#"{"jwks_url":"set://a","ttl":"1m"}"#).unwrap();
        let options = TemplateOptions {
            template: Some(file.display().to_string()),
            jwks: Some("keys.json".into()),
            mapper: Some("base64://e30=".into()),
            ..TemplateOptions::default()
        };
        let expected =
            json!({"jwks_url": "file://keys.json", "ttl": "1m", "claims_mapper_url": "base64://e30="});
        assert_eq!(options.to_json().unwrap(), expected);
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("template.json");
        std::fs::write(&file, r#"{"jwks_url":"set://a","jwks_url":"set://b"}"#).unwrap();
        let options =
            TemplateOptions { template: Some(file.display().to_string()), ..TemplateOptions::default() };
        assert!(options.to_json().unwrap_err().to_string().contains("stands twice"));
    }

    #[test]
    fn stored_sets_are_stood_in_for_only_when_wanted() {
        let template = json!({"jwks_url": "set://a"});
        let error = compile("t", &template, &OfflineSources::strict()).unwrap_err().to_string();
        assert!(error.contains("sessera get jwk a --private"), "{error}");
        let sources = OfflineSources::with_stand_in().unwrap();
        assert!(compile("t", &template, &sources).is_ok());
        assert_eq!(sources.stood_in_for(), ["a"]);
    }

    #[test]
    fn mappers_and_templates_are_told_apart() {
        assert!(is_template(r#"{"jwks_url": "set://a"}"#));
        for mapper in ["{ claims: {} }", r#"{"claims": {}}"#, "", "["] {
            assert!(!is_template(mapper), "{mapper}");
        }
    }
}
