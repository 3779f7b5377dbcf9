//! `GET /`: the front page. Who is signed in sees as whom; everybody else is sent to sign in.

use axum::response::Response;
use maud::html;
use sessera_store::FlowKind;

use super::account::account;
use super::{beginning, logout, not_found, ok, shown};
use crate::public::caller::Call;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_http::peer;
use sessera_pages::Word;

pub(super) async fn get(call: Call) -> Response {
    // For programs there is nothing here.
    if !peer::wants_page(&call.caller.headers) {
        return not_found(call).await;
    }
    shown(&call, page(&call)).await
}

async fn page(call: &Call) -> Result<Response, ApiError> {
    let (rules, texts) = (call.rules(), call.texts());
    let Some(live) = call.session().await? else {
        return answer::see_other(&beginning(rules, FlowKind::Login, None));
    };
    if let Err(error) = call.require_assurance(&live).await {
        return answer::see_other(error.redirect().ok_or(error.clone())?);
    }
    let account = account(call, live.session.identity_id).await?;
    let sign_out = logout::form(call, "quiet").await?;
    let content = html! {
        p.lead { (texts.filled(Word::HomeLead, &[("account", &account)])) }
        div.buttons {
            a.button.primary href=(beginning(rules, FlowKind::Settings, None)) {
                (texts.word(Word::ToSettings))
            }
            @if let Some(form) = sign_out { (form) }
        }
    };
    Ok(ok(&call.card(Word::HomeTitle, false, content)))
}
