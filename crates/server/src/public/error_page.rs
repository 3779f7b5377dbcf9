//! Errors in words for people, as pages.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use maud::html;
use sessera_pages::Word;

use super::caller::Call;
use super::html::answered;
use sessera_contract::answer::ApiError;
use sessera_contract::answer::Status;

/// The page for an error, with the status of the error.
pub(crate) fn page(call: &Call, error: &ApiError) -> Response {
    let told = ErrorDetails { error, id: error.id().unwrap_or_default(), number: None };
    let mut response = told.answer(call, error.status());
    if let Some(after) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response
}

/// What is known of an error.
pub(crate) struct ErrorDetails<'a> {
    /// The error.
    pub(crate) error: &'a ApiError,
    /// Its machine-readable id, or nothing.
    pub(crate) id: &'a str,
    /// By what it is found, when it was kept.
    pub(crate) number: Option<&'a str>,
}

impl ErrorDetails<'_> {
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

    /// The page, as an answer with a status.
    pub(crate) fn answer(&self, call: &Call, status: Status) -> Response {
        let texts = call.texts();
        let content = html! {
            p.lead { (texts.word(self.word())) }
            p.buttons { a.button.primary href=(call.rules().base_url) { (texts.word(Word::ErrorToStart)) } }
            details {
                summary { (texts.word(Word::ErrorDetails)) }
                // The reason is written for those who run the site, in English.
                p lang="en" dir="ltr" { (self.error.code()) " · " (self.error.reason()) }
                @if let Some(number) = self.number {
                    p { (texts.word(Word::ErrorId)) ": " code { (number) } }
                }
            }
        };
        answered(&call.card(Word::ErrorTitle, false, content), status)
    }
}
