//! Signed statements of this server that are no tokens of a session: status lists, and what others are told of events.

use std::sync::Arc;

use sessera_tokenizer::Tokenizer;

use crate::error::IssuerError;

/// Signs a statement with the key of a template that signs at a time in seconds since the epoch. `typ` says in its header
/// what it is, and `claims` are its claims as JSON.
pub async fn sign(
    tokenizer: &Arc<Tokenizer>,
    typ: &'static str,
    claims: String,
    now: i64,
) -> Result<String, IssuerError> {
    let signer = tokenizer.signer(now);
    let token = if signer.is_remote() {
        // A key outside of this process takes its time.
        let tokenizer = tokenizer.clone();
        let sign = move || tokenizer.signer(now).sign_compact(typ, claims.as_bytes());
        tokio::task::spawn_blocking(sign).await.map_err(IssuerError::internal)?
    } else {
        signer.sign_compact(typ, claims.as_bytes())
    };
    token.map_err(|error| {
        tracing::warn!(typ, kid = signer.kid(), "a statement cannot be signed: {error}");
        IssuerError::unsigned(&error)
    })
}
