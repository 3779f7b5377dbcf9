//! `GET /ui/error`: what went wrong, in words for people; and the way to sign in where that is what is missing.

use axum::response::Response;

use crate::public::caller::Call;
use crate::public::error_page::{self, ErrorDetails};
use crate::public::errors;
use crate::public::settings::sign_in_first;
use sessera_contract::answer::ApiError;
use sessera_contract::answer::Status;
use sessera_contract::request::Parameters;

pub(super) async fn get(call: Call, parameters: Parameters) -> Response {
    match errors::find(&*call.accounts.store, &*call.accounts.clock, parameters.get("id")).await {
        Ok(body) => {
            let kept = &body["error"];
            let text = |name: &str| kept[name].as_str().unwrap_or_default();
            let code = kept["code"].as_u64().and_then(|code| u16::try_from(code).ok());
            let error = ApiError::kept(code, text("reason").to_owned());
            let told = ErrorDetails { error: &error, id: text("id"), number: body["id"].as_str() };
            // The error was somebody else's answer; this page is the right one for it.
            told.answer(&call, Status::DONE)
        }
        Err(error) => error_page::page(&call, &error),
    }
}

/// The way to sign in, when that is what is missing; the page for errors otherwise.
pub(super) async fn refused(call: &Call, error: ApiError) -> Response {
    let is_sign_in = matches!(error.id(), Some("session_inactive" | "session_aal2_required"));
    if is_sign_in { sign_in_first(call, error).await } else { error_page::page(call, &error) }
}
