//! The devices on the page of one's own account, and `POST /ui/settings/sessions`, which signs them out.

use axum::body::Bytes;
use axum::response::Response;
use maud::Markup;
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::{Flow, SettingsDetails};
use sessera_accounts::flows::settings;
use sessera_accounts::flows::skeleton::Kind as _;
use sessera_accounts::messages::Message;
use sessera_accounts::submission::{Submission, ValueKind};
use sessera_issuer::LiveSession;
use sessera_model::{Session, Uuid};
use sessera_pages::devices::{Devices, last_use};
use sessera_store::{Change, Page, SessionFilter};

use super::error::refused;
use crate::public::caller::Call;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{Parameters, parse_id};

/// How many other devices are shown; those used last come first.
const SHOWN: u32 = 50;

/// The list of a person's sessions, this browser's first.
pub(super) async fn section(
    call: &Call,
    live: &LiveSession,
    flow: Uuid,
    csrf_token: &str,
) -> Result<Markup, ApiError> {
    let page = Page { after: None, limit: SHOWN + 1 };
    let found = call.accounts.store.sessions(&others(call, live), &page).await?;
    let mut others: Vec<Session> = found.into_iter().map(|(one, _)| one).collect();
    let has_more = others.len() > SHOWN as usize;
    others.truncate(SHOWN as usize);
    others.sort_by_key(|session| std::cmp::Reverse(last_use(session)));
    let action = call.rules().url(&format!("ui/settings/sessions?flow={flow}"));
    let devices = Devices {
        this: &live.session,
        others: &others,
        has_more,
        now: call.now,
        action: &action,
        csrf_token,
    };
    Ok(devices.section(call.texts()))
}

/// `POST /ui/settings/sessions?flow=ID` with `session=ID` or `session=others`.
pub(super) async fn revoke(call: Call, parameters: Parameters, body: Bytes) -> Response {
    match try_revoke(&call, parameters.get("flow"), &body).await {
        Ok(response) => response,
        Err(error) => refused(&call, error).await,
    }
}

async fn try_revoke(call: &Call, id: Option<&str>, body: &[u8]) -> Result<Response, ApiError> {
    let live = call.session().await?;
    let flows = call.flows(live.as_deref());
    settings::session(&flows).await?;
    let live = live.as_deref().ok_or(FlowError::NotSignedIn)?;
    call.require_assurance(live).await?;
    let flow: Flow<SettingsDetails> = flows.visit.flow(id).await?;
    SettingsDetails::check_owner(&flows, &flow)?;
    let refuse = |message: Message| ApiError::bad_request(message.text());
    let body = call.body(body);
    let submission =
        Submission::decode(body.content_type, body.bytes, |_| ValueKind::Text).map_err(refuse)?;
    if let Some(message) = flows.visit.check_submission(&flow, submission.csrf_token())? {
        return Err(refuse(message));
    }
    let change = match submission.text("session").map_err(refuse)? {
        Some("others") => Change::RevokeSessions(others(call, live)),
        Some(id) => Change::RevokeSession { id: parse_id(id)?, of: Some(live.session.identity_id) },
        None => return Err(ApiError::bad_request("The form does not say which session to end.")),
    };
    call.accounts.committer.commit(&[change]).await?;
    answer::see_other(
        &call.rules().url(&format!("ui/settings?flow={}&done=revoked#section-sessions", flow.id)),
    )
}

fn others(call: &Call, live: &LiveSession) -> SessionFilter {
    SessionFilter {
        identity_id: Some(live.session.identity_id),
        except: Some(live.session.id),
        live: Some((true, call.now)),
    }
}
