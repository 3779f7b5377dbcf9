//! Proving an address with a code, typed or in the link of its message.

use async_trait::async_trait;
use serde_json::json;
use sessera_model::{TokenHash, Uuid};
use sessera_store::{Change, CodePurpose};

use super::{Code, messages};
use crate::codes::{self, CodeRequest};
use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, State, VerificationDetails};
use crate::flows::method::{VerificationAttempt, VerificationMethod, VerificationVerdict};
use crate::flows::skeleton::{Flows, Replaced};
use crate::messages::{Message, common};
use crate::schema::normalise;
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

/// In how many browsers a link can be opened; the newest ones count.
const MAX_OPENED: usize = 8;

#[async_trait]
impl VerificationMethod for Code {
    fn nodes(&self, flow: &Flow<VerificationDetails>, nodes: &mut Nodes) {
        let button = || Input::submit("method", "code").node(Group::CODE).label(common::CONTINUE);
        if flow.state != State::SentEmail {
            let field = Input::new("email", InputKind::Email).required();
            nodes.push(10, field.node(Group::CODE).label(common::EMAIL_LABEL));
            nodes.push(10, button());
            return;
        }
        nodes.push(10, Input::hidden("method", "code").node(Group::CODE));
        let field = Input::new("code", InputKind::Text).required().autocomplete("one-time-code");
        nodes.push(10, field.node(Group::CODE).label(messages::VERIFICATION_LABEL));
        nodes.push(10, button());
        if let Some(email) = &flow.details.email {
            nodes.push(10, Input::submit("email", email).node(Group::CODE).label(messages::RESEND));
        }
    }

    fn takes(&self, submission: &Submission) -> bool {
        matches!(submission.method(), None | Some("code"))
    }

    async fn submit(&self, attempt: &mut VerificationAttempt<'_>) -> Result<VerificationVerdict, FlowError> {
        let (field, message) = match (attempt.submission.text("code"), attempt.submission.text("email")) {
            (Ok(Some(code)), _) => return use_code(attempt, code).await,
            (Err(message), _) => ("code", message),
            (_, Ok(Some(email))) => return Ok(send(attempt, email)),
            (_, Err(message)) => ("email", message),
            _ if attempt.flow.state == State::SentEmail => ("code", Message::required("code")),
            _ => ("email", Message::required("email")),
        };
        attempt.flow.say_at(field, message);
        Ok(VerificationVerdict::Refused)
    }
}

fn send(attempt: &mut VerificationAttempt<'_>, email: &str) -> VerificationVerdict {
    let (visit, flow) = (attempt.visit, &mut attempt.flow);
    let Some(address) = normalise::email(email) else {
        flow.say_at("email", Message::with_context(common::NOT_AN_EMAIL, json!({ "value": email })));
        return VerificationVerdict::Refused;
    };
    if flow.details.sent >= codes::MAX_SENT {
        flow.say(Message::invalid("Too many codes were sent with this form. Begin again."));
        return VerificationVerdict::Refused;
    }
    let request = CodeRequest { flow_id: flow.id, address, language: visit.visitor.language };
    let random = visit.accounts.random.as_ref();
    let change = codes::ask(random, visit.now, CodePurpose::Verification, &request);
    flow.state = State::SentEmail;
    // Wrong codes stay counted, or asking again would make guessing free.
    flow.details.email = Some(email.to_owned());
    flow.details.sent += 1;
    flow.say(common::VERIFICATION_CODE_SENT);
    VerificationVerdict::Shown(vec![change])
}

async fn use_code(
    attempt: &mut VerificationAttempt<'_>,
    typed: &str,
) -> Result<VerificationVerdict, FlowError> {
    let (visit, flow) = (attempt.visit, &mut attempt.flow);
    let store = &visit.accounts.store;
    let stored = store.code(flow.id, CodePurpose::Verification).await?;
    let is_good = codes::is_good(&visit.rules.keys, stored.as_ref(), typed, visit.now);
    let good = stored.as_ref().filter(|_| is_good && flow.details.attempts < codes::MAX_ATTEMPTS);
    let mut identity = match good {
        Some(code) => store.identity(code.identity_id).await?,
        None => None,
    };
    let address = identity.as_mut().zip(good).and_then(|(identity, code)| {
        identity.verifiable_addresses.iter_mut().find(|known| known.value == code.address)
    });
    let mut changes = Vec::new();
    if let (Some(address), Some(code)) = (address, good) {
        addresses::complete(address, visit.now);
        changes.push(Change::UseCode(code.id));
        changes.extend(identity.map(Change::UpdateIdentity));
        flow.state = State::PassedChallenge;
        flow.say(common::ADDRESS_VERIFIED);
    } else {
        flow.details.attempts += 1;
        flow.say(messages::VERIFICATION_WRONG);
    }
    Ok(VerificationVerdict::Shown(changes))
}

/// Where the link of a message leads.
#[derive(Debug)]
pub enum Opened {
    /// To the page of its flow.
    Page {
        /// The flow.
        flow_id: Uuid,
        /// The cookie that the browser gets by which it is recognised from now on.
        new_cookie: Option<String>,
    },
    /// To the page of another flow, because the time of its own was over.
    Replaced(Box<Replaced<VerificationDetails>>),
}

/// Opens the link of a message, which fills its code into the form. The code is used when the form is
/// submitted, so that programs that look into links use nothing up.
pub async fn open_link(flows: &Flows<'_>, id: Option<&str>, code: &str) -> Result<Opened, FlowError> {
    let visit = &flows.visit;
    let mut flow: Flow<VerificationDetails> = visit.flow(id).await?;
    if flow.is_expired(visit.now) {
        let message = Message::expired(common::VERIFICATION_EXPIRED, flow.expires_at);
        let replaced = flows.replacement(&flow, message).await?;
        return Ok(Opened::Replaced(Box::new(replaced)));
    }
    let stored = visit.accounts.store.code(flow.id, CodePurpose::Verification).await?;
    let is_good = codes::is_good(&visit.rules.keys, stored.as_ref(), code, visit.now);
    let mut new_cookie = None;
    // Whoever opens the link with the right code has the message; the flow goes on in their browser.
    // Others, such as the one who began it, are not shown the code.
    if is_good && flow.details.attempts < codes::MAX_ATTEMPTS {
        new_cookie = visit.browser().is_none().then(|| visit.new_browser());
        let browser = new_cookie.as_deref().or_else(|| visit.browser()).map(TokenHash::of);
        let opened_by = &mut flow.details.opened_by;
        opened_by.extend(browser.filter(|browser| !opened_by.contains(browser)));
        if opened_by.len() > MAX_OPENED {
            opened_by.remove(0);
        }
        flow.details.linked_code = Some(code.to_owned());
        visit.keep_with(&mut flow, Vec::new()).await?;
    } else if !code.is_empty() {
        // Guessing by links is guessing.
        flow.details.attempts = flow.details.attempts.saturating_add(1);
        visit.keep_with(&mut flow, Vec::new()).await?;
    }
    Ok(Opened::Page { flow_id: flow.id, new_cookie })
}
