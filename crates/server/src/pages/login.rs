//! `GET /ui/login`: signing in, signing in again, and the second factor.

use axum::response::Response;
use maud::{Markup, html};
use sessera_accounts::flows::flow::{Flow, LoginDetails, State};
use sessera_accounts::ui::{Attributes, Container, InputKind};
use sessera_model::AssuranceLevel;
use sessera_store::FlowKind;

use super::{beginning, logout, ok, shown};
use crate::public::caller::Call;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Parameters;
use sessera_pages::Word;
use sessera_pages::form::{FormContext, has_script};

pub(super) async fn get(call: Call, parameters: Parameters) -> Response {
    shown(&call, page(&call, parameters.get("flow"))).await
}

async fn page(call: &Call, id: Option<&str>) -> Result<Response, ApiError> {
    let shown = match super::flow(&call.flows(None), id, |ended| again(call, ended)).await? {
        Ok(shown) => shown,
        Err(response) => return Ok(response),
    };
    let (flow, container) = (&shown.flow, &shown.form);
    let texts = call.texts();
    let look = FormContext { texts, focus: true, is_main: true };
    let is_second = flow.details.requested_aal > AssuranceLevel::Aal1;
    let title = if is_second {
        Word::SecondFactorTitle
    } else if flow.state == State::SentEmail {
        Word::CodeTitle
    } else if flow.details.refresh {
        Word::RefreshTitle
    } else {
        Word::LoginTitle
    };
    let as_whom = if flow.details.refresh { Word::RefreshAs } else { Word::LoginAs };
    let sign_out = if is_second || flow.details.refresh { logout::form(call, "link").await? } else { None };
    let content = html! {
        (look.messages(container))
        @if let Some(identifier) = known_identifier(container).filter(|_| !is_second) {
            p.who { (texts.word(as_whom)) " " strong { (identifier) } }
        }
        @if is_second && !asks_for_something(container) {
            p { (texts.word(Word::NoSecondFactor)) }
            p.more {
                a href=(beginning(call.rules(), FlowKind::Settings, flow.return_to.as_deref())) {
                    (texts.word(Word::SetUpSecondFactor))
                }
            }
        } @else {
            (look.forms(container))
        }
        @if let Some(form) = sign_out {
            div.more { (form) }
        } @else if !is_second && !flow.details.refresh {
            (links(call, flow))
        }
    };
    let mut page = call.card(title, flow.has_errors(), content);
    page.has_script = has_script(container);
    Ok(ok(&page))
}

/// Where a flow begins that takes the place of one that has ended.
fn again(call: &Call, ended: Option<&Flow<LoginDetails>>) -> String {
    let return_to = ended.and_then(|flow| flow.return_to.as_deref());
    let mut url = beginning(call.rules(), FlowKind::Login, return_to);
    let mut ask = |parameter: &str| {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(parameter);
    };
    if ended.is_some_and(|flow| flow.details.requested_aal > AssuranceLevel::Aal1) {
        ask("aal=aal2");
    }
    if ended.is_some_and(|flow| flow.details.refresh) {
        ask("refresh=true");
    }
    url
}

/// Whether a form has anything for a person to do.
fn asks_for_something(container: &Container) -> bool {
    let is_hidden = |attributes: &Attributes| matches!(attributes, Attributes::Input(input) if input.kind == InputKind::Hidden);
    container.nodes.iter().any(|node| !is_hidden(&node.attributes))
}

/// Who signs in again or was named before: their identifier is not asked for, so it is shown.
fn known_identifier(container: &Container) -> Option<&str> {
    container.nodes.iter().find_map(|node| match &node.attributes {
        Attributes::Input(input) if input.name == "identifier" && input.kind == InputKind::Hidden => {
            input.value.as_ref()?.as_str()
        }
        _ => None,
    })
}

fn links(call: &Call, flow: &Flow<LoginDetails>) -> Markup {
    let (rules, texts) = (call.rules(), call.texts());
    let to = |kind: FlowKind| beginning(rules, kind, flow.return_to.as_deref());
    html! {
        @if rules.recovers() {
            p.more { a href=(to(FlowKind::Recovery)) { (texts.word(Word::ToRecovery)) } }
        }
        @if rules.registration.enabled {
            p.more {
                (texts.word(Word::NoAccount)) " "
                a href=(to(FlowKind::Registration)) { (texts.word(Word::ToRegistration)) }
            }
        }
    }
}
