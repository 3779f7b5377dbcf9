//! `GET /sessions/token-exchange`: a native client fetches a session that has begun in a browser.

use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use sessera_accounts::flows::exchange;
use sessera_model::{IdentityView, SessionView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::public::caller::Call;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Query;
use sessera_openapi::{ErrorBody, SignedInBody};

/// The path of the exchange.
pub(crate) const PATH: &str = "/sessions/token-exchange";

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// The two codes.
#[derive(Deserialize)]
struct Codes {
    init_code: Option<String>,
    return_to_code: Option<String>,
}

/// Exchange two codes for a session token
///
/// A native client is given the first code with a flow that it begins with `return_session_token_exchange_code`, and the
/// second one by the browser that comes back to it. Both are good once.
#[utoipa::path(
    get,
    path = "/sessions/token-exchange",
    operation_id = "exchangeSessionToken",
    tag = "frontend",
    params(
        ("init_code" = String, Query, description = "The code that the flow began with"),
        ("return_to_code" = String, Query, description = "The code that the browser came back with"),
    ),
    responses(
        (status = 200, description = "The session and its token", body = SignedInBody),
        (status = 400, description = "A code is missing", body = ErrorBody),
        (status = 404, description = "There is no session yet, or the codes are not those of one", body = ErrorBody),
    )
)]
async fn get(call: Call, Query(codes): Query<Codes>) -> Result<Response, ApiError> {
    let given = |code: &Option<String>| code.clone().filter(|code| !code.is_empty());
    let (Some(first), Some(second)) = (given(&codes.init_code), given(&codes.return_to_code)) else {
        return Err(ApiError::bad_request("Give both codes: init_code and return_to_code."));
    };
    let fetched = exchange::fetch(&call.visit(None), &first, &second).await?.ok_or_else(|| {
        ApiError::not_found("There is no session yet for these codes, or it was fetched already.")
    })?;
    let identity = Some((&fetched.identity, IdentityView::public(&call.snapshot.schemas_url)));
    let session = fetched.session.to_json(call.now, SessionView { identity, devices: false });
    Ok(answer::ok(json!({ "session_token": fetched.token.expose(), "session": session })))
}
