//! Whether all is well, what needs somebody, and what happened in the last hour.

use std::time::Duration;

use maud::{Markup, html};
use sessera_model::Timestamp;

use crate::actor_label::ActorLabel;
use crate::keys;
use crate::page::{Frame, segment};
use crate::picture;
use crate::settings::sinks;
use crate::words::Word;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What needs somebody.
    pub needs: Vec<Need>,
    /// What happened a minute, from the oldest part of the hour to now. Nothing until two looks were taken.
    pub hour: Option<Hour>,
    /// How the parts are.
    pub parts: Parts,
    /// What was done last, the newest first.
    pub lately: Vec<Happened>,
}

/// Something that somebody has to see to.
#[derive(Clone, Debug)]
pub enum Need {
    /// A template that cannot be used, with the reason.
    Broken(String, String),
    /// A template that makes no tokens, with the reason.
    Failing(String, String),
    /// A template that makes tokens for some only, with the reason.
    WorksForSome(String, String),
    /// A receiver that takes no events, with the reason.
    Sink(String, String),
    /// A receiver for which so many events were given up.
    GivenUp(String, u64),
    /// A key set in which something is due that was not done.
    Keys(String),
    /// A setting of the configuration, by its pointer, with what is to be said of it.
    Setting(String, String),
}

/// What happened in the last hour.
#[derive(Clone, Debug, Default)]
pub struct Hour {
    /// Tokens that were made, a minute.
    pub tokens: Vec<f64>,
    /// Decisions for proxies, a minute; nothing where no proxy asks.
    pub decisions: Option<Vec<f64>>,
    /// Sessions that were made, a minute.
    pub sign_ins: Vec<f64>,
    /// Requests that ended in a fault, a minute.
    pub errors: Vec<f64>,
    /// Tokens that could not be made.
    pub refused_tokens: u64,
    /// Tokens that were given again.
    pub reused: u64,
}

/// How the parts of the server are.
#[derive(Clone, Debug)]
pub struct Parts {
    /// How long the database took to answer; nothing when it did not.
    pub database: Option<Duration>,
    /// Whether the last change could not be written.
    pub is_stuck: bool,
    /// Whether changes of other nodes are heard of.
    pub is_line_trusted: bool,
    /// Why this node may not sign with managed keys, if it may not.
    pub lease: Result<(), String>,
    /// By how many seconds the database's clock is ahead of this machine's.
    pub clock: f64,
    /// Whether the upstream answers, if there is one, or what is the matter with it.
    pub upstream: Option<Result<(), String>>,
    /// How many messages wait to be sent.
    pub waiting: usize,
}

/// An entry of the record, in short.
#[derive(Clone, Debug)]
pub struct Happened {
    /// When it happened.
    pub at: Timestamp,
    /// Who.
    pub who: ActorLabel,
    /// What, by the name of its event.
    pub what: String,
}

impl Parts {
    fn troubles(&self) -> usize {
        let upstream = self.upstream.as_ref().is_some_and(Result::is_err);
        let troubles =
            [self.database.is_none(), self.is_stuck, !self.is_line_trusted, self.lease.is_err(), upstream];
        troubles.into_iter().filter(|is_so| *is_so).count()
    }
}

/// The page.
pub fn page(frame: &Frame<'_>, overview: &Overview) -> Markup {
    let title = frame.word(Word::Overview);
    let content = html! {
        header { h1 { (title) } (verdict(frame, overview.needs.len() + overview.parts.troubles())) }
        @for need in &overview.needs { (self::need(frame, need)) }
        (hour(frame, overview.hour.as_ref()))
        div.two { (parts(frame, &overview.parts)) (lately(frame, &overview.lately)) }
    };
    frame.document(title, content)
}

fn verdict(frame: &Frame<'_>, count: usize) -> Markup {
    match count {
        0 => html! { p.tag.good { (frame.word(Word::AllWell)) } },
        1 => html! { p.tag.wrong { (frame.word(Word::OneThing)) } },
        _ => html! { p.tag.wrong { (frame.filled(Word::SomeThings, &[("count", &count.to_string())])) } },
    }
}

