//! Where browsers come back from other providers: `/self-service/methods/oidc/callback/...`.

use axum::body::Bytes;
use axum::response::Response;
use sessera_accounts::flows::flow::{LoginDetails, RegistrationDetails, SettingsDetails};
use sessera_accounts::flows::trip::Back;
use sessera_accounts::methods::oidc::NAME;
use sessera_store::FlowKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::openapi::ComesBack;
use crate::public::caller::Call;
use crate::public::settings::sign_in_first;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Segment;

/// Below which path browsers come back.
pub(crate) const CALLBACK: &str = "/self-service/methods/oidc/callback";

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(back, back_by_form))
        .routes(routes!(back_from_any, back_from_any_by_form))
}

/// Come back from a provider
///
/// The provider sends the browser here with a code, which is exchanged for what it says of the person. The browser goes
/// on to where its flow leads.
#[utoipa::path(
    get,
    path = "/self-service/methods/oidc/callback/{provider}",
    operation_id = "returnFromProvider",
    tag = "frontend",
    params(
        ("provider" = String, Path, description = "The id of the provider in the configuration"),
        ("state" = Option<String>, Query, description = "What the provider was told"),
        ("code" = Option<String>, Query, description = "What is exchanged for tokens"),
        ("error" = Option<String>, Query, description = "Why there is no code"),
    ),
    security((), ("sessionCookie" = [])),
    responses(ComesBack)
)]
async fn back(call: Call, Segment(provider): Segment) -> Response {
    returned(&call, Some(provider)).await
}

/// Come back from a provider to an address that all share
///
/// It is that of providers with `pkce: force`.
#[utoipa::path(
    get,
    path = "/self-service/methods/oidc/callback",
    operation_id = "returnFromAnyProvider",
    tag = "frontend",
    params(
        ("state" = Option<String>, Query, description = "What the provider was told"),
        ("code" = Option<String>, Query, description = "What is exchanged for tokens"),
        ("error" = Option<String>, Query, description = "Why there is no code"),
    ),
    security((), ("sessionCookie" = [])),
    responses(ComesBack)
)]
async fn back_from_any(call: Call) -> Response {
    returned(&call, None).await
}

/// Come back from a provider by a form
///
/// Browsers send no cookies along with a form of another site, so they are sent to the same address by GET.
#[utoipa::path(
    post,
    path = "/self-service/methods/oidc/callback/{provider}",
    operation_id = "returnFromProviderByForm",
    tag = "frontend",
    params(("provider" = String, Path, description = "The id of the provider in the configuration")),
    responses((status = 302, description = "The same address by GET"))
)]
async fn back_by_form(call: Call, Segment(_): Segment, form: Bytes) -> Response {
    call.or_error(by_get(&call, &form)).await
}

/// Come back by a form to an address that all share
#[utoipa::path(
    post,
    path = "/self-service/methods/oidc/callback",
    operation_id = "returnFromAnyProviderByForm",
    tag = "frontend",
    responses((status = 302, description = "The same address by GET"))
)]
async fn back_from_any_by_form(call: Call, form: Bytes) -> Response {
    call.or_error(by_get(&call, &form)).await
}

async fn returned(call: &Call, provider: Option<String>) -> Response {
    let mut parameters = call.parameters();
    let state = parameters.iter().position(|(name, _)| name == "state");
    let state = state.map(|place| parameters.remove(place).1).unwrap_or_default();
    let back = Back { method: NAME, provider, state, parameters };
    let outcome = match back.flow() {
        Some((FlowKind::Login, flow)) => call.returned::<LoginDetails>(flow, &back).await,
        Some((FlowKind::Registration, flow)) => call.returned::<RegistrationDetails>(flow, &back).await,
        Some((FlowKind::Settings, flow)) => {
            return match call.returned::<SettingsDetails>(flow, &back).await {
                Ok(response) => response,
                Err(error) => sign_in_first(call, error).await,
            };
        }
        _ => Err(call.flows(None).returned_to_none(&back).await.into()),
    };
    call.or_error(outcome).await
}

/// The way to the address that was called with what a form says.
fn by_get(call: &Call, form: &[u8]) -> Result<Response, ApiError> {
    let mut url = url::Url::parse(&call.called()).map_err(ApiError::internal)?;
    url.query_pairs_mut().extend_pairs(url::form_urlencoded::parse(form));
    answer::found(url.as_str())
}
