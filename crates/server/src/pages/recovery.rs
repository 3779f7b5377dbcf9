//! `GET /ui/recovery`: getting back into an account with a code by e-mail.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::html;
use sessera_accounts::flows::flow::{Flow, State as FlowState};
use sessera_store::FlowKind;

use super::form::Look;
use super::words::Word;
use super::{beginning, shown};
use crate::app::App;
use crate::error::ApiError;
use crate::public::caller::{Caller, Visit};
use crate::public::recovery;
use crate::request::Parameters;

pub(super) async fn get(State(app): State<Arc<App>>, caller: Caller, parameters: Parameters) -> Response {
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    shown(&visit, page(&visit, parameters.get("flow"))).await
}

async fn page(visit: &Visit<'_>, id: Option<&str>) -> Result<Response, ApiError> {
    let (rules, texts) = (visit.rules(), visit.texts());
    let to = |kind: FlowKind, return_to: Option<&str>| beginning(rules, kind, return_to);
    let again =
        |ended: Option<&Flow<_>>| to(FlowKind::Recovery, ended.and_then(|flow| flow.return_to.as_deref()));
    let flow = match super::flow(visit, id, again).await? {
        Ok(flow) => flow,
        Err(response) => return Ok(response),
    };
    let container = recovery::form(visit, &flow, None);
    let look = Look { texts, min_password: None, focus: true, is_main: true };
    let is_sent = flow.state == FlowState::SentEmail;
    let content = html! {
        (look.messages(&container))
        @if !is_sent { p.lead { (texts.word(Word::RecoveryLead)) } }
        (look.forms(&container))
        p.more {
            a href=(to(FlowKind::Login, flow.return_to.as_deref())) { (texts.word(Word::ToLogin)) }
        }
    };
    // A code that an administrator gave out came by another way than mail.
    let is_mailed = is_sent && !flow.details.is_given;
    let title = if is_mailed { Word::CodeTitle } else { Word::RecoveryTitle };
    Ok(visit.card(title, flow.has_errors(), content).into_response())
}
