//! What codes and links have in common that are asked for in order to prove an address: the address is typed, and a
//! message goes to it, whether anybody has it or not.

use serde_json::json;
use sessera_store::{Asked, CodePurpose};

use crate::codes::{self, CodeRequest};
use crate::flows::error::FlowError;
use crate::flows::flow::{Details, RecoveryDetails, SentCodes, State, VerificationDetails};
use crate::flows::method::{AddressVerdict, Attempt};
use crate::messages::{Message, MessageId, common};
use crate::schema::Address;

/// How long an address may be as it is typed, in bytes.
const MAX_EMAIL_BYTES: usize = 512;

/// A kind of flow in which a code or a link proves an address.
pub(super) trait ByMail: Details + Send + Sync {
    /// What the codes are for.
    const PURPOSE: CodePurpose;

    /// How far the flow has come.
    fn codes(&self) -> &SentCodes;

    /// How far the flow has come, to be changed.
    fn codes_mut(&mut self) -> &mut SentCodes;
}

impl ByMail for RecoveryDetails {
    const PURPOSE: CodePurpose = CodePurpose::Recovery;

    fn codes(&self) -> &SentCodes {
        &self.codes
    }

    fn codes_mut(&mut self) -> &mut SentCodes {
        &mut self.codes
    }
}

impl ByMail for VerificationDetails {
    const PURPOSE: CodePurpose = CodePurpose::Verification;

    fn codes(&self) -> &SentCodes {
        &self.codes
    }

    fn codes_mut(&mut self) -> &mut SentCodes {
        &mut self.codes
    }
}

/// Asks for a message to an address. `sent` is what is said then, by the channel.
pub(super) fn send<D: ByMail>(
    attempt: &mut Attempt<'_, D>,
    email: &str,
    sent: fn(&str) -> MessageId,
) -> Result<AddressVerdict, FlowError> {
    let (visit, flow) = (attempt.visit, &mut attempt.flow);
    let typed = visit.rules.typed_address(flow.details.codes().sends, email);
    let Some(Address { via, value: address }) = typed.filter(|_| email.len() <= MAX_EMAIL_BYTES) else {
        flow.say_at("email", Message::with_context(common::NOT_AN_EMAIL, json!({ "value": email })));
        return Ok(AddressVerdict::Refused);
    };
    let codes = flow.details.codes_mut();
    if codes.sent >= codes::MAX_SENT {
        flow.say(codes::too_many_sent());
        return Ok(AddressVerdict::Refused);
    }
    // Wrong codes stay counted, or asking again would make guessing free.
    codes.email = Some(email.to_owned());
    codes.sent += 1;
    let (language, sends) = (visit.visitor.language, codes.sends);
    let (about, asked) = (visit.about(flow), Asked::now());
    let request = CodeRequest { flow_id: flow.id, address, via, language, sends, about, asked };
    let change = codes::ask(visit.accounts.random.as_ref(), visit.now, D::PURPOSE, &request);
    flow.state = State::SentEmail;
    flow.say(sent(&request.via));
    Ok(AddressVerdict::Shown(vec![change]))
}
