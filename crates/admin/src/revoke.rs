//! `POST /oauth2/revoke`: the session behind a signed token is revoked (RFC 7009).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use sessera_issuer::{Introspection, IssuerError};
use sessera_model::Clock;
use sessera_store::{Change, Committer, Conflict, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer::{self, OAuthError};
use sessera_contract::oauth::Form;
use sessera_issuer::upstream::UpstreamSessions;
use sessera_node::Snapshot;
use sessera_openapi::{OAuthErrorBody, TokenQuestionBody};

/// The path, whose body is a form.
pub(super) const PATH: &str = "/oauth2/revoke";

/// The route.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(revoke))
}

/// Revoke the session behind a token
///
/// This is OAuth 2.0 Token Revocation (RFC 7009), and the body is a form. A token ends with its session for
/// everybody who asks about it. A token that is not good is answered the same way, because there is nothing left to
/// do about it.
#[utoipa::path(post, path = "/oauth2/revoke", operation_id = "revokeToken", tag = "oauth2",
    request_body(content = TokenQuestionBody, content_type = "application/x-www-form-urlencoded", description = "token"),
    security(("adminToken" = ["operator"])),
    responses((status = 200, description = "The token opens nothing any more"), (status = 429, description = "The upstream that keeps the sessions is asked too often (`temporarily_unavailable`)", body = OAuthErrorBody), (status = 400, description = "An error of RFC 6749, section 5.2", body = OAuthErrorBody)))]
async fn revoke(
    State(introspection): State<Arc<Introspection>>,
    State(committer): State<Committer>,
    State(upstream): State<Option<Arc<UpstreamSessions>>>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    form: Form,
) -> Result<Response, OAuthError> {
    let token = form.required("token")?;
    let active = introspection.active(&snapshot.issuer, token).await?;
    if let Some((_, live)) = active {
        let (id, identity_id) = (live.session.id, live.session.identity_id);
        let change = match &upstream {
            None => Change::RevokeSession { id, of: Some(identity_id) },
            Some(upstream) => {
                upstream.revoke(id).await.map_err(IssuerError::from)?;
                Change::EndElsewhere { id, identity_id, at: clock.now() }
            }
        };
        match committer.commit(&[change]).await {
            // It was deleted in the meantime.
            Ok(()) | Err(StoreError::Conflict(Conflict::Missing)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answer::done())
}
