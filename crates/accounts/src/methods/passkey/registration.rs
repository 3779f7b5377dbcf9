//! Signing up with a passkey.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::messages;
use super::{CHALLENGE, KIND, PROOF, Passkey};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, RegistrationDetails};
use crate::flows::method::{RegistrationAttempt, RegistrationMethod, RegistrationVerdict, RegistrationView};
use crate::flows::visit::Visit;
use crate::messages::common;
use crate::methods::identifier;
use crate::methods::public_keys::{AddChallenge, Keys, NewKeyAnswer, script, trigger};
use crate::rules::Rules;
use crate::schema::{Field, IdentitySchema};
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

/// The field of a new passkey's answer.
const ANSWER: &str = "passkey_register";

#[async_trait]
impl RegistrationMethod for Passkey {
    /// Without a trait that names the account on the person's device, nobody signs up with a passkey.
    fn begin(
        &self,
        visit: &Visit<'_>,
        flow: &mut Flow<RegistrationDetails>,
        schema: &IdentitySchema,
    ) -> Result<(), FlowError> {
        let Some(names) = names(schema) else { return Ok(()) };
        // The passkey names its owner before there is an identity.
        let handle = visit.accounts.random.token();
        let mut challenge = self.party.ask_to_add(handle.as_bytes(), self.party.name(), &Keys::default())?;
        // The page puts the name of the account there, which is typed in the same form.
        challenge.options = json!({
            "credentialOptions": challenge.options,
            "displayNameFieldName": names.first(),
            "displayNameFieldNames": names,
        });
        flow.details.kept.set(CHALLENGE, challenge);
        Ok(())
    }

    fn nodes(&self, view: &RegistrationView<'_>, nodes: &mut Nodes) {
        let (details, transport) = (&view.flow.details, view.flow.transport);
        let Some(challenge) = details.kept.get::<AddChallenge>(CHALLENGE) else { return };
        if view.asks_for_profile {
            return;
        }
        nodes.extend(12, script(view.rules, transport));
        let button = Input::button("passkey_register_trigger", trigger("oryPasskeyRegistration", transport));
        nodes.push(12, button.node(Group::PASSKEY).label(messages::SIGN_UP));
        nodes.push(12, Input::new(ANSWER, InputKind::Hidden).node(Group::PASSKEY));
        let options = Input::hidden("passkey_create_data", challenge.options.to_string());
        nodes.push(12, options.node(Group::PASSKEY));
    }

    fn takes(&self, _: &Rules, submission: &Submission) -> bool {
        // A form of Ory's for React sends this for an empty field.
        submission.is_filled(ANSWER) && submission.get(ANSWER).is_some_and(|answer| answer != "true")
    }

    async fn submit(&self, attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError> {
        let Some(text) = attempt.required(ANSWER) else { return Ok(RegistrationVerdict::Again) };
        let asked = attempt.flow.details.kept.get::<AddChallenge>(CHALLENGE);
        let Some(asked) = asked else {
            attempt.flow.say(common::NO_REGISTRATION_METHOD);
            return Ok(RegistrationVerdict::Again);
        };
        // Whatever comes of the answer, its challenge is good once.
        let schema = attempt.schema.clone();
        self.begin(attempt.visit, &mut attempt.flow, &schema)?;
        let answer = match NewKeyAnswer::parse(&text) {
            Ok(answer) => answer,
            Err(message) => {
                attempt.flow.say(message);
                return Ok(RegistrationVerdict::Again);
            }
        };
        let (mut keys, visit) = (Keys::default(), attempt.visit);
        let device = visit.visitor.device_name.clone();
        let Some(handle) = self.party.add(&answer, &asked, &mut keys, device, visit.now) else {
            attempt.flow.say(common::KEY_REFUSED);
            return Ok(RegistrationVerdict::Again);
        };
        let Some(mut prepared) = attempt.prepare()? else { return Ok(RegistrationVerdict::Again) };
        let handle = String::from_utf8_lossy(&handle).into_owned();
        prepared.set_credential(KIND, vec![handle], keys.content());
        Ok(RegistrationVerdict::Prepared { identity: Box::new(prepared), proof: PROOF, changes: Vec::new() })
    }
}

/// The fields that may name the account on a person's device, in the order in which pages look at them: those that the
/// schema marks, or the first one without a title.
fn names(schema: &IdentitySchema) -> Option<Vec<Value>> {
    let mut marked = identifier::names_on_devices(schema);
    marked.sort_unstable();
    if marked.is_empty() {
        let untitled = schema.fields().iter().find(|field| field.title.is_none());
        marked.extend(untitled.map(Field::name));
    }
    (!marked.is_empty()).then(|| marked.into_iter().map(Value::from).collect())
}
