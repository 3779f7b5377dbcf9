//! `GET /ui/settings`: one's own account: profile, password, second factors, devices.

use axum::response::Response;
use maud::{Markup, html};
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::{Flow, SettingsDetails};
use sessera_accounts::flows::settings;
use sessera_accounts::messages::common;
use sessera_accounts::ui::{Container, Group};
use sessera_store::FlowKind;

use super::account::account;
use super::error::refused;
use super::{beginning, logout, ok, sessions};
use crate::public::caller::Call;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Parameters;
use sessera_pages::form::{FormContext, groups, has_script};
use sessera_pages::{Page, Width, Word};

pub(super) async fn get(call: Call, parameters: Parameters) -> Response {
    match page(&call, &parameters).await {
        Ok(response) => response,
        Err(error) => refused(&call, error).await,
    }
}

async fn page(call: &Call, parameters: &Parameters) -> Result<Response, ApiError> {
    let (rules, texts) = (call.rules(), call.texts());
    let live = call.session().await?;
    let flows = call.flows(live.as_deref());
    settings::session(&flows).await?;
    let live = live.as_deref().ok_or(FlowError::NotSignedIn)?;
    let again = |ended: Option<&Flow<SettingsDetails>>| {
        beginning(rules, FlowKind::Settings, ended.and_then(|flow| flow.return_to.as_deref()))
    };
    let shown = match super::flow(&flows, parameters.get("flow"), again).await? {
        Ok(shown) => shown,
        Err(response) => return Ok(response),
    };
    let (flow, container) = (&shown.flow, &shown.form);
    let account = account(call, flow.details.identity_id).await?;
    let look = FormContext { texts, focus: false, is_main: true };
    let mut groups = groups(container);
    // Backup codes stand in for the app, so they come behind it.
    groups.sort_by_key(|group| *group == Group::LOOKUP_SECRET);
    if flow.messages.iter().any(|message| message.id == common::RECOVERED) {
        // Who has recovered the account comes for a new password.
        groups.sort_by_key(|group| *group != Group::PASSWORD);
    }
    // What listing sessions asks for may be more than what settings ask for.
    let devices = match call.require_assurance(live).await {
        Ok(()) => sessions::section(call, live, flow.id, &flows.visit.form_token(flow, None)).await?,
        Err(_) => html! {},
    };
    let content = html! {
        h1 { (texts.word(Word::SettingsTitle)) }
        (look.messages(container))
        @if parameters.get("done") == Some("revoked") {
            div.notice.success role="status" { p { (texts.word(Word::SessionsRevoked)) } }
        }
        @for group in groups { (section(look, container, group)) }
        (devices)
    };
    let sign_out = logout::form(call, "quiet").await?;
    let aside = html! {
        div.account { span { (account) } @if let Some(form) = sign_out { (form) } }
    };
    let page = Page {
        texts,
        rules,
        branding: &call.snapshot.branding,
        title: texts.word(Word::SettingsTitle).to_owned(),
        has_errors: flow.has_errors(),
        width: Width::Wide,
        aside: Some(aside),
        has_script: has_script(container),
        content,
    };
    Ok(ok(&page))
}

fn section(look: FormContext<'_>, container: &Container, group: Group) -> Markup {
    let is_linked = container.nodes.iter().any(|node| node.name() == "totp_unlink");
    let (id, title, lead) = match group {
        Group::PROFILE => ("profile", Word::ProfileTitle, Word::ProfileLead),
        Group::PASSWORD => ("password", Word::PasswordTitle, Word::PasswordLead),
        Group::TOTP if is_linked => ("totp", Word::TotpTitle, Word::TotpLinked),
        Group::TOTP => ("totp", Word::TotpTitle, Word::TotpLead),
        Group::LOOKUP_SECRET => ("lookup", Word::LookupTitle, Word::LookupLead),
        Group::WEBAUTHN => ("security-keys", Word::SecurityKeysTitle, Word::SecurityKeysLead),
        Group::PASSKEY => ("passkeys", Word::PasskeysTitle, Word::PasskeysLead),
        Group::OIDC => ("providers", Word::ProvidersTitle, Word::ProvidersLead),
        // The fields of a method that the pages have no words for explain themselves.
        _ => return html! { section.part { div.about {} (look.form_of(container, group)) } },
    };
    let heading = format!("section-{id}");
    html! {
        section.part aria-labelledby=(heading) {
            div.about {
                h2 id=(heading) { (look.texts.word(title)) }
                p { (look.texts.word(lead)) }
            }
            (look.form_of(container, group))
        }
    }
}