fn need(frame: &Frame<'_>, need: &Need) -> Markup {
    let of_template = |word: Word, name: &str| {
        (frame.filled(word, &[("name", name)]), Some(format!("/console/templates/{}", segment(name))))
    };
    let ((what, place), reason) = match need {
        Need::Broken(name, reason) => (of_template(Word::NeedBroken, name), reason.as_str()),
        Need::Failing(name, reason) => (of_template(Word::NeedFailing, name), reason.as_str()),
        Need::WorksForSome(name, reason) => (of_template(Word::NeedSome, name), reason.as_str()),
        Need::Sink(name, reason) => {
            let what = frame.filled(Word::NeedSink, &[("name", name)]);
            ((what, Some(sinks::address(name))), reason.as_str())
        }
        Need::GivenUp(name, count) => {
            let what = frame.filled(Word::NeedReplay, &[("name", name), ("count", &count.to_string())]);
            ((what, Some(sinks::address(name))), frame.word(Word::NeedReplayReason))
        }
        Need::Keys(set) => {
            let what = frame.filled(Word::NeedKeys, &[("name", set)]);
            ((what, Some(keys::address(set))), frame.word(Word::NeedKeysReason))
        }
        Need::Setting(pointer, message) => {
            ((frame.filled(Word::NeedSetting, &[("pointer", pointer)]), None), message.as_str())
        }
    };
    html! {
        section.sheet {
            div.row {
                p { strong { (what) } " " span.soft { (reason) } }
                @if let Some(place) = place {
                    a href=(place) aria-label=(format!("{}: {what}", frame.word(Word::OpenIt))) {
                        (frame.word(Word::OpenIt))
                    }
                }
            }
        }
    }
}

fn hour(frame: &Frame<'_>, hour: Option<&Hour>) -> Markup {
    let Some(hour) = hour else {
        return html! { section.sheet { p.soft { (frame.word(Word::PictureWaits)) } } };
    };
    let counted = |word: Word, count: u64| match count {
        0 => frame.word(Word::OfThisNode).to_owned(),
        count => frame.filled(word, &[("count", &count.to_string())]),
    };
    let of_node = || frame.word(Word::OfThisNode).to_owned();
    html! {
        div.four {
            (picture(frame, Word::PictureTokens, &hour.tokens, &counted(Word::RefusedTokens, hour.refused_tokens)))
            @if let Some(decisions) = &hour.decisions {
                (picture(frame, Word::PictureDecisions, decisions, &counted(Word::ReusedTokens, hour.reused)))
            }
            (picture(frame, Word::PictureSignIns, &hour.sign_ins, &of_node()))
            (picture(frame, Word::PictureErrors, &hour.errors, &of_node()))
        }
    }
}

fn picture(frame: &Frame<'_>, what: Word, values: &[f64], note: &str) -> Markup {
    let now = number(values.last().copied().unwrap_or_default());
    let most = number(values.iter().copied().fold(0.0, f64::max));
    let is_of_errors = what == Word::PictureErrors;
    let what = frame.word(what);
    let label = frame.filled(Word::PictureAlt, &[("what", what), ("now", &now), ("most", &most)]);
    html! {
        section.sheet {
            div { p.soft { (what) } p.figure { (now) } }
            (picture::line(values, &label, is_of_errors))
            p.soft { (note) }
        }
    }
}

