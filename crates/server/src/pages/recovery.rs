//! `GET /ui/recovery`: getting back into an account with a code by e-mail.

use axum::response::Response;
use maud::html;
use sessera_accounts::flows::flow::{Flow, RecoveryDetails, State as FlowState};
use sessera_store::FlowKind;

use super::{beginning, ok, shown};
use crate::public::caller::Call;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Parameters;
use sessera_pages::FormContext;
use sessera_pages::Word;

pub(super) async fn get(call: Call, parameters: Parameters) -> Response {
    shown(&call, page(&call, parameters.get("flow"))).await
}

async fn page(call: &Call, id: Option<&str>) -> Result<Response, ApiError> {
    let (rules, texts) = (call.rules(), call.texts());
    let to = |kind: FlowKind, return_to: Option<&str>| beginning(rules, kind, return_to);
    let again = |ended: Option<&Flow<RecoveryDetails>>| {
        to(FlowKind::Recovery, ended.and_then(|flow| flow.return_to.as_deref()))
    };
    let shown = match super::flow(&call.flows(None), id, again).await? {
        Ok(shown) => shown,
        Err(response) => return Ok(response),
    };
    let (flow, container) = (&shown.flow, &shown.form);
    let look = FormContext { texts, focus: true, is_main: true };
    let is_sent = flow.state == FlowState::SentEmail;
    let content = html! {
        (look.messages(container))
        @if !is_sent { p.lead { (texts.word(Word::RecoveryLead)) } }
        (look.forms(container))
        p.more {
            a href=(to(FlowKind::Login, flow.return_to.as_deref())) { (texts.word(Word::ToLogin)) }
        }
    };
    // A code that an administrator gave out came by another way than mail.
    let is_mailed = is_sent && !flow.details.is_given;
    let title = if is_mailed { Word::CodeTitle } else { Word::RecoveryTitle };
    let mut response = ok(&call.card(title, flow.has_errors(), content));
    call.set_new_browser(&mut response, shown.new_cookie.as_deref())?;
    Ok(response)
}
