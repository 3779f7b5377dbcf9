//! Signing in with an identifier and a password.

use async_trait::async_trait;
use sessera_model::credential::CredentialConfig;
use sessera_model::{AssuranceLevel, Credential, CredentialKind, Identity, IdentityState, Uuid};
use sessera_store::{Change, records::CredentialOf};

use super::migration::is_elsewhere;
use super::{PROOF, Password, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::Standing;
use crate::flows::method::{LoginAttempt, LoginMethod, LoginVerdict, LoginView, Proven};
use crate::limits::Guess;
use crate::messages::common;
use crate::methods::identifier;
use crate::password::{PasswordError, Verification};
use crate::schema::normalise;
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

#[async_trait]
impl LoginMethod for Password {
    fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal1
    }

    fn is_set_up(&self, credentials: &[Credential]) -> bool {
        credentials.iter().any(|credential| {
            let is_here = credential.config.text("hashed_password").is_some();
            let is_elsewhere = self.migration.is_some() && is_elsewhere(credential);
            credential.kind == CredentialKind::Password && (is_here || is_elsewhere)
        })
    }

    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes) {
        let known = known_identifier(view);
        let label = if known.is_some() { common::SIGN_IN } else { messages::SIGN_IN };
        if let Some(identifier) = known {
            nodes.put(10, Input::hidden("identifier", identifier).node(Group::DEFAULT));
        } else if !view.asks_for_identifier_first() {
            nodes.put(10, identifier::field(view));
        }
        let field = Input::new("password", InputKind::Password).required().autocomplete("current-password");
        nodes.push(30, field.node(Group::PASSWORD).label(messages::LABEL));
        nodes.push(30, Input::submit("method", "password").node(Group::PASSWORD).label(label));
    }

    fn takes(&self, submission: &Submission) -> bool {
        submission.method() == Some("password")
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        let (identifier, password) = (attempt.required("identifier"), attempt.required("password"));
        if let Some(identifier) = &identifier {
            attempt.flow.values.insert("identifier".into(), identifier.as_str().into());
        }
        let (Some(identifier), Some(password)) = (identifier, password) else {
            return Ok(LoginVerdict::Refused(Standing::Refused));
        };
        let (visit, typed) = (attempt.visit, identifier);
        let identifier = normalise::identifier(&typed);
        let place = visit.take_place(attempt.flow.transport, Guess::Password(&identifier)).await;
        if !matches!(place, Ok(Ok(_))) {
            // Nobody looks at the password, and the record says at whose account it was aimed all the same.
            let store = &visit.accounts.store;
            let aimed_at = store.identity_by_identifier(CredentialKind::Password, &identifier).await;
            attempt.suspect = aimed_at.ok().flatten().map(|identity| identity.id).or(attempt.suspect);
        }
        let place = match place? {
            Ok(place) => place,
            Err(message) => return Ok(attempt.refuse(message)),
        };
        let checked = self.check(attempt, &identifier, &typed, &password).await;
        if checked.is_err() {
            // Nobody has learned anything.
            visit.give_back(&place).await?;
        }
        match checked? {
            Checked::Wrong(suspect) => {
                attempt.suspect = suspect;
                Ok(attempt.refuse(messages::WRONG))
            }
            Checked::Disabled(suspect) => {
                attempt.suspect = Some(suspect);
                attempt.flow.say(common::ACCOUNT_DISABLED);
                Ok(LoginVerdict::Refused(Standing::Disabled))
            }
            Checked::Right { identity, upgrade } => Ok(LoginVerdict::Proven(Box::new(Proven {
                identity: *identity,
                proof: PROOF,
                enrolled_at: None,
                changes: place.after_right(),
                may_wait: upgrade,
            }))),
        }
    }
}

/// Who signs in again: the identifier, which then is not asked for.
fn known_identifier<'a>(view: &LoginView<'a>) -> Option<&'a str> {
    let is_password = |credential: &&Credential| credential.kind == CredentialKind::Password;
    let password = view.credentials.iter().filter(|_| view.flow.details.refresh).find(is_password);
    password.and_then(|credential| credential.identifiers.first()).map(String::as_str)
}

/// What became of an identifier and a password.
enum Checked {
    /// They belong together. `upgrade` are the changes that keep the password under the configured
    /// algorithm; they are refused when the identity was changed in the meantime, and may be left out.
    Right {
        identity: Box<Identity>,
        /// Empty when the hash is new enough.
        upgrade: Vec<Change>,
    },
    /// They do not. The identifier is this identity's, if it is anybody's.
    Wrong(Option<Uuid>),
    /// They do, but the account may not sign in.
    Disabled(Uuid),
}

impl Password {
    /// Checks an identifier and a password. It takes as long for an unknown identifier as for a known one, unless another
    /// system is asked.
    async fn check(
        &self,
        attempt: &LoginAttempt<'_>,
        identifier: &str,
        typed: &str,
        password: &str,
    ) -> Result<Checked, FlowError> {
        let visit = attempt.visit;
        let (accounts, hashing) = (visit.accounts, visit.rules.hashing);
        let identity = accounts.store.identity_by_identifier(CredentialKind::Password, identifier).await?;
        // Nobody has the nil id: an unknown identifier costs the same questions.
        let id = identity.as_ref().map_or(Uuid::nil(), |identity| identity.id);
        let credentials = accounts.store.credentials(id).await?;
        let credential =
            credentials.into_iter().find(|credential| credential.kind == CredentialKind::Password);
        let suspect = identity.as_ref().map(|identity| identity.id);
        let verification = match (&identity, &credential) {
            (Some(identity), Some(credential)) if is_elsewhere(credential) => {
                let migration = self.migration.as_ref().ok_or(FlowError::PasswordElsewhere)?;
                if migration.knows(attempt, identity, typed, password).await? {
                    Verification::Match { needs_upgrade: true }
                } else {
                    Verification::Mismatch
                }
            }
            (_, credential) => {
                let stored =
                    credential.as_ref().and_then(|credential| credential.config.text("hashed_password"));
                accounts.passwords.verify(hashing, password, stored).await?
            }
        };
        let (Some(identity), Some(credential), Verification::Match { needs_upgrade }) =
            (identity, credential, verification)
        else {
            return Ok(Checked::Wrong(suspect));
        };
        if identity.state != IdentityState::Active {
            return Ok(Checked::Disabled(identity.id));
        }
        let upgrade = if needs_upgrade {
            match accounts.passwords.hash(hashing, password).await {
                Ok(hash) => replace(&identity, Credential { updated_at: visit.now, ..credential }, &hash),
                Err(error @ (PasswordError::Busy | PasswordError::Internal(_))) => return Err(error.into()),
                // One that is right and cannot be kept here stays where it is.
                Err(_) => Vec::new(),
            }
        } else {
            Vec::new()
        };
        Ok(Checked::Right { identity: Box::new(identity), upgrade })
    }
}

/// The changes that give an identity another password, under a new version of it: a request that has
/// read the old password cannot write it back.
fn replace(identity: &Identity, mut credential: Credential, hash: &str) -> Vec<Change> {
    credential.config = CredentialConfig::from(serde_json::json!({ "hashed_password": hash }));
    vec![
        Change::UpdateIdentity(identity.clone()),
        Change::PutCredential(CredentialOf { identity_id: identity.id, credential }),
    ]
}
