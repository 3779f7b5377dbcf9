//! Getting back into an account with a code.

use std::time::Duration;

use sessera_model::{Identity, IdentityState, Secret, Timestamp, Uuid};
use sessera_store::{Change, Code as StoredCode, CodePurpose, FlowKind, StoreError};

use super::form::{self, ByCode};
use super::messages;
use crate::accounts::Accounts;
use crate::codes::{self, CodeScope};
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Flow, RecoveryDetails, SentCodes, State, Transport};
use crate::flows::visit::Visit;
use crate::messages::MessageId;
use crate::rules::{Rules, Sends};
use crate::ui::{Group, Node};

impl ByCode for RecoveryDetails {
    const WRONG: MessageId = messages::RECOVERY_WRONG;

    fn sent(_: &str) -> MessageId {
        messages::RECOVERY_SENT
    }

    /// A flow that an administrator began goes on where recovery is off, but sends no other code.
    fn check_on(visit: &Visit<'_>) -> Result<(), FlowError> {
        if visit.rules.recovers() { Ok(()) } else { Err(FlowError::Off(FlowKind::Recovery)) }
    }

    fn code_fields() -> [Node; 2] {
        let mut field = form::code_field();
        field.pattern = Some("[0-9]+".into());
        field.max_length = Some(6);
        [field.node(Group::CODE).label(messages::RECOVERY_LABEL), form::method_field()]
    }

    fn is_good_for(owner: &Identity, _: &StoredCode) -> bool {
        owner.state == IdentityState::Active
    }
}

/// A code, or what a link holds, that was given out by hand, for somebody who cannot receive mail.
#[derive(Debug)]
pub struct GivenCode {
    /// The flow in which it is typed.
    pub flow_id: Uuid,
    /// The code.
    pub code: Secret,
    /// When both end.
    pub expires_at: Timestamp,
}

/// How a code is given out.
#[derive(Debug)]
pub struct GivenWay {
    /// As a code that is typed, or in a link that is opened.
    pub sends: Sends,
    /// Where it is used.
    pub transport: Transport,
    /// How long it is good.
    pub lifespan: Duration,
    /// Where a browser goes afterwards, checked.
    pub return_to: Option<String>,
}

/// Gives out a code that lets its owner back into an account. No mail is sent.
pub async fn give_out(
    accounts: &Accounts,
    rules: &Rules,
    identity_id: Uuid,
    way: GivenWay,
) -> Result<GivenCode, StoreError> {
    let (now, random) = (accounts.clock.now(), accounts.random.as_ref());
    let expires_at = now + way.lifespan;
    let beginning = Beginning {
        id: random.uuid(),
        transport: way.transport,
        now,
        expires_at,
        request_url: rules.url(&format!("admin/recovery/{}", way.sends.as_str())),
        return_to: way.return_to,
        browser: None,
    };
    let codes = SentCodes { sends: way.sends, ..SentCodes::default() };
    let details = RecoveryDetails { codes, is_given: true };
    let flow = Flow::begin(beginning, State::SentEmail, details);
    // It reaches its owner by another way than mail, so it proves no address.
    let (purpose, address) = (CodePurpose::Recovery, String::new());
    let aim = CodeScope { purpose, flow_id: flow.id, identity_id, address };
    let (stored, code) = codes::issue(&rules.keys, random, way.sends, aim, expires_at);
    accounts.committer.commit(&[flow.insert()?, Change::InsertCode(stored)]).await?;
    Ok(GivenCode { flow_id: flow.id, code, expires_at })
}
