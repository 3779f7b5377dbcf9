//! `GET /ui/verification`: proving an address with a code by e-mail.

use axum::response::Response;
use maud::html;
use sessera_accounts::flows::flow::{Flow, State as FlowState, VerificationDetails};
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
    let again = |ended: Option<&Flow<VerificationDetails>>| {
        beginning(rules, FlowKind::Verification, ended.and_then(|flow| flow.return_to.as_deref()))
    };
    let shown = match super::flow(&call.flows(None), id, again).await? {
        Ok(shown) => shown,
        Err(response) => return Ok(response),
    };
    let (flow, container) = (&shown.flow, &shown.form);
    let look = FormContext { texts, focus: true, is_main: true };
    let content = html! {
        (look.messages(container))
        @if flow.state == FlowState::ChooseMethod { p.lead { (texts.word(Word::VerificationLead)) } }
        (look.forms(container))
    };
    let title = match flow.state {
        FlowState::PassedChallenge => Word::VerifiedTitle,
        FlowState::SentEmail => Word::CodeTitle,
        _ => Word::VerificationTitle,
    };
    Ok(ok(&call.card(title, flow.has_errors(), content)))
}