/// A number as short as it says enough.
fn number(value: f64) -> String {
    if value == 0.0 || value >= 10.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn parts(frame: &Frame<'_>, parts: &Parts) -> Markup {
    let row = |name: Word, is_good: bool, state: &str| {
        html! {
            tr {
                th scope="row" { (frame.word(name)) }
                td { span.tag.good[is_good].wrong[!is_good] { (state) } }
            }
        }
    };
    let database = match parts.database {
        None => frame.word(Word::DatabaseAway).to_owned(),
        Some(_) if parts.is_stuck => frame.word(Word::DatabaseStuck).to_owned(),
        Some(_) if !parts.is_line_trusted => frame.word(Word::LineBroken).to_owned(),
        Some(took) => {
            let ms = number(took.as_secs_f64() * 1000.0);
            frame.filled(Word::DatabaseAnswers, &[("ms", &ms)])
        }
    };
    let is_sound = parts.database.is_some() && !parts.is_stuck && parts.is_line_trusted;
    let lease = match &parts.lease {
        Ok(()) => frame.word(Word::LeaseHeld).to_owned(),
        Err(reason) => format!("{}: {reason}", frame.word(Word::LeaseLost)),
    };
    let clock = frame.filled(Word::ClockOff, &[("ms", &number((parts.clock * 1000.0).abs()))]);
    let waiting = match parts.waiting {
        0 => frame.word(Word::MailNone).to_owned(),
        count => frame.filled(Word::MailWaits, &[("count", &count.to_string())]),
    };
    html! {
        section.sheet aria-labelledby="parts" {
            h2 id="parts" { (frame.word(Word::Parts)) }
            table {
                tbody {
                    (row(Word::PartDatabase, is_sound, &database))
                    (row(Word::PartLease, parts.lease.is_ok(), &lease))
                    (row(Word::PartClock, parts.lease.is_ok() || parts.clock.abs() < 1.0, &clock))
                    @match &parts.upstream {
                        Some(Ok(())) => (row(Word::PartUpstream, true, frame.word(Word::UpstreamAnswers))),
                        Some(Err(trouble)) => (row(Word::PartUpstream, false, trouble)),
                        None => {}
                    }
                    (row(Word::PartMail, true, &waiting))
                }
            }
        }
    }
}

fn lately(frame: &Frame<'_>, lately: &[Happened]) -> Markup {
    html! {
        section.sheet aria-labelledby="lately" {
            h2 id="lately" { (frame.word(Word::Lately)) }
            @if lately.is_empty() {
                p.soft { (frame.word(Word::NothingLately)) }
            } @else {
                table {
                    (frame.head(&[Word::When, Word::Who, Word::What]))
                    tbody {
                        @for entry in lately {
                            tr {
                                td.soft { (frame.ago(entry.at)) }
                                td { (entry.who.on(frame)) }
                                td { (entry.what.replace('_', " ")) }
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
    use super::*;
    use crate::page::tests::frame;
    use sessera_model::Actor;

    fn overview() -> Overview {
        let parts = Parts {
            database: Some(Duration::from_micros(1500)),
            is_stuck: false,
            is_line_trusted: true,
            lease: Ok(()),
            clock: 0.004,
            upstream: None,
            waiting: 0,
        };
        Overview { needs: vec![], hour: None, parts, lately: vec![] }
    }

    #[test]
    fn the_verdict_counts_what_needs_somebody_and_parts_in_trouble() {
        let shown = |overview: &Overview| page(&frame(&Actor::Anybody), overview).into_string();
        let good = shown(&overview());
        assert!(good.contains("All is well") && good.contains("answers in 1.5 ms"), "{good}");
        let mut bad = overview();
        bad.needs.push(Need::Broken("<i>t".into(), "<u>why".into()));
        assert!(shown(&bad).contains("One thing needs somebody"));
        bad.parts.database = None;
        bad.parts.upstream = Some(Err("is <away>".into()));
        bad.lately.push(Happened {
            at: Timestamp::from_seconds(0),
            who: ActorLabel::Named("<q>".into()),
            what: "key_set_changed".into(),
        });
        let bad = shown(&bad);
        assert!(bad.contains("3 things need somebody") && bad.contains("key set changed"), "{bad}");
        for raw in ["<i>t", "<u>why", "<away>", "<q>"] {
            assert!(!bad.contains(raw), "{raw}");
        }
        assert!(bad.contains("href=\"/console/templates/%3Ci%3Et\""), "{bad}");
        let mut stuck = overview();
        stuck.parts.is_stuck = true;
        let stuck = shown(&stuck);
        assert!(stuck.contains("One thing needs somebody") && stuck.contains("takes no changes"), "{stuck}");
        let mut late = overview();
        late.needs.push(Need::Sink("<b>s".into(), "<u>refused".into()));
        late.needs.push(Need::GivenUp("<b>s".into(), 7));
        late.needs.push(Need::Keys("<b>k".into()));
        let late = shown(&late);
        assert!(late.contains("3 things need somebody") && late.contains("given up: 7."), "{late}");
        for address in ["/console/settings/sinks/%3Cb%3Es", "/console/keys/%3Cb%3Ek"] {
            assert!(late.contains(address), "{address}: {late}");
        }
        assert!(!late.contains("<b>") && !late.contains("<u>"), "{late}");
    }
}
