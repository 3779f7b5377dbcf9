//! `sessera template test`

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};
use sessera_issuer::published::issuer_path;
use sessera_jsonnet::Members;
use sessera_model::{Random, SystemRandom, Timestamp};
use sessera_tokenizer::{Subject, Tokenizer};

use crate::global::Global;
use crate::input;
use crate::offline::session::SessionFile;
use crate::offline::template::{
    OfflineSources, TemplateOptions, compile, failure, is_template, parse, with_mapper,
};
use crate::offline::times;
use crate::output::warn;

/// A token with more bytes than this may not fit into the headers that servers accept, which many limit to 8
/// KiB.
const LONG_TOKEN: usize = 6 * 1024;

/// The longest value that is shown in the list of changes, in characters.
const LONGEST_SHOWN: usize = 100;

/// Run a claims mapper against a session and show what it changes
///
/// FILE is a mapper in Jsonnet, or a whole template as JSON. No server is asked, and a key made for the
/// occasion stands in for a key set that a server stores. When the mapper fails, the command shows where, and
/// the exit code is 1.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera template test claims.jsonnet
  sessera template test claims.jsonnet --session session.json --issuer https://id.example.org/
  sessera template test template.json --format json-pretty")]
pub(crate) struct TestTemplate {
    /// A mapper, or a template as JSON; "-" reads standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// A session as GET /sessions/whoami returns it [default: a sample that comes with the program]
    #[arg(long, value_name = "FILE")]
    session: Option<String>,
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
    pub(crate) fn run(self, global: &Global) -> Result<()> {
        let text = input::text(&self.file)?;
        let whole = is_template(&text);
        let sources = OfflineSources::with_stand_in()?;
        let tokenizer = compile(input::program_name(&self.file), &self.template(&text, whole)?, &sources)?;
        let session = match &self.session {
            None => SessionFile::sample()?,
            Some(source) => SessionFile::read(source)?,
        };
        let random: &dyn Random = &SystemRandom::default();
        let subject = session.subject(&self.issuer, random.uuid());
        let outcome = Outcome::of(&tokenizer, &subject, times::or_now(self.time).seconds())?;
        let output = global.output();
        if self.session.is_none() {
            output
                .note("the session is the sample that comes with the program; --session FILE takes another");
        }
        for set in sources.stood_in_for().iter().filter(|_| whole) {
            output.note(&format!("set://{set} is stored by a server; a new ES256 key stands in for it"));
        }
        for warning in &outcome.warnings {
            warn(warning);
        }
        output.print_text(&outcome.to_text(), &outcome.to_json(), None)
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

/// What became of a session.
struct Outcome {
    defaults: Map<String, Value>,
    claims: Map<String, Value>,
    changes: Vec<Change>,
    fuel: Option<(u64, u64)>,
    token_bytes: usize,
    warnings: Vec<String>,
}

/// What the mapper did to a claim.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    claim: String,
    kind: ChangeKind,
}

#[derive(Debug, PartialEq, Eq)]
enum ChangeKind {
    Added(Value),
    Changed(Value, Value),
    /// The mapper returned another value, which does not count.
    Kept(&'static str),
}

impl Outcome {
    fn of(tokenizer: &Tokenizer, subject: &Subject<'_>, now: i64) -> Result<Self> {
        let failed = |error| failure(&error);
        let defaults = object(tokenizer.default_claims(subject, now).map_err(failed)?.as_bytes())?;
        let mapped = tokenizer.mapped(subject, now).map_err(failed)?;
        let claims = object(&tokenizer.claims(subject, now).map_err(failed)?.json)?;
        let token_bytes = tokenizer.tokenize(subject, now).map_err(failed)?.len();
        let mut wanted = Map::new();
        for (name, value) in mapped.iter().flat_map(Members::iter) {
            wanted.insert(name.to_owned(), serde_json::from_slice(value)?);
        }
        Ok(Self {
            changes: changes(&defaults, &wanted, &claims),
            warnings: warnings(tokenizer, subject, &defaults, &claims, token_bytes, now),
            fuel: mapped.map(|members| (members.fuel(), tokenizer.limits().fuel)),
            defaults,
            claims,
            token_bytes,
        })
    }

    fn to_text(&self) -> String {
        let mut text = format!("Default claims\n{}\n\n", pretty(&self.defaults));
        let _ = writeln!(text, "Resulting claims\n{}\n", pretty(&self.claims));
        text.push_str("What the mapper changed\n");
        if self.changes.is_empty() {
            text.push_str("  nothing\n");
        }
        let width = self.changes.iter().map(|change| change.claim.chars().count()).max().unwrap_or(0);
        for Change { claim, kind } in &self.changes {
            let _ = match kind {
                ChangeKind::Added(value) => writeln!(text, "  + {claim:width$}  {}", shown(value)),
                ChangeKind::Changed(from, to) => {
                    writeln!(text, "  ~ {claim:width$}  {} -> {}", shown(from), shown(to))
                }
                ChangeKind::Kept(why) => writeln!(text, "  = {claim:width$}  kept: {why}"),
            };
        }
        let _ = write!(text, "\nThe token has {} bytes.", self.token_bytes);
        if let Some((fuel, limit)) = self.fuel {
            let _ = write!(text, " The mapper took {fuel} of {limit} steps.");
        }
        text.push('\n');
        text
    }

