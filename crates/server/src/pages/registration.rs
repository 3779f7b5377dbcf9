//! `GET /ui/registration`: signing up, in one form or in two.

use axum::response::Response;
use maud::html;
use sessera_accounts::flows::flow::{Flow, RegistrationDetails, RegistrationStep, State};
use sessera_accounts::ui::Group;
use sessera_store::FlowKind;

use super::{beginning, ok, shown};
use crate::public::caller::Call;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Parameters;
use sessera_pages::Word;
use sessera_pages::form::{FormContext, groups, has_script};

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
    let look = FormContext { texts, focus: true, is_main: true };
    let title = match flow.details.step {
        _ if flow.state == State::SentEmail => Word::CodeTitle,
        RegistrationStep::Credentials if rules.registration_in_two_steps => {
            let is_about_passwords = |group: &Group| matches!(*group, Group::PASSWORD | Group::PROFILE);
            let only_passwords = groups(container).iter().all(is_about_passwords);
            if only_passwords { Word::CredentialsTitle } else { Word::WaysTitle }
        }
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
    let mut page = call.card(title, flow.has_errors(), content);
    page.has_script = has_script(container);
    Ok(ok(&page))
}
