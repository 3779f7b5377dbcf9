//! `/admin/tokens`: tokens of the admin API, with their names and roles.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sessera_model::{GoDuration, Role, Timestamp};
use sessera_node::admin_tokens::{AdminTokens, MadeToken};
use sessera_store::AdminToken;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{JsonBody, Segment};
use sessera_openapi::ErrorBody;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(delete))
}

/// Which token to make.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateAdminToken)]
struct CreateBody {
    /// Its name: 1 to 64 characters of A-Z, a-z, 0-9, and -, _ and . between them.
    name: String,
    /// What whoever has it may do: `viewer`, `operator` or `owner`.
    role: String,
    /// How long it is good, for example `90d`; for ever when absent.
    expires_in: Option<String>,
}

/// A token of the admin API.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminToken)]
struct TokenBody {
    /// Its name.
    name: String,
    /// What whoever has it may do: `viewer`, `operator` or `owner`.
    #[schema(value_type = String)]
    role: Role,
    /// When it was made.
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// When it ends, or has ended; absent when it does not.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// The token itself, which is shown when it is made and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl From<AdminToken> for TokenBody {
    fn from(kept: AdminToken) -> Self {
        let AdminToken { name, role, created_at, expires_at, .. } = kept;
        Self { name, role, created_at, expires_at, token: None }
    }
}

/// List admin tokens
///
/// They come in the order of their names, and those that have ended are among them. The tokens themselves are not shown,
/// because only their hashes are kept.
#[utoipa::path(get, path = "/admin/tokens", operation_id = "listAdminTokens", tag = "access",
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "All admin tokens", body = [TokenBody])))]
async fn list(State(tokens): State<Arc<AdminTokens>>) -> Result<Response, ApiError> {
    let shown: Vec<TokenBody> = tokens.all().await?.into_iter().map(TokenBody::from).collect();
    Ok(answer::ok(shown))
}

/// Make an admin token
///
/// The token is shown in the answer and never again.
#[utoipa::path(post, path = "/admin/tokens", operation_id = "createAdminToken", tag = "access",
    request_body = CreateBody,
    security(("adminToken" = ["owner"])),
    responses((status = 201, description = "The token", body = TokenBody), (status = 400, description = "It cannot be made", body = ErrorBody), (status = 409, description = "The name is taken", body = ErrorBody)))]
async fn create(
    State(tokens): State<Arc<AdminTokens>>,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    let made = made(&tokens, &body.name, &body.role, body.expires_in.as_deref()).await?;
    let token = Some(made.token.expose().to_owned());
    Ok(answer::created(TokenBody { token, ..made.kept.into() }))
}

/// Makes a token of what somebody has written.
pub(super) async fn made(
    tokens: &AdminTokens,
    name: &str,
    role: &str,
    expires_in: Option<&str>,
) -> Result<MadeToken, ApiError> {
    let role: Role = role.parse().map_err(|error| ApiError::bad_request(format!("{error}.")))?;
    let lifespan = expires_in.map(|text| {
        let parsed = text.parse::<GoDuration>().map(GoDuration::get);
        parsed.map_err(|error| ApiError::bad_request(format!("expires_in: {error}.")))
    });
    Ok(tokens.create(name, role, lifespan.transpose()?).await?)
}

/// Delete an admin token
///
/// From then on it opens nothing.
#[utoipa::path(delete, path = "/admin/tokens/{name}", operation_id = "deleteAdminToken", tag = "access",
    params(("name" = String, Path, description = "Name of the token")),
    security(("adminToken" = ["owner"])),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is none", body = ErrorBody)))]
async fn delete(
    State(tokens): State<Arc<AdminTokens>>,
    Segment(name): Segment,
) -> Result<Response, ApiError> {
    tokens.delete(&name).await?;
    Ok(answer::no_content())
}
