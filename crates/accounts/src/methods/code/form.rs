//! What recovery and verification have alike: an address is typed, a code is sent to it, and the code is typed.

use async_trait::async_trait;
use serde_json::json;
use sessera_model::Identity;
use sessera_store::{Code as StoredCode, CodePurpose};

use super::{Code, messages};
use crate::codes::{self, CodeRequest};
use crate::flows::error::FlowError;
use crate::flows::flow::{Details, Flow, SentCodes, State};
use crate::flows::method::{AddressMethod, AddressVerdict, Attempt, ProvenAddress};
use crate::flows::visit::Visit;
use crate::limits::{Guess, Place};
use crate::messages::{Message, MessageId, common};
use crate::schema::normalise;
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Node, Nodes};

/// How long an address may be as it is typed, in bytes.
const MAX_EMAIL_BYTES: usize = 512;

/// A kind of flow in which a code proves an address.
pub(super) trait ByCode: Details + Send + Sync {
    /// What its codes are for.
    const PURPOSE: CodePurpose;
    /// What is said when a code was sent.
    const SENT: MessageId;
    /// What is said when a code is wrong.
    const WRONG: MessageId;

    /// How far the flow has come.
    fn codes(&self) -> &SentCodes;

    /// How far the flow has come, to be changed.
    fn codes_mut(&mut self) -> &mut SentCodes;

    /// Whether people can ask for a code.
    fn check_on(_: &Visit<'_>) -> Result<(), FlowError> {
        Ok(())
    }

    /// The fields for the code, in the order that the wire contract has.
    fn code_fields() -> [Node; 2];

    /// Whether a right code still proves something about its owner, as stored now.
    fn is_good_for(owner: &Identity, code: &StoredCode) -> bool;
}

/// The hidden field that names the method.
pub(super) fn method_field() -> Node {
    Input::hidden("method", "code").node(Group::CODE)
}

/// The field for the code.
pub(super) fn code_field() -> Input {
    Input::new("code", InputKind::Text).required().autocomplete("one-time-code")
}

#[async_trait]
impl<D: ByCode> AddressMethod<D> for Code {
    fn nodes(&self, flow: &Flow<D>, nodes: &mut Nodes) {
        let mut add = |node: Node| nodes.push(10, node);
        let button = Input::submit("method", "code").node(Group::CODE).label(common::CONTINUE);
        if flow.state == State::ChooseMethod {
            let field = Input::new("email", InputKind::Email).required();
            add(field.node(Group::CODE).label(common::EMAIL_LABEL));
            add(button);
            return;
        }
        D::code_fields().into_iter().for_each(&mut add);
        add(button);
        if let Some(email) = &flow.details.codes().email {
            add(Input::submit("email", email).node(Group::CODE).label(messages::RESEND));
        }
    }

    fn takes(&self, submission: &Submission) -> bool {
        matches!(submission.method(), None | Some("code"))
    }

    async fn submit(&self, attempt: &mut Attempt<'_, D>) -> Result<AddressVerdict, FlowError> {
        let (field, message) = match (attempt.submission.text("code"), attempt.submission.text("email")) {
            (Ok(Some(code)), _) => return use_code(attempt, code).await,
            (Err(message), _) => ("code", message),
            (_, Ok(Some(email))) => return send(attempt, email),
            (_, Err(message)) => ("email", message),
            _ if attempt.flow.state == State::SentEmail => ("code", Message::required("code")),
            _ => ("email", Message::required("email")),
        };
        attempt.flow.say_at(field, message);
        Ok(AddressVerdict::Refused)
    }
}

fn send<D: ByCode>(attempt: &mut Attempt<'_, D>, email: &str) -> Result<AddressVerdict, FlowError> {
    let (visit, flow) = (attempt.visit, &mut attempt.flow);
    D::check_on(visit)?;
    let Some(address) = normalise::email(email).filter(|_| email.len() <= MAX_EMAIL_BYTES) else {
        flow.say_at("email", Message::with_context(common::NOT_AN_EMAIL, json!({ "value": email })));
        return Ok(AddressVerdict::Refused);
    };
    if flow.details.codes().sent >= codes::MAX_SENT {
        flow.say(Message::invalid("Too many codes were sent with this form. Begin again."));
        return Ok(AddressVerdict::Refused);
    }
    let request = CodeRequest { flow_id: flow.id, address, language: visit.visitor.language };
    let change = codes::ask(visit.accounts.random.as_ref(), visit.now, D::PURPOSE, &request);
    flow.state = State::SentEmail;
    // Wrong codes stay counted, or asking again would make guessing free.
    let codes = flow.details.codes_mut();
    codes.email = Some(email.to_owned());
    codes.sent += 1;
    flow.say(D::SENT);
    Ok(AddressVerdict::Shown(vec![change]))
}

async fn use_code<D: ByCode>(attempt: &mut Attempt<'_, D>, typed: &str) -> Result<AddressVerdict, FlowError> {
    match try_code(attempt.visit, &attempt.flow, typed).await? {
        Tried::TooSoon(message) => {
            attempt.flow.say(message);
            return Ok(AddressVerdict::Refused);
        }
        Tried::Right(code, place) => {
            let owner = attempt.visit.accounts.store.identity(code.identity_id).await?;
            if let Some(identity) = owner.filter(|owner| D::is_good_for(owner, &code)) {
                let changes = place.after_right();
                return Ok(AddressVerdict::Proven(Box::new(ProvenAddress {
                    identity,
                    code: *code,
                    changes,
                })));
            }
        }
        Tried::Wrong => {}
    }
    count_wrong(&mut attempt.flow);
    attempt.flow.say(D::WRONG);
    Ok(AddressVerdict::Shown(Vec::new()))
}

/// What became of a typed code.
pub(super) enum Tried {
    /// It is the one that was sent for the flow, and still good. Its place is given back by whoever uses it.
    Right(Box<StoredCode>, Place),
    /// It is not.
    Wrong,
    /// Nobody looked at it, because there were too many wrong ones.
    TooSoon(Message),
}

/// Tries a code, once it has a place among those that may be tried.
pub(super) async fn try_code<D: ByCode>(
    visit: &Visit<'_>,
    flow: &Flow<D>,
    typed: &str,
) -> Result<Tried, FlowError> {
    let codes = flow.details.codes();
    let stored = visit.accounts.store.code(flow.id, D::PURPOSE).await?;
    let address = codes.email.as_deref().and_then(normalise::email);
    let guess = match (&address, &stored) {
        // Counted alike, whether anybody has the address or not.
        (Some(address), _) => Guess::MailedCode(address),
        (None, Some(code)) => Guess::CodeOf(code.identity_id),
        (None, None) => return Ok(Tried::Wrong),
    };
    if codes.attempts >= codes::MAX_ATTEMPTS {
        return Ok(Tried::Wrong);
    }
    let place = match visit.take_place(flow.transport, guess).await? {
        Ok(place) => place,
        Err(message) => return Ok(Tried::TooSoon(message)),
    };
    let is_good = codes::is_good(&visit.rules.keys, stored.as_ref(), typed, visit.now);
    Ok(match stored.filter(|_| is_good) {
        Some(code) => Tried::Right(Box::new(code), place),
        None => Tried::Wrong,
    })
}

/// Counts a wrong code.
pub(super) fn count_wrong<D: ByCode>(flow: &mut Flow<D>) {
    let attempts = &mut flow.details.codes_mut().attempts;
    *attempts = attempts.saturating_add(1);
}
