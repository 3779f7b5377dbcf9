//! How a native client gets a session that begins in a browser.
//!
//! The client is given a code when its flow begins. When somebody has signed in on another site, the browser goes back to
//! the client with a second code, and the client exchanges the two for the session. Neither the browser nor whoever reads
//! along in one place has both. The two are good once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessera_model::{Identity, Secret, Session, TokenHash, Uuid};
use sessera_store::{Change, FlowKind, StoreError};

use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, Transport};
use crate::flows::sign_in::SignedIn;
use crate::flows::skeleton::{Flows, Kind, Shown};
use crate::flows::visit::Visit;

/// Under which name clients are told the first code.
pub const FIRST_CODE: &str = "session_token_exchange_code";

/// How long the session can be fetched.
const LIFESPAN: Duration = Duration::from_mins(15);

/// How many random bytes a code has.
const BYTES: usize = 32;

/// A session that waits for its client, as it is kept.
#[derive(Serialize, Deserialize)]
struct Waiting {
    first: TokenHash,
    second: TokenHash,
    session_id: Uuid,
    token: String,
}

/// A session that was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// Its token.
    pub token: Secret,
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub identity: Identity,
}

/// Gives a native client the first code with a flow that has just begun.
pub async fn give_code<K: Kind>(flows: &Flows<'_>, shown: Shown<K>) -> Result<Shown<K>, FlowError> {
    let mut flow = shown.flow;
    let code = flows.visit.accounts.random.base64url(BYTES);
    flow.exchange = Some(TokenHash::of(&code));
    // It was stored a moment ago, and nobody knows of it yet.
    flow.version = flow.version.max(1);
    flows.visit.keep_with(&mut flow, Vec::new()).await?;
    Ok(flows.shown(flow, shown.new_cookie).await?.with_member(FIRST_CODE, code.into()))
}

/// The second code, and the change that keeps a new session for its client, where somebody has signed in on another site
/// for one.
pub(super) fn hand_over<D>(
    visit: &Visit<'_>,
    flow: &Flow<D>,
    signed_in: &SignedIn,
) -> Result<Option<(String, Change)>, StoreError> {
    let is_waited_for = flow.is_back && flow.transport == Transport::Api;
    let (Some(first), Some(token), true) = (flow.exchange, &signed_in.token, is_waited_for) else {
        return Ok(None);
    };
    let second = visit.accounts.random.base64url(BYTES);
    let waiting = Waiting {
        first,
        second: TokenHash::of(&second),
        session_id: signed_in.session.id,
        token: token.expose().to_owned(),
    };
    let body = serde_json::to_string(&waiting)
        .map_err(|error| StoreError::Corrupt(format!("a session that waits: {error}")))?;
    let record = sessera_store::Flow {
        id: record_id(&first),
        kind: FlowKind::Exchange,
        body,
        expires_at: visit.now + LIFESPAN,
        version: 1,
    };
    Ok(Some((second, Change::InsertFlow(record))))
}

/// Fetches the session that waits for whoever has both codes. `None` when there is none, or not yet.
pub async fn fetch(visit: &Visit<'_>, first: &str, second: &str) -> Result<Option<Fetched>, FlowError> {
    visit.count().await?;
    let store = &visit.accounts.store;
    let record = store.flow(record_id(&TokenHash::of(first))).await?;
    let is_waiting =
        |record: &sessera_store::Flow| record.kind == FlowKind::Exchange && visit.now < record.expires_at;
    let Some(record) = record.filter(is_waiting) else { return Ok(None) };
    let Ok(waiting) = serde_json::from_str::<Waiting>(&record.body) else { return Ok(None) };
    // Hashes of random values; comparing them tells nothing about the values.
    if waiting.first != TokenHash::of(first) || waiting.second != TokenHash::of(second) {
        return Ok(None);
    }
    let used = Change::ConsumeFlow { id: record.id, version: record.version };
    match visit.commit(&[used]).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let Some((stored, identity)) = store.session(waiting.session_id).await? else { return Ok(None) };
    let is_live = stored.session.is_live(visit.now);
    Ok(is_live.then(|| Fetched { token: waiting.token.into(), session: stored.session, identity }))
}

/// Where a session waits: under a part of the first code's hash, so that the store does not tell the code.
fn record_id(first: &TokenHash) -> Uuid {
    let mut id = [0; 16];
    id.copy_from_slice(&first.as_bytes()[..16]);
    Uuid::from_bytes(id)
}