    fn to_json(&self) -> Value {
        let changes = self.changes.iter().map(|Change { claim, kind }| match kind {
            ChangeKind::Added(value) => json!({ "claim": claim, "change": "added", "value": value }),
            ChangeKind::Changed(from, to) => {
                json!({ "claim": claim, "change": "changed", "from": from, "to": to })
            }
            ChangeKind::Kept(why) => json!({ "claim": claim, "change": "kept", "reason": why }),
        });
        json!({
            "default_claims": self.defaults,
            "claims": self.claims,
            "changes": changes.collect::<Vec<_>>(),
            "fuel": self.fuel.map(|(fuel, _)| fuel),
            "fuel_limit": self.fuel.map(|(_, limit)| limit),
            "token_bytes": self.token_bytes,
            "warnings": self.warnings,
        })
    }
}

/// What the mapper did to each claim, in the order of the names.
fn changes(
    defaults: &Map<String, Value>,
    wanted: &Map<String, Value>,
    claims: &Map<String, Value>,
) -> Vec<Change> {
    let change = |(claim, value): (&String, &Value)| {
        let kind = match (defaults.get(claim), wanted.get(claim)) {
            (None, _) => ChangeKind::Added(value.clone()),
            (Some(default), Some(wanted)) if default == value && wanted.is_null() => {
                ChangeKind::Kept("null removes no default claim")
            }
            (Some(default), Some(wanted)) if default == value && wanted != value => {
                ChangeKind::Kept("the subject is not the mapper's to choose")
            }
            (Some(default), _) if default != value => ChangeKind::Changed(default.clone(), value.clone()),
            _ => return None,
        };
        Some(Change { claim: claim.clone(), kind })
    };
    claims.iter().filter_map(change).collect()
}

fn warnings(
    tokenizer: &Tokenizer,
    subject: &Subject<'_>,
    defaults: &Map<String, Value>,
    claims: &Map<String, Value>,
    bytes: usize,
    now: i64,
) -> Vec<String> {
    let mut warnings: Vec<String> =
        undiscovered(subject.issuer, tokenizer, defaults, claims).into_iter().collect();
    if tokenizer.algorithm().is_symmetric() {
        warnings.push(format!(
            "the template signs with a shared secret ({}): whoever can verify its tokens can also make them",
            tokenizer.algorithm()
        ));
    }
    let time = |claim: &str| claims.get(claim).and_then(Value::as_i64);
    if time("exp").is_some_and(|exp| exp <= now) {
        warnings.push("the token has already expired when it is made (\"exp\")".into());
    }
    if time("nbf").is_some_and(|nbf| nbf > now) {
        warnings.push("the token is not valid yet when it is made (\"nbf\")".into());
    }
    if bytes > LONG_TOKEN {
        warnings.push(format!(
            "the token has {bytes} bytes; many servers refuse headers of more than 8 KiB. Leave claims out that nobody reads"
        ));
    }
    warnings
}

/// Says why verifiers find no discovery document by the `iss` of the tokens, if they do not.
fn undiscovered(
    base_url: &str,
    tokenizer: &Tokenizer,
    defaults: &Map<String, Value>,
    claims: &Map<String, Value>,
) -> Option<String> {
    let why = if claims.get("iss") == defaults.get("iss") {
        let issuer = tokenizer.issuer().filter(|issuer| *issuer != base_url)?;
        if issuer_path(base_url, issuer).is_some() {
            return None;
        }
        format!("the issuer {issuer} does not lie below the public address {base_url}")
    } else {
        "the mapper chooses \"iss\"".to_owned()
    };
    Some(format!(
        "verifiers find no discovery document for the tokens, because {why}; give them the address of the keys, /.well-known/jwks/TEMPLATE.json"
    ))
}

fn object(json: &[u8]) -> Result<Map<String, Value>> {
    Ok(serde_json::from_slice(json)?)
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

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn every_kind_of_change_is_told() {
        let defaults = map(json!({"exp": 2, "iss": "a", "jti": "x", "sub": "s"}));
        let wanted = map(json!({"aud": "me", "exp": 2, "iss": "b", "jti": null, "sub": "evil"}));
        let claims = map(json!({"aud": "me", "exp": 2, "iss": "b", "jti": "x", "sub": "s"}));
        let told: Vec<_> = changes(&defaults, &wanted, &claims)
            .into_iter()
            .map(|change| (change.claim, change.kind))
            .collect();
        assert_eq!(told.len(), 4);
        assert_eq!(told[0], ("aud".into(), ChangeKind::Added(json!("me"))));
        assert_eq!(told[1], ("iss".into(), ChangeKind::Changed(json!("a"), json!("b"))));
        assert!(
            matches!(told[2], (ref claim, ChangeKind::Kept(why)) if claim == "jti" && why.contains("null"))
        );
        assert!(matches!(told[3], (ref claim, ChangeKind::Kept(_)) if claim == "sub"));
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&json!("short")), "\"short\"");
        assert!(shown(&json!("x".repeat(200))).ends_with("..."));
    }
}
