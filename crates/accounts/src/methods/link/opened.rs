//! What becomes of a link that somebody opens. It leads on at once, so that whoever has no form of the flow can go on too.

use sessera_model::{Identity, IdentityState, TokenHash, Uuid};
use sessera_store::Code as StoredCode;

use super::messages;
use crate::codes;
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, RecoveryDetails, State, Transport, VerificationDetails};
use crate::flows::method::ProvenAddress;
use crate::flows::recovery::{self, Recovered};
use crate::flows::skeleton::{Flows, Kind, Outcome, Replaced};
use crate::flows::verification;
use crate::flows::visit::Visit;
use crate::messages::{Message, MessageId};
use crate::methods::by_mail::ByMail;
use crate::rules::Sends;

/// Where a link leads.
#[derive(Debug)]
pub enum Opened<D, K> {
    /// What it is for is done.
    Done(D),
    /// It is good no more. Another flow has begun, which says so.
    Again(Box<Replaced<K>>),
}

/// Opens the link of a recovery, which signs its owner in. Unless it `may_replace` sessions, nothing happens while somebody
/// else is signed in.
///
/// # Errors
/// [`FlowError::SignedInAlready`] when somebody else is; the link stays good.
pub async fn recover(
    flows: &Flows<'_>,
    id: Option<&str>,
    token: &str,
    may_replace: bool,
) -> Result<Opened<Box<Recovered>, RecoveryDetails>, FlowError> {
    let mut flow = begin::<RecoveryDetails>(flows, id).await?;
    RecoveryDetails::may_submit(flows, Some(&flow)).await?;
    let is_good_for = |owner: &Identity, _: &StoredCode| owner.state == IdentityState::Active;
    match prove(&flows.visit, &flow, token, is_good_for).await? {
        Some(proven) if !may_replace && is_somebody_else(&flows.visit, proven.identity.id) => {
            Err(FlowError::SignedInAlready(Transport::Browser))
        }
        Some(proven) => {
            flow.clear_messages();
            match recovery::end(flows, flow, proven, Transport::Browser).await? {
                Outcome::Done(recovered) => Ok(Opened::Done(recovered)),
                other => Ok(Opened::Again(other.replaced()?)),
            }
        }
        None => again(flows, &flow, messages::RECOVERY_WRONG).await,
    }
}

/// Whether a browser is signed in as somebody else.
fn is_somebody_else(visit: &Visit<'_>, owner: Uuid) -> bool {
    let acting = visit.session.as_ref().map(|present| present.session);
    acting.into_iter().chain(visit.others).any(|session| session.identity_id != owner)
}

/// Where the link of a verification leads that was good: to the page of its flow.
#[derive(Debug)]
pub struct Verified {
    /// The flow.
    pub flow_id: Uuid,
    /// The cookie that the browser gets by which it is recognised from now on.
    pub new_cookie: Option<String>,
}

/// Opens the link of a verification, which marks the address as verified.
pub async fn verify(
    flows: &Flows<'_>,
    id: Option<&str>,
    token: &str,
) -> Result<Opened<Verified, VerificationDetails>, FlowError> {
    let mut flow = begin::<VerificationDetails>(flows, id).await?;
    VerificationDetails::may_submit(flows, Some(&flow)).await?;
    // The person may have given the address up since the link was sent.
    let is_good_for = |owner: &Identity, code: &StoredCode| {
        owner.verifiable_addresses.iter().any(|known| known.value == code.address)
    };
    let Some(proven) = prove(&flows.visit, &flow, token, is_good_for).await? else {
        return again(flows, &flow, messages::VERIFICATION_WRONG).await;
    };
    let visit = &flows.visit;
    let new_cookie = visit.browser().is_none().then(|| visit.new_browser());
    let browser = new_cookie.as_deref().or_else(|| visit.browser()).map(TokenHash::of);
    flow.details.open_in(browser);
    flow.clear_messages();
    let flow_id = flow.id;
    match verification::end(flows, flow, proven).await? {
        Outcome::Shown(..) => Ok(Opened::Done(Verified { flow_id, new_cookie })),
        other => Ok(Opened::Again(other.replaced()?)),
    }
}

/// The flow of a link, which counts as a request.
async fn begin<K: Kind>(flows: &Flows<'_>, id: Option<&str>) -> Result<Flow<K>, FlowError> {
    flows.visit.count().await?;
    flows.visit.flow(id).await
}

/// Whose address a link proves. `None` when it is wrong, was used before, or has ended. It is too long to be guessed,
/// so that nobody counts how often.
async fn prove<D: ByMail>(
    visit: &Visit<'_>,
    flow: &Flow<D>,
    token: &str,
    is_good_for: impl Fn(&Identity, &StoredCode) -> bool,
) -> Result<Option<ProvenAddress>, FlowError> {
    let is_open = flow.details.codes().sends == Sends::Link && flow.state != State::PassedChallenge;
    let stored = visit.accounts.store.code(flow.id, D::PURPOSE).await?;
    let is_good = codes::is_good(&visit.rules.keys, stored.as_ref(), token, visit.now);
    let Some(code) = stored.filter(|_| is_open && is_good) else { return Ok(None) };
    let owner = visit.accounts.store.identity(code.identity_id).await?;
    let owner = owner.filter(|owner| is_good_for(owner, &code));
    Ok(owner.map(|identity| ProvenAddress { identity, code, changes: Vec::new() }))
}

/// Begins another flow for whoever has opened a link that is good no more.
async fn again<D, K: Kind<Wish = ()>>(
    flows: &Flows<'_>,
    flow: &Flow<K>,
    wrong: MessageId,
) -> Result<Opened<D, K>, FlowError> {
    let is_over = flow.is_expired(flows.visit.now);
    let message = if is_over { Message::expired(K::EXPIRED, flow.expires_at) } else { wrong.into() };
    let replaced = flows.begin_saying(message, flow.return_to.as_deref()).await?;
    Ok(Opened::Again(Box::new(replaced)))
}
