//! `POST /admin/sessions`: many sessions disabled or deleted with one request.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sessera_model::{Clock, Session, Timestamp, Uuid};
use sessera_store::{Change, Committer, Conflict, Page, SessionFilter, Store, StoreError, place_of};
use utoipa::ToSchema;

use sessera_contract::answer::{ApiError, NO_STORE};
use sessera_contract::request::JsonBody;
use sessera_openapi::ErrorBody;

/// How many ids a request may name.
const MAX_IDS: usize = 500;

/// How many sessions are ended by one request that means everybody's, and how many are read at once.
const BATCH: u32 = 1_000;

/// How many sessions end in one change, so that no change holds up others for long.
const PART: usize = 100;

/// What to do with which sessions.
#[derive(Deserialize, ToSchema)]
#[schema(as = ManageSessionsBody)]
pub(super) struct ManageBody {
    /// `disable` or `delete`.
    #[serde(default)]
    action: String,
    /// Those of these identities, or everybody's: `["*"]`.
    #[serde(default)]
    identities: Option<Vec<String>>,
    /// These.
    #[serde(default)]
    sessions: Option<Vec<String>>,
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[schema(as = ManageSessionsResponse)]
pub(super) struct ManagedBody {
    /// How many sessions were ended.
    processed: usize,
    /// Whether there may be more of everybody's: ask again.
    more: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Disable,
    Delete,
}

/// Which sessions are meant.
pub(crate) enum Which {
    /// Everybody's.
    Everybodys,
    /// Those of these identities.
    OfIdentities(Vec<Uuid>),
    /// The sessions with these ids.
    Sessions(Vec<Uuid>),
}

/// Disables sessions, and says how many there were and whether there may be more of everybody's.
pub(crate) async fn disable(
    store: &dyn Store,
    committer: &Committer,
    which: Which,
    now: Timestamp,
) -> Result<(usize, bool), StoreError> {
    done_to(store, committer, Action::Disable, which, now).await
}

async fn done_to(
    store: &dyn Store,
    committer: &Committer,
    action: Action,
    which: Which,
    now: Timestamp,
) -> Result<(usize, bool), StoreError> {
    let (found, more) = find(store, action, which, now).await?;
    Ok((end(committer, action, &found).await?, more))
}

/// Disable or delete many sessions
///
/// Sessions that are disabled can be looked at for a while. Everybody's are ended in parts: ask again while `more`
/// is true.
#[utoipa::path(
    post,
    path = "/admin/sessions",
    operation_id = "manageSessions",
    tag = "identity",
    request_body = ManageBody,
    security(("adminToken" = ["operator"])),
    responses(
        (status = 200, description = "How many were ended", body = ManagedBody),
        (status = 400, description = "Not one action and one list of ids", body = ErrorBody),
    )
)]
pub(super) async fn manage(
    State(store): State<Arc<dyn Store>>,
    State(committer): State<Committer>,
    State(clock): State<Arc<dyn Clock>>,
    JsonBody(body): JsonBody<ManageBody>,
) -> Result<Response, ApiError> {
    let action = match body.action.as_str() {
        "disable" => Action::Disable,
        "delete" => Action::Delete,
        _ => return Err(ApiError::bad_request("action is neither disable nor delete.")),
    };
    let which = Which::parse(body.identities.unwrap_or_default(), body.sessions.unwrap_or_default())?;
    let (processed, more) = done_to(&*store, &committer, action, which, clock.now()).await?;
    let body = ManagedBody { processed, more };
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}

impl Which {
    fn parse(identities: Vec<String>, sessions: Vec<String>) -> Result<Self, ApiError> {
        match (identities.as_slice(), sessions.as_slice()) {
            ([everybody], []) if everybody == "*" => Ok(Self::Everybodys),
            ([_, ..], []) => ids(&identities).map(Self::OfIdentities),
            ([], [_, ..]) => ids(&sessions).map(Self::Sessions),
            _ => Err(ApiError::bad_request("Name either identities or sessions, and at least one.")),
        }
    }
}

fn ids(texts: &[String]) -> Result<Vec<Uuid>, ApiError> {
    if texts.len() > MAX_IDS {
        return Err(ApiError::bad_request(format!("Name at most {MAX_IDS} ids at once.")));
    }
    let parse = |text: &String| {
        Uuid::parse_str(text).map_err(|_| {
            ApiError::bad_request("An id is not a UUID. Everybody is meant by identities: [\"*\"] alone.")
        })
    };
    let mut ids = texts.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The sessions that are to end, and whether there may be more of them.
async fn find(
    store: &dyn Store,
    action: Action,
    which: Which,
    now: Timestamp,
) -> Result<(Vec<Ending>, bool), StoreError> {
    let mut found = Vec::new();
    match which {
        Which::Everybodys => {
            let live = (action == Action::Disable).then_some((true, now));
            let filter = SessionFilter { live, ..SessionFilter::default() };
            let sessions = store.sessions(&filter, &Page { after: None, limit: BATCH }).await?;
            found.extend(sessions.iter().map(|(session, _)| Ending::of(session)));
            let more = found.len() == BATCH as usize;
            return Ok((found, more));
        }
        Which::OfIdentities(ids) => {
            for id in ids {
                found.extend(of_identity(store, action, id).await?);
            }
        }
        Which::Sessions(ids) => {
            for id in ids {
                let session = store.session(id).await?;
                let concerned = session.filter(|(one, _)| action.concerns(one.session.active));
                found.extend(concerned.map(|(one, _)| Ending::of(&one.session)));
            }
        }
    }
    Ok((found, false))
}

/// An identity's sessions that are to end.
async fn of_identity(store: &dyn Store, action: Action, id: Uuid) -> Result<Vec<Ending>, StoreError> {
    let filter = SessionFilter { identity_id: Some(id), ..SessionFilter::default() };
    let mut page = Page { after: None, limit: BATCH };
    let mut found = Vec::new();
    loop {
        let sessions = store.sessions(&filter, &page).await?;
        let concerned = sessions.iter().filter(|(session, _)| action.concerns(session.active));
        found.extend(concerned.map(|(session, _)| Ending::of(session)));
        if sessions.len() < BATCH as usize {
            return Ok(found);
        }
        page.after = sessions.last().map(|(session, _)| place_of(session));
    }
}

/// A session that is to end.
#[derive(Clone, Copy)]
struct Ending {
    id: Uuid,
    identity_id: Uuid,
}

impl Ending {
    const fn of(session: &Session) -> Self {
        Self { id: session.id, identity_id: session.identity_id }
    }
}

/// Ends sessions and says how many. One that is deleted by somebody else meanwhile is not counted.
async fn end(committer: &Committer, action: Action, sessions: &[Ending]) -> Result<usize, StoreError> {
    let mut ended = 0;
    for part in sessions.chunks(PART) {
        let changes: Vec<Change> = part.iter().map(|session| action.change(*session)).collect();
        match committer.commit(&changes).await {
            Ok(()) => ended += part.len(),
            Err(StoreError::Conflict(Conflict::Missing)) => {
                for change in changes {
                    match committer.commit(&[change]).await {
                        Ok(()) => ended += 1,
                        Err(StoreError::Conflict(Conflict::Missing)) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(ended)
}

impl Action {
    /// Whether there is anything to do with a session.
    fn concerns(self, active: bool) -> bool {
        active || self == Self::Delete
    }

    fn change(self, Ending { id, identity_id }: Ending) -> Change {
        match self {
            Self::Disable => Change::RevokeSession { id, of: Some(identity_id) },
            Self::Delete => Change::DeleteSession { id, identity_id },
        }
    }
}
