//! The codes with which people sign in and up. They lie in their flow, as keyed hashes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessera_model::{Identity, Timestamp, TokenHash, Uuid};
use sessera_store::Change;

use super::messages;
use crate::codes;
use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::flow::{Details, Flow, Kept, LoginDetails, RegistrationDetails, State};
use crate::flows::visit::Visit;
use crate::limits::Guess;
use crate::mail::{CodeMail, MailContext};
use crate::messages::{Message, MessageId};
use crate::schema::Address;
use crate::submission::Submission;

/// Under which name a flow keeps its codes, which is that of the method.
pub(super) const CODE: &str = "code";

/// A kind of flow that is gone through with a code of its own.
pub(super) trait WithCode: Details {
    /// What is said when a code is wrong.
    const WRONG: MessageId;

    /// What its methods keep.
    fn kept(&mut self) -> &mut Kept;

    /// Says which method was chosen.
    fn choose(&mut self, method: &str);
}

impl WithCode for LoginDetails {
    const WRONG: MessageId = messages::LOGIN_WRONG;

    fn kept(&mut self) -> &mut Kept {
        &mut self.kept
    }

    fn choose(&mut self, method: &str) {
        self.active = Some(method.to_owned());
    }
}

impl WithCode for RegistrationDetails {
    const WRONG: MessageId = messages::REGISTRATION_WRONG;

    fn kept(&mut self) -> &mut Kept {
        &mut self.kept
    }

    fn choose(&mut self, method: &str) {
        self.active = Some(method.to_owned());
    }
}

/// The codes that were sent for a flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    /// Those that are good. Each address has its own.
    codes: Vec<SentCode>,
    /// When they end.
    expires_at: Timestamp,
    /// How many wrong codes were typed.
    wrong: u32,
    /// How often codes were asked for.
    times: u32,
}

/// A code that was sent to an address.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SentCode {
    #[serde(flatten)]
    address: Address,
    hash: TokenHash,
}

impl Sent {
    /// What a flow keeps.
    pub(super) fn of(kept: &Kept) -> Option<Self> {
        kept.get(CODE)
    }

    /// The address to which a code was sent, the first of several.
    pub(super) fn address(&self) -> Option<&Address> {
        self.codes.first().map(|code| &code.address)
    }
}

/// Whether the button was chosen that sends a code again.
pub(super) fn resends(submission: &Submission) -> bool {
    submission.get("resend").is_some_and(|resend| resend == CODE)
}

/// Whose codes are sent.
#[derive(Clone, Copy)]
pub(super) enum Owner<'a> {
    /// Those of somebody who has an account.
    Known(Uuid),
    /// Those of somebody with these traits who is about to have one.
    New(&'a Value),
}

/// Sends each address a code with which the flow can be gone through, in place of those that were sent before. The
/// message says why none is sent.
pub(super) async fn send<D: WithCode>(
    visit: &Visit<'_>,
    flow: &mut Flow<D>,
    to: &[Address],
    owner: Owner<'_>,
) -> Result<Result<Vec<Change>, Message>, FlowError> {
    let before = Sent::of(flow.details.kept());
    // Wrong codes stay counted, or asking again would make guessing free.
    let (wrong, times) = before.map_or((0, 0), |sent| (sent.wrong, sent.times));
    if wrong >= visit.rules.code_attempts {
        return Ok(Err(worn_out()));
    }
    if times >= codes::MAX_SENT {
        return Ok(Err(codes::too_many_sent()));
    }
    let (random, now, purpose) = (visit.accounts.random.as_ref(), visit.now, D::KIND.as_str());
    let expires_at = now + visit.rules.code.lifespan;
    let mut sent = Sent { codes: Vec::new(), expires_at, wrong, times: times + 1 };
    let mut changes = Vec::new();
    let (identity_id, traits) = match owner {
        Owner::Known(id) => (Some(id), None),
        Owner::New(traits) => (None, Some(traits.clone())),
    };
    let about = MailContext { identity_id, traits, ..visit.about(flow) };
    for address in to.iter().take(addresses::MAX_AT_ONCE) {
        if let Err(wait) = visit.may_send(purpose, identity_id, &address.value).await? {
            let minutes = json!({ "minutes": wait.as_secs().div_ceil(60) });
            return Ok(Err(Message::with_context(messages::TOO_MANY_SENT, minutes)));
        }
        let code = codes::new_code(random);
        let hash = codes::hash(&visit.rules.keys, purpose, flow.id, code.expose());
        sent.codes.push(SentCode { address: address.clone(), hash });
        let mail = CodeMail {
            code,
            url: visit.rules.whole_page(D::KIND, flow.id),
            expires_at,
            language: visit.visitor.language,
            via: address.via.clone(),
            about: about.clone(),
        };
        changes.push(codes::message(random, now, format!("{purpose}_code"), address.value.clone(), &mail));
    }
    flow.details.kept().set(CODE, sent);
    flow.details.choose(CODE);
    flow.state = State::SentEmail;
    Ok(Ok(changes))
}

/// What became of a typed code, of those that a flow sends to sign in, to sign up or as a second factor.
pub(super) enum CodeVerdict {
    /// It is one that was sent. Whoever has typed it has the address. The changes are those of the limits.
    Right(Address, Vec<Change>),
    /// It is wrong, which was counted, and the flow says so.
    Wrong,
    /// Nobody looked at it, and the flow says why.
    Not,
}

/// Tries a code. A right one is used up, and so are the others that were sent with it.
pub(super) async fn try_sent_code<D: WithCode>(
    visit: &Visit<'_>,
    flow: &mut Flow<D>,
    typed: &str,
) -> Result<CodeVerdict, FlowError> {
    let Some(mut sent) = Sent::of(flow.details.kept()) else {
        flow.say(D::WRONG);
        return Ok(CodeVerdict::Not);
    };
    if sent.wrong >= visit.rules.code_attempts {
        flow.say(worn_out());
        return Ok(CodeVerdict::Not);
    }
    let address = sent.address().map(|address| address.value.clone()).unwrap_or_default();
    let counters = match visit.take_place(flow.transport, Guess::MailedCode(&address)).await? {
        Ok(counters) => counters,
        Err(message) => {
            flow.say(message);
            return Ok(CodeVerdict::Not);
        }
    };
    let keys = &visit.rules.keys;
    let is_right = |code: &&SentCode| codes::is_right(keys, D::KIND.as_str(), flow.id, typed, &code.hash);
    let right = sent.codes.iter().find(is_right).filter(|_| visit.now < sent.expires_at);
    if let Some(right) = right {
        flow.details.kept().remove(CODE);
        flow.state = State::PassedChallenge;
        return Ok(CodeVerdict::Right(right.address.clone(), counters.after_right()));
    }
    sent.wrong += 1;
    flow.details.kept().set(CODE, sent);
    flow.say(D::WRONG);
    Ok(CodeVerdict::Wrong)
}

/// What is said when too many codes were wrong.
fn worn_out() -> Message {
    Message::invalid("There were too many wrong codes with this form. Begin again.")
}

/// Marks the address as verified to which a code was sent that was typed. Whether it was not before.
pub(super) fn verify(identity: &mut Identity, proven: &Address, now: Timestamp) -> bool {
    let mut known = identity.verifiable_addresses.iter_mut();
    let address = known.find(|known| known.via == proven.via && known.value == proven.value);
    let Some(address) = address.filter(|known| !known.verified) else { return false };
    addresses::complete(address, now);
    true
}
