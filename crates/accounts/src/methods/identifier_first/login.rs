//! The form that asks for the identifier alone.

use async_trait::async_trait;
use sessera_model::{AssuranceLevel, Credential, CredentialKind};

use super::IdentifierFirst;
use crate::flows::error::FlowError;
use crate::flows::flow::Standing;
use crate::flows::login::IDENTIFIER_FIRST;
use crate::flows::method::{LoginAttempt, LoginMethod, LoginVerdict, LoginView};
use crate::messages::common;
use crate::methods::identifier;
use crate::schema::normalise;
use crate::submission::Submission;
use crate::ui::{Group, Input, Nodes};

/// The kinds of credential whose identifiers people type.
const TYPED: [CredentialKind; 3] = [CredentialKind::Password, CredentialKind::Code, CredentialKind::Webauthn];

#[async_trait]
impl LoginMethod for IdentifierFirst {
    fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal1
    }

    /// It proves nothing.
    fn is_set_up(&self, _: &[Credential]) -> bool {
        false
    }

    fn needs_identifier(&self) -> bool {
        false
    }

    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes) {
        if !view.asks_for_identifier_first() {
            return;
        }
        if view.flow.details.offered.is_some() {
            return nodes.push(10, identifier::hidden(view));
        }
        nodes.push(10, identifier::field(view));
        let button = Input::submit("method", IDENTIFIER_FIRST).node(Group::IDENTIFIER_FIRST);
        nodes.push(10, button.label(common::CONTINUE));
    }

    fn takes(&self, submission: &Submission) -> bool {
        submission.method() == Some(IDENTIFIER_FIRST)
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        // Whoever corrects the name is offered other methods.
        attempt.flow.details.offered = None;
        let identifier = match attempt.submission.text("identifier") {
            Ok(Some(identifier)) => identifier,
            Ok(None) => return Ok(unknown(attempt)),
            Err(message) => {
                attempt.flow.say_at("identifier", message);
                return Ok(LoginVerdict::Refused(Standing::Refused));
            }
        };
        attempt.flow.values.insert("identifier".into(), identifier.into());
        let (store, identifier) = (&attempt.visit.accounts.store, normalise::identifier(identifier));
        let mut owner = None;
        // All are asked for, so that it takes as long for everybody.
        for kind in TYPED {
            let found = store.identity_by_identifier(kind, &identifier).await?;
            owner = owner.or(found.map(|identity| identity.id));
        }
        Ok(LoginVerdict::Named(owner))
    }
}

/// The verdict that nobody is named.
fn unknown(attempt: &mut LoginAttempt<'_>) -> LoginVerdict {
    attempt.flow.say_at("identifier", common::NOBODY_KNOWN);
    LoginVerdict::Refused(Standing::Refused)
}
