//! A security key as the second factor.

use async_trait::async_trait;
use sessera_model::{AssuranceLevel, Credential};
use sessera_store::Change;

use super::messages;
use super::{CHALLENGE, KIND, PROOF, Webauthn, security_keys};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, LoginDetails, Standing, Transport};
use crate::flows::method::{Able, LoginAttempt, LoginMethod, LoginVerdict, LoginView, Proven};
use crate::flows::visit::Visit;
use crate::messages::common;
use crate::methods::public_keys::{SignInAnswer, SignInChallenge, script, trigger};
use crate::methods::second_factor;
use crate::submission::Submission;
use crate::ui::{Group, Input, Nodes};

/// The field of a key's answer.
const ANSWER: &str = "webauthn_login";

/// The field by which forms carry along whose key it is.
const IDENTIFIER: &str = "identifier";

#[async_trait]
impl LoginMethod for Webauthn {
    fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal2
    }

    fn is_set_up(&self, credentials: &[Credential]) -> bool {
        security_keys(credentials).second_factors().next().is_some()
    }

    async fn begin(
        &self,
        _: &Visit<'_>,
        flow: &mut Flow<LoginDetails>,
        able: Able<'_>,
    ) -> Result<Vec<Change>, FlowError> {
        if flow.transport == Transport::Browser {
            let asked = self.party.ask(security_keys(able.credentials).second_factors())?;
            flow.details.kept.set(CHALLENGE, asked);
        }
        Ok(Vec::new())
    }

    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes) {
        let transport = view.flow.transport;
        let Some(asked) = view.flow.details.kept.get::<SignInChallenge>(CHALLENGE) else { return };
        if let Some(identifier) = identifier(view.credentials) {
            nodes.put(10, Input::hidden(IDENTIFIER, identifier).node(Group::DEFAULT));
        }
        nodes.push(20, Input::hidden(ANSWER, "").node(Group::WEBAUTHN));
        nodes.extend(20, script(view.rules, transport));
        let button = Input::button("webauthn_login_trigger", trigger("oryWebAuthnLogin", transport));
        let button = button.with_value(asked.options.to_string());
        nodes.push(20, button.node(Group::WEBAUTHN).label(messages::USE));
    }

    fn takes(&self, submission: &Submission) -> bool {
        // The script of a page submits the form without a button.
        submission.is_filled(ANSWER) || submission.method() == Some("webauthn")
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        if attempt.flow.transport != Transport::Browser {
            return Ok(attempt.refuse(common::NO_LOGIN_METHOD));
        }
        let (identity, credentials) = second_factor::owner(attempt).await?;
        // The contract asks for what the form carries along.
        if identifier(&credentials).is_some() && attempt.required(IDENTIFIER).is_none() {
            return Ok(LoginVerdict::Refused(Standing::Refused));
        }
        let mut keys = security_keys(&credentials);
        if keys.second_factors().next().is_none() {
            return Ok(attempt.refuse(messages::NOT_SET_UP));
        }
        let text = match attempt.submission.text(ANSWER) {
            Ok(text) => text.unwrap_or_default(),
            Err(message) => return Ok(attempt.refuse(message)),
        };
        let kept = &mut attempt.flow.details.kept;
        let asked = kept.get::<SignInChallenge>(CHALLENGE);
        // Whatever comes of the answer, its challenge is good once.
        kept.set(CHALLENGE, self.party.ask(keys.second_factors())?);
        let answer = match SignInAnswer::parse(text) {
            Ok(answer) => answer,
            Err(message) => return Ok(attempt.refuse(message)),
        };
        let used = asked.and_then(|asked| self.party.check(&answer, &asked, &mut keys));
        let Some((enrolled_at, has_changed)) = used.map(|(key, changed)| (key.added_at, changed)) else {
            attempt.flow.say(common::KEY_WRONG);
            return Ok(LoginVerdict::Counted(Standing::Refused));
        };
        let mut changes = Vec::new();
        if has_changed {
            changes.push(Change::UpdateIdentity(identity.clone()));
            changes.push(keys.keep(KIND, &identity, &credentials, Vec::new(), attempt.visit.now));
        }
        let enrolled_at = Some(enrolled_at);
        let proven = Proven { identity, proof: PROOF, enrolled_at, changes, may_wait: Vec::new() };
        Ok(LoginVerdict::Proven(Box::new(proven)))
    }
}

/// By what the owner of security keys is found, when the schema says by what.
fn identifier(credentials: &[Credential]) -> Option<&str> {
    let credential = credentials.iter().find(|credential| credential.kind == KIND)?;
    credential.identifiers.first().map(String::as_str)
}
