//! `/admin/courier/messages`: what became of the messages that were to be sent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sessera_accounts::{Accounts, courier, mail};
use sessera_model::{Timestamp, Uuid};
use sessera_store::records::Dispatch;
use sessera_store::{MessageStatus, SentMessage};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer::{ApiError, NO_STORE};
use sessera_contract::paging::Paging;
use sessera_contract::request::{Parameters, Segment, parse_id};
use sessera_openapi::ErrorBody;

/// What stands in the place of what a message says. It holds codes, and nobody but its recipient is shown them.
const HIDDEN: &str = "<hidden>";

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// A message, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
struct MessageBody {
    /// Its id.
    id: Uuid,
    /// `queued`, `processing`, `sent` or `abandoned`.
    status: &'static str,
    /// `email` or `sms`.
    r#type: &'static str,
    /// The address that it goes to.
    recipient: String,
    /// Never what it says.
    body: &'static str,
    /// Never what it says.
    subject: &'static str,
    /// What it is for, such as `recovery_code_valid`.
    template_type: String,
    /// By which way it goes.
    channel: &'static str,
    /// How often sending was tried.
    send_count: i64,
    /// The attempts, where one message is asked for, the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    dispatches: Option<Vec<DispatchBody>>,
    /// When it was written.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// When something last became of it.
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// An attempt to send a message.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageDispatch)]
struct DispatchBody {
    /// Its id.
    id: Uuid,
    /// The message.
    message_id: Uuid,
    /// `success` or `failed`.
    status: &'static str,
    /// Why it failed.
    error: Option<DispatchErrorBody>,
    /// When it was made.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// The time at which it was made, too, because nothing changes it.
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// Why an attempt failed.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageDispatchError)]
struct DispatchErrorBody {
    /// In words.
    message: String,
}

impl MessageBody {
    fn new(message: SentMessage) -> Self {
        let via = mail::channel_of(&message.recipient);
        Self {
            id: message.id,
            status: message.status.as_str(),
            r#type: via,
            recipient: message.recipient,
            body: HIDDEN,
            subject: HIDDEN,
            template_type: mail::template_type(&message.template),
            channel: via,
            send_count: message.attempts,
            dispatches: None,
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }
}

impl DispatchBody {
    fn new(Dispatch { id, message_id, at, error }: Dispatch) -> Self {
        let status = if error.is_none() { "success" } else { "failed" };
        let error = error.map(|message| DispatchErrorBody { message });
        Self { id, message_id, status, error, created_at: at, updated_at: at }
    }
}

/// List messages
///
/// The newest one comes first. What messages say is never shown, and forgotten once they were sent. A message can be seen for a
/// week.
#[utoipa::path(
    get,
    path = "/admin/courier/messages",
    operation_id = "listCourierMessages",
    tag = "courier",
    security(("adminToken" = ["viewer"])),
    params(
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
        ("status" = Option<String>, Query, description = "`queued`, `processing`, `sent` or `abandoned`"),
        ("recipient" = Option<String>, Query, description = "Only those that go to this address"),
    ),
    responses(
        (status = 200, description = "The messages", body = [MessageBody]),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
async fn list(State(accounts): State<Arc<Accounts>>, parameters: Parameters) -> Result<Response, ApiError> {
    let paging = Paging::from_parameters(&parameters)?;
    let status = parameters.get("status").map(status).transpose()?;
    let recipient = parameters.get("recipient").map(str::to_owned);
    let mut messages = courier::messages(&accounts, status, recipient, &paging.query()).await?;
    let place = paging.cut(&mut messages, SentMessage::place);
    let body: Vec<MessageBody> = messages.into_iter().map(MessageBody::new).collect();
    let link = place.link("/admin/courier/messages", &parameters)?;
    Ok(([(header::LINK, link), (header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}

fn status(word: &str) -> Result<MessageStatus, ApiError> {
    MessageStatus::parse(word).ok_or_else(|| {
        ApiError::bad_request("The parameter status is none of queued, processing, sent and abandoned.")
    })
}

/// Get a message
#[utoipa::path(
    get,
    path = "/admin/courier/messages/{id}",
    operation_id = "getCourierMessage",
    tag = "courier",
    security(("adminToken" = ["viewer"])),
    params(("id" = String, Path, description = "The message's id")),
    responses(
        (status = 200, description = "The message", body = MessageBody),
        (status = 400, description = "The id is not a UUID", body = ErrorBody),
        (status = 404, description = "There is no such message, or it was forgotten", body = ErrorBody),
    )
)]
async fn get(State(accounts): State<Arc<Accounts>>, Segment(id): Segment) -> Result<Response, ApiError> {
    let mut message = courier::message(&accounts, parse_id(&id)?).await?.ok_or_else(|| {
        ApiError::not_found("There is no message with this id. Messages can be seen for a week.")
    })?;
    let dispatches = std::mem::take(&mut message.dispatches);
    let body = MessageBody {
        dispatches: Some(dispatches.into_iter().rev().map(DispatchBody::new).collect()),
        ..MessageBody::new(message)
    };
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}
