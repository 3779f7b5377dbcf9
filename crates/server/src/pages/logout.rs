//! `GET /ui/logout`: asks whether to sign out, or says that it is done.

use axum::response::Response;
use maud::{Markup, html};
use sessera_issuer::sessions::Presented;
use sessera_store::FlowKind;

use super::account::account;
use super::{beginning, ok, shown};
use crate::public::caller::Call;
use crate::public::logout;
use sessera_contract::answer::ApiError;
use sessera_pages::Word;

pub(super) async fn get(call: Call) -> Response {
    shown(&call, page(&call)).await
}

async fn page(call: &Call) -> Result<Response, ApiError> {
    let texts = call.texts();
    let page = match call.session().await? {
        Some(live) => {
            let account = account(call, live.session.identity_id).await?;
            let form = form(call, "primary").await?;
            let content = html! {
                p.lead { (texts.filled(Word::SignOutLead, &[("account", &account)])) }
                @if let Some(form) = form { (form) }
            };
            call.card(Word::SignOutTitle, false, content)
        }
        None => {
            let again = beginning(call.rules(), FlowKind::Login, None);
            let content = html! {
                p.lead { (texts.word(Word::SignedOutLead)) }
                p.buttons { a.button.primary href=(again) { (texts.word(Word::SignIn)) } }
            };
            call.card(Word::SignedOutTitle, false, content)
        }
    };
    Ok(ok(&page))
}

/// The button that signs out, for a browser that is signed in with a cookie. It is a form and not a link, because
/// programs that follow links in advance must not sign anybody out.
pub(super) async fn form(call: &Call, class: &str) -> Result<Option<Markup>, ApiError> {
    let opened = call.opened().await?;
    let Some(Presented::Cookie(cookie)) = opened.map(|opened| opened.carried.presented) else {
        return Ok(None);
    };
    let token = logout::token(call, cookie);
    Ok(Some(html! {
        form.inline action=(call.rules().url("self-service/logout")) method="get" {
            input type="hidden" name="token" value=(token);
            button.(class) type="submit" { (call.texts().word(Word::SignOut)) }
        }
    }))
}
