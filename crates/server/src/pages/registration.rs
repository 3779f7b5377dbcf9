//! `GET /ui/registration`: signing up, in one form or in two.

use axum::response::Response;
use maud::html;
use sessera_accounts::flows::flow::{Flow, RegistrationDetails, RegistrationStep};
use sessera_store::FlowKind;

use super::{beginning, ok, shown};
use crate::error::ApiError;
use crate::public::caller::Call;
use crate::request::Parameters;
use sessera_pages::Look;
use sessera_pages::Word;

pub(super) async fn get(call: Call, parameters: Parameters) -> Response {
    shown(&call, page(&call, parameters.get("flow"))).await
}

async fn page(call: &Call, id: Option<&str>) -> Result<Response, ApiError> {
    let (rules, texts) = (call.rules(), call.texts());
    let to = |kind: FlowKind, return_to: Option<&str>| beginning(rules, kind, return_to);
    let again = |ended: Option<&Flow<RegistrationDetails>>| {
        to(FlowKind::Registration, ended.and_then(|flow| flow.return_to.as_deref()))
    };
    let shown = match super::flow(&call.flows(None), id, again).await? {
        Ok(shown) => shown,
        Err(response) => return Ok(response),
    };
    let (flow, container) = (&shown.flow, &shown.form);
    let look = Look { texts, focus: true, is_main: true };
    let title = match flow.details.step {
        RegistrationStep::Credentials if rules.registration_in_two_steps => Word::CredentialsTitle,
        _ => Word::RegistrationTitle,
    };
    let content = html! {
        (look.messages(container))
        (look.forms(container))
        p.more {
            (texts.word(Word::HaveAccount)) " "
            a href=(to(FlowKind::Login, flow.return_to.as_deref())) { (texts.word(Word::ToLogin)) }
        }
    };
    Ok(ok(&call.card(title, flow.has_errors(), content)))
}
