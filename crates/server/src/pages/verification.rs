//! `GET /ui/verification`: proving an address with a code by e-mail.

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
use crate::public::verification;
use crate::request::Parameters;

pub(super) async fn get(State(app): State<Arc<App>>, caller: Caller, parameters: Parameters) -> Response {
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    shown(&visit, page(&visit, parameters.get("flow"))).await
}

async fn page(visit: &Visit<'_>, id: Option<&str>) -> Result<Response, ApiError> {
    let (rules, texts) = (visit.rules(), visit.texts());
    let again = |ended: Option<&Flow<_>>| {
        beginning(rules, FlowKind::Verification, ended.and_then(|flow| flow.return_to.as_deref()))
    };
    let flow = match super::flow(visit, id, again).await? {
        Ok(flow) => flow,
        Err(response) => return Ok(response),
    };
    let container = verification::form(visit, &flow, None);
    let look = Look { texts, min_password: None, focus: true, is_main: true };
    let content = html! {
        (look.messages(&container))
        @if flow.state == FlowState::ChooseMethod { p.lead { (texts.word(Word::VerificationLead)) } }
        (look.forms(&container))
    };
    let title = match flow.state {
        FlowState::PassedChallenge => Word::VerifiedTitle,
        FlowState::SentEmail => Word::CodeTitle,
        _ => Word::VerificationTitle,
    };
    Ok(visit.card(title, flow.has_errors(), content).into_response())
}
