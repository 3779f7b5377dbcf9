//! Proving addresses: what the two kinds of flow that do it have alike, the verification flows that begin by
//! themselves, and the mark of a proof.

use sessera_model::identity::VerificationStatus;
use sessera_model::{Identity, Timestamp, VerifiableAddress};
use sessera_store::{Asked, Change, CodePurpose, FlowKind, StoreError};
use url::Url;

use crate::codes::{self, CodeRequest};
use crate::flows::error::FlowError;
use crate::flows::flow::{
    Beginning, BegunVerification, Details, Flow, SentCodes, Standing, State, VerificationDetails,
};
use crate::flows::method::{AddressMethod, AddressVerdict, Attempt, ProvenAddress};
use crate::flows::skeleton::{Flows, Kind, Outcome};
use crate::flows::visit::{MAX_REQUEST_URL, Visit};
use crate::mail::{EMAIL, MailContext};
use crate::messages::{MessageId, common};
use crate::rules::Sends;
use crate::submission::Submission;

/// How many messages leave at once, whatever the number of addresses. Their owner can ask for others.
pub const MAX_AT_ONCE: usize = 3;

/// By what name the address of a flow says where a browser goes after the verification that follows.
const AFTER_VERIFICATION: &str = "after_verification_return_to";

/// Begins a verification flow for the first addresses of an identity to which nothing was sent yet, in the
/// course of another flow, and marks them as sent. The changes go into the commit that stores the identity.
pub fn begin_for<D: Details>(
    visit: &Visit<'_>,
    during: &Flow<D>,
    identity: &mut Identity,
) -> Result<(Vec<BegunVerification>, Vec<Change>), StoreError> {
    let (mut all, mut changes) = (Vec::new(), Vec::new());
    for (flow, request) in begin_all(visit, during, identity) {
        changes.push(flow.insert()?);
        // Whoever has the address by then gets the code, so nothing here depends on who has it now, and it counts as
        // one of the few that a person and an address are sent in an hour.
        changes.push(ask(visit, &request));
        all.push(begun(visit, &flow, request.address));
    }
    Ok((all, changes))
}

/// Begins a verification flow for the first address of an identity, in the course of a flow that cannot
/// go on without. `None` when there is no such address, or verification is off.
pub fn begin_for_one<D: Details>(
    visit: &Visit<'_>,
    during: &Flow<D>,
    identity: &Identity,
) -> Result<Option<(BegunVerification, Vec<Change>)>, StoreError> {
    let mut addresses =
        identity.verifiable_addresses.iter().filter(|address| is_reached(visit, &address.via));
    let Some(address) = addresses.next().filter(|_| is_on(visit)) else { return Ok(None) };
    let (flow, request) = begin(visit, during, address);
    let changes = vec![flow.insert()?, ask(visit, &request)];
    Ok(Some((begun(visit, &flow, request.address), changes)))
}

/// What is told of a flow that was begun.
fn begun(visit: &Visit<'_>, flow: &Flow<VerificationDetails>, address: String) -> BegunVerification {
    let page = visit.rules.page(FlowKind::Verification, flow.id);
    BegunVerification { flow_id: flow.id, address, page }
}

/// What is said when a code that proves an address was sent by a channel.
pub fn code_sent(via: &str) -> MessageId {
    if via == EMAIL { common::VERIFICATION_CODE_SENT } else { common::VERIFICATION_CODE_SENT_TO_PHONE }
}

/// Whether what proves addresses is sent by a channel.
fn is_reached(visit: &Visit<'_>, via: &str) -> bool {
    via == EMAIL || visit.rules.has_sms && visit.rules.verification_by == Sends::Code
}

fn is_on(visit: &Visit<'_>) -> bool {
    visit.rules.verifies()
}

/// Asks for a code, of which no more than a few in an hour are sent.
fn ask(visit: &Visit<'_>, request: &CodeRequest) -> Change {
    codes::ask(visit.accounts.random.as_ref(), visit.now, CodePurpose::Verification, request)
}

