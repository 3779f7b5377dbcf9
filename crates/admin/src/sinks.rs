//! `/admin/sinks`: receivers of events, and what is to be delivered to them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use sessera_model::{Timestamp, Uuid};
use sessera_node::sinks::Sinks;
use sessera_store::{Delivery, DeliveryPage};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::audit::EntryBody;
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::paging::{PageBounds, Paging};
use sessera_contract::request::{JsonBody, Parameters, Segment};
use sessera_openapi::ErrorBody;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(deliveries)).routes(routes!(replay))
}

/// A receiver of events.
#[derive(Serialize, ToSchema)]
#[schema(as = Sink)]
struct SinkBody {
    /// Its name.
    name: String,
    /// `webhook`, `security_event_token` or `back_channel_logout`.
    kind: &'static str,
    /// The scheme, the host and the port to which events are sent.
    origin: String,
    /// The names of the events that are sent; all that can be told so when there are none.
    events: Vec<String>,
    /// The number of the entry of the record that it took last.
    number: i64,
    /// How many events wait.
    waiting: u64,
    /// Since when the oldest one waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    waiting_since: Option<Timestamp>,
    /// How many events were given up.
    given_up: u64,
    /// Why an event that waits was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// List sinks
///
/// They are those of `events.sinks`, each with what waits for it and what was given up.
#[utoipa::path(get, path = "/admin/sinks", operation_id = "listSinks", tag = "access",
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "All sinks, ordered by name", body = [SinkBody])))]
async fn list(State(sinks): State<Arc<Sinks>>) -> Result<Response, ApiError> {
    let all = sinks.all().await?.into_iter().map(|(state, sink)| SinkBody {
        name: state.sink,
        kind: sink.form.kind().as_str(),
        // A path and a query may hold a secret of the receiver.
        origin: sink.url.origin().ascii_serialization(),
        events: sink.events,
        number: state.number,
        waiting: state.waiting,
        waiting_since: state.oldest,
        given_up: state.given_up,
        problem: state.problem,
    });
    Ok(answer::ok(all.collect::<Vec<_>>()))
}

/// An event on its way to a sink.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct DeliveryBody {
    /// `waiting` or `given_up`.
    state: &'static str,
    /// Since when it is to be delivered.
    #[schema(value_type = String)]
    since: Timestamp,
    /// How often it was sent.
    attempts: i64,
    /// When it is sent next, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    due_at: Option<Timestamp>,
    /// Why it was not taken last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The entry of the record.
    entry: EntryBody,
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        let Delivery { entry, since, attempts, due_at, problem } = delivery;
        let state = if due_at.is_some() { "waiting" } else { "given_up" };
        Self { state, since, attempts, due_at, problem, entry: entry.into() }
    }
}

/// List what is to be delivered to a sink
///
/// The oldest event comes first. What was delivered is not among them.
#[utoipa::path(get, path = "/admin/sinks/{name}/deliveries", operation_id = "listDeliveries", tag = "access",
    params(
        ("name" = String, Path, description = "Name of the sink"),
        ("state" = Option<String>, Query, description = "Only those that are `waiting`, or only those that were `given_up`"),
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
    ),
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "Deliveries", body = [DeliveryBody]), (status = 400, description = "A parameter makes no sense", body = ErrorBody), (status = 404, description = "There is no such sink", body = ErrorBody)))]
async fn deliveries(
    State(sinks): State<Arc<Sinks>>,
    Segment(sink): Segment,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let (found, bounds) = found(&sinks, &sink, &parameters).await?;
    let link = bounds.link(&format!("/admin/sinks/{sink}/deliveries"), &parameters)?;
    let shown: Vec<DeliveryBody> = found.into_iter().map(DeliveryBody::from).collect();
    Ok(([(header::LINK, link)], answer::ok(shown)).into_response())
}

/// The deliveries for which a query asks, and where they lie in their list.
pub(super) async fn found(
    sinks: &Sinks,
    sink: &str,
    parameters: &Parameters,
) -> Result<(Vec<Delivery>, PageBounds), ApiError> {
    let given_up = match parameters.get("state") {
        None | Some("") => None,
        Some("waiting") => Some(false),
        Some("given_up") => Some(true),
        Some(_) => return Err(ApiError::bad_request("The parameter state is neither waiting nor given_up.")),
    };
    let paging = Paging::from_parameters(parameters)?;
    // The place of a delivery is the number of its entry.
    let place = |number: i64| Uuid::from_u128(number.unsigned_abs().into());
    let after = paging.query().after.and_then(|place| i64::try_from(place.as_u128()).ok()).unwrap_or(0);
    let page = DeliveryPage { sink: sink.to_owned(), given_up, after, limit: paging.query().limit };
    let mut found = sinks.deliveries(&page).await?;
    let bounds = paging.cut(&mut found, |delivery| place(delivery.entry.number));
    Ok((found, bounds))
}

/// What to deliver once more.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReplayEvents)]
struct ReplayBody {
    /// The number of the entry of the record behind which everything is delivered. When absent, it is what was given up, and
    /// what waits is tried at once.
    after: Option<i64>,
}

/// Deliver events to a sink once more
///
/// They are those that were given up, and those that wait are tried at once; or all behind an entry of the record that the
/// sink took already. A receiver knows by the id of a message that it has it. The first of them are sent within a minute.
#[utoipa::path(post, path = "/admin/sinks/{name}/replay", operation_id = "replayEvents", tag = "access",
    params(("name" = String, Path, description = "Name of the sink")),
    request_body = ReplayBody,
    security(("adminToken" = ["operator"])),
    responses((status = 204, description = "They will be delivered"), (status = 400, description = "The body cannot be read", body = ErrorBody), (status = 404, description = "There is no such sink", body = ErrorBody)))]
async fn replay(
    State(sinks): State<Arc<Sinks>>,
    Segment(sink): Segment,
    JsonBody(body): JsonBody<ReplayBody>,
) -> Result<Response, ApiError> {
    sinks.replay(&sink, body.after).await?;
    Ok(answer::no_content())
}
