//! Proving addresses: what the two kinds of flow that do it have alike, the verification flows that begin by
//! themselves, and the mark of a proof.

use sessera_model::identity::VerificationStatus;
use sessera_model::{Identity, Timestamp, Uuid, VerifiableAddress};
use sessera_store::{Change, CodePurpose, StoreError};

use crate::codes::{self, CodeRequest};
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Flow, SentCodes, Standing, State, Transport, VerificationDetails};
use crate::flows::method::{AddressMethod, AddressVerdict, Attempt, ProvenAddress};
use crate::flows::skeleton::{Flows, Kind, Outcome};
use crate::flows::visit::Visit;
use crate::messages::{MessageId, common};
use crate::submission::Submission;

/// A verification flow that was begun for an address.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The flow.
    pub flow_id: Uuid,
    /// The address.
    pub address: String,
}

/// How many messages leave at once, whatever the number of addresses. Their owner can ask for others.
pub const MAX_AT_ONCE: usize = 3;

/// Begins a verification flow for the first e-mail addresses of an identity to which nothing was sent yet, and marks
/// them as sent. The changes go into the commit that stores the identity.
pub fn begin_for(
    visit: &Visit<'_>,
    transport: Transport,
    identity: &mut Identity,
) -> Result<(Vec<Begun>, Vec<Change>), StoreError> {
    let (rules, random, now) = (visit.rules, visit.accounts.random.as_ref(), visit.now);
    let (mut begun, mut changes) = (Vec::new(), Vec::new());
    if !rules.verification.enabled || !rules.code {
        return Ok((begun, changes));
    }
    let pending = identity
        .verifiable_addresses
        .iter_mut()
        .filter(|address| address.status == VerificationStatus::Pending && address.via == "email");
    for address in pending.take(MAX_AT_ONCE) {
        address.status = VerificationStatus::Sent;
        address.updated_at = now;
        let beginning = Beginning {
            id: random.uuid(),
            transport,
            now,
            expires_at: now + rules.verification.lifespan,
            request_url: rules.url(&format!("self-service/verification/{}", transport.as_str())),
            return_to: None,
            browser: None,
        };
        let codes = SentCodes { email: Some(address.value.clone()), sent: 1, attempts: 0 };
        let details = VerificationDetails { codes, ..VerificationDetails::default() };
        let mut flow = Flow::begin(beginning, State::SentEmail, details);
        flow.say(common::VERIFICATION_CODE_SENT);
        changes.push(flow.insert()?);
        let language = visit.visitor.language;
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

/// What became of a submission of a flow that proves an address.
pub(super) enum Judged<K: Kind> {
    /// The flow is shown again.
    Again(Outcome<K>),
    /// The address is proven.
    Proven(Box<Flow<K>>, Box<ProvenAddress>),
}

/// Has a method judge a submission of a flow that proves an address. `none` is said when no method takes it.
pub(super) async fn judge<K: Kind>(
    flows: &Flows<'_>,
    mut flow: Flow<K>,
    method: Option<&dyn AddressMethod<K>>,
    submission: &Submission,
    none: MessageId,
) -> Result<Judged<K>, FlowError> {
    flow.clear_messages();
    flow.values.clear();
    flow.keep_payload(submission);
    let Some(method) = method else {
        return flows.refuse(flow, none).await.map(Judged::Again);
    };
    let mut attempt = Attempt { visit: &flows.visit, flow, submission };
    match method.submit(&mut attempt).await? {
        AddressVerdict::Refused => flows.again(attempt.flow, Standing::Refused).await.map(Judged::Again),
        AddressVerdict::Shown(changes) => {
            flows.counted(attempt.flow, Standing::Accepted, changes).await.map(Judged::Again)
        }
        AddressVerdict::Proven(proven) => Ok(Judged::Proven(Box::new(attempt.flow), proven)),
    }
}
