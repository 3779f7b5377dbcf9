//! Key sets: the list, each with its keys on a line of time, and a page before each change that says what it means for
//! verifiers.

mod change;
mod timeline;

pub use change::{KeyChange, page as before};

use maud::{Markup, html};
use sessera_model::{GoDuration, Timestamp};
use sessera_rotation::{Schedule, State, Timing};

use crate::page::{Frame, Section, minutes, segment};
use crate::words::Word;

/// A key set.
#[derive(Clone, Debug)]
pub struct KeySet {
    /// Its name.
    pub name: String,
    /// The algorithm of its keys.
    pub algorithm: String,
    /// Its keys.
    pub keys: Keys,
    /// The templates that sign with it.
    pub templates: Vec<String>,
}

/// The keys of a set.
#[derive(Clone, Debug)]
pub enum Keys {
    /// They rotate by themselves.
    Managed(Schedule, Timing),
    /// Their ids in the order of their owner, with the time at which each was made. The first one signs.
    Own(Vec<(String, Timestamp)>),
}

/// The address of a set.
pub fn address(set: &str) -> String {
    format!("{}/{}", Section::Keys.path(), segment(set))
}

/// The address of what can be done with a key of a set.
pub(crate) fn key_address(set: &str, what: &str, kid: &str) -> String {
    format!("{}/{what}/{}", address(set), segment(kid))
}

/// The list.
pub fn list(frame: &Frame<'_>, sets: &[KeySet], may_change: bool) -> Markup {
    let title = frame.word(Word::Keys);
    let content = html! {
        header {
            h1 { (title) }
            @if may_change { a.button href=(change::NEW) { (frame.word(Word::NewKeys)) } }
        }
        p.soft { (frame.word(Word::KeysLead)) }
        section.sheet {
            @if sets.is_empty() {
                p { (frame.word(Word::KeysEmpty)) }
            } @else {
                table {
                    (frame.head(&[Word::Name, Word::State, Word::UsedBy]))
                    tbody {
                        @for set in sets {
                            tr {
                                th scope="row" { a href=(address(&set.name)) { (set.name) } }
                                td { (tags(frame, set)) }
                                td { (templates(frame, set)) }
                            }
                        }
                    }
                }
            }
        }
    };
    frame.document(title, content)
}

fn tags(frame: &Frame<'_>, set: &KeySet) -> Markup {
    html! {
        span.tag.info { (set.algorithm) } " "
        @match &set.keys {
            Keys::Managed(schedule, _) => span.tag.good { (rotates(frame, schedule.period)) },
            Keys::Own(_) => span.tag { (frame.word(Word::OwnOrder)) },
        }
    }
}

fn rotates(frame: &Frame<'_>, period: GoDuration) -> String {
    frame.filled(Word::Rotates, &[("period", &period.to_string())])
}

fn templates(frame: &Frame<'_>, set: &KeySet) -> Markup {
    html! {
        @if set.templates.is_empty() { span.soft { (frame.word(Word::UsedByNone)) } }
        @for (place, name) in set.templates.iter().enumerate() {
            @if place > 0 { ", " }
            a href=(crate::templates::address(name)) { (name) }
        }
    }
}

/// A set with its keys.
pub fn page(frame: &Frame<'_>, set: &KeySet, may_change: bool, is_done: bool) -> Markup {
    let content = html! {
        p.soft { a href=(Section::Keys.path()) { (frame.word(Word::Keys)) } }
        header {
            h1 { (set.name) " " (tags(frame, set)) }
            @if may_change {
                @match &set.keys {
                    Keys::Managed(..) => {
                        a.button.quiet href=(format!("{}/rotate", address(&set.name))) { (frame.word(Word::Rotate)) }
                    }
                    Keys::Own(_) => {
                        a.button.quiet href=(format!("{}/adopt", address(&set.name))) { (frame.word(Word::Adopt)) }
                    }
                }
            }
        }
        @if is_done { p.done role="status" { (frame.word(Word::Done)) } }
        p { (frame.word(Word::UsedBy)) ": " (templates(frame, set)) }
        @match &set.keys {
            Keys::Managed(schedule, timing) => {
                (timeline::picture(frame, schedule, timing))
                (managed(frame, set, schedule, timing, may_change))
            }
            Keys::Own(keys) => (own(frame, set, keys, may_change)),
        }
        @if !may_change { p.soft { (frame.word(Word::OwnersOnly)) } }
    };
    frame.document(&set.name, content)
}

