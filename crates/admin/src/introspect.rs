//! `POST /oauth2/introspect`: is a signed token still good (RFC 7662)?

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use sessera_issuer::Introspection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer::{self, OAuthError};
use sessera_contract::oauth::Form;
use sessera_node::Snapshot;
use sessera_openapi::{IntrospectionBody, OAuthErrorBody, TokenQuestionBody};

/// The path, whose body is a form.
pub(super) const PATH: &str = "/oauth2/introspect";

/// The claims that are repeated; what a mapper made beside them is for the token's readers.
const SHOWN: [&str; 9] = ["aud", "exp", "iat", "iss", "jti", "nbf", "scope", "sid", "sub"];

/// The route.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(introspect))
}

/// Ask whether a token is good
///
/// This is OAuth 2.0 Token Introspection (RFC 7662), and the body is a form. A token is active only while its
/// signature and times are good, its key is published, its session lives and belongs to the subject of the token,
/// and its identity may sign in.
#[utoipa::path(post, path = "/oauth2/introspect", operation_id = "introspectToken", tag = "oauth2",
    request_body(content = TokenQuestionBody, content_type = "application/x-www-form-urlencoded", description = "token"),
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "`active`, and the claims of an active token", body = IntrospectionBody), (status = 429, description = "The upstream that keeps the sessions is asked too often (`temporarily_unavailable`)", body = OAuthErrorBody), (status = 400, description = "An error of RFC 6749, section 5.2", body = OAuthErrorBody)))]
async fn introspect(
    State(introspection): State<Arc<Introspection>>,
    State(snapshot): State<Arc<Snapshot>>,
    form: Form,
) -> Result<Response, OAuthError> {
    let token = form.required("token")?;
    let active = introspection.active(&snapshot.issuer, token).await?;
    let body = match active {
        Some((claims, _)) => {
            let mut body = json!({ "active": true, "token_type": "Bearer" });
            for name in SHOWN {
                if let Some(value) = claims.get(name) {
                    body[name] = value.clone();
                }
            }
            body
        }
        // Why is nobody's business (section 2.2).
        None => json!({ "active": false }),
    };
    Ok(answer::ok(body))
}
