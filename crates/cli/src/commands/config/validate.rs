//! `sessera config validate`

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use sessera_config::load::Environment;
use sessera_config::{Config, ConfigError, keys, load, yaml};
use sessera_issuer::Templates;
use sessera_issuer::templates::{Broken, compile};
use sessera_server::snapshot::Snapshot;
use sessera_tokenizer::LoadError;

use crate::global::Global;
use crate::offline::template::{OfflineSources, broken};
use crate::output::{Output, say, warn};

/// Where the templates stand.
const TEMPLATES: &str = "/session/whoami/tokenizer/templates";

/// Check configuration files without starting a server
///
/// The command reads the files and the environment as "sessera serve" would. With file, line and JSON Pointer
/// it names errors with which the server does not start, templates that are broken, and keys that are not
/// known, with the nearest one that is. The exit code is 1 when there are errors or broken templates. Key
/// sets that a server stores (set://NAME) are not looked up.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera config validate -c sessera.yml
  sessera config validate -c kratos.yml -c production.yml --format json-pretty")]
pub(crate) struct ValidateConfig {
    /// A configuration file; later ones override earlier ones
    #[arg(short, long = "config", value_name = "FILE")]
    config: Vec<PathBuf>,
}

impl ValidateConfig {
    pub(crate) fn run(self, global: &Global) -> Result<()> {
        let findings = Findings::of(&self.config, &std::env::vars().collect());
        findings.show(&global.output())?;
        match findings.errors.len() {
            0 => Ok(()),
            1 => bail!("the configuration has an error"),
            number => bail!("the configuration has {number} errors"),
        }
    }
}

/// Everything there is to say about a configuration.
#[derive(Debug, Default)]
struct Findings {
    warnings: Vec<String>,
    errors: Vec<String>,
    /// The names of the templates that compile.
    templates: Vec<String>,
    notes: Vec<String>,
}

impl Findings {
    fn of(files: &[PathBuf], environment: &Environment) -> Self {
        let mut findings = Self::default();
        // The files are checked one by one first, because an error in one must not hide those in the others.
        for file in files {
            match load(std::slice::from_ref(file), &Environment::new()) {
                Ok(loaded) => findings.warnings.extend(loaded.warnings),
                Err(error) => findings.errors.extend(sentences(error)),
            }
        }
        match load(files, environment) {
            Ok(loaded) => findings.check(&loaded.tree, &Places::of(files)),
            Err(error) if findings.errors.is_empty() => findings.errors.extend(sentences(error)),
            Err(_) => {}
        }
        findings
    }

    /// Checks what all sources give together.
    fn check(&mut self, tree: &Value, places: &Places) {
        let compiled =
            Config::from_tree(tree).and_then(|config| Snapshot::compile(config, &[], &Templates::default()));
        if let Err(error) = compiled {
            self.errors.extend(sentences(error).iter().map(|problem| places.locate(problem)));
        }
        let sources = match OfflineSources::with_stand_in() {
            Ok(sources) => sources,
            Err(error) => return self.errors.push(error.to_string()),
        };
        let templates = tree.pointer(TEMPLATES).and_then(Value::as_object);
        for (name, template) in templates.into_iter().flatten() {
            match compile(name, template, &sources) {
                Ok(_) => self.templates.push(name.clone()),
                Err(error) => {
                    let pointer = format!("{TEMPLATES}/{}{}", keys::escape(name), part(&error));
                    self.errors.push(places.locate(&format!("{pointer}: {}", broken(&error))));
                }
            }
        }
        let mut stored = sources.stood_in_for();
        stored.sort();
        stored.dedup();
        for set in stored {
            self.notes.push(format!("set://{set} is stored by a server, so it is not looked up here"));
        }
    }

