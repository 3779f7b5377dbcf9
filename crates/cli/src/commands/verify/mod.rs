//! `sessera verify`

mod fetch;
mod keys;
mod status;

use std::fmt::Write as _;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};
use sessera_jose::verify::{
    check_audience, check_issuer, check_times, check_type, verify, verify_with_secrets,
};
use sessera_jose::{Jwk, JwkSet, VerifyError, status_list};
use sessera_model::{GoDuration, Timestamp};

use crate::global::Global;
use crate::input;
use crate::offline::times;
use crate::output::{one_line, warn};
use keys::{KeySource, Keys};
use status::{StatusReference, When};

/// What session tokens begin with.
const SESSION_TOKEN: &str = "ory_st_";

/// Check a token and print its claims
///
/// The command prints the header, the claims, the key that made the signature and the time left. A token that
/// is not valid is refused with the exact reason and exit code 1. Keys that a token brings along are never
/// looked at.
///
/// Keys are found by discovery when --jwks is an issuer's address, and the token must then be of that issuer
/// unless --issuer names another. Shared secrets (HS256 and the like) are taken from files only.
///
/// A token is good for what its type says ("typ" in its header): unless --typ names another one, it must be absent, "JWT"
/// or "at+jwt", so that a status list or the like is not taken for a token of a session.
///
/// A token that names a status list is refused when the list says that its session was revoked, and when there
/// is no list that is good.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera verify \"$TOKEN\" --jwks public.jwks.json
  echo \"$TOKEN\" | sessera verify - \\
    --jwks https://id.example.org/.well-known/jwks.json --audience my-api
  sessera verify \"$TOKEN\" --jwks https://id.example.org/ --format json")]
pub(crate) struct Verify {
    /// The token; "-" reads standard input
    #[arg(value_name = "TOKEN")]
    token: String,
    /// The keys, given as a file with a key set, the URL of one, or the URL of an issuer
    #[arg(long, value_name = "FILE|URL|ISSUER", value_parser = keys::parse_source)]
    jwks: KeySource,
    /// The issuer that the token must name
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
    /// The audience that the token must name
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// What the token must be, as its header says in "typ" [default: JWT, at+jwt or unsaid]
    #[arg(long, value_name = "TYPE")]
    typ: Option<String>,
    /// How much clocks may differ
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    leeway: GoDuration,
    /// The time at which the token must be valid, in RFC 3339 or in seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    time: Option<Timestamp>,
    /// When to read the status list that a token may name
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    status: When,
}

/// A token that is valid.
struct Valid {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    key: Jwk,
    status: Status,
}

/// What is known of the session behind a valid token.
enum Status {
    /// The token names no list.
    Unknown,
    /// The list was not read.
    NotRead(StatusReference),
    /// The list says that it was not revoked.
    Good(StatusReference),
}

/// Why a token is refused.
enum Refusal {
    /// The token is not valid by itself.
    Token(VerifyError),
    /// Its list has this status for the token.
    Revoked(u8),
    /// It could not be learnt what the list says.
    StatusUnknown(anyhow::Error),
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        Self::Token(error)
    }
}

