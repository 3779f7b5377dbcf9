//! What the forms for codes have alike, and how codes in recovery and verification are tried.

use async_trait::async_trait;
use sessera_model::Identity;
use sessera_store::Code as StoredCode;

use super::{Code, messages};
use crate::codes;
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, State};
use crate::flows::method::{AddressMethod, AddressVerdict, Attempt, ProvenAddress};
use crate::flows::visit::Visit;
use crate::limits::{Guess, GuessCounters};
use crate::messages::{Message, MessageId, common};
use crate::methods::by_mail::{self, ByMail};
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Node, Nodes};

/// Where the nodes of the forms stand.
const PLACE: u8 = 10;

/// Where the button stands that sends a code again.
const PLACE_OF_RESEND: u8 = 20;

/// A kind of flow in which a code proves an address.
pub(super) trait ByCode: ByMail {
    /// What is said when a code was sent by a channel.
    fn sent(via: &str) -> MessageId;

    /// What is said when a code is wrong.
    const WRONG: MessageId;

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

fn go_on() -> Node {
    Input::submit("method", "code").node(Group::CODE).label(common::CONTINUE)
}

fn resend() -> Node {
    Input::submit("resend", "code").node(Group::CODE).label(messages::RESEND)
}

/// The fields and buttons of a form for a code that signs in or up. `label` is that of the code.
pub(super) fn fields(label: MessageId) -> [Node; 4] {
    [method_field(), code_field().node(Group::CODE).label(label), go_on(), resend()]
}

/// These fields and buttons after something was wrong, when the contract has them in another order.
pub(super) fn fields_after_error(label: MessageId) -> [Node; 4] {
    let [method, code, go_on, resend] = fields(label);
    [code, resend, method, go_on]
}

#[async_trait]
impl<D: ByCode> AddressMethod<D> for Code {
    fn nodes(&self, flow: &Flow<D>, nodes: &mut Nodes) {
        let mut add = |node: Node| nodes.push(PLACE, node);
        if flow.state == State::ChooseMethod {
            let (kind, label) = if self.has_sms {
                (InputKind::Text, messages::EMAIL_OR_PHONE_LABEL)
            } else {
                (InputKind::Email, common::EMAIL_LABEL)
            };
            add(Input::new("email", kind).required().node(Group::CODE).label(label));
            add(go_on());
            return;
        }
        D::code_fields().into_iter().for_each(&mut add);
        add(go_on());
        if let Some(email) = &flow.details.codes().email {
            let button = Input::submit("email", email).node(Group::CODE).label(messages::RESEND);
            nodes.push(PLACE_OF_RESEND, button);
        }
    }

    fn takes(&self, submission: &Submission) -> bool {
        matches!(submission.method(), None | Some("code"))
    }

    async fn submit(&self, attempt: &mut Attempt<'_, D>) -> Result<AddressVerdict, FlowError> {
        let (field, message) = match (attempt.submission.text("code"), attempt.submission.text("email")) {
            (Ok(Some(code)), _) => return use_code(attempt, code).await,
            (Err(message), _) => ("code", message),
            (_, Ok(Some(email))) => {
                D::check_on(attempt.visit)?;
                return by_mail::send(attempt, email, D::sent);
            }
            (_, Err(message)) => ("email", message),
            _ if attempt.flow.state == State::SentEmail => ("code", Message::required("code")),
            _ => ("email", Message::required("email")),
        };
        attempt.flow.say_at(field, message);
        Ok(AddressVerdict::Refused)
    }
}

async fn use_code<D: ByCode>(attempt: &mut Attempt<'_, D>, typed: &str) -> Result<AddressVerdict, FlowError> {
    let stored = attempt.visit.accounts.store.code(attempt.flow.id, D::PURPOSE).await?;
    attempt.suspect = stored.as_ref().map(|code| code.identity_id);
    match try_address_code(attempt.visit, &attempt.flow, stored, typed).await? {
        AddressCodeVerdict::TooSoon(message) => {
            attempt.flow.say(message);
            return Ok(AddressVerdict::Refused);
        }
        AddressCodeVerdict::Right(code, counters) => {
            let owner = attempt.visit.accounts.store.identity(code.identity_id).await?;
            if let Some(identity) = owner.filter(|owner| D::is_good_for(owner, &code)) {
                let changes = counters.after_right();
                return Ok(AddressVerdict::Proven(Box::new(ProvenAddress {
                    identity,
                    code: *code,
                    changes,
                })));
            }
        }
        AddressCodeVerdict::Wrong => {}
    }
    count_wrong(&mut attempt.flow);
    attempt.flow.say(D::WRONG);
    Ok(AddressVerdict::Shown(Vec::new()))
}

/// What became of a typed code, of those that recovery and verification send.
pub(super) enum AddressCodeVerdict {
    /// It is the one that was sent for the flow, and still good. Its place is given back by whoever uses it.
    Right(Box<StoredCode>, GuessCounters),
    /// It is another one, or no longer good.
    Wrong,
    /// Nobody looked at it, because there were too many wrong ones.
    TooSoon(Message),
}

/// Tries a code, once it has a place among those that may be tried. `stored` is the one that is good in the flow, if one is.
pub(super) async fn try_address_code<D: ByCode>(
    visit: &Visit<'_>,
    flow: &Flow<D>,
    stored: Option<StoredCode>,
    typed: &str,
) -> Result<AddressCodeVerdict, FlowError> {
    let codes = flow.details.codes();
    let typed_address = |email: &str| visit.rules.typed_address(codes.sends, email);
    let address = codes.email.as_deref().and_then(typed_address).map(|address| address.value);
    let guess = match (&address, &stored) {
        // Counted alike, whether anybody has the address or not.
        (Some(address), _) => Guess::MailedCode(address),
        (None, Some(code)) => Guess::CodeOf(code.identity_id),
        (None, None) => return Ok(AddressCodeVerdict::Wrong),
    };
    if codes.attempts >= visit.rules.code_attempts {
        return Ok(AddressCodeVerdict::Wrong);
    }
    let counters = match visit.take_place(flow.transport, guess).await? {
        Ok(counters) => counters,
        Err(message) => return Ok(AddressCodeVerdict::TooSoon(message)),
    };
    let is_good = codes::is_good(&visit.rules.keys, stored.as_ref(), typed, visit.now);
    Ok(match stored.filter(|_| is_good) {
        Some(code) => AddressCodeVerdict::Right(Box::new(code), counters),
        None => AddressCodeVerdict::Wrong,
    })
}

/// Counts a wrong code.
pub(super) fn count_wrong<D: ByCode>(flow: &mut Flow<D>) {
    let attempts = &mut flow.details.codes_mut().attempts;
    *attempts = attempts.saturating_add(1);
}
