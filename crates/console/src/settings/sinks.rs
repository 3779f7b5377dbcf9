//! Who is told of events, and what is on its way to them.

use maud::{Markup, html};
use sessera_model::Timestamp;

use super::way_back;
use crate::page::{Frame, minutes, segment};
use crate::words::Word;

/// Somebody who is told of events. Where exactly they are told is shown to nobody, because a path may hold a secret.
#[derive(Clone, Debug)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// What it is sent.
    pub kind: String,
    /// The host to which it is sent.
    pub host: String,
    /// The names of the events that it is sent; all when there are none.
    pub events: Vec<String>,
    /// The number of the entry of the record that it took last.
    pub number: i64,
    /// How many events wait.
    pub waiting: u64,
    /// Since when the oldest one waits.
    pub waiting_since: Option<Timestamp>,
    /// How many events were given up.
    pub given_up: u64,
    /// Why an event that waits was not taken.
    pub problem: Option<String>,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The number of its entry of the record.
    pub number: i64,
    /// What happened.
    pub action: String,
    /// Since when it is to be delivered.
    pub since: Timestamp,
    /// How often it was sent.
    pub attempts: i64,
    /// When it is sent next; nothing when it was given up.
    pub due_at: Option<Timestamp>,
    /// Why it was not taken last time.
    pub problem: Option<String>,
}

/// What the page of a sink shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The sink.
    pub sink: Sink,
    /// What is on its way.
    pub deliveries: Vec<Delivery>,
    /// Which of them are asked for: `waiting`, `given_up`, or all when it is empty.
    pub state: String,
    /// The query that leads to more.
    pub more: Option<String>,
    /// Whether whoever looks at it may have events sent once more.
    pub may_change: bool,
    /// Whether that was done just now.
    pub is_done: bool,
}

/// The address of a sink.
pub fn address(name: &str) -> String {
    format!("/console/settings/sinks/{}", segment(name))
}

impl Sink {
    fn state(&self, frame: &Frame<'_>) -> Markup {
        html! {
            @if self.problem.is_some() {
                span.tag.wrong { (frame.word(Word::SinkFails)) }
            } @else if self.given_up > 0 {
                span.tag.wrong { (frame.word(Word::SinkGaveUp)) }
            } @else if self.waiting > 0 {
                span.tag.info { (frame.word(Word::SinkWaits)) }
            } @else {
                span.tag.good { (frame.word(Word::SinkHasAll)) }
            }
        }
    }

    fn waits(&self, frame: &Frame<'_>) -> Markup {
        html! {
            (self.waiting)
            @if let Some(since) = self.waiting_since {
                " " span.soft { (frame.filled(Word::WaitsSince, &[("time", &minutes(since))])) }
            }
        }
    }
}

/// The table of sinks.
pub(super) fn table(frame: &Frame<'_>, sinks: &[Sink]) -> Markup {
    html! {
        @if sinks.is_empty() {
            p { (frame.word(Word::SinksNone)) }
        } @else {
            table {
                (frame.head(&[Word::Name, Word::State, Word::SinkHost, Word::Waiting, Word::GivenUp]))
                tbody {
                    @for sink in sinks {
                        tr {
                            th scope="row" { a href=(address(&sink.name)) { (sink.name) } }
                            td {
                                (sink.state(frame))
                                @if let Some(problem) = &sink.problem { p.soft { (problem) } }
                            }
                            td { span.mono { (sink.host) } " " span.soft { (sink.kind) } }
                            td data-label=(frame.word(Word::Waiting)) { (sink.waits(frame)) }
                            td data-label=(frame.word(Word::GivenUp)) { (sink.given_up) }
                        }
                    }
                }
            }
        }
    }
}

/// A sink with what is on its way to it.
pub fn page(frame: &Frame<'_>, shown: &Shown) -> Markup {
    let sink = &shown.sink;
    let events =
        if sink.events.is_empty() { frame.word(Word::EventsAll).to_owned() } else { sink.events.join(", ") };
    let row =
        |name: Word, value: Markup| html! { tr { th scope="row" { (frame.word(name)) } td { (value) } } };
    let content = html! {
        (way_back(frame))
        header {
            h1 { (sink.name) " " (sink.state(frame)) }
            @if shown.may_change {
                a.button.quiet href=(format!("{}/replay", address(&sink.name))) { (frame.word(Word::Replay)) }
            }
        }
        @if shown.is_done { p.done role="status" { (frame.word(Word::ReplayDone)) } }
        @if let Some(problem) = &sink.problem { p.problem { (problem) } }
        section.sheet {
            table {
                tbody {
                    (row(Word::SinkKind, html! { (sink.kind) }))
                    (row(Word::SinkHost, html! { span.mono { (sink.host) } }))
                    (row(Word::SinkEvents, html! { (events) }))
                    (row(Word::SinkCameTo, html! { (sink.number) }))
                    (row(Word::Waiting, sink.waits(frame)))
                    (row(Word::GivenUp, html! { (sink.given_up) }))
                }
            }
            @if !shown.may_change { p.soft { (frame.word(Word::OperatorsOnly)) } }
        }
        section.sheet aria-labelledby="deliveries" {
            h2 id="deliveries" { (frame.word(Word::Deliveries)) }
            (filter(frame, shown))
            @if shown.deliveries.is_empty() {
                p role="status" { (frame.word(Word::DeliveriesNone)) }
            } @else {
                (deliveries(frame, &shown.deliveries))
            }
            @if let Some(more) = &shown.more {
                div.buttons {
                    a.button.quiet href=(format!("{}?{more}", address(&sink.name))) {
                        (frame.word(Word::MoreDeliveries))
                    }
                }
            }
        }
    };
    frame.document(&sink.name, content)
}

