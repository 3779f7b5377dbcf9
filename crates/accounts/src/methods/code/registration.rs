//! Signing up by a code.

use async_trait::async_trait;

use super::login::FIRST;
use super::sent::{self, CODE, CodeVerdict, Owner, resends};
use super::{Code, form, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::{RegistrationStep, State};
use crate::flows::method::{RegistrationAttempt, RegistrationMethod, RegistrationVerdict, RegistrationView};
use crate::messages::common;
use crate::rules::Rules;
use crate::submission::Submission;
use crate::ui::{Group, Input, Nodes};

#[async_trait]
impl RegistrationMethod for Code {
    fn nodes(&self, view: &RegistrationView<'_>, nodes: &mut Nodes) {
        let fields = match view.flow.state {
            State::ChooseMethod if view.asks_for_profile => return,
            State::ChooseMethod => {
                let button = Input::submit("method", CODE).node(Group::CODE);
                return nodes.push(15, button.label(messages::SIGN_UP));
            }
            _ if view.flow.has_errors() => form::fields_after_error(messages::REGISTRATION_LABEL),
            _ => form::fields(messages::REGISTRATION_LABEL),
        };
        nodes.extend(15, fields);
    }

    fn takes(&self, _: &Rules, submission: &Submission) -> bool {
        submission.method() == Some(CODE)
    }

    async fn submit(&self, attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError> {
        match attempt.flow.state {
            State::SentEmail if !resends(attempt.submission) => sign_up(attempt).await,
            State::PassedChallenge if !resends(attempt.submission) => {
                attempt.flow.say(common::NO_REGISTRATION_METHOD);
                Ok(RegistrationVerdict::Again)
            }
            _ => send(attempt).await,
        }
    }
}

/// Sends a code to each address with which the person is going to sign in.
async fn send(attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError> {
    let Some(prepared) = attempt.prepare()? else { return Ok(RegistrationVerdict::Again) };
    let addresses = prepared.code_addresses();
    if addresses.is_empty() {
        attempt.flow.say(common::IDENTIFIER_MISSING);
        return Ok(RegistrationVerdict::Again);
    }
    let owner = Owner::New(&prepared.identity.traits);
    match sent::send(attempt.visit, &mut attempt.flow, addresses, owner).await? {
        Ok(changes) => {
            let flow = &mut attempt.flow;
            flow.keep_traits(&attempt.submission.traits());
            flow.details.step = RegistrationStep::Credentials;
            flow.say(messages::REGISTRATION_SENT);
            Ok(RegistrationVerdict::Further(changes))
        }
        Err(message) => {
            attempt.flow.say(message);
            Ok(RegistrationVerdict::Again)
        }
    }
}

/// Judges a code, with which somebody signs up who has the address that it was sent to.
async fn sign_up(attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError> {
    let Some(code) = attempt.required("code") else { return Ok(RegistrationVerdict::Again) };
    if !attempt.flow.keeps_traits(&attempt.submission.traits()) {
        attempt.flow.say(messages::OTHER_TRAITS);
        return Ok(RegistrationVerdict::Again);
    }
    let Some(mut prepared) = attempt.prepare()? else { return Ok(RegistrationVerdict::Again) };
    let (address, changes) = match sent::try_sent_code(attempt.visit, &mut attempt.flow, &code).await? {
        CodeVerdict::Right(address, changes) => (address, changes),
        CodeVerdict::Wrong => return Ok(RegistrationVerdict::Further(Vec::new())),
        CodeVerdict::Not => return Ok(RegistrationVerdict::Again),
    };
    // Traits may be left out that were there when the code was sent.
    if !prepared.code_addresses().contains(&address) {
        attempt.flow.say(messages::OTHER_TRAITS);
        return Ok(RegistrationVerdict::Further(Vec::new()));
    }
    sent::verify(&mut prepared.identity, &address, attempt.visit.now);
    Ok(RegistrationVerdict::Prepared { identity: Box::new(prepared), proof: FIRST, changes })
}
