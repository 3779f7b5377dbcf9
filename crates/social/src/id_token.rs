//! Tokens by which providers say who somebody is (OpenID Connect Core 1.0, section 3.1.3.7).

use serde_json::{Map, Value};
use sessera_accounts::providers::ProviderError;
use sessera_jose::VerifyError;
use sessera_jose::verify::{self, Verified};
use sessera_model::Timestamp;

use crate::discovery::{Directory, Metadata};
use crate::web::Web;

/// How far the clocks of a provider and of this machine may differ, in seconds.
const LEEWAY: i64 = 60;

/// What a token is checked against.
pub(crate) struct Expected<'a> {
    /// Who has made it.
    pub(crate) metadata: &'a Metadata,
    /// For whom it may be meant.
    pub(crate) audiences: &'a [&'a str],
    /// The time of now.
    pub(crate) now: Timestamp,
}

fn refused(error: impl std::fmt::Display) -> ProviderError {
    ProviderError::Refused(error.to_string())
}

/// The claims of a token that is good.
pub(crate) async fn claims(
    directory: &Directory,
    web: &dyn Web,
    token: &str,
    expected: Expected<'_>,
) -> Result<Map<String, Value>, ProviderError> {
    let Expected { metadata, audiences, now } = expected;
    let claims = verified(directory, web, token, metadata, now).await?.claims().map_err(refused)?;
    verify::check_issuer(&claims, &metadata.issuer).map_err(refused)?;
    let for_us = audiences.iter().find(|audience| verify::check_audience(&claims, audience).is_ok());
    let Some(for_us) = for_us else { return Err(refused("its token is meant for somebody else")) };
    let has_others = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    if has_others && claims.get("azp").is_some_and(|azp| azp != *for_us) {
        return Err(refused("its token was given to somebody else"));
    }
    if !claims.contains_key("exp") {
        return Err(refused("its token says nothing of its end"));
    }
    verify::check_times(&claims, now.seconds(), LEEWAY).map_err(refused)?;
    Ok(claims)
}

/// A token whose signature is good. A key that is not known yet may be new.
async fn verified(
    directory: &Directory,
    web: &dyn Web,
    token: &str,
    metadata: &Metadata,
    now: Timestamp,
) -> Result<Verified, ProviderError> {
    let keys = directory.keys(web, metadata, now).await?;
    match verify::verify(token, &keys.set) {
        Err(error @ VerifyError::UnknownKey(_)) => {
            match directory.newer_keys(web, metadata, &keys, now).await? {
                Some(newer) => verify::verify(token, &newer.set).map_err(refused),
                None => Err(refused(error)),
            }
        }
        verified => verified.map_err(refused),
    }
}
