//! People and their sessions: found by how they sign in, ended, disabled, let in again.

mod change;

pub use change::{Code, PersonChange, TYPED, before, code, ended};

use maud::{Markup, html};
use sessera_model::{Identity, IdentityState, Session, Uuid};

use crate::page::{Frame, Section, minutes};
use crate::templates::preview::{self, Outcome};
use crate::words::Word;

/// The address at which everybody's sessions are ended.
pub const EVERYBODY: &str = "/console/everybody";

/// The address of a person.
pub fn address(identity: Uuid) -> String {
    format!("{}/{identity}", Section::People.path())
}

/// The address of a session.
pub fn session_address(session: Uuid) -> String {
    format!("/console/sessions/{session}")
}

/// What a search has found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What was searched for; nothing before that.
    pub whom: &'a str,
    /// Who was found.
    pub people: &'a [Identity],
    /// Whether there are more.
    pub has_more: bool,
}

/// The page that searches.
pub fn search(frame: &Frame<'_>, found: Found<'_>, may_change: bool) -> Markup {
    let title = frame.word(Word::People);
    let content = html! {
        header {
            h1 { (title) }
            @if may_change { a.button.quiet href=(EVERYBODY) { (frame.word(Word::Everybody)) } }
        }
        p.soft { (frame.word(Word::PeopleLead)) }
        section.sheet {
            form method="get" action=(Section::People.path()) role="search" {
                div.field {
                    label for="whom" { (frame.word(Word::SearchFor)) }
                    input id="whom" name="whom" type="search" value=(found.whom) autocomplete="off" autocapitalize="none"
                        spellcheck="false";
                }
                div.buttons { button type="submit" { (frame.word(Word::Search)) } }
            }
        }
        @if !found.whom.is_empty() { (people(frame, found)) }
    };
    frame.document(title, content)
}

fn people(frame: &Frame<'_>, found: Found<'_>) -> Markup {
    html! {
        section.sheet {
            @if found.people.is_empty() {
                p role="status" { (frame.word(Word::FoundNobody)) }
            } @else {
                table {
                    (frame.head(&[Word::Name, Word::State, Word::Traits]))
                    tbody {
                        @for person in found.people {
                            tr {
                                th scope="row" { a href=(address(person.id)) { (called(person)) } }
                                td { (state(frame, person.state)) }
                                td.mono { (person.traits.to_string()) }
                            }
                        }
                    }
                }
                @if found.has_more { p.soft { (frame.word(Word::FoundMore)) } }
            }
        }
    }
}

/// How a person is called here: by an address, else by the id.
fn called(person: &Identity) -> String {
    person.verifiable_addresses.first().map_or_else(|| person.id.to_string(), |address| address.value.clone())
}

fn state(frame: &Frame<'_>, state: IdentityState) -> Markup {
    match state {
        IdentityState::Active => html! { span.tag.good { (frame.word(Word::MayActive)) } },
        IdentityState::Inactive => html! { span.tag.wrong { (frame.word(Word::MayNot)) } },
    }
}

/// A person with their sessions.
pub fn person(
    frame: &Frame<'_>,
    person: &Identity,
    sessions: &[Session],
    may_change: bool,
    is_done: bool,
) -> Markup {
    let title = called(person);
    let own = address(person.id);
    let toggle = match person.state {
        IdentityState::Active => ("disable", Word::Disable),
        IdentityState::Inactive => ("enable", Word::Enable),
    };
    let content = html! {
        p.soft { a href=(Section::People.path()) { (frame.word(Word::People)) } }
        header {
            h1 { (title) " " (state(frame, person.state)) }
            @if may_change {
                div.buttons {
                    a.button.quiet href=(format!("{own}/recovery")) { (frame.word(Word::Recovery)) }
                    a.button.quiet href=(format!("{own}/{}", toggle.0)) { (frame.word(toggle.1)) }
                    a.button.quiet href=(format!("{own}/end")) { (frame.word(Word::EndAll)) }
                }
            }
        }
        @if is_done { p.done role="status" { (frame.word(Word::Done)) } }
        @if !may_change { p.soft { (frame.word(Word::OperatorsOnly)) } }
        div.two {
            section.sheet aria-labelledby="traits" {
                h2 id="traits" { (frame.word(Word::Traits)) }
                p.mono.soft { (person.id) }
                pre tabindex="0" { (serde_json::to_string_pretty(&person.traits).unwrap_or_default()) }
            }
            section.sheet aria-labelledby="sessions" {
                h2 id="sessions" { (frame.word(Word::Sessions)) }
                @if sessions.is_empty() {
                    p.soft { (frame.word(Word::SessionsNone)) }
                } @else {
                    (table(frame, sessions, person.state))
                }
            }
        }
    };
    frame.document(&title, content)
}

