//! `GET /ui/error`: what went wrong, in words for people; and the same for errors of the pages themselves.

use axum::response::Response;
use maud::html;

use crate::answer::Status;
use crate::error::ApiError;
use crate::public::caller::Call;
use crate::public::errors;
use crate::public::settings::sign_in_first;
use crate::request::Parameters;
use sessera_pages::Word;

pub(super) async fn get(call: Call, parameters: Parameters) -> Response {
    match errors::find(&*call.accounts.store, &*call.accounts.clock, parameters.get("id")).await {
        Ok(body) => {
            let kept = &body["error"];
            let text = |name: &str| kept[name].as_str().unwrap_or_default();
            let code = kept["code"].as_u64().and_then(|code| u16::try_from(code).ok());
            let error = ApiError::kept(code, text("reason").to_owned());
            let told = Told { error: &error, id: text("id"), number: body["id"].as_str() };
            // The error was somebody else's answer; this page is the right one for it.
            answer(&call, Status::DONE, &told)
        }
        Err(error) => page(&call, &error),
    }
}

/// The page for an error of a page.
pub(super) fn page(call: &Call, error: &ApiError) -> Response {
    let told = Told { error, id: error.id().unwrap_or_default(), number: None };
    answer(call, error.status(), &told)
}

/// The way to sign in, when that is what is missing; the page for errors otherwise.
pub(super) async fn refused(call: &Call, error: ApiError) -> Response {
    let is_sign_in = matches!(error.id(), Some("session_inactive" | "session_aal2_required"));
    if is_sign_in { sign_in_first(call, error).await } else { page(call, &error) }
}

/// What is known of an error.
struct Told<'a> {
    error: &'a ApiError,
    id: &'a str,
    number: Option<&'a str>,
}

impl Told<'_> {
    /// What people are told about it.
    fn word(&self) -> Word {
        match (self.id, self.error.status()) {
            ("security_csrf_violation", _) => Word::ErrorForeignForm,
            ("self_service_flow_disabled", _) => Word::ErrorDisabled,
            ("self_service_flow_expired", _) | (_, Status::ENDED) => Word::ErrorEnded,
            (_, Status::MISSING) => Word::ErrorMissing,
            (_, Status::TOO_MANY) => Word::ErrorTooMany,
            (_, Status::OUTRUN) => Word::ErrorOutrun,
            (_, Status::MALFORMED) if self.error.reason().contains("return_to") => Word::ErrorReturnTo,
            (_, status) if status.is_fault() => Word::ErrorServer,
            _ => Word::ErrorOther,
        }
    }
}

fn answer(call: &Call, status: Status, told: &Told<'_>) -> Response {
    let texts = call.texts();
    let content = html! {
        p.lead { (texts.word(told.word())) }
        p.buttons { a.button.primary href=(call.rules().base_url) { (texts.word(Word::ErrorToStart)) } }
        details {
            summary { (texts.word(Word::ErrorDetails)) }
            // The reason is written for those who run the site, in English.
            p lang="en" { (told.error.code()) " · " (told.error.reason()) }
            @if let Some(number) = told.number {
                p { (texts.word(Word::ErrorId)) ": " code { (number) } }
            }
        }
    };
    super::answered(&call.card(Word::ErrorTitle, false, content), status)
}
