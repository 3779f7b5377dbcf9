//! `GET /ui/error`: what went wrong, in words for people; and the same for errors of the pages themselves.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::words::Word;
use crate::app::App;
use crate::error::ApiError;
use crate::public::caller::{Call, Caller};
use crate::public::errors;
use crate::request::Parameters;

pub(super) async fn get(State(app): State<Arc<App>>, caller: Caller, parameters: Parameters) -> Response {
    let snapshot = app.snapshot();
    let call = Call::new(&app, &snapshot, &caller);
    match errors::find(&app, parameters.get("id")).await {
        Ok(body) => {
            let error = &body["error"];
            let text = |name: &str| error[name].as_str().unwrap_or_default();
            let code = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
            let status = code.and_then(|code| StatusCode::from_u16(code).ok());
            let told = Told {
                status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                id: text("id"),
                reason: text("reason"),
                number: body["id"].as_str(),
            };
            // The error was somebody else's answer; this page is the right one for it.
            answer(&call, StatusCode::OK, &told)
        }
        Err(error) => page(&call, &error),
    }
}

/// The page for an error of a page.
pub(super) fn page(call: &Call<'_>, error: &ApiError) -> Response {
    let told = Told {
        status: error.status(),
        id: error.id().unwrap_or_default(),
        reason: error.reason(),
        number: None,
    };
    answer(call, error.status(), &told)
}

/// What is known of an error.
struct Told<'a> {
    status: StatusCode,
    id: &'a str,
    reason: &'a str,
    number: Option<&'a str>,
}

impl Told<'_> {
    /// What people are told about it.
    fn word(&self) -> Word {
        match (self.id, self.status) {
            ("security_csrf_violation", _) => Word::ErrorForeignForm,
            ("self_service_flow_disabled", _) => Word::ErrorDisabled,
            ("self_service_flow_expired", _) | (_, StatusCode::GONE) => Word::ErrorEnded,
            (_, StatusCode::NOT_FOUND) => Word::ErrorMissing,
            (_, StatusCode::TOO_MANY_REQUESTS) => Word::ErrorTooMany,
            (_, StatusCode::CONFLICT) => Word::ErrorOutrun,
            (_, StatusCode::BAD_REQUEST) if self.reason.contains("return_to") => Word::ErrorReturnTo,
            (_, status) if status.is_server_error() => Word::ErrorServer,
            _ => Word::ErrorOther,
        }
    }
}

fn answer(call: &Call<'_>, status: StatusCode, told: &Told<'_>) -> Response {
    let texts = call.texts();
    let content = html! {
        p.lead { (texts.word(told.word())) }
        p.buttons { a.button.primary href=(call.rules().base_url) { (texts.word(Word::ErrorToStart)) } }
        details {
            summary { (texts.word(Word::ErrorDetails)) }
            // The reason is written for those who run the site, in English.
            p lang="en" { (told.status.as_u16()) " · " (told.reason) }
            @if let Some(number) = told.number {
                p { (texts.word(Word::ErrorId)) ": " code { (number) } }
            }
        }
    };
    let mut page = call.card(Word::ErrorTitle, false, content);
    page.status = status;
    page.into_response()
}
