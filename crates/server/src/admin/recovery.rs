//! `POST /admin/recovery/code`: a code that lets its owner back into an account, given out by hand.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sessera_accounts::flows::flow::Transport;
use sessera_accounts::methods::code;
use sessera_accounts::{Accounts, codes};
use sessera_model::{GoDuration, Timestamp};
use sessera_store::FlowKind;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::identities::find_identity;
use crate::answer;
use crate::app::{AppState, Snapshot};
use crate::error::ApiError;
use crate::openapi::ErrorBody;
use crate::request::JsonBody;

/// The longest time for which a code of six digits may be good.
const LONGEST: Duration = Duration::from_hours(24);

/// The route.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
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
struct CodeBody {
    /// Where the code is typed.
    recovery_link: String,
    /// The code.
    recovery_code: String,
    /// Until when both are good.
    #[schema(value_type = String)]
    expires_at: Timestamp,
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
    let rules = &snapshot.accounts.rules;
    if !rules.code {
        return Err(ApiError::not_found(
            "Codes are off. Switch them on with selfservice.methods.code.enabled.",
        ));
    }
    let lifespan =
        body.expires_in.filter(|text| !text.is_empty()).as_deref().map_or(Ok(codes::LIFESPAN), time)?;
    let transport = match body.flow_type.as_deref() {
        None | Some("browser") => Transport::Browser,
        Some("api") => Transport::Api,
        Some(_) => return Err(ApiError::bad_request("flow_type is neither browser nor api.")),
    };
    let identity = find_identity(&*accounts.store, &body.identity_id).await?;
    let given = code::give_out(&accounts, rules, identity.id, transport, lifespan).await?;
    let body = CodeBody {
        recovery_link: rules.whole_page(FlowKind::Recovery, given.flow_id),
        recovery_code: given.code.expose().to_owned(),
        expires_at: given.expires_at,
    };
    Ok(answer::created(body))
}

/// For how long a code is to be good.
fn time(text: &str) -> Result<Duration, ApiError> {
    let time = text.parse::<GoDuration>().map(GoDuration::get).unwrap_or_default();
    if time.is_zero() {
        return Err(ApiError::bad_request(
            "expires_in is no time from now on. Write it like 1h, 30m or 1h30m.",
        ));
    }
    if time > LONGEST {
        return Err(ApiError::bad_request(
            "expires_in is too long: somebody has all that time to guess six digits. A code is good for 24h at the most.",
        ));
    }
    Ok(time)
}
