//! What only Apple has: a secret that is made anew for each question, and names that come once, with the browser.

use serde_json::{Map, Value, json};
use sessera_accounts::providers::ProviderError;
use sessera_config::sections::oidc::Provider;
use sessera_jose::{Algorithm, Signer, import};
use sessera_model::{Secret, Timestamp};

/// How long a secret is good, in seconds.
const LIFETIME: i64 = 5 * 60;

/// A secret, which is a token signed with the key that Apple gave out.
pub(crate) fn secret(provider: &Provider, now: Timestamp) -> Result<String, ProviderError> {
    let wrong = |what: String| ProviderError::Misconfigured(format!("apple_private_key: {what}"));
    let pem = provider.apple_private_key.as_ref().map(Secret::expose).unwrap_or_default();
    let keys =
        import::keys(pem.as_bytes(), Some(Algorithm::Es256)).map_err(|error| wrong(error.to_string()))?;
    let key = keys.into_iter().next().ok_or_else(|| wrong("there is no key in it".into()))?;
    let kid = provider.apple_private_key_id.clone().unwrap_or_default();
    let signer = Signer::new(&key.with_kid(kid)).map_err(|error| wrong(error.to_string()))?;
    let claims = json!({
        "iss": provider.apple_team_id,
        "sub": provider.client_id,
        "aud": "https://appleid.apple.com",
        "iat": now.seconds(),
        "exp": now.seconds() + LIFETIME,
    });
    signer.sign_compact("JWT", claims.to_string().as_bytes()).map_err(|error| wrong(error.to_string()))
}

/// Adds the names that come with the browser when somebody signs in for the first time.
pub(crate) fn add_names(claims: &mut Map<String, Value>, user: Option<&str>) {
    let user: Value = user.and_then(|user| serde_json::from_str(user).ok()).unwrap_or_default();
    for (claim, pointer) in [
        ("given_name", "/name/firstName"),
        ("family_name", "/name/lastName"),
        ("last_name", "/name/lastName"),
    ] {
        if let Some(name @ Value::String(_)) = user.pointer(pointer).filter(|_| !claims.contains_key(claim)) {
            claims.insert(claim.into(), name.clone());
        }
    }
}
