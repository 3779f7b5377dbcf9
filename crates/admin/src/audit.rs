//! `/admin/audit`: the record of what happened.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;
use sessera_config::events::NAMES;
use sessera_console::actor_label::ActorLabel;
use sessera_model::{Timestamp, Uuid};
use sessera_node::record::{Broken, Record};
use sessera_store::audit::first_id;
use sessera_store::{AuditEntry, AuditFrom, AuditOf, AuditPage, Span, Store};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::paging::{PageBounds, Paging};
use sessera_contract::request::Parameters;
use sessera_openapi::ErrorBody;

/// How many entries are looked at for a part of the list at the most. Entries are found by one thing that is asked of them
/// and looked at for the others; where few of them are wanted, the part is shorter, and says where the next one begins.
const LOOKED_AT: usize = 2_000;

/// The kind of actors that sign in by themselves. Nearly all entries are theirs.
const PEOPLE: &str = "identity";

/// The kind of actors with a token.
const TOKENS: &str = "token";

/// What may have become of what somebody wanted to do.
const OUTCOMES: [&str; 2] = ["done", "refused"];

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify))
}

/// An entry of the record.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct EntryBody {
    /// Its number, which is one more than that of the entry before.
    pub(super) number: i64,
    /// The hash of it and of all before it, in hexadecimal digits.
    pub(super) hash: String,
    #[serde(skip)]
    identity_id: Option<Uuid>,
    /// When it happened.
    #[schema(value_type = String)]
    pub(super) at: Timestamp,
    /// What happened, by the name of its event.
    pub(super) action: String,
    /// `done` or `refused`.
    pub(super) outcome: String,
    /// Who did it: the `kind`, and a `name` and `role` or an `id` where there is one.
    #[schema(value_type = Object)]
    pub(super) actor: Value,
    /// Whom and what it is about.
    #[schema(value_type = Object)]
    pub(super) about: Value,
    /// By which request it was done: its `id`, the `address` and the `user_agent`; absent where it was none.
    #[serde(skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object)]
    pub(super) request: Value,
    /// Of how many alike the entry tells, where it is not one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
}

impl From<AuditEntry> for EntryBody {
    fn from(entry: AuditEntry) -> Self {
        let mut content: Value = serde_json::from_str(&entry.content).unwrap_or_default();
        let mut take = |name: &str| content.get_mut(name).map(Value::take).unwrap_or_default();
        let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            number: entry.number,
            identity_id: entry.identity_id,
            hash: hex::encode(entry.hash.0),
            at: entry.at,
            action: text(take("action")),
            outcome: text(take("outcome")),
            actor: take("actor"),
            about: take("about"),
            request: take("request"),
            count: take("count").as_u64(),
        }
    }
}

impl EntryBody {
    /// Who did it.
    pub(super) fn who(&self) -> ActorLabel {
        ActorLabel::of(&self.actor)
    }
}

/// Which entries are wanted.
pub(super) struct Wanted {
    action: Option<String>,
    outcome: Option<String>,
    actor: Option<String>,
    session: Option<Uuid>,
    identity: Option<Uuid>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Wanted {
    /// Those for which a query asks.
    pub(super) fn of(parameters: &Parameters) -> Result<Self, ApiError> {
        let text = |name: &str| parameters.get(name).map(str::to_owned);
        let time = |name: &'static str| {
            let parsed = parameters.get(name).map(|text| moment(text).ok_or(name));
            parsed.transpose().map_err(|name| {
                ApiError::bad_request(format!(
                    "The parameter {name} is no time. Write it like 2026-01-31T12:00:00Z, or a day like 2026-01-31, which begins at midnight UTC."
                ))
            })
        };
        let identity = parameters.get("identity").map(Uuid::parse_str).transpose();
        let identity = identity
            .map_err(|_| ApiError::bad_request("The parameter identity is no UUID of an identity."))?;
        let action = text("action");
        if let Some(action) = action.as_deref().filter(|action| !NAMES.contains(action)) {
            return Err(ApiError::bad_request(format!(
                "The record has no action {:?}. It has {}.",
                action.chars().take(64).collect::<String>(),
                NAMES.join(", ")
            )));
        }
        let outcome = text("outcome");
        if outcome.as_deref().is_some_and(|outcome| !OUTCOMES.contains(&outcome)) {
            return Err(ApiError::bad_request("The parameter outcome is neither done nor refused."));
        }
        let session = parameters.get("session").map(Uuid::parse_str).transpose();
        let session =
            session.map_err(|_| ApiError::bad_request("The parameter session is no UUID of a session."))?;
        Ok(Self {
            identity,
            action,
            outcome,
            actor: text("actor"),
            session,
            since: time("since")?,
            until: time("until")?,
        })
    }