    fn show(&self, output: &Output) -> Result<()> {
        for warning in &self.warnings {
            warn(warning);
        }
        for error in &self.errors {
            say(&format!("Error: {error}"));
        }
        for note in &self.notes {
            output.note(note);
        }
        let document = json!({
            "valid": self.errors.is_empty(),
            "errors": self.errors,
            "warnings": self.warnings,
            "templates": self.templates,
        });
        let text = if self.errors.is_empty() { self.praise() } else { String::new() };
        output.print_text(&text, &document, None)
    }

    fn praise(&self) -> String {
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            number => format!("{number} {what}s"),
        };
        let templates = match self.templates.len() {
            0 => "no tokenizer template".into(),
            number => format!("{} ({})", count(number, "tokenizer template"), self.templates.join(", ")),
        };
        format!("The configuration is valid: {}, {templates}.\n", count(self.warnings.len(), "warning"))
    }
}

/// The part of a template that is to blame.
fn part(error: &Broken) -> &'static str {
    match error {
        Broken::Load(LoadError::KeySetSource(_) | LoadError::Key(_)) => "/jwks_url",
        Broken::Load(_) => "/claims_mapper_url",
        Broken::Template(_) => "",
    }
}

fn sentences(error: ConfigError) -> Vec<String> {
    match error {
        ConfigError::Invalid(sentences) => sentences,
        other => vec![other.to_string()],
    }
}

/// The file and the line of each value. Later files override earlier ones, as their values do.
struct Places(HashMap<String, String>);

impl Places {
    fn of(files: &[PathBuf]) -> Self {
        let mut places = HashMap::new();
        for file in files {
            let document = std::fs::read_to_string(file).ok().and_then(|text| yaml::parse(&text).ok());
            for (pointer, line) in document.unwrap_or_default().lines {
                places.insert(pointer, format!("{}:{line}", file.display()));
            }
        }
        Self(places)
    }

    /// Puts file and line before a sentence that begins with a JSON Pointer. A value that stands in no file
    /// comes from the environment or is missing, and then the nearest part around it is named.
    fn locate(&self, sentence: &str) -> String {
        let pointer = sentence.split(": ").next().unwrap_or_default();
        if !pointer.starts_with('/') {
            return sentence.to_owned();
        }
        let mut around = pointer;
        while !around.is_empty() {
            if let Some(place) = self.0.get(around) {
                return format!("{place}: {sentence}");
            }
            around = around.rsplit_once('/').map_or("", |(before, _)| before);
        }
        sentence.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(yaml: &str) -> Findings {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.yml");
        std::fs::write(&file, yaml).unwrap();
        Findings::of(&[file], &Environment::new())
    }

    #[test]
    fn errors_and_broken_templates_are_told_together() {
        let found = findings(
            "session:\n  whoami:\n    required_aal: aal9\n    tokenizer:\n      templates:\n        odd: {}\n        good: {jwks_url: set://k}\n",
        );
        assert_eq!(found.errors.len(), 2, "{:?}", found.errors);
        assert!(found.errors[0].contains("c.yml:3: /session/whoami/required_aal: "), "{}", found.errors[0]);
        assert!(found.errors[1].contains("c.yml:6: /session/whoami/tokenizer/templates/odd: "));
        assert_eq!(found.templates, ["good"]);
        assert!(found.notes[0].contains("set://k"));
    }

    #[test]
    fn a_sentence_without_a_known_place_stays_as_it_is() {
        let places = Places(HashMap::from([("/a".to_owned(), "f:3".to_owned())]));
        assert_eq!(places.locate("/a/b/c: wrong"), "f:3: /a/b/c: wrong");
        assert_eq!(places.locate("/b: wrong"), "/b: wrong");
        assert_eq!(places.locate("wrong: /a"), "wrong: /a");
    }

    #[test]
    fn the_environment_counts() {
        let environment = Environment::from([("SERVE_PUBLIC_PORT".to_owned(), "x".to_owned())]);
        assert!(Findings::of(&[], &environment).errors[0].contains("SERVE_PUBLIC_PORT"));
    }
}
