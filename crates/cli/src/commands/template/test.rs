//! `sessera template test`

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};
use sessera_issuer::preview::{Change, ChangeKind, Preview};
use sessera_issuer::tried::TriedSession;
use sessera_model::{Random, SystemRandom, Timestamp};

use crate::global::Global;
use crate::input;
use crate::offline::session;
use crate::offline::template::{
    OfflineSources, TemplateOptions, compile, failure, is_template, parse, with_mapper,
};
use crate::offline::times;
use crate::output::warn;

/// The longest value that is shown in the list of changes, in characters.
const LONGEST_SHOWN: usize = 100;

/// Run a claims mapper against a session and show what it changes
///
/// FILE is a mapper in Jsonnet, or a whole template as JSON. A key made for the occasion stands in for a key set that a
/// server stores. No server is asked, unless a session token is given: then whoami is asked for its session, at Sessera or
/// at the Ory Kratos that keeps the sessions. When the mapper fails, the command shows where, and the exit code is 1.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera template test claims.jsonnet
  sessera template test claims.jsonnet --session session.json \\
    --issuer https://id.example.org/
  sessera template test claims.jsonnet --token \"$SESSION_TOKEN\" \\
    --from http://127.0.0.1:4433
  sessera template test template.json --format json-pretty")]
pub(crate) struct TestTemplate {
    /// A mapper, or a template as JSON; "-" reads standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// A session as GET /sessions/whoami returns it [default: a sample that comes with the program]
    #[arg(long, value_name = "FILE")]
    session: Option<String>,
    /// A session token, whose session whoami is asked for
    #[arg(long, value_name = "TOKEN", conflicts_with = "session")]
    token: Option<String>,
    /// The public API that knows the token, of Sessera or of an Ory Kratos [default: the issuer]
    #[arg(long, value_name = "URL", requires = "token")]
    from: Option<String>,
    /// The issuer, which is the public base URL of the server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4433/")]
    issuer: String,
    /// The time at which the token is made, in RFC 3339 or in seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    time: Option<Timestamp>,
    /// How long the token lives, for example 10m
    #[arg(long, value_name = "DURATION")]
    ttl: Option<String>,
    /// Which id becomes "sub": "id" or "external_id"
    #[arg(long, value_name = "SOURCE")]
    subject_source: Option<String>,
}

impl TestTemplate {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let text = input::text(&self.file)?;
        let whole = is_template(&text);
        let sources = OfflineSources::with_stand_in()?;
        let tokenizer = compile(input::program_name(&self.file), &self.template(&text, whole)?, &sources)?;
        let session = match (&self.session, &self.token) {
            (None, None) => TriedSession::sample()?,
            (Some(source), _) => session::read(source)?,
            (None, Some(token)) => session::told(self.from.as_deref().unwrap_or(&self.issuer), token).await?,
        };
        let random: &dyn Random = &SystemRandom::default();
        let subject = session.subject(&self.issuer, random.uuid());
        let now = times::or_now(self.time).seconds();
        let preview = Preview::of(&tokenizer, &subject, now).map_err(|error| failure(&error))?;
        let output = global.output();
        if self.session.is_none() && self.token.is_none() {
            output.note("the session is the sample that comes with the program; --session FILE and --token TOKEN take another");
        }
        for set in sources.stood_in_for().iter().filter(|_| whole) {
            output.note(&format!("set://{set} is stored by a server; a new ES256 key stands in for it"));
        }
        for warning in &preview.warnings {
            warn(warning);
        }
        output.print_text(&to_text(&preview), &to_json(&preview), None)
    }

    fn template(&self, text: &str, whole: bool) -> Result<Value> {
        let given = TemplateOptions {
            ttl: self.ttl.clone(),
            subject_source: self.subject_source.clone(),
            ..TemplateOptions::default()
        };
        let base = if whole { parse(&self.file, text)? } else { with_mapper(text) };
        Ok(given.over(base))
    }
}

/// The preview for people.
fn to_text(preview: &Preview) -> String {
    let mut text = format!("Default claims\n{}\n\n", pretty(&preview.defaults));
    let _ = writeln!(text, "Resulting claims\n{}\n", pretty(&preview.claims));
    text.push_str("What the mapper changed\n");
    if preview.changes.is_empty() {
        text.push_str("  nothing\n");
    }
    let width = preview.changes.iter().map(|change| change.claim.chars().count()).max().unwrap_or(0);
    for Change { claim, kind } in &preview.changes {
        let _ = match kind {
            ChangeKind::Added(value) => writeln!(text, "  + {claim:width$}  {}", shown(value)),
            ChangeKind::Changed(from, to) => {
                writeln!(text, "  ~ {claim:width$}  {} -> {}", shown(from), shown(to))
            }
            ChangeKind::Kept(why) => writeln!(text, "  = {claim:width$}  kept: {why}"),
        };
    }
    let _ = write!(text, "\nThe token has {} bytes.", preview.token_bytes);
    if let Some((fuel, limit)) = preview.fuel {
        let _ = write!(text, " The mapper took {fuel} of {limit} steps.");
    }
    text.push('\n');
    text
}

/// The preview for programs.
fn to_json(preview: &Preview) -> Value {
    let changes = preview.changes.iter().map(|Change { claim, kind }| match kind {
        ChangeKind::Added(value) => json!({ "claim": claim, "change": "added", "value": value }),
        ChangeKind::Changed(from, to) => {
            json!({ "claim": claim, "change": "changed", "from": from, "to": to })
        }
        ChangeKind::Kept(why) => json!({ "claim": claim, "change": "kept", "reason": why }),
    });
    json!({
        "default_claims": preview.defaults,
        "claims": preview.claims,
        "changes": changes.collect::<Vec<_>>(),
        "fuel": preview.fuel.map(|(fuel, _)| fuel),
        "fuel_limit": preview.fuel.map(|(_, limit)| limit),
        "token_bytes": preview.token_bytes,
        "warnings": preview.warnings,
    })
}

fn pretty(claims: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(claims).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= LONGEST_SHOWN {
        return text;
    }
    text.chars().take(LONGEST_SHOWN).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&json!("short")), "\"short\"");
        assert!(shown(&json!("x".repeat(200))).ends_with("..."));
    }
}