/// Flows for the first addresses of an identity to which nothing was sent yet, which are marked as sent.
fn begin_all<D: Details>(
    visit: &Visit<'_>,
    during: &Flow<D>,
    identity: &mut Identity,
) -> Vec<(Flow<VerificationDetails>, CodeRequest)> {
    let is_waiting = |address: &&mut VerifiableAddress| {
        is_on(visit) && address.status == VerificationStatus::Pending && is_reached(visit, &address.via)
    };
    let waiting = identity.verifiable_addresses.iter_mut().filter(is_waiting).take(MAX_AT_ONCE);
    waiting
        .map(|address| {
            address.status = VerificationStatus::Sent;
            address.updated_at = visit.now;
            begin(visit, during, address)
        })
        .collect()
}

/// A flow in which a code for an address was sent in the course of another one, with the request for that code.
fn begin<D: Details>(
    visit: &Visit<'_>,
    during: &Flow<D>,
    address: &VerifiableAddress,
) -> (Flow<VerificationDetails>, CodeRequest) {
    let rules = visit.rules;
    let (request_url, return_to) = handed_on(visit, during);
    let beginning = Beginning {
        id: visit.accounts.random.uuid(),
        transport: during.transport,
        now: visit.now,
        expires_at: visit.now + rules.verification.lifespan,
        request_url,
        return_to,
        browser: None,
    };
    let sends = rules.verification_by;
    let codes = SentCodes { sends, email: Some(address.value.clone()), sent: 1, attempts: 0 };
    let details = VerificationDetails { codes, follows_another: true, ..VerificationDetails::default() };
    let mut flow = Flow::begin(beginning, State::SentEmail, details);
    flow.say(match sends {
        Sends::Code => code_sent(&address.via),
        Sends::Link => common::VERIFICATION_LINK_SENT,
    });
    let language = visit.visitor.language;
    // The message follows from what was submitted to the other flow.
    let about = MailContext { request_url: flow.request_url.clone(), ..visit.about(during) };
    let (address, via) = (address.value.clone(), address.via.clone());
    let asked = Asked::now();
    let request = CodeRequest { flow_id: flow.id, address, via, language, sends, about, asked };
    (flow, request)
}

/// The address with which a verification flow that begins in the course of another flow is said to have begun, and where
/// it leads: where the address of the other flow says, or else where that flow leads. An address that is not allowed
/// counts for nothing.
fn handed_on<D>(visit: &Visit<'_>, during: &Flow<D>) -> (String, Option<String>) {
    let as_it_is = || (during.request_url.clone(), during.return_to.clone());
    // What was cut may be another address than the one that was meant.
    if during.request_url.len() >= MAX_REQUEST_URL {
        return as_it_is();
    }
    let Ok(mut url) = Url::parse(&during.request_url) else { return as_it_is() };
    let asked = url.query_pairs().find(|(name, value)| name == AFTER_VERIFICATION && !value.is_empty());
    let Some(asked) = asked.map(|(_, value)| value.into_owned()) else { return as_it_is() };
    let is_other = |name: &str| name != AFTER_VERIFICATION && name != "return_to";
    let others: Vec<_> = url.query_pairs().into_owned().filter(|(name, _)| is_other(name)).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair("return_to", &asked);
    (url.into(), visit.return_to(Some(&asked)).ok().flatten())
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
    flow.keep_payload(submission);
    let Some(method) = method else {
        return flows.refuse(flow, none).await.map(Judged::Again);
    };
    let mut attempt = Attempt { visit: &flows.visit, flow, submission, suspect: None };
    let verdict = method.submit(&mut attempt).await;
    let has_code = submission.text("code").is_ok_and(|code| code.is_some());
    if has_code && !matches!(verdict, Ok(AddressVerdict::Proven(_))) {
        attempt.tell_refused(method.name());
    }
    match verdict? {
        AddressVerdict::Refused => flows.again(attempt.flow, Standing::Refused).await.map(Judged::Again),
        AddressVerdict::Shown(changes) => {
            flows.counted(attempt.flow, Standing::Accepted, changes).await.map(Judged::Again)
        }
        AddressVerdict::Proven(proven) => Ok(Judged::Proven(Box::new(attempt.flow), proven)),
    }
}
