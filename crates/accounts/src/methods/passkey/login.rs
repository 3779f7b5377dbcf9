//! Signing in with a passkey.

use async_trait::async_trait;
use sessera_model::{AssuranceLevel, Credential, Identity, IdentityState};
use sessera_store::Change;

use super::messages;
use super::relying_party::{Passkeys, SignInAnswer, SignInChallenge};
use super::{CHALLENGE, PROOF, Passkey, script};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, LoginDetails, Standing, Transport};
use crate::flows::method::{LoginAttempt, LoginMethod, LoginVerdict, LoginView, Proven};
use crate::flows::visit::Visit;
use crate::messages::common;
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

#[async_trait]
impl LoginMethod for Passkey {
    fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal1
    }

    fn is_set_up(&self, credentials: &[Credential]) -> bool {
        self.ways_in(credentials) > 0
    }

    fn ways_in(&self, credentials: &[Credential]) -> usize {
        Passkeys::among(credentials).credentials.len()
    }

    fn begin(&self, flow: &mut Flow<LoginDetails>) -> Result<(), FlowError> {
        if flow.transport == Transport::Browser {
            flow.details.kept.set(CHALLENGE, self.party.ask_to_sign_in()?);
        }
        Ok(())
    }

    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes) {
        let details = &view.flow.details;
        let Some(challenge) = details.kept.get::<SignInChallenge>(CHALLENGE) else { return };
        if details.refresh && !self.is_set_up(view.credentials) {
            return;
        }
        nodes.push(20, script(view.rules));
        nodes.push(20, Input::hidden("passkey_challenge", challenge.options).node(Group::PASSKEY));
        nodes.push(20, Input::new("passkey_login", InputKind::Hidden).node(Group::PASSKEY));
        let button = Input::button("passkey_login_trigger", "oryPasskeyLogin").node(Group::PASSKEY);
        nodes.push(20, button.label(messages::SIGN_IN));
    }

    fn takes(&self, submission: &Submission) -> bool {
        // The script of a page submits the form without a button.
        let is_answered = submission.get("passkey_login").is_some_and(|answer| answer != "");
        is_answered || submission.method() == Some("passkey")
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        if attempt.flow.transport != Transport::Browser {
            return Ok(attempt.refuse(common::NO_LOGIN_METHOD));
        }
        let Some(answer) = attempt.required("passkey_login") else {
            return Ok(LoginVerdict::Refused(Standing::Refused));
        };
        let visit = attempt.visit;
        let kept = &mut attempt.flow.details.kept;
        let asked = kept.get::<SignInChallenge>(CHALLENGE);
        // Whatever comes of the answer, its challenge is good once.
        kept.set(CHALLENGE, self.party.ask_to_sign_in()?);
        let recognised = match (SignInAnswer::parse(&answer), asked) {
            (Some(answer), Some(asked)) => self.recognise(visit, &answer, asked).await?,
            _ => None,
        };
        let Some((identity, changes)) = recognised else {
            attempt.flow.say(messages::UNKNOWN);
            return Ok(LoginVerdict::Counted(Standing::Refused));
        };
        if identity.state != IdentityState::Active {
            attempt.flow.say(common::ACCOUNT_DISABLED);
            return Ok(LoginVerdict::Counted(Standing::Disabled));
        }
        let proven = Proven { identity, proof: PROOF, enrolled_at: None, changes, may_wait: Vec::new() };
        Ok(LoginVerdict::Proven(Box::new(proven)))
    }
}

impl Passkey {
    /// Whose passkey has answered, with the changes that keep how often it has signed. `None` when the
    /// answer does not fit, or is nobody's.
    async fn recognise(
        &self,
        visit: &Visit<'_>,
        answer: &SignInAnswer,
        asked: SignInChallenge,
    ) -> Result<Option<(Identity, Vec<Change>)>, FlowError> {
        let Some(id) = answer.identity_id() else { return Ok(None) };
        let store = &visit.accounts.store;
        // Read in this order, so that the version that is written back is not newer than what was checked.
        let Some(identity) = store.identity(id).await? else { return Ok(None) };
        let credentials = store.credentials(id).await?;
        let mut passkeys = Passkeys::among(&credentials);
        let Some(has_changed) = self.party.check(answer, asked, &mut passkeys) else { return Ok(None) };
        let mut changes = Vec::new();
        if has_changed {
            changes.push(Change::UpdateIdentity(identity.clone()));
            changes.push(passkeys.keep(&identity, &credentials, visit.now));
        }
        Ok(Some((identity, changes)))
    }
}
