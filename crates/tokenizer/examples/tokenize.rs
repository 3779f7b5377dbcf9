//! Makes a number of tokens of one session and prints nothing. It exists to be measured by callgrind.
//!
//!     tokenize FOLDER MAPPER COUNT
//!
//! The folder holds `session.json` and the mappers. The tokens are signed with HS256, which costs so little
//! that the rest is seen.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sessera_jose::{Algorithm, JwkSet, SigningKey, generate};
use sessera_jsonnet::Document;
use sessera_model::StatusIndex;
use sessera_tokenizer::{SourceError, Sources, Subject, Template, Tokenizer};
use uuid::Uuid;

/// Now, in seconds since the epoch.
const NOW: i64 = 1_800_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, mapper, count] = &arguments[..] else { return Err("give FOLDER MAPPER COUNT".into()) };
    let read = |name: String| std::fs::read(Path::new(folder).join(name));
    let session = Document::shared(&read("session.json".into())?)?;
    let inline = |bytes: &[u8]| format!("base64://{}", STANDARD.encode(bytes));
    let keys = JwkSet::new(vec![generate::key(Algorithm::Hs256, Some("key".into()), 2048)?])?;
    let template = Template::from_json(&json!({
        "jwks_url": inline(keys.to_private_json().to_string().as_bytes()),
        "claims_mapper_url": inline(&read(format!("{mapper}.jsonnet"))?),
        "ttl": "10m",
    }))?;
    let tokenizer = Tokenizer::compile("tokens", &template, &Nothing)?;
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
    for _ in 0..count.parse::<u32>()? {
        std::hint::black_box(tokenizer.tokenize(&subject, NOW)?);
    }
    Ok(())
}

/// Everything that the template needs stands in it.
struct Nothing;

impl Sources for Nothing {
    fn file(&self, path: &Path) -> Result<Vec<u8>, SourceError> {
        Err(SourceError::File(path.display().to_string()))
    }

    fn key_set(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        Err(SourceError::NoSuchSet(name.into()))
    }

    fn signing_key(&self, uri: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
        Err(SourceError::Elsewhere(uri.into()))
    }
}
