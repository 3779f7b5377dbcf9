//! The list of a person's sessions, this browser's first.

use maud::{Markup, html};
use sessera_model::{Session, Timestamp};

use crate::words::{Texts, Word, device};

/// What the list shows.
#[derive(Clone, Copy, Debug)]
pub struct Devices<'a> {
    /// The session of this browser.
    pub this: &'a Session,
    /// The others, of which those that were used last come first.
    pub others: &'a [Session],
    /// Whether there are more than these.
    pub has_more: bool,
    /// The time of now.
    pub now: Timestamp,
    /// Where the form is submitted that ends sessions.
    pub action: &'a str,
    /// The token of that form.
    pub csrf_token: &'a str,
}

impl Devices<'_> {
    /// The section of the page.
    pub fn section(&self, texts: &Texts) -> Markup {
        let Self { this, others, has_more, now, action, csrf_token } = *self;
        html! {
            section.part aria-labelledby="section-sessions" {
                div.about {
                    h2 id="section-sessions" { (texts.word(Word::SessionsTitle)) }
                    p { (texts.word(Word::SessionsLead)) }
                }
                form action=(action) method="post" {
                    input type="hidden" name="csrf_token" value=(csrf_token);
                    ul.sessions {
                        (entry(texts, now, now, this, false))
                        @for session in others { (entry(texts, now, last_use(session), session, true)) }
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
        }
    }
}

/// When a session was last used. A short time after signing in nothing else is noted.
pub fn last_use(session: &Session) -> Timestamp {
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
pub fn ago(texts: &Texts, at: Timestamp, now: Timestamp) -> String {
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
