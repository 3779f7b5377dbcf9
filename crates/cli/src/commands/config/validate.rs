//! `sessera config validate`

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use sessera_config::{ConfigFile, environment, hidden, load_all};

use crate::global::Global;
use crate::offline::check::Findings;
use crate::output::{Output, say, warn};
use crate::upstream_options::UpstreamOptions;

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
  sessera config validate -c kratos.yml -c production.yml --format json-pretty
  sessera config validate -c sessera.yml --stored")]
pub(crate) struct ValidateConfig {
    /// A configuration file; later ones override earlier ones
    #[arg(short, long = "config", value_name = "FILE")]
    config: Vec<ConfigFile>,
    /// Warn about this restriction, which Sessera does not have, instead of taking it for an error; the option can be
    /// given once for each key
    #[arg(long, value_name = "KEY")]
    accept_unsupported: Vec<String>,
    /// Ask the running server for the configuration that it has stored, and warn about keys that do not count as they
    /// stand in the files, because the stored one replaces them
    #[arg(long)]
    stored: bool,
    #[command(flatten)]
    upstream: UpstreamOptions,
}

impl ValidateConfig {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let mut environment = self.upstream.over_process();
        environment::accept_unsupported(&mut environment, &self.accept_unsupported);
        let loaded = load_all(&self.config, &environment);
        let mut findings = Findings::of(&self.config, &loaded);
        if self.stored {
            let context = global.connect().await?;
            let stored = context.client.stored_config(&context.project).await?;
            findings.warnings.extend(stored.and_then(|stored| hidden::sentence(&loaded.tree, &stored)));
        }
        show(&findings, &global.output())?;
        match findings.errors.len() {
            0 => Ok(()),
            1 => bail!("the configuration has an error"),
            number => bail!("the configuration has {number} errors"),
        }
    }
}

fn show(findings: &Findings, output: &Output) -> Result<()> {
    // Programs read everything in the document.
    if output.is_table() {
        for warning in &findings.warnings {
            warn(warning);
        }
        for error in &findings.errors {
            say(&format!("Error: {error}"));
        }
        for note in &findings.notes {
            output.note(note);
        }
    }
    let document = json!({
        "valid": findings.errors.is_empty(),
        "errors": findings.errors,
        "warnings": findings.warnings,
        "notes": findings.notes,
        "templates": findings.templates,
    });
    let text = if findings.errors.is_empty() { praise(findings) } else { String::new() };
    output.print_text(&text, &document, None)
}

fn praise(findings: &Findings) -> String {
    let count = |number: usize, what: &str| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    let templates = match findings.templates.len() {
        0 => "no tokenizer template".into(),
        number => format!("{} ({})", count(number, "tokenizer template"), findings.templates.join(", ")),
    };
    format!("The configuration is valid: {}, {templates}.\n", count(findings.warnings.len(), "warning"))
}
