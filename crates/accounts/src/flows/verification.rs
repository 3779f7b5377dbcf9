//! Proving an address: the code that is sent to it, and the form in which it is typed.

use sessera_model::identity::VerificationStatus;
use sessera_model::{Identity, Random, Timestamp, Uuid, VerifiableAddress};
use sessera_store::{Change, CodePurpose, FlowKind, StoreError};

use crate::codes::{self, CodeRequest};
use crate::flows::flow::{Beginning, Flow, State, Transport, VerificationDetails};
use crate::language::Language;
use crate::messages::MessageId;
use crate::rules::Rules;
use crate::ui::{Attributes, Container, Group, Input, InputKind, Node, SubmitMethod};

/// A verification flow that was begun for an address.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The flow.
    pub flow_id: Uuid,
    /// The address.
    pub address: String,
}

/// Begins a verification flow for every e-mail address of an identity to which nothing was sent yet,
/// and marks it as sent. The changes go into the commit that stores the identity.
pub fn begin_for(
    rules: &Rules,
    random: &dyn Random,
    now: Timestamp,
    transport: Transport,
    language: Language,
    identity: &mut Identity,
) -> Result<(Vec<Begun>, Vec<Change>), StoreError> {
    let (mut begun, mut changes) = (Vec::new(), Vec::new());
    if !rules.verification.enabled || !rules.code {
        return Ok((begun, changes));
    }
    for address in &mut identity.verifiable_addresses {
        if address.status != VerificationStatus::Pending || address.via != "email" {
            continue;
        }
        address.status = VerificationStatus::Sent;
        address.updated_at = now;
        let way = if transport == Transport::Api { "api" } else { "browser" };
        let beginning = Beginning {
            id: random.uuid(),
            transport,
            now,
            expires_at: now + rules.verification.lifespan,
            request_url: rules.url(&format!("self-service/verification/{way}")),
            return_to: None,
            browser: None,
        };
        let details = VerificationDetails {
            email: Some(address.value.clone()),
            sent: 1,
            ..VerificationDetails::default()
        };
        let mut flow = Flow::begin(beginning, State::SentEmail, details);
        flow.say(MessageId::VerificationCodeSent);
        changes.push(flow.insert()?);
        let request = CodeRequest { flow_id: flow.id, address: address.value.clone(), language };
        let purpose = CodePurpose::Verification;
        changes.extend(codes::send(rules, random, now, purpose, identity.id, &request));
        begun.push(Begun { flow_id: flow.id, address: address.value.clone() });
    }
    Ok((begun, changes))
}

/// Marks an address as proven.
pub fn complete(address: &mut VerifiableAddress, now: Timestamp) {
    address.verified = true;
    address.status = VerificationStatus::Completed;
    address.verified_at = Some(now);
    address.updated_at = now;
}

/// Makes the form of a verification flow.
pub fn form(flow: &Flow<VerificationDetails>, rules: &Rules, csrf_token: String) -> Container {
    let mut form = Container::new(rules.action(FlowKind::Verification, flow.id));
    // Native flows have the node at the end only; the contract has it so.
    if flow.transport == Transport::Browser || flow.state == State::PassedChallenge {
        form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::Default));
    }
    match flow.state {
        State::PassedChallenge => {
            let target = flow.return_to.clone().unwrap_or_else(|| rules.after(FlowKind::Verification));
            form.action.clone_from(&target);
            form.method = SubmitMethod::Get;
            form.push(Node {
                group: Group::Code,
                attributes: Attributes::Anchor {
                    id: "continue",
                    href: target,
                    title: MessageId::Continue.into(),
                },
                messages: Vec::new(),
                label: Some(MessageId::Continue.into()),
            });
        }
        State::SentEmail => {
            form.push(Input::hidden("method", "code").node(Group::Code));
            let field = Input::new("code", InputKind::Text).required().autocomplete("one-time-code");
            form.push(field.node(Group::Code).label(MessageId::VerificationCodeLabel));
            form.push(Input::submit("method", "code").node(Group::Code).label(MessageId::Continue));
            if let Some(email) = &flow.details.email {
                form.push(Input::submit("email", email).node(Group::Code).label(MessageId::ResendCode));
            }
        }
        _ => {
            let field = Input::new("email", InputKind::Email).required();
            form.push(field.node(Group::Code).label(MessageId::EmailLabel));
            form.push(Input::submit("method", "code").node(Group::Code).label(MessageId::Continue));
        }
    }
    flow.fill(&mut form, None);
    form
}
