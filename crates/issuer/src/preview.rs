//! What a template makes of a session, shown to whoever writes the template.

use serde_json::{Map, Value};
use sessera_jsonnet::Members;
use sessera_tokenizer::{Subject, TokenizeError, Tokenizer};

use crate::published::issuer_path;

/// A token with more bytes than this may not fit into the headers that servers accept, which many limit to 8
/// KiB.
const LONG_TOKEN: usize = 6 * 1024;

/// What a template makes of a session.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The claims without a mapper.
    pub defaults: Map<String, Value>,
    /// The claims of the token.
    pub claims: Map<String, Value>,
    /// What the mapper did to each claim, in the order of the names.
    pub changes: Vec<Change>,
    /// How many steps the mapper took, and how many it may take; nothing without a mapper.
    pub fuel: Option<(u64, u64)>,
    /// How long the token is.
    pub token_bytes: usize,
    /// What its author should know.
    pub warnings: Vec<String>,
}

/// What the mapper did to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The claim.
    pub claim: String,
    /// What it did.
    pub kind: ChangeKind,
}

/// What a mapper does to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It added this value.
    Added(Value),
    /// It put the second value in the place of the first.
    Changed(Value, Value),
    /// It returned another value, which does not count, because of this.
    Kept(&'static str),
}

impl Preview {
    /// Makes a token of a session to see what comes out. The token itself is not kept. `now` is seconds since the epoch.
    pub fn of(tokenizer: &Tokenizer, subject: &Subject<'_>, now: i64) -> Result<Self, TokenizeError> {
        let defaults = object(tokenizer.default_claims(subject, now)?.as_bytes());
        let mapped = tokenizer.mapped(subject, now)?;
        let claims = object(&tokenizer.claims(subject, now)?.json);
        let token_bytes = tokenizer.tokenize(subject, now)?.len();
        let wanted = mapped.iter().flat_map(Members::iter);
        let wanted =
            wanted.map(|(name, json)| (name.to_owned(), serde_json::from_slice(json).unwrap_or_default()));
        Ok(Self {
            changes: changes(&defaults, &wanted.collect(), &claims),
            warnings: warnings(tokenizer, subject, &defaults, &claims, token_bytes, now),
            fuel: mapped.map(|members| (members.fuel(), tokenizer.limits().fuel)),
            defaults,
            claims,
            token_bytes,
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

/// Claims, which are an object of JSON because a tokenizer wrote them.
fn object(json: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
}
