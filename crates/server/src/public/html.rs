//! Pages as answers, which the routes of pages and errors of all routes are shown on.

use axum::response::Response;
use maud::{Markup, html};
use sessera_contract::answer::Status;
use sessera_contract::html::document;
use sessera_pages::{Page, Texts, Width, Word};

use super::caller::Call;

/// A page as an answer with a status.
pub(crate) fn answered(page: &Page<'_>, status: Status) -> Response {
    document(page.document(), &page.policy(), status)
}

/// A page that is what was asked for.
pub(crate) fn ok(page: &Page<'_>) -> Response {
    answered(page, Status::DONE)
}

impl Call {
    /// The texts in the browser's language.
    pub(crate) fn texts(&self) -> &Texts {
        self.caller.texts(&self.snapshot)
    }

    /// A page that asks for one thing.
    pub(crate) fn card(&self, title: Word, has_errors: bool, content: Markup) -> Page<'_> {
        let texts = self.texts();
        let heading = texts.word(title);
        Page {
            texts,
            rules: self.rules(),
            branding: &self.snapshot.branding,
            title: heading.to_owned(),
            has_errors,
            width: Width::Card,
            aside: None,
            has_script: false,
            content: html! { h1 { (heading) } (content) },
        }
    }
}
