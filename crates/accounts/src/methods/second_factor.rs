//! What second factors have in common: each is kept in a credential, a code works once, and wrong ones slow down
//! whoever types them.
//!
//! Whoever changes a factor commits it together with a new version of its identity
//! ([`Change::UpdateIdentity`]): of two requests at the same time only one goes through, so a code works once.

use serde::{Deserialize, Serialize};
use sessera_model::credential::CredentialConfig;
use sessera_model::{Credential, CredentialKind, Identity, Timestamp};
use sessera_store::{Change, records::CredentialOf};

use crate::flows::error::FlowError;
use crate::flows::flow::Standing;
use crate::flows::method::{LoginAttempt, LoginVerdict, Proven};
use crate::flows::sign_in::Proof;
use crate::limits::Guess;
use crate::messages::MessageId;

/// What became of a code.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// It was right, and is used now.
    Right,
    /// It was not; the message says why.
    Wrong(MessageId),
}

/// A second factor as it is kept in a credential.
pub(super) trait Factor: Serialize + for<'de> Deserialize<'de> + Send {
    /// The kind of its credential.
    const KIND: CredentialKind;

    /// Checks a code, and remembers that it was used when it is right.
    fn check(&mut self, code: &str, now: Timestamp) -> Verdict;

    /// The credential in which it is kept.
    fn credential_of(credentials: &[Credential]) -> Option<&Credential> {
        credentials.iter().find(|credential| credential.kind == Self::KIND)
    }

    /// The factor among an identity's credentials.
    fn among(credentials: &[Credential]) -> Option<Self> {
        let credential = Self::credential_of(credentials)?;
        serde_json::from_value(credential.config.expose().clone()).ok()
    }

    /// The changes that keep it after a use, under a new version of its identity.
    fn keep(&self, identity: &Identity, credentials: &[Credential], now: Timestamp) -> Vec<Change> {
        let since = Self::credential_of(credentials).map_or(now, |known| known.created_at);
        vec![Change::UpdateIdentity(identity.clone()), self.credential(identity, since, now)]
    }

    /// The change that sets it up, or says that it was shown; the caller commits a new version of the identity with it.
    /// What it proves in a session that is older than that proves nothing new.
    fn enrol(&self, identity: &Identity, now: Timestamp) -> Change {
        self.credential(identity, now, now)
    }

    /// The change that keeps it, which the person has since a time.
    fn credential(&self, identity: &Identity, since: Timestamp, now: Timestamp) -> Change {
        let credential = Credential {
            kind: Self::KIND,
            identifiers: vec![identity.id.to_string()],
            // Texts, numbers and times always have a JSON form.
            config: CredentialConfig::from(serde_json::to_value(self).unwrap_or_default()),
            version: 0,
            created_at: since,
            updated_at: now,
        };
        Change::PutCredential(CredentialOf { identity_id: identity.id, credential })
    }
}

/// The person who is signed in and gives a second factor, with their credentials. They are read together, so that the
/// version that is written back is that of the factor that was checked.
pub(super) async fn owner(attempt: &LoginAttempt<'_>) -> Result<(Identity, Vec<Credential>), FlowError> {
    let visit = attempt.visit;
    let present = visit.session.ok_or(FlowError::FirstFactorMissing)?;
    let identity = visit.accounts.store.identity(present.session.identity_id).await?;
    let identity = identity.ok_or(FlowError::OwnerGone)?;
    let credentials = visit.accounts.store.credentials(identity.id).await?;
    Ok((identity, credentials))
}

/// Judges a code of the person who is signed in. `field` is where it was typed, and `none` what is said
/// to somebody who has no such factor.
pub(super) async fn sign_in<F: Factor>(
    attempt: &mut LoginAttempt<'_>,
    field: &str,
    proof: Proof,
    none: MessageId,
) -> Result<LoginVerdict, FlowError> {
    let Some(code) = attempt.required(field) else { return Ok(LoginVerdict::Refused(Standing::Refused)) };
    let visit = attempt.visit;
    let (identity, credentials) = owner(attempt).await?;
    attempt.suspect = Some(identity.id);
    let Some(mut factor) = F::among(&credentials) else { return Ok(attempt.refuse(none)) };
    let enrolled_at = F::credential_of(&credentials).map(|credential| credential.created_at);
    let place = match visit.take_place(attempt.flow.transport, Guess::CodeOf(identity.id)).await? {
        Ok(place) => place,
        Err(message) => return Ok(attempt.refuse(message)),
    };
    if let Verdict::Wrong(message) = factor.check(&code, visit.now) {
        return Ok(attempt.refuse(message));
    }
    let mut changes = factor.keep(&identity, &credentials, visit.now);
    changes.extend(place.after_right());
    let proven = Proven { identity, proof, enrolled_at, changes, may_wait: Vec::new() };
    Ok(LoginVerdict::Proven(Box::new(proven)))
}
