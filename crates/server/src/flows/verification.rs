//! Proving an address: the code that is sent to it, and the form in which it is typed.

use sessera_model::identity::VerificationStatus;
use sessera_model::{Identity, Random, Timestamp, Uuid};
use sessera_store::{Change, CodePurpose, FlowKind, StoreError};

use crate::flows::codes::{self, CodeRequest};
use crate::flows::flow::{Beginning, Flow, State, Transport, VerificationDetails};
use crate::flows::messages::MessageId;
use crate::flows::self_service::SelfService;

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
    rules: &SelfService,
    random: &dyn Random,
    now: Timestamp,
    transport: Transport,
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
        let details = VerificationDetails { email: Some(address.value.clone()), attempts: 0 };
        let mut flow = Flow::begin(beginning, State::SentEmail, details);
        flow.say(MessageId::VerificationCodeSent);
        changes.push(flow.insert()?);
        changes.extend(codes::send(
            &rules.keys,
            random,
            now,
            &CodeRequest {
                flow_id: flow.id,
                purpose: CodePurpose::Verification,
                identity_id: identity.id,
                address: &address.value,
                page: &rules.page(FlowKind::Verification, flow.id),
            },
        ));
        begun.push(Begun { flow_id: flow.id, address: address.value.clone() });
    }
    Ok((begun, changes))
}
