//! Signing up with a password.

use async_trait::async_trait;
use sessera_model::CredentialKind;

use super::{PROOF, Password, messages};
use crate::flows::error::FlowError;
use crate::flows::method::{RegistrationAttempt, RegistrationMethod, RegistrationVerdict, RegistrationView};
use crate::messages::common;
use crate::rules::Rules;
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

#[async_trait]
impl RegistrationMethod for Password {
    fn nodes(&self, view: &RegistrationView<'_>, nodes: &mut Nodes) {
        if view.asks_for_profile {
            return;
        }
        let mut field = Input::new("password", InputKind::Password).required().autocomplete("new-password");
        field.min_length = Some(self.policy.min_length);
        nodes.push(20, field.node(Group::PASSWORD).label(messages::LABEL));
        let button = Input::submit("method", "password").node(Group::PASSWORD);
        nodes.push(20, button.label(common::SIGN_UP));
    }

    fn takes(&self, _: &Rules, submission: &Submission) -> bool {
        submission.method() == Some("password")
    }

    async fn submit(&self, attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError> {
        let password = attempt.required("password");
        // Everything that is wrong is said at once.
        let (Some(mut prepared), Some(password)) = (attempt.prepare()?, password) else {
            return Ok(RegistrationVerdict::Again);
        };
        let identifiers = prepared.identifiers(CredentialKind::Password).to_vec();
        if identifiers.is_empty() {
            attempt.flow.say(common::IDENTIFIER_MISSING);
            return Ok(RegistrationVerdict::Again);
        }
        if let Err(message) = self.judge(attempt.visit, &password, &identifiers).await {
            attempt.flow.say_at("password", message);
            return Ok(RegistrationVerdict::Again);
        }
        let (accounts, hashing) = (attempt.visit.accounts, attempt.visit.rules.hashing);
        prepared.set_password(accounts.passwords.hash(hashing, &password).await?);
        Ok(RegistrationVerdict::Prepared { identity: Box::new(prepared), proof: PROOF, changes: Vec::new() })
    }
}
