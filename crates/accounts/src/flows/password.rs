//! Signing in with a password.

use sessera_model::credential::CredentialConfig;
use sessera_model::{Credential, CredentialKind, Identity, IdentityState, Uuid};
use sessera_store::{Change, records::CredentialOf};

use crate::accounts::Accounts;
use crate::flows::error::FlowError;
use crate::messages::MessageId;
use crate::password::Verification;
use crate::rules::Rules;
use crate::schema::normalise;

/// What became of an identifier and a password.
#[derive(Debug)]
pub enum Outcome {
    /// They belong together. `upgrade` are the changes that keep the password under the configured
    /// algorithm; they are refused when the identity was changed in the meantime, and may be left out.
    Right {
        /// Who it is.
        identity: Box<Identity>,
        /// The changes for a newer hash, empty when it is new enough.
        upgrade: Vec<Change>,
    },
    /// They do not, or the account may not sign in.
    Wrong(MessageId),
}

/// Checks an identifier and a password. It takes as long for an unknown identifier as for a known one.
pub async fn check(
    accounts: &Accounts,
    rules: &Rules,
    identifier: &str,
    password: &str,
) -> Result<Outcome, FlowError> {
    let identifier = normalise::identifier(identifier);
    let identity = accounts.store.identity_by_identifier(CredentialKind::Password, &identifier).await?;
    // Nobody has the nil id: an unknown identifier costs the same questions.
    let id = identity.as_ref().map_or(Uuid::nil(), |identity| identity.id);
    let credentials = accounts.store.credentials(id).await?;
    let credential = credentials.into_iter().find(|credential| credential.kind == CredentialKind::Password);
    let stored = credential.as_ref().and_then(|credential| credential.config.text("hashed_password"));
    let verification = accounts.passwords.verify(rules.hashing, password, stored).await?;
    let (Some(identity), Some(credential), Verification::Match { needs_upgrade }) =
        (identity, credential, verification)
    else {
        return Ok(Outcome::Wrong(MessageId::InvalidCredentials));
    };
    if identity.state != IdentityState::Active {
        return Ok(Outcome::Wrong(MessageId::AccountDisabled));
    }
    let upgrade = if needs_upgrade {
        let hash = accounts.passwords.hash(rules.hashing, password).await?;
        replace(&identity, Credential { updated_at: accounts.clock.now(), ..credential }, &hash)
    } else {
        Vec::new()
    };
    Ok(Outcome::Right { identity: Box::new(identity), upgrade })
}

/// The changes that give an identity another password, under a new version of it: a request that has
/// read the old password cannot write it back.
pub fn replace(identity: &Identity, mut credential: Credential, hash: &str) -> Vec<Change> {
    credential.config = CredentialConfig::from(serde_json::json!({ "hashed_password": hash }));
    vec![
        Change::UpdateIdentity(identity.clone()),
        Change::PutCredential(CredentialOf { identity_id: identity.id, credential }),
    ]
}
