//! `sessera tokenize`

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use sessera_model::{Random, SystemRandom, Timestamp};
use uuid::Uuid;

use crate::commands::ids;
use crate::global::Global;
use crate::offline::session;
use crate::offline::template::{OfflineSources, TemplateOptions, compile, failure};
use crate::offline::times;

/// Make a token of a session, without a server
///
/// The command reads a session as GET /sessions/whoami returns it, and a template from a file or from
/// options. It prints the token that the server would make. With --time and --token-id the claims are the
/// same in every run, and with EdDSA, RS* and HS* so is the whole token.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera tokenize session.json --jwks es256.jwks.json \\
    --mapper claims.jsonnet --ttl 10m
  sessera tokenize session.json --template template.json \\
    --issuer https://id.example.org/
  curl -H \"X-Session-Token: $TOKEN\" localhost:4433/sessions/whoami | \\
    sessera tokenize - --jwks keys.json")]
pub(crate) struct Tokenize {
    /// The session as JSON; "-" reads standard input
    #[arg(value_name = "SESSION")]
    session: String,
    #[command(flatten)]
    template: TemplateOptions,
    /// The issuer, which is the public base URL of the server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4433/")]
    issuer: String,
    /// The time at which the token is made, in RFC 3339 or in seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    time: Option<Timestamp>,
    /// The token's own id, its "jti" [default: a random one]
    #[arg(long, value_name = "UUID", value_parser = ids::token)]
    token_id: Option<Uuid>,
}

impl Tokenize {
    pub(crate) fn run(self, global: &Global) -> Result<()> {
        let tokenizer = compile("mapper", &self.template.to_json()?, &OfflineSources::strict())?;
        let session = session::read(&self.session)?;
        let random: &dyn Random = &SystemRandom::default();
        let subject = session.subject(&self.issuer, self.token_id.unwrap_or_else(|| random.uuid()));
        let now = times::or_now(self.time).seconds();
        let token = tokenizer.tokenize(&subject, now).map_err(|error| failure(&error))?;
        let claims: Value =
            serde_json::from_slice(&tokenizer.claims(&subject, now).map_err(|e| failure(&e))?.json)?;
        let document = json!({ "token": token, "claims": claims });
        global.output().print_text(&format!("{token}\n"), &document, Some(&token))
    }
}