fn table(frame: &Frame<'_>, sessions: &[Session], of: IdentityState) -> Markup {
    html! {
        table {
            (frame.head(&[Word::Began, Word::State, Word::SessionFrom]))
            tbody {
                @for session in sessions {
                    tr {
                        th scope="row" {
                            a href=(session_address(session.id)) { (minutes(session.issued_at)) }
                        }
                        td { (live(frame, session, of)) }
                        td { (from(session)) }
                    }
                }
            }
        }
    }
}

/// Whether a session opens anything. That of a disabled person does not, and does again when they are let in again.
fn live(frame: &Frame<'_>, session: &Session, of: IdentityState) -> Markup {
    match of {
        _ if !session.is_live(frame.now) => html! { span.tag { (frame.word(Word::SessionOver)) } },
        IdentityState::Active => html! { span.tag.good { (frame.word(Word::SessionLive)) } },
        IdentityState::Inactive => state(frame, of),
    }
}

/// From which address and program a session was used last.
fn from(session: &Session) -> String {
    session
        .devices
        .last()
        .map_or_else(String::new, |device| format!("{} {}", device.ip_address, device.user_agent))
}

/// A session with what its tokens would be.
pub fn session(
    frame: &Frame<'_>,
    session: &Session,
    person: &Identity,
    tokens: &[(String, Outcome)],
    may_change: bool,
) -> Markup {
    let title = frame.word(Word::Session);
    let content = html! {
        p.soft { a href=(address(person.id)) { (called(person)) } }
        header {
            h1 { (title) " " (live(frame, session, person.state)) }
            @if may_change && session.is_live(frame.now) {
                a.button.quiet href=(format!("{}/end", session_address(session.id))) { (frame.word(Word::EndOne)) }
            }
        }
        section.sheet {
            p.mono.soft { (session.id) }
            table {
                tbody {
                    tr { th scope="row" { (frame.word(Word::Began)) } td { (minutes(session.issued_at)) } }
                    tr { th scope="row" { (frame.word(Word::EndsAt)) } td { (minutes(session.expires_at)) } }
                    tr { th scope="row" { (frame.word(Word::SessionFrom)) } td { (from(session)) } }
                }
            }
        }
        h2 { (frame.word(Word::TokensOf)) }
        @for (name, outcome) in tokens {
            section.sheet {
                details {
                    summary { (name) }
                    (preview::shown(frame, outcome))
                }
            }
        }
    };
    frame.document(title, content)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sessera_model::{Actor, Timestamp};

    use super::*;
    use crate::page::tests::frame;
    use crate::templates::preview::Fault;

    #[test]
    fn a_session_of_a_disabled_person_is_not_called_live() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let mut somebody = Identity::new(Uuid::nil(), "default", json!({}), frame.now);
        let one = Session::new(Uuid::nil(), somebody.id, frame.now, Timestamp::MAX);
        let shown = |somebody: &Identity| {
            let list = person(&frame, somebody, std::slice::from_ref(&one), true, false);
            let page = session(&frame, &one, somebody, &[], true);
            [list, page].map(maud::Markup::into_string)
        };
        for page in shown(&somebody) {
            assert!(page.contains(">live<") && !page.contains(">disabled<"), "{page}");
        }
        somebody.state = IdentityState::Inactive;
        for page in shown(&somebody) {
            assert!(!page.contains(">live<") && page.contains(">disabled<"), "{page}");
        }
    }

    #[test]
    fn traits_devices_and_reasons_are_escaped() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let traits = json!({"name": "<script>x"});
        let person = Identity::new(Uuid::nil(), "default", traits, frame.now);
        let one = Session::new(Uuid::nil(), person.id, frame.now, Timestamp::MAX);
        let found = Found { whom: "<b>", people: std::slice::from_ref(&person), has_more: true };
        let tokens = [("<t>".to_owned(), Outcome::Failed(Fault::of("<i>".into())))];
        for page in [
            search(&frame, found, true),
            super::person(&frame, &person, std::slice::from_ref(&one), true, true),
            session(&frame, &one, &person, &tokens, true),
        ] {
            let page = page.into_string();
            for raw in ["<script>x", "<b>", "<t>", "<i>"] {
                assert!(!page.contains(raw), "{raw}: {page}");
            }
        }
    }
}
