//! `POST /admin/recovery/code` and `/link`: what lets its owner back into an account, given out by hand.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sessera_accounts::Accounts;
use sessera_accounts::codes;
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::Transport;
use sessera_accounts::methods::code;
use sessera_accounts::methods::code::GivenWay;
use sessera_accounts::rules::{Rules, Sends};
use sessera_model::{GoDuration, Timestamp, Uuid};
use sessera_store::{CodePurpose, FlowKind};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::identities::find_identity;
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{JsonBody, Query};
use sessera_node::Snapshot;
use sessera_openapi::ErrorBody;

/// The longest time for which a code of six digits may be good.
const LONGEST: Duration = Duration::from_hours(24);

/// The longest time for which a link may be good.
const LONGEST_LINK: Duration = Duration::from_hours(30 * 24);

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(create_link))
}

/// Whose account, and for how long.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateRecoveryCodeForIdentityBody)]
struct CreateBody {
    /// The id of the identity.
    #[serde(default)]
    identity_id: String,
    /// How long the code is good, such as `1h`, and `24h` at the most; 15 minutes when absent.
    #[serde(default)]
    expires_in: Option<String>,
    /// `browser`, also when absent, or `api`.
    #[serde(default)]
    flow_type: Option<String>,
}

/// What to tell the account's owner.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodeForIdentity)]
pub(super) struct CodeBody {
    /// Where the code is typed.
    pub(super) recovery_link: String,
    /// The code.
    pub(super) recovery_code: String,
    /// Until when both are good.
    #[schema(value_type = String)]
    pub(super) expires_at: Timestamp,
}

/// Create a recovery code
///
/// The code is for somebody who cannot receive mail, or has no address. Whoever has it has the account, so it is to
/// be given to the owner in person. No mail is sent.
#[utoipa::path(
    post,
    path = "/admin/recovery/code",
    operation_id = "createRecoveryCodeForIdentity",
    tag = "identity",
    request_body = CreateBody,
    security(("adminToken" = ["operator"])),
    responses(
        (status = 201, description = "The code and where to type it", body = CodeBody),
        (status = 400, description = "The time or the type of the flow makes no sense", body = ErrorBody),
        (status = 404, description = "There is no such identity, or codes are off", body = ErrorBody),
    )
)]
async fn create(
    State(accounts): State<Arc<Accounts>>,
    State(snapshot): State<Arc<Snapshot>>,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    let transport = match body.flow_type.as_deref() {
        None | Some("browser") => Transport::Browser,
        Some("api") => Transport::Api,
        Some(_) => return Err(ApiError::bad_request("flow_type is neither browser nor api.")),
    };
    let rules = &snapshot.accounts.rules;
    let body = code_for(&accounts, rules, &body.identity_id, body.expires_in, transport).await?;
    Ok(answer::created(body))
}

/// Makes a code for the identity with an id, which is good for a time such as `1h`.
pub(super) async fn code_for(
    accounts: &Accounts,
    rules: &Rules,
    identity_id: &str,
    expires_in: Option<String>,
    transport: Transport,
) -> Result<CodeBody, ApiError> {
    if !rules.code.is_on {
        return Err(ApiError::not_found(
            "Codes are off. Switch them on with selfservice.methods.code.enabled.",
        ));
    }
    let lifespan = time(expires_in, rules.code.lifespan)?;
    if lifespan > LONGEST {
        return Err(ApiError::bad_request(
            "expires_in is too long: somebody has all that time to guess six digits. A code is good for 24h at the most.",
        ));
    }
    let identity = find_identity(&*accounts.store, identity_id).await?;
    let way = GivenWay { sends: Sends::Code, transport, lifespan, return_to: None };
    let given = code::give_out(accounts, rules, identity.id, way).await?;
    Ok(CodeBody {
        recovery_link: rules.whole_page(FlowKind::Recovery, given.flow_id),
        recovery_code: given.code.expose().to_owned(),
        expires_at: given.expires_at,
    })
}

/// Whose account, and for how long.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateRecoveryLinkForIdentityBody)]
struct CreateLinkBody {
    /// The id of the identity.
    #[serde(default)]
    identity_id: String,
    /// How long the link is good, such as `1h`, and 30 days at the most; as long as those that are sent when absent.
    #[serde(default)]
    expires_in: Option<String>,
}

/// What to tell the account's owner.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryLinkForIdentity)]
struct LinkBody {
    /// The link, which signs in whoever opens it.
    recovery_link: String,
    /// Until when it is good.
    #[schema(value_type = String)]
    expires_at: Timestamp,
}

/// Where a browser goes afterwards.
#[derive(Deserialize)]
struct GoingBack {
    return_to: Option<String>,
}

/// Create a recovery link
///
/// The link is for somebody who cannot receive mail, or has no address. Whoever has it has the account, so it is to
/// be given to the owner in person. No mail is sent.
#[utoipa::path(
    post,
    path = "/admin/recovery/link",
    operation_id = "createRecoveryLinkForIdentity",
    tag = "identity",
    security(("adminToken" = ["operator"])),
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    request_body = CreateLinkBody,
    responses(
        (status = 200, description = "The link", body = LinkBody),
        (status = 400, description = "There is no such identity, or the time makes no sense", body = ErrorBody),
        (status = 404, description = "Links are off", body = ErrorBody),
    )
)]
async fn create_link(
    State(accounts): State<Arc<Accounts>>,
    State(snapshot): State<Arc<Snapshot>>,
    Query(query): Query<GoingBack>,
    JsonBody(body): JsonBody<CreateLinkBody>,
) -> Result<Response, ApiError> {
    let rules = &snapshot.accounts.rules;
    if !rules.link.is_on {
        return Err(ApiError::not_found(
            "Links are off. Switch them on with selfservice.methods.link.enabled.",
        ));
    }
    let lifespan = time(body.expires_in, rules.link.lifespan)?;
    if lifespan > LONGEST_LINK {
        return Err(ApiError::bad_request("expires_in is too long. A link is good for 720h at the most."));
    }
    let id = Uuid::parse_str(&body.identity_id).ok();
    let identity = match id {
        Some(id) => accounts.store.identity(id).await?,
        None => None,
    };
    // In the wire contract, an identity that is not there makes the request a bad one.
    let identity = identity.ok_or_else(|| {
        ApiError::bad_request(
            "identity_id names no identity. GET /admin/identities lists those that are there.",
        )
    })?;
    let return_to = checked(rules, query.return_to)?;
    let way = GivenWay { sends: Sends::Link, transport: Transport::Browser, lifespan, return_to };
    let given = code::give_out(&accounts, rules, identity.id, way).await?;
    let recovery_link = codes::link(rules, CodePurpose::Recovery, given.flow_id, "token", &given.code);
    Ok(answer::ok(LinkBody { recovery_link, expires_at: given.expires_at }))
}

/// The address to return to, which must be allowed.
fn checked(rules: &Rules, return_to: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(asked) = return_to.filter(|asked| !asked.is_empty()) else { return Ok(None) };
    let allowed = rules.checked_return(&asked).ok_or(FlowError::ReturnNotAllowed)?;
    Ok(Some(allowed))
}

/// For how long something is to be good. `usual` is for those who do not say.
fn time(text: Option<String>, usual: Duration) -> Result<Duration, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(usual) };
    let time = text.parse::<GoDuration>().map(GoDuration::get).unwrap_or_default();
    if time.is_zero() {
        return Err(ApiError::bad_request(
            "expires_in is no time from now on. Write it like 1h, 30m or 1h30m.",
        ));
    }
    Ok(time)
}
