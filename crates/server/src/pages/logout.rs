//! `GET /ui/logout`: asks whether to sign out, or says that it is done.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sessera_issuer::sessions::Presented;
use sessera_store::FlowKind;

use super::words::Word;
use super::{beginning, home, shown};
use crate::app::App;
use crate::error::ApiError;
use crate::public::caller::{Caller, Visit};
use crate::public::logout;

pub(super) async fn get(State(app): State<Arc<App>>, caller: Caller) -> Response {
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    shown(&visit, page(&visit)).await
}

async fn page(visit: &Visit<'_>) -> Result<Response, ApiError> {
    let texts = visit.texts();
    let page = match visit.session().await? {
        Some(live) => {
            let account = home::account(visit, live.session.identity_id).await?;
            let content = html! {
                p.lead { (texts.filled(Word::SignOutLead, &[("account", &account)])) }
                @if let Some(form) = form(visit, "primary") { (form) }
            };
            visit.card(Word::SignOutTitle, false, content)
        }
        None => {
            let again = beginning(visit.rules(), FlowKind::Login, None);
            let content = html! {
                p.lead { (texts.word(Word::SignedOutLead)) }
                p.buttons { a.button.primary href=(again) { (texts.word(Word::SignIn)) } }
            };
            visit.card(Word::SignedOutTitle, false, content)
        }
    };
    Ok(page.into_response())
}

/// The button that signs out, for a browser that presents a cookie. A form and not a link: programs
/// that follow links in advance do not sign anybody out.
pub(super) fn form(visit: &Visit<'_>, class: &str) -> Option<Markup> {
    let Some(Presented::Cookie(cookie)) = visit.presented() else { return None };
    let token = logout::token(visit, cookie);
    Some(html! {
        form.inline action=(visit.rules().url("self-service/logout")) method="get" {
            input type="hidden" name="token" value=(token);
            button.(class) type="submit" { (visit.texts().word(Word::SignOut)) }
        }
    })
}