fn managed(
    frame: &Frame<'_>,
    set: &KeySet,
    schedule: &Schedule,
    timing: &Timing,
    may_change: bool,
) -> Markup {
    let lives = timeline::lives(schedule, timing, frame.now);
    let at = |time: Option<Timestamp>| time.map(minutes).unwrap_or_default();
    html! {
        section.sheet {
            table {
                (frame.head(&[Word::Key, Word::State, Word::Published, Word::SignsFrom, Word::GoneAt, Word::Action]))
                tbody {
                    @for life in lives.iter().rev() {
                        tr {
                            th.mono scope="row" { (life.key.kid) }
                            td { (state(frame, life.state)) }
                            td { (minutes(life.key.published_at)) }
                            td { (minutes(life.key.activates_at)) }
                            td { (at(life.gone.or(life.key.revoked_at))) }
                            td {
                                @if may_change && life.state.is_published() {
                                    a href=(key_address(&set.name, "revoke", &life.key.kid)) {
                                        (frame.word(Word::Revoke))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn state(frame: &Frame<'_>, state: State) -> Markup {
    match state {
        State::Prepared => html! { span.tag.info { (frame.word(Word::KeyPrepared)) } },
        State::Active => html! { span.tag.good { (frame.word(Word::KeyActive)) } },
        State::Retiring => html! { span.tag { (frame.word(Word::KeyRetiring)) } },
        State::Retired => html! { span.tag { (frame.word(Word::KeyRetired)) } },
        State::Revoked => html! { span.tag.wrong { (frame.word(Word::KeyRevoked)) } },
    }
}

fn own(frame: &Frame<'_>, set: &KeySet, keys: &[(String, Timestamp)], may_change: bool) -> Markup {
    html! {
        section.sheet {
            table {
                (frame.head(&[Word::Key, Word::State, Word::Published, Word::Action]))
                tbody {
                    @for (place, (kid, made)) in keys.iter().enumerate() {
                        tr {
                            th.mono scope="row" { (kid) }
                            td {
                                @if place == 0 {
                                    span.tag.good { (frame.word(Word::KeyFirst)) }
                                } @else {
                                    span.tag { (frame.word(Word::KeyOther)) }
                                }
                            }
                            td { (minutes(*made)) }
                            td {
                                @if may_change && place > 0 {
                                    a href=(key_address(&set.name, "promote", kid)) { (frame.word(Word::Promote)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sessera_model::Actor;

    use super::*;
    use crate::page::tests::frame;

    /// A set whose keys rotate every thirty days, with a key that signs and one that is prepared.
    pub(super) fn managed(now: Timestamp) -> (Schedule, Timing) {
        let duration = |seconds: u64| GoDuration::new(Duration::from_secs(seconds));
        let timing = Timing { lease: duration(10), skew: duration(10), max_age: duration(300) };
        let mut schedule = Schedule::new(duration(30 * 86_400), &timing, now).expect("fits");
        schedule.add("<first>".into(), now, duration(600), now);
        schedule.add("second".into(), now + Duration::from_hours(30 * 24), duration(600), now);
        (schedule, timing)
    }

    #[test]
    fn a_set_is_shown_with_the_states_of_its_keys() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let (schedule, timing) = managed(frame.now);
        let set = KeySet {
            name: "<set>".into(),
            algorithm: "ES256".into(),
            keys: Keys::Managed(schedule, timing),
            templates: vec!["<t>".into()],
        };
        let shown = page(&frame, &set, true, false).into_string();
        for raw in ["<first>", "<set>", "<t>"] {
            assert!(!shown.contains(raw), "{raw}: {shown}");
        }
        for text in [
            "prepared",
            ">signs<",
            "/console/keys/%3Cset%3E/revoke/%3Cfirst%3E",
            "<svg",
            "rotates every 720h",
        ] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        let viewed = page(&frame, &set, false, false).into_string();
        assert!(!viewed.contains("/revoke/") && viewed.contains("takes the role owner"), "{viewed}");
        let own = KeySet { keys: Keys::Own(vec![("a".into(), frame.now), ("b".into(), frame.now)]), ..set };
        let shown = page(&frame, &own, true, true).into_string();
        assert!(shown.contains("/promote/b\"") && !shown.contains("/promote/a\""), "{shown}");
        assert!(list(&frame, &[own], true).into_string().contains("&lt;set&gt;"));
    }
}