impl Verify {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let token = self.token()?;
        let keys = self.jwks.load().await?;
        for note in &keys.notes {
            warn(note);
        }
        let now = times::or_now(self.time).seconds();
        let output = global.output();
        match self.check(&token, &keys, now).await {
            Ok(valid) => {
                if valid.time("exp").is_none() {
                    warn(
                        "the token has no \"exp\", so it never ends: whoever has it once is let in as long as its key is there",
                    );
                }
                let document = valid.to_json(now);
                output.print_text(&valid.to_text(&self.jwks, now), &document, None)
            }
            Err(refusal) => {
                let reason = refusal.reason(&token, &keys, now);
                if !output.is_table() {
                    output.print_document(&json!({
                        "valid": false,
                        "error": refusal.code(),
                        "reason": reason,
                    }))?;
                }
                bail!("the token is not valid: {reason}")
            }
        }
    }

    fn token(&self) -> Result<String> {
        let text = if self.token == "-" { input::text("-")? } else { self.token.clone() };
        let text = text.trim();
        let token = text.strip_prefix("Bearer ").unwrap_or(text).trim();
        if token.is_empty() {
            bail!("there is no token: the text is empty");
        }
        Ok(token.to_owned())
    }

    /// Checks the signature first, because nothing in a token is believed before that.
    async fn check(&self, token: &str, keys: &Keys, now: i64) -> Result<Valid, Refusal> {
        let verified = if keys.with_secrets {
            verify_with_secrets(token, &keys.set)?
        } else {
            verify(token, &keys.set.public())?
        };
        check_type(&verified.header, self.typ.as_deref())?;
        let claims = verified.claims()?;
        if let Some(issuer) = self.issuer.as_ref().or(keys.issuer.as_ref()) {
            check_issuer(&claims, issuer)?;
        }
        if let Some(audience) = &self.audience {
            check_audience(&claims, audience)?;
        }
        let leeway = i64::try_from(self.leeway.get().as_secs()).unwrap_or(i64::MAX);
        check_times(&claims, now, leeway)?;
        let key = maker(token, &verified.kid, keys)?;
        let status = match StatusReference::of(&claims).map_err(Refusal::StatusUnknown)? {
            None => Status::Unknown,
            Some(place) if !self.status.applies(&self.jwks) => Status::NotRead(place),
            // A list tells of the present, whatever --time says.
            Some(place) => match place.read(&self.jwks, keys, times::or_now(None).seconds(), leeway).await {
                Ok(status_list::VALID) => Status::Good(place),
                Ok(other) => return Err(Refusal::Revoked(other)),
                Err(error) => return Err(Refusal::StatusUnknown(error)),
            },
        };
        Ok(Valid { header: verified.header, claims, key, status })
    }
}

/// The key that made a token: several may have the id that it names.
fn maker(token: &str, kid: &str, keys: &Keys) -> Result<Jwk, VerifyError> {
    let mut named = keys.set.keys().iter().filter(|key| key.kid() == kid);
    let made = |key: &&Jwk| {
        JwkSet::new(vec![(*key).clone()]).is_ok_and(|only| verify_with_secrets(token, &only).is_ok())
    };
    named.find(made).cloned().ok_or_else(|| VerifyError::UnknownKey(kid.to_owned()))
}

impl Valid {
    fn time(&self, claim: &str) -> Option<i64> {
        self.claims.get(claim).and_then(Value::as_f64).map(whole)
    }

    fn to_text(&self, source: &KeySource, now: i64) -> String {
        let alg = self.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let mut text =
            format!("The token is valid.\n\nKey      {} ({alg}) of {source}\n", one_line(self.key.kid()));
        if let Some(issued) = self.time("iat") {
            let _ = writeln!(
                text,
                "Issued   {}, {} ago",
                Timestamp::from_seconds(issued),
                times::length(now - issued)
            );
        }
        let _ = match self.time("exp") {
            Some(exp) => {
                writeln!(text, "Expires  {}, {} left", Timestamp::from_seconds(exp), times::length(exp - now))
            }
            None => writeln!(text, "Expires  never: it has no \"exp\""),
        };
        let _ = match &self.status {
            Status::Unknown => Ok(()),
            Status::Good(place) => writeln!(text, "Status   not revoked, says {}", one_line(&place.uri)),
            Status::NotRead(place) => {
                writeln!(text, "Status   not asked for; \"--status always\" reads {}", one_line(&place.uri))
            }
        };
        let _ = writeln!(text, "\nHeader\n{}", pretty(&self.header));
        let _ = writeln!(text, "\nClaims\n{}", pretty(&self.claims));
        text
    }

