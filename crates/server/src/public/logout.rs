//! Signing out: `/self-service/logout...`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use sessera_accounts::Accounts;
use sessera_accounts::flows::flow::Transport;
use sessera_accounts::keys::Purpose;
use sessera_issuer::sessions::Presented;
use sessera_model::{Secret, Session, TokenHash, Uuid};
use sessera_store::{Asked, Change, Committer, Store, StoreError};
use tracing::Span;
use tracing::field::display;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::public::caller::Call;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Query;
use sessera_openapi::{ErrorBody, LogoutBody, NativeLogoutBody};

/// How a logout token begins. The rest is a keyed hash of the cookie in hexadecimal.
const PREFIX: &str = "ory_lo_";

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(native)).routes(routes!(create_browser)).routes(routes!(browser))
}

#[derive(Deserialize)]
struct Body {
    session_token: Secret,
}

#[derive(Deserialize)]
struct Parameters {
    token: Option<String>,
    return_to: Option<String>,
}

/// Sign out from a native app
///
/// The session of the token is revoked. Revoking it again is no error.
#[utoipa::path(
    delete,
    path = "/self-service/logout/api",
    operation_id = "performNativeLogout",
    tag = "frontend",
    request_body = NativeLogoutBody,
    responses(
        (status = 204, description = "Signed out"),
        (status = 400, description = "No `session_token` in the body", body = ErrorBody),
        (status = 403, description = "No such token", body = ErrorBody),
    )
)]
async fn native(
    State(store): State<Arc<dyn Store>>,
    State(committer): State<Committer>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body: Body = serde_json::from_slice(&body).map_err(|_| {
        ApiError::bad_request("The body must be a JSON object with the member session_token.")
    })?;
    let hash = TokenHash::of(body.session_token.expose());
    let Some(identity_id) = revoke(&*store, &committer, hash).await? else {
        return Err(ApiError::forbidden("There is no session with this session_token."));
    };
    Span::current().record("identity_id", display(identity_id));
    Ok(answer::no_content())
}

/// Create a logout URL for a browser
#[utoipa::path(
    get,
    path = "/self-service/logout/browser",
    operation_id = "createBrowserLogoutFlow",
    tag = "frontend",
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    security(("sessionCookie" = [])),
    responses(
        (status = 200, description = "The address that signs out", body = LogoutBody),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 400, description = "The address to return to is not allowed", body = ErrorBody),
    )
)]
async fn create_browser(call: Call, Query(parameters): Query<Parameters>) -> Response {
    call.recognised(create(&call, &parameters).await.unwrap_or_else(IntoResponse::into_response))
}

async fn create(call: &Call, parameters: &Parameters) -> Result<Response, ApiError> {
    let return_to = call.return_to(parameters.return_to.as_deref())?;
    let opened = call.opened().await?;
    let Some(Presented::Cookie(cookie)) = opened.map(|opened| opened.carried.presented) else {
        return Err(ApiError::unauthorized().with_id("session_inactive"));
    };
    let token = token(call, cookie);
    let mut url = call.rules().url(&format!("self-service/logout?token={token}"));
    if let Some(return_to) = return_to {
        url.push_str("&return_to=");
        url.extend(url::form_urlencoded::byte_serialize(return_to.as_bytes()));
    }
    Ok(answer::ok(json!({ "logout_token": token, "logout_url": url })))
}

/// The logout token of a browser: only who holds its cookie can have it.
pub(crate) fn token(call: &Call, cookie: &str) -> String {
    let hash = call.rules().keys.make(Purpose::Logout, &[cookie.as_bytes()]);
    format!("{PREFIX}{}", hex::encode(hash))
}

/// Sign a browser out
///
/// The token belongs to the cookie, so no other site can sign a person out.
#[utoipa::path(
    get,
    path = "/self-service/logout",
    operation_id = "updateLogoutFlow",
    tag = "frontend",
    params(
        ("token" = Option<String>, Query, description = "The logout token"),
        ("return_to" = Option<String>, Query, description = "Where to go afterwards"),
    ),
    security((), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "Signed out, to clients that take JSON"),
        (status = 303, description = "Signed out; the way on"),
        (status = 403, description = "Not the token of this browser", body = ErrorBody),
        (status = 400, description = "The address to return to is not allowed", body = ErrorBody),
    )
)]
async fn browser(call: Call, Query(parameters): Query<Parameters>) -> Response {
    call.or_error(sign_out(&call, &parameters).await).await
}

async fn sign_out(call: &Call, parameters: &Parameters) -> Result<Response, ApiError> {
    let rules = call.rules();
    let asked = call.return_to(parameters.return_to.as_deref())?;
    // Who is not signed in has nothing to lose, whatever the token.
    if let Some(opened) = call.opened().await? {
        let Presented::Cookie(cookie) = opened.carried.presented else {
            return Err(ApiError::forbidden("Native clients sign out with DELETE /self-service/logout/api."));
        };
        let hash = parameters.token.as_deref().and_then(|token| token.strip_prefix(PREFIX));
        let hash = hash.and_then(|hash| hex::decode(hash).ok()).unwrap_or_default();
        if !rules.keys.verify(Purpose::Logout, &[cookie.as_bytes()], &hash) {
            return Err(ApiError::forbidden(
                "The logout token does not belong to this session. Ask for a new one.",
            ));
        }
        // Any other session of this browser would be the one that it is signed in with afterwards.
        for carried in call.carried() {
            if let Presented::Cookie(cookie) = carried.presented {
                let Accounts { store, committer, .. } = &*call.accounts;
                revoke(&**store, committer, TokenHash::of(cookie)).await?;
            }
        }
    }
    let mut response = if call.wants_json(Transport::Browser) {
        answer::no_content()
    } else {
        let after = rules.logout_return.as_ref().unwrap_or(&rules.default_return);
        answer::see_other(&asked.unwrap_or_else(|| after.to_string()))?
    };
    call.clear_session(&mut response)?;
    Ok(response)
}

/// Revokes the session that a token opens, and tells whose it is. Nothing when there is none; that it is revoked already
/// is no error.
async fn revoke(
    store: &dyn Store,
    committer: &Committer,
    token: TokenHash,
) -> Result<Option<Uuid>, ApiError> {
    let Some((stored, _)) = store.session_by_token(&token).await? else { return Ok(None) };
    let Session { id: session_id, identity_id, .. } = stored.session;
    Asked::note(|asked| asked.identity_id = Some(identity_id));
    match committer.commit(&[Change::RevokeSessionByToken { token, session_id, identity_id }]).await {
        Ok(()) | Err(StoreError::Conflict(_)) => Ok(Some(identity_id)),
        Err(error) => Err(error.into()),
    }
}
