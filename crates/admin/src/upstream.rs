//! `POST /admin/upstream/forget`: a back end has ended or changed sessions at the upstream.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sessera_model::Uuid;
use sessera_store::{Change, Committer};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::JsonBody;
use sessera_issuer::upstream::UpstreamSessions;
use sessera_openapi::ErrorBody;

/// The route.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(forget))
}

/// What has changed at the upstream. Exactly one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ForgetBody {
    /// A session.
    session_id: Option<Uuid>,
    /// An identity, with all its sessions.
    identity_id: Option<Uuid>,
}

/// Forget what was answered about a session or an identity
///
/// For back ends that end or change sessions at the upstream itself, where this server does not see it. It is
/// forgotten on this node before the answer, and on the others as soon as they hear of it.
#[utoipa::path(post, path = "/admin/upstream/forget", operation_id = "forgetUpstreamSessions", tag = "upstream",
    request_body = ForgetBody,
    security(("adminToken" = ["operator"])),
    responses((status = 204, description = "It is forgotten"), (status = 404, description = "This server keeps its sessions itself", body = ErrorBody)))]
async fn forget(
    State(committer): State<Committer>,
    State(upstream): State<Option<Arc<UpstreamSessions>>>,
    JsonBody(body): JsonBody<ForgetBody>,
) -> Result<Response, ApiError> {
    if upstream.is_none() {
        return Err(ApiError::not_found(
            "This server keeps its sessions itself, so it knows of all changes. See session.upstream.url.",
        ));
    }
    let ((Some(id), None) | (None, Some(id))) = (body.session_id, body.identity_id) else {
        return Err(ApiError::bad_request("Send either session_id or identity_id."));
    };
    committer.commit(&[Change::Forget(Some(id))]).await?;
    Ok(answer::no_content())
}
