//! The devices on the page of one's own account, and `POST /ui/settings/sessions`, which signs them out.

use axum::body::Bytes;
use axum::response::Response;
use maud::{Markup, html};
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::{Flow, SettingsDetails};
use sessera_accounts::flows::settings;
use sessera_accounts::flows::skeleton::Kind as _;
use sessera_accounts::messages::Message;
use sessera_accounts::submission::{Submission, ValueKind};
use sessera_issuer::LiveSession;
use sessera_model::{Session, Timestamp, Uuid};
use sessera_store::{Change, Page, SessionFilter};

use super::error::refused;
use crate::answer;
use crate::error::ApiError;
use crate::public::caller::Call;
use crate::request::{Parameters, parse_id};
use crate::words::{Texts, Word, device};

/// How many other devices are shown; those used last come first.
const SHOWN: u32 = 50;

/// The list of a person's sessions, this browser's first.
pub(super) async fn section(
    call: &Call,
    live: &LiveSession,
    flow: Uuid,
    csrf_token: &str,
) -> Result<Markup, ApiError> {
    let texts = call.texts();
    let page = Page { after: None, limit: SHOWN + 1 };
    let mut others: Vec<Session> = call
        .accounts
        .store
        .sessions(&others(call, live), &page)
        .await?
        .into_iter()
        .map(|(one, _)| one)
        .collect();
    let has_more = others.len() > SHOWN as usize;
    others.truncate(SHOWN as usize);
    others.sort_by_key(|session| std::cmp::Reverse(last_use(session)));
    let action = call.rules().url(&format!("ui/settings/sessions?flow={flow}"));
    Ok(html! {
        section.part aria-labelledby="section-sessions" {
            div.about {
                h2 id="section-sessions" { (texts.word(Word::SessionsTitle)) }
                p { (texts.word(Word::SessionsLead)) }
            }
            form action=(action) method="post" {
                input type="hidden" name="csrf_token" value=(csrf_token);
                ul.sessions {
                    (entry(texts, call.now, call.now, &live.session, false))
                    @for session in &others { (entry(texts, call.now, last_use(session), session, true)) }
                }
                @if others.is_empty() { p.hint { (texts.word(Word::SessionsNone)) } }
                @if has_more { p.hint { (texts.word(Word::SessionsMore)) } }
                @if !others.is_empty() {
                    div.buttons {
                        button.quiet type="submit" name="session" value="others" {
                            (texts.word(Word::SessionsRevokeOthers))
                        }
                    }
                }
            }
        }
    })
}

/// When a session was last used. A short time after signing in nothing else is noted.
fn last_use(session: &Session) -> Timestamp {
    session.last_used_at.map_or(session.authenticated_at, |noted| noted.max(session.authenticated_at))
}

fn entry(texts: &Texts, now: Timestamp, used: Timestamp, session: &Session, is_other: bool) -> Markup {
    let newest = session.devices.last();
    let name = device::name(texts, newest.map_or("", |device| device.user_agent.as_str()));
    let address = newest.map_or("", |device| device.ip_address.as_str());
    let used_text = texts.filled(Word::SessionsUsed, &[("time", &ago(texts, used, now))]);
    html! {
        li {
            div {
                p.name { (name) @if !is_other { " " span.badge { (texts.word(Word::SessionsThis)) } } }
                p.hint {
                    @if !address.is_empty() { (address) " · " }
                    time datetime=(used) { (used_text) }
                }
            }
            @if is_other {
                button.quiet type="submit" name="session" value=(session.id)
                    aria-label=(texts.filled(Word::SessionsRevokeOf, &[("device", &name)])) {
                    (texts.word(Word::SessionsRevoke))
                }
            }
        }
    }
}

/// How long ago a time was, and the day when it was long ago.
fn ago(texts: &Texts, at: Timestamp, now: Timestamp) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let count = |word: Word, count: u64| texts.filled(word, &[("count", &count.to_string())]);
    match now.since(at).as_secs() {
        0..MINUTE => texts.word(Word::TimeNow).to_owned(),
        seconds @ MINUTE..HOUR => count(Word::TimeMinutes, seconds / MINUTE),
        seconds @ HOUR..DAY => count(Word::TimeHours, seconds / HOUR),
        seconds if seconds < 2 * DAY => texts.word(Word::TimeYesterday).to_owned(),
        seconds if seconds < 14 * DAY => count(Word::TimeDays, seconds / DAY),
        _ => {
            let date = at.to_string();
            texts.filled(Word::TimeDate, &[("date", date.get(..10).unwrap_or_default())])
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_accounts::language::Language;

    #[test]
    fn times_are_said_as_people_say_them() {
        let english = Texts::of(Language::En);
        let now = Timestamp::from_seconds(1_800_000_000);
        for (seconds, text) in [
            (0, "just now"),
            (61, "1 min ago"),
            (7300, "2 h ago"),
            (90_000, "yesterday"),
            (3 * 86_400, "3 days ago"),
            (30 * 86_400, "on 2026-12-16"),
        ] {
            let at = Timestamp::from_seconds(1_800_000_000 - seconds);
            assert_eq!(ago(english, at, now), text);
        }
    }
}
