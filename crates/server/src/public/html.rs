//! Pages as answers, which the routes of pages and errors of all routes are shown on.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use maud::{Markup, html};
use sessera_pages::{Page, Texts, Width, Word};

use super::caller::Call;
use crate::answer::{NO_STORE, Status};

/// A page as an answer with a status.
pub(crate) fn answered(page: &Page<'_>, status: Status) -> Response {
    document(page.document(), &page.policy(), status)
}

/// A document as an answer with a status. `policy` is what it may load.
pub(crate) fn document(document: Markup, policy: &str, status: Status) -> Response {
    let mut response = status.answer(document.into_string());
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // Addresses of flows stay on this site.
    set(header::REFERRER_POLICY, "same-origin");
    set(header::VARY, "Accept-Language, Cookie");
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A page that is what was asked for.
pub(crate) fn ok(page: &Page<'_>) -> Response {
    answered(page, Status::DONE)
}

impl Call {
    /// The texts in the browser's language.
    pub(crate) fn texts(&self) -> &'static Texts {
        Texts::of(self.language())
    }

    /// A page that asks for one thing.
    pub(crate) fn card(&self, title: Word, has_errors: bool, content: Markup) -> Page<'_> {
        let texts = self.texts();
        let heading = texts.word(title);
        Page {
            texts,
            rules: self.rules(),
            title: heading.to_owned(),
            has_errors,
            width: Width::Card,
            aside: None,
            has_script: false,
            content: html! { h1 { (heading) } (content) },
        }
    }
}
