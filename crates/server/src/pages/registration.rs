//! `GET /ui/registration`: signing up, in one form or in two.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::html;
use sessera_accounts::flows::flow::RegistrationStep;
use sessera_store::FlowKind;

use super::form::Look;
use super::words::Word;
use super::{beginning, shown};
use crate::app::App;
use crate::error::ApiError;
use crate::public::caller::{Caller, Visit};
use crate::public::registration;
use crate::request::Parameters;

pub(super) async fn get(State(app): State<Arc<App>>, caller: Caller, parameters: Parameters) -> Response {
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    shown(&visit, page(&visit, parameters.get("flow"))).await
}

async fn page(visit: &Visit<'_>, id: Option<&str>) -> Result<Response, ApiError> {
    let (rules, texts) = (visit.rules(), visit.texts());
    let to = |kind: FlowKind, return_to: Option<&str>| beginning(rules, kind, return_to);
    let again = |ended: Option<&sessera_accounts::flows::flow::Flow<_>>| {
        to(FlowKind::Registration, ended.and_then(|flow| flow.return_to.as_deref()))
    };
    let flow = match super::flow(visit, id, again).await? {
        Ok(flow) => flow,
        Err(response) => return Ok(response),
    };
    let container = registration::form(visit, &flow, None)?;
    let min_password = rules.password.map(|policy| policy.min_length);
    let look = Look { texts, min_password, focus: true, is_main: true };
    let title = match flow.details.step {
        RegistrationStep::Credentials if rules.registration_in_two_steps => Word::CredentialsTitle,
        _ => Word::RegistrationTitle,
    };
    let content = html! {
        (look.messages(&container))
        (look.forms(&container))
        p.more {
            (texts.word(Word::HaveAccount)) " "
            a href=(to(FlowKind::Login, flow.return_to.as_deref())) { (texts.word(Word::ToLogin)) }
        }
    };
    Ok(visit.card(title, flow.has_errors(), content).into_response())
}
