//! The pages that come with the server: signing in and up, one's own account, errors.
//!
//! A flow for which no `ui_url` is configured sends browsers here. Each page reads its flow as the API
//! does, has its form rendered by the crate `sessera_pages` and submits to the flow's own address; nothing is
//! decided here that the flow does not decide. No page has a script but where passkeys are on, which a browser
//! gives to scripts only.
//!
//! Each page is a file that is named as its address. [`crate::assets`] has the files that pages load.

mod account;
mod error;
mod home;
mod login;
mod logout;
mod recovery;
mod registration;
mod sessions;
mod settings;
mod verification;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::{Flow, Transport};
use sessera_accounts::flows::skeleton::{Flows, Kind, Shown};
use sessera_accounts::rules::Rules;
use sessera_store::FlowKind;

use crate::app::AppState;
use crate::public::caller::Call;
use crate::public::error_page;
use crate::public::html::ok;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_http::peer;

/// The routes.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(home::get))
        .route("/ui/login", get(login::get))
        .route("/ui/registration", get(registration::get))
        .route("/ui/recovery", get(recovery::get))
        .route("/ui/verification", get(verification::get))
        .route("/ui/settings", get(settings::get))
        .route("/ui/settings/sessions", post(sessions::revoke))
        .route("/ui/logout", get(logout::get))
        .route("/ui/error", get(error::get))
        .route("/ui/assets/{name}", get(crate::assets::get))
}

/// What is answered where nothing is: a page to people, JSON to all others.
pub(crate) async fn not_found(call: Call) -> Response {
    let error = ApiError::not_found("There is no such path. See /openapi.json for those that exist.");
    if !peer::wants_page(&call.caller.headers) {
        return error.into_response();
    }
    error_page::page(&call, &error)
}

/// What is shown of a flow: a page, or the way to another address.
async fn shown(call: &Call, page: impl Future<Output = Result<Response, ApiError>>) -> Response {
    match page.await {
        Ok(response) => response,
        Err(error) => error_page::page(call, &error),
    }
}

/// The flow of a page. `Err` when the browser has to begin one first: there is none, or it has ended.
async fn flow<K: Kind>(
    flows: &Flows<'_>,
    id: Option<&str>,
    again: impl Fn(Option<&Flow<K>>) -> String,
) -> Result<Result<Shown<K>, Response>, ApiError> {
    if id.is_none() {
        return answer::see_other(&again(None)).map(Err);
    }
    match flows.read::<K>(id).await {
        Ok(flow) if flow.is_expired(flows.visit.now) => answer::see_other(&again(Some(&flow))).map(Err),
        Ok(flow) => Ok(Ok(flows.opened(flow).await?)),
        // It was completed: people go back in their browser's history.
        Err(FlowError::Unknown) => answer::see_other(&again(None)).map(Err),
        Err(error) => Err(error.into()),
    }
}

/// The address at which a flow of a kind begins, keeping where it ends.
fn beginning(rules: &Rules, kind: FlowKind, return_to: Option<&str>) -> String {
    rules.beginning(kind, Transport::Browser.as_str(), return_to)
}

#[cfg(test)]
mod tests;