    /// Whether an entry is one of them.
    pub(super) fn has(&self, entry: &EntryBody) -> bool {
        let is = |wanted: &Option<String>, found: &[Option<&str>]| {
            wanted.as_deref().is_none_or(|wanted| found.contains(&Some(wanted)))
        };
        let actor = |name: &str| entry.actor[name].as_str();
        is(&self.action, &[Some(&entry.action)])
            && is(&self.outcome, &[Some(&entry.outcome)])
            && is(&self.actor, &[actor("kind"), actor("name"), actor("id")])
            && self.session.is_none_or(|session| entry.about["session_id"] == session.to_string())
            && self.identity.is_none_or(|identity| entry.identity_id == Some(identity))
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
    }

    /// Where they lie, found by what the fewest entries have in common.
    fn span(&self) -> Span {
        let of = match (self.session, self.identity, &self.actor, &self.action, &self.outcome) {
            (Some(session), ..) => AuditOf::Session(session),
            (_, Some(identity), ..) => AuditOf::Identity(identity),
            (_, _, Some(actor), ..) if actor != PEOPLE && actor != TOKENS => AuditOf::Actor(actor.clone()),
            (_, _, _, Some(action), _) => AuditOf::Action(action.clone()),
            (_, _, Some(actor), ..) if actor == TOKENS => AuditOf::Tokens,
            (.., Some(outcome)) if outcome == "refused" => AuditOf::Refusals,
            _ => AuditOf::All,
        };
        let id = |time: Option<Timestamp>| time.map(first_id);
        Span {
            of,
            since: id(self.since).unwrap_or(Uuid::nil()),
            before: id(self.until).unwrap_or(Uuid::max()),
        }
    }
}

/// A time that a query gives, or the midnight with which a day begins.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
}

/// A number that a query gives. The answer is 400 when it is none, also when it is empty.
pub(super) fn number(parameters: &Parameters, name: &'static str) -> Result<Option<i64>, ApiError> {
    let parsed = parameters.all(name).next().map(str::parse);
    parsed.transpose().map_err(|_| {
        ApiError::bad_request(format!("The parameter {name} is no number. Send one that a list gave."))
    })
}

/// Entries of the record, with what this node has told of until now. Where the database cannot be written, the rest is
/// read all the same.
pub(super) async fn read(
    record: &Record,
    store: &dyn Store,
    page: &AuditPage,
) -> Result<Vec<AuditEntry>, ApiError> {
    if let Err(error) = record.keep().await {
        tracing::warn!(%error, "the newest entries of the record cannot be listed");
    }
    Ok(store.audit(page).await?)
}

/// List the record
///
/// The newest entry comes first, and the header `Link` leads to the next part. With `after` the entries behind the one with
/// that number come, the oldest first: so they can be followed.
#[utoipa::path(get, path = "/admin/audit", operation_id = "listAuditEntries", tag = "access",
    params(
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
        ("after" = Option<i64>, Query, description = "The number of the entry behind which to begin"),
        ("action" = Option<String>, Query, description = "Only this action, for example `session_began`"),
        ("outcome" = Option<String>, Query, description = "Only `done` or `refused`"),
        ("actor" = Option<String>, Query, description = "Only by this kind of actor, by the admin token with this name, or by the identity with this id"),
        ("identity" = Option<String>, Query, description = "Only about the identity with this id"),
        ("session" = Option<String>, Query, description = "Only about the session with this id"),
        ("since" = Option<String>, Query, description = "Not before this time (RFC 3339), or before this day (UTC)"),
        ("until" = Option<String>, Query, description = "Before this time (RFC 3339), or before this day (UTC)"),
    ),
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "Entries", body = [EntryBody]), (status = 400, description = "A parameter makes no sense", body = ErrorBody)))]
async fn list(
    State(record): State<Arc<Record>>,
    State(store): State<Arc<dyn Store>>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let (shown, bounds) = found(&record, &*store, &parameters).await?;
    Ok(([(header::LINK, bounds.link("/admin/audit", &parameters)?)], answer::ok(shown)).into_response())
}