fn filter(frame: &Frame<'_>, shown: &Shown) -> Markup {
    let states = [("", Word::OutcomeAny), ("waiting", Word::IsWaiting), ("given_up", Word::IsGivenUp)];
    html! {
        form method="get" action=(address(&shown.sink.name)) {
            div.field {
                label for="state" { (frame.word(Word::State)) }
                select id="state" name="state" {
                    @for (value, word) in states {
                        option value=(value) selected[value == shown.state] { (frame.word(word)) }
                    }
                }
            }
            div.buttons { button.quiet type="submit" { (frame.word(Word::Filter)) } }
        }
    }
}

fn deliveries(frame: &Frame<'_>, deliveries: &[Delivery]) -> Markup {
    html! {
        table {
            (frame.head(&[Word::Entry, Word::What, Word::State, Word::Attempts, Word::Reason]))
            tbody {
                @for delivery in deliveries {
                    tr {
                        th scope="row" { (delivery.number) }
                        td {
                            (delivery.action.replace('_', " ")) " "
                            span.soft { (frame.filled(Word::WaitsSince, &[("time", &minutes(delivery.since))])) }
                        }
                        td {
                            @match delivery.due_at {
                                Some(at) => {
                                    span.tag.info { (frame.word(Word::IsWaiting)) } " "
                                    span.soft { (frame.filled(Word::SentNext, &[("time", &minutes(at))])) }
                                }
                                None => span.tag.wrong { (frame.word(Word::IsGivenUp)) },
                            }
                        }
                        td data-label=(frame.word(Word::Attempts)) { (delivery.attempts) }
                        td { (delivery.problem.as_deref().unwrap_or_default()) }
                    }
                }
            }
        }
    }
}

/// The page before events are sent once more. `after` was typed, and `problem` is why nothing was done.
pub fn replay(
    frame: &Frame<'_>,
    sink: &Sink,
    after: &str,
    problem: Option<&str>,
    may_change: bool,
) -> Markup {
    let title = frame.filled(Word::ReplayTitle, &[("sink", &sink.name)]);
    let numbers = [sink.given_up, sink.waiting].map(|count| count.to_string());
    let came_to = sink.number.to_string();
    let values = [("count", numbers[0].as_str()), ("waiting", &numbers[1]), ("number", &came_to)];
    let form = html! {
        div.field {
            label for="after" { (frame.word(Word::ReplayAfter)) }
            input id="after" name="after" value=(after) inputmode="numeric" autocomplete="off"
                aria-describedby="after-hint" aria-invalid=[problem.map(|_| "true")];
            p.hint id="after-hint" { (frame.filled(Word::ReplayAfterHint, &values)) }
        }
        div.buttons {
            button type="submit" disabled[!may_change] { (frame.word(Word::Replay)) }
            a.button.quiet href=(address(&sink.name)) { (frame.word(Word::Cancel)) }
        }
    };
    let content = html! {
        p.soft { a href=(address(&sink.name)) { (sink.name) } }
        h1 { (title) }
        section.sheet {
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            p { (frame.filled(Word::ReplayLead, &values)) }
            @if !may_change { p.soft { (frame.word(Word::OperatorsOnly)) } }
            (frame.form(&format!("{}/replay", address(&sink.name)), form))
        }
    };
    frame.document(&title, content)
}

#[cfg(test)]
pub(super) mod tests {
    use sessera_model::Actor;

    use super::*;
    use crate::page::tests::frame;

    /// A sink with markup in whatever is a text.
    pub(in crate::settings) fn sink() -> Sink {
        Sink {
            name: "<b>".into(),
            kind: "webhook".into(),
            host: "<i>".into(),
            events: vec!["<u>".into()],
            number: 7,
            waiting: 2,
            waiting_since: Some(Timestamp::from_seconds(0)),
            given_up: 1,
            problem: Some("<q>".into()),
        }
    }

    #[test]
    fn a_sink_is_shown_with_what_it_did_not_take() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let delivery = Delivery {
            number: 4,
            action: "session_<i>".into(),
            since: Timestamp::from_seconds(0),
            attempts: 3,
            due_at: None,
            problem: Some("<q>".into()),
        };
        let shown = Shown {
            sink: sink(),
            deliveries: vec![delivery],
            state: "given_up".into(),
            more: Some("after=4&state=<".into()),
            may_change: true,
            is_done: true,
        };
        let replay = replay(&frame, &shown.sink, "\"><s>", Some("<s>"), true).into_string();
        let page = page(&frame, &shown).into_string();
        for raw in ["<b>", "<i>", "<u>", "<q>", "<s>"] {
            assert!(!page.contains(raw) && !replay.contains(raw), "{raw}: {page} {replay}");
        }
        for text in ["value=\"given_up\" selected", "takes nothing", "after=4&amp;state=&lt;", "/replay\""] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(
            replay.contains("(1 events)") && replay.contains("waits (2)") && replay.contains("the entry 7"),
            "{replay}"
        );
        let state = |problem: Option<&str>, given_up, waiting| {
            let sink = Sink { problem: problem.map(str::to_owned), given_up, waiting, ..sink() };
            sink.state(&frame).into_string()
        };
        assert!(state(None, 1, 1).contains("has given up") && state(None, 0, 1).contains("on their way"));
        assert!(state(None, 0, 0).contains("tag good"));
    }
}