    fn to_json(&self, now: i64) -> Value {
        let key = self.key.public().map_or_else(
            // A shared secret is named but never shown.
            || json!({ "kty": "oct", "kid": self.key.kid(), "alg": self.key.alg() }),
            |public| public.to_json(),
        );
        json!({
            "valid": true,
            "header": self.header,
            "claims": self.claims,
            "key": key,
            "expires_in": self.time("exp").map(|exp| exp - now),
            "revoked": matches!(self.status, Status::Good(_)).then_some(false),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "NumericDate may have a fraction, which does not count")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

fn pretty(members: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(members).unwrap_or_default()
}

impl Refusal {
    /// The reason in words for people.
    fn reason(&self, token: &str, keys: &Keys, now: i64) -> String {
        match self {
            Self::Token(error) => reason(error, token, keys, now),
            Self::Revoked(1) => "its session was revoked or has ended, says its status list".into(),
            Self::Revoked(status) => format!("its status list has the status {status} for it, not 0"),
            Self::StatusUnknown(error) => {
                format!("whether it was revoked cannot be learnt: {error:#}. \"--status never\" goes without")
            }
        }
    }

    /// The reason as JSON for programs.
    const fn code(&self) -> &'static str {
        match self {
            Self::Token(error) => code(error),
            Self::Revoked(_) => "revoked",
            Self::StatusUnknown(_) => "status_unknown",
        }
    }
}

/// Why a token is not valid by itself, in words for people.
fn reason(error: &VerifyError, token: &str, keys: &Keys, now: i64) -> String {
    match error {
        VerifyError::Malformed(_) if token.starts_with(SESSION_TOKEN) => {
            "this is a session token, which only the server can check; a signed token comes from GET /sessions/whoami?tokenize_as=TEMPLATE".into()
        }
        VerifyError::Expired(ago) => {
            format!("it expired {} ago, at {}", times::length(*ago), Timestamp::from_seconds(now - ago))
        }
        VerifyError::NotYetValid { claim, seconds } => format!(
            "it is valid in {} only, at {} (\"{claim}\")",
            times::length(*seconds),
            Timestamp::from_seconds(now + seconds)
        ),
        VerifyError::WrongType { found, .. } if found.contains(status_list::TYP) => {
            "it is a status list, which says which sessions were revoked and lets nobody in".into()
        }
        VerifyError::WrongType { found, .. } => format!(
            "{error}, and a token of one type is not good for another. If it is what you expect: --typ {}",
            found.trim_matches('"')
        ),
        VerifyError::UnknownKey(_) | VerifyError::NoKeyId => {
            let known: Vec<&str> = keys.set.keys().iter().map(Jwk::kid).collect();
            format!("{error}. The set has: {}", if known.is_empty() { "no key".into() } else { known.join(", ") })
        }
        VerifyError::AlgorithmNotAccepted(alg) if alg.starts_with("HS") => format!(
            "{error} with public keys: it stands for a shared secret. Give the set that holds the secret as a file"
        ),
        other => other.to_string(),
    }
}

/// Why a token is not valid by itself, as JSON for programs.
const fn code(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::Malformed(_) => "malformed",
        VerifyError::BadJson { .. } => "malformed_json",
        VerifyError::TooLong(_) => "too_long",
        VerifyError::NotSigned => "alg_none",
        VerifyError::AlgorithmNotAccepted(_) => "alg_not_accepted",
        VerifyError::CriticalExtension => "critical_extension",
        VerifyError::UnknownKey(_) => "unknown_key",
        VerifyError::NoKeyId => "no_key_id",
        VerifyError::Key(_) => "unfit_key",
        VerifyError::AlgorithmMismatch { .. } => "alg_mismatch",
        VerifyError::BadSignature => "bad_signature",
        VerifyError::BadTime(_) => "bad_time",
        VerifyError::Expired(_) => "expired",
        VerifyError::NotYetValid { .. } => "not_yet_valid",
        VerifyError::WrongType { .. } => "wrong_type",
        VerifyError::WrongIssuer { .. } => "wrong_issuer",
        VerifyError::WrongAudience { .. } => "wrong_audience",
    }
}