/// The entries for which a query asks, and where they lie in the record.
pub(super) async fn found(
    record: &Record,
    store: &dyn Store,
    parameters: &Parameters,
) -> Result<(Vec<EntryBody>, PageBounds), ApiError> {
    let wanted = Wanted::of(parameters)?;
    let paging = Paging::from_parameters(parameters)?;
    let token = paging.query().after;
    let mut from = match number(parameters, "after")? {
        // The place of an entry is its number.
        Some(after) => {
            AuditFrom::After(token.and_then(|place| i64::try_from(place.as_u128()).ok()).unwrap_or(after))
        }
        // The place of an entry is its id.
        None => {
            let span = wanted.span();
            AuditFrom::Latest(Span { before: token.unwrap_or(span.before).min(span.before), ..span })
        }
    };
    let limit = u32::try_from(paging.size() + 1).map_err(ApiError::internal)?;
    let mut entries = read(record, store, &AuditPage { from: from.clone(), limit }).await?;
    let (mut shown, mut last, mut looked_at) = (Vec::new(), None, 0);
    let is_more = loop {
        let is_end = entries.len() < limit as usize;
        looked_at += entries.len();
        for entry in entries {
            if shown.len() == paging.size() {
                return Ok((shown, paging.bounds(last)));
            }
            last = Some(match &mut from {
                AuditFrom::After(number) => {
                    *number = entry.number;
                    Uuid::from_u128(u128::try_from(entry.number).unwrap_or_default())
                }
                AuditFrom::Latest(span) => {
                    span.before = entry.id;
                    entry.id
                }
            });
            shown.extend(Some(EntryBody::from(entry)).filter(|entry| wanted.has(entry)));
        }
        if is_end || looked_at >= LOOKED_AT {
            break !is_end;
        }
        entries = store.audit(&AuditPage { from: from.clone(), limit }).await?;
    };
    Ok((shown, paging.bounds(last.filter(|_| is_more))))
}

/// What was found out about a part of the record.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditVerified)]
struct VerifiedBody {
    /// How many entries were looked at.
    entries: u64,
    /// The number of the last entry that is as it was written.
    number: i64,
    /// Its hash, which proves all entries before it.
    hash: String,
    /// What is wrong behind it, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
    /// Whether that is all. Otherwise the rest is asked for with `after` and the number.
    is_end: bool,
}

/// Verify a part of the record
///
/// Ten thousand entries at the most are looked at: whether each has the hash that follows from it and the one before,
/// and is found by what it says.
#[utoipa::path(get, path = "/admin/audit/verify", operation_id = "verifyAudit", tag = "access",
    params(("after" = Option<i64>, Query, description = "The number of the last entry that was verified before; the first entry that is kept when absent")),
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "What was found", body = VerifiedBody), (status = 400, description = "The parameter makes no sense", body = ErrorBody)))]
async fn verify(State(record): State<Arc<Record>>, parameters: Parameters) -> Result<Response, ApiError> {
    let judged = record.judge(number(&parameters, "after")?).await?;
    let broken = judged.broken.map(|broken| match broken {
        Broken::Changed(number) => format!("the entry {number} is not as it was written"),
        Broken::Missing(number) => format!("the entry {number} is missing"),
        Broken::Added(number) => format!("the entry {number} stands where the record has none"),
    });
    let hash = hex::encode(judged.last.hash.0);
    Ok(answer::ok(VerifiedBody {
        entries: judged.entries,
        number: judged.last.number,
        hash,
        broken,
        is_end: judged.is_end,
    }))
}
