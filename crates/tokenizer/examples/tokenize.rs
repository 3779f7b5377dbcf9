//! Makes a number of tokens of one session and prints nothing. It exists to be measured by callgrind.
//!
//!     tokenize FOLDER MAPPER anew|by-form COUNT
//!
//! Each is made anew, or by the form that the first one left. The folder holds `session.json` and the mappers. The signature is always the same one, because valgrind counts the
//! instructions of a hash for a processor that cannot hash by itself. What is left is the making of the token.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sessera_jose::{Algorithm, KeyError, PublicJwk, SigningKey, generate};
use sessera_jsonnet::Document;
use sessera_model::StatusIndex;
use sessera_tokenizer::{SourceError, Sources, Subject, Template, Tokenizer};
use uuid::Uuid;

/// Now, in seconds since the epoch.
const NOW: i64 = 1_800_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, mapper, way, count] = &arguments[..] else {
        return Err("give FOLDER MAPPER anew|by-form COUNT".into());
    };
    let read = |name: String| std::fs::read(Path::new(folder).join(name));
    let session = Document::shared(&read("session.json".into())?)?;
    let inline = |bytes: &[u8]| format!("base64://{}", STANDARD.encode(bytes));
    let template = Template::from_json(&json!({
        "jwks_url": "pkcs11:object=key",
        "claims_mapper_url": inline(&read(format!("{mapper}.jsonnet"))?),
        "ttl": "10m",
    }))?;
    let tokenizer = Tokenizer::compile("tokens", &template, &OneKey)?;
    let subject = Subject {
        issuer: "https://id.example.org/",
        identity_id: Uuid::from_u128(1),
        external_id: None,
        session_id: Uuid::from_u128(2),
        token_id: Uuid::from_u128(3),
        session: &session,
        session_ends: NOW + 3600,
        status: Some(StatusIndex::from_number(0)),
    };
    let claims = tokenizer.claims(&subject, NOW)?;
    let form = tokenizer.form(&claims, subject.issuer, subject.session_ends).filter(|_| way == "by-form");
    for _ in 0..count.parse::<u32>()? {
        let filled =
            form.as_ref().and_then(|form| tokenizer.fill(form, subject.issuer, subject.token_id, NOW));
        let token = filled.unwrap_or_else(|| tokenizer.tokenize(&subject, NOW));
        std::hint::black_box(token?);
    }
    Ok(())
}

/// Knows one key, and nothing else.
struct OneKey;

impl Sources for OneKey {
    fn file(&self, path: &Path) -> Result<Vec<u8>, SourceError> {
        Err(SourceError::File(path.display().to_string()))
    }

    fn key_set(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        Err(SourceError::NoSuchSet(name.into()))
    }

    fn signing_key(&self, _: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
        let key = generate::key(Algorithm::Es256, Some("key".into()), 2048);
        let public =
            key.map(|key| key.public()).map_err(|error| SourceError::Elsewhere(error.to_string()))?;
        Ok(Arc::new(SameSignature(public)))
    }
}

/// A key whose signature is always the same one.
#[derive(Debug)]
struct SameSignature(Option<PublicJwk>);

impl SigningKey for SameSignature {
    fn public(&self) -> Option<&PublicJwk> {
        self.0.as_ref()
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(vec![1; 64])
    }
}
