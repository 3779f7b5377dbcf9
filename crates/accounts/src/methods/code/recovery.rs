//! Getting back into an account with a code.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use sessera_model::{IdentityState, Secret, Timestamp, Uuid};
use sessera_store::{Change, CodePurpose, FlowKind, StoreError};

use super::{Code, messages};
use crate::accounts::Accounts;
use crate::codes::{self, CodeRequest};
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Flow, RecoveryDetails, State, Transport};
use crate::flows::method::{RecoveryAttempt, RecoveryMethod, RecoveryVerdict};
use crate::messages::{Message, common};
use crate::rules::Rules;
use crate::schema::normalise;
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

#[async_trait]
impl RecoveryMethod for Code {
    fn nodes(&self, flow: &Flow<RecoveryDetails>, nodes: &mut Nodes) {
        let button = || Input::submit("method", "code").node(Group::CODE).label(common::CONTINUE);
        if flow.state != State::SentEmail {
            let field = Input::new("email", InputKind::Email).required();
            nodes.push(10, field.node(Group::CODE).label(common::EMAIL_LABEL));
            nodes.push(10, button());
            return;
        }
        let mut field = Input::new("code", InputKind::Text).required().autocomplete("one-time-code");
        field.pattern = Some("[0-9]+".into());
        field.max_length = Some(6);
        nodes.push(10, field.node(Group::CODE).label(messages::RECOVERY_LABEL));
        nodes.push(10, Input::hidden("method", "code").node(Group::CODE));
        nodes.push(10, button());
        if let Some(email) = &flow.details.email {
            nodes.push(10, Input::submit("email", email).node(Group::CODE).label(messages::RESEND));
        }
    }

    fn takes(&self, submission: &Submission) -> bool {
        matches!(submission.method(), None | Some("code"))
    }

    async fn submit(&self, attempt: &mut RecoveryAttempt<'_>) -> Result<RecoveryVerdict, FlowError> {
        let (field, message) = match (attempt.submission.text("code"), attempt.submission.text("email")) {
            (Ok(Some(code)), _) => return use_code(attempt, code).await,
            (Err(message), _) => ("code", message),
            (_, Ok(Some(email))) => return send(attempt, email),
            (_, Err(message)) => ("email", message),
            _ if attempt.flow.state == State::SentEmail => ("code", Message::required("code")),
            _ => ("email", Message::required("email")),
        };
        attempt.flow.say_at(field, message);
        Ok(RecoveryVerdict::Refused)
    }
}

fn send(attempt: &mut RecoveryAttempt<'_>, email: &str) -> Result<RecoveryVerdict, FlowError> {
    let (visit, flow) = (attempt.visit, &mut attempt.flow);
    if !(visit.rules.recovery.enabled && visit.rules.code) {
        return Err(FlowError::Off(FlowKind::Recovery));
    }
    let Some(address) = normalise::email(email) else {
        flow.say_at("email", Message::with_context(common::NOT_AN_EMAIL, json!({ "value": email })));
        return Ok(RecoveryVerdict::Refused);
    };
    if flow.details.sent >= codes::MAX_SENT {
        flow.say(Message::invalid("Too many codes were sent with this form. Begin again."));
        return Ok(RecoveryVerdict::Refused);
    }
    let request = CodeRequest { flow_id: flow.id, address, language: visit.visitor.language };
    let random = visit.accounts.random.as_ref();
    let change = codes::ask(random, visit.now, CodePurpose::Recovery, &request);
    flow.state = State::SentEmail;
    // Wrong codes stay counted, or asking again would make guessing free.
    flow.details.email = Some(email.to_owned());
    flow.details.sent += 1;
    flow.say(messages::RECOVERY_SENT);
    Ok(RecoveryVerdict::Shown(vec![change]))
}

async fn use_code(attempt: &mut RecoveryAttempt<'_>, typed: &str) -> Result<RecoveryVerdict, FlowError> {
    let (visit, flow) = (attempt.visit, &mut attempt.flow);
    let store = &visit.accounts.store;
    let stored = store.code(flow.id, CodePurpose::Recovery).await?;
    let is_good = codes::is_good(&visit.rules.keys, stored.as_ref(), typed, visit.now);
    let good = stored.filter(|_| is_good && flow.details.attempts < codes::MAX_ATTEMPTS);
    let identity = match &good {
        Some(code) => store.identity(code.identity_id).await?,
        None => None,
    };
    let active = identity.filter(|identity| identity.state == IdentityState::Active);
    if let (Some(identity), Some(code)) = (active, good) {
        return Ok(RecoveryVerdict::Recovered { identity: Box::new(identity), code: Box::new(code) });
    }
    flow.details.attempts += 1;
    flow.say(messages::RECOVERY_WRONG);
    Ok(RecoveryVerdict::Shown(Vec::new()))
}

/// A code that was given out by hand, for somebody who cannot receive mail.
#[derive(Debug)]
pub struct GivenCode {
    /// The flow in which it is typed.
    pub flow_id: Uuid,
    /// The code.
    pub code: Secret,
    /// When both end.
    pub expires_at: Timestamp,
}

/// Gives out a code that lets its owner back into an account. No mail is sent.
pub async fn give_out(
    accounts: &Accounts,
    rules: &Rules,
    identity_id: Uuid,
    transport: Transport,
    lifespan: Duration,
) -> Result<GivenCode, StoreError> {
    let (now, random) = (accounts.clock.now(), accounts.random.as_ref());
    let expires_at = now + lifespan;
    let beginning = Beginning {
        id: random.uuid(),
        transport,
        now,
        expires_at,
        request_url: rules.url("admin/recovery/code"),
        return_to: None,
        browser: None,
    };
    let details = RecoveryDetails { is_given: true, ..RecoveryDetails::default() };
    let flow = Flow::begin(beginning, State::SentEmail, details);
    // It reaches its owner by another way than mail, so it proves no address.
    let (purpose, address) = (CodePurpose::Recovery, String::new());
    let (stored, code) =
        codes::issue(&rules.keys, random, purpose, flow.id, identity_id, address, expires_at);
    accounts.committer.commit(&[flow.insert()?, Change::InsertCode(stored)]).await?;
    Ok(GivenCode { flow_id: flow.id, code, expires_at })
}
