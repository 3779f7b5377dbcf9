//! Getting back into an account with a code.

use std::time::Duration;

use sessera_model::{Identity, IdentityState, Secret, Timestamp, Uuid};
use sessera_store::{Change, Code as StoredCode, CodePurpose, FlowKind, StoreError};

use super::form::{self, ByCode};
use super::messages;
use crate::accounts::Accounts;
use crate::codes;
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Flow, RecoveryDetails, SentCodes, State, Transport};
use crate::flows::visit::Visit;
use crate::messages::MessageId;
use crate::rules::Rules;
use crate::ui::{Group, Node};

impl ByCode for RecoveryDetails {
    const PURPOSE: CodePurpose = CodePurpose::Recovery;
    const SENT: MessageId = messages::RECOVERY_SENT;
    const WRONG: MessageId = messages::RECOVERY_WRONG;

    fn codes(&self) -> &SentCodes {
        &self.codes
    }

    fn codes_mut(&mut self) -> &mut SentCodes {
        &mut self.codes
    }

    /// A flow that an administrator began goes on where recovery is off, but sends no other code.
    fn check_on(visit: &Visit<'_>) -> Result<(), FlowError> {
        let is_on = visit.rules.recovery.enabled && visit.rules.code;
        if is_on { Ok(()) } else { Err(FlowError::Off(FlowKind::Recovery)) }
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
