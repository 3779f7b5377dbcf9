//! The keys of a managed set on a line of time, as SVG.

use maud::{Markup, html};
use sessera_model::Timestamp;
use sessera_rotation::{Key, Schedule, State, Timing};

use crate::page::{Frame, minutes};
use crate::words::Word;

/// Where the line begins and ends, in units of the picture. Before it stand the ids.
const LEFT: f64 = 130.0;
const RIGHT: f64 = 930.0;

/// How high a key's row is.
const ROW: usize = 40;

/// The life of a key.
pub(super) struct Life<'a> {
    pub(super) key: &'a Key,
    pub(super) state: State,
    /// When another key takes its place, or took it.
    succeeded: Option<Timestamp>,
    /// When it is no longer published.
    pub(super) gone: Option<Timestamp>,
}

/// The lives of all keys, in the order in which they were made.
pub(super) fn lives<'a>(schedule: &'a Schedule, timing: &Timing, now: Timestamp) -> Vec<Life<'a>> {
    let coming = schedule.timeline(now, timing);
    let life = |(key, state): (&'a Key, State)| {
        let enters = |wanted: State| {
            coming.iter().find(|entry| entry.kid == key.kid && entry.state == wanted).map(|entry| entry.at)
        };
        let gone = enters(State::Retired);
        let past = || gone.map(|gone| gone - timing.retention(key.max_ttl.get()));
        Life { key, state, succeeded: enters(State::Retiring).or_else(past), gone }
    };
    schedule.states(now, timing).into_iter().map(life).collect()
}

/// The picture with what its colours mean.
pub(super) fn picture(frame: &Frame<'_>, schedule: &Schedule, timing: &Timing) -> Markup {
    let now = frame.now;
    let lives = lives(schedule, timing, now);
    let shown: Vec<&Life<'_>> = lives.iter().filter(|life| life.state.is_published()).collect();
    let begin = shown.iter().map(|life| life.key.published_at).chain([now]).min().unwrap_or(now);
    let ends = shown.iter().map(|life| life.gone.unwrap_or(life.key.activates_at + schedule.period.get()));
    let end = ends.chain([now]).max().unwrap_or(now);
    let place = |at: Timestamp| {
        let (part, whole) = (at.since(begin).as_secs_f64(), end.since(begin).as_secs_f64().max(1.0));
        LEFT + (part / whole).min(1.0) * (RIGHT - LEFT)
    };
    let bar = |row: usize, class: &str, from: Timestamp, to: Timestamp| {
        let (x, width) = (place(from), (place(to) - place(from)).max(0.0));
        let fill = (class == "retiring").then_some("url(#hatched)");
        html! { rect class=(class) fill=[fill] x=(px(x)) y=(row * ROW + 30) width=(px(width)) height="22" rx="4" {} }
    };
    let height = shown.len() * ROW + 60;
    html! {
        section.sheet {
            div.scroll tabindex="0" role="group" aria-label=(frame.word(Word::Keys)) {
                svg.timeline viewBox=(format!("0 0 940 {height}")) role="img" aria-label=(frame.word(Word::TimelineAlt)) {
                    defs {
                        pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                            rect.published width="6" height="6" {}
                            rect.signs width="2" height="6" {}
                        }
                    }
                    @for (row, life) in shown.iter().enumerate() {
                        @let signs = life.key.activates_at;
                        text x="0" y=(row * ROW + 45) { (short(&life.key.kid)) }
                        (bar(row, "published", life.key.published_at, signs))
                        (bar(row, "signs", signs, life.succeeded.unwrap_or(end)))
                        @if let (Some(succeeded), Some(gone)) = (life.succeeded, life.gone) {
                            (bar(row, "retiring", succeeded, gone))
                        }
                    }
                    line.now x1=(px(place(now))) x2=(px(place(now))) y1="10" y2=(height - 30) {}
                    text.now x=(px(place(now) + 6.0)) y="20" { (frame.word(Word::TimelineNow)) }
                    text x=(px(LEFT)) y=(height - 8) { (minutes(begin)) }
                    text x=(px(RIGHT)) y=(height - 8) text-anchor="end" { (minutes(end)) }
                }
            }
            p.soft { (frame.word(Word::TimelineLegend)) }
        }
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// The end of a long id, by which people know keys apart.
fn short(kid: &str) -> String {
    let letters: Vec<char> = kid.chars().collect();
    match letters.len().checked_sub(12) {
        Some(skip @ 1..) => format!("…{}", letters[skip..].iter().collect::<String>()),
        _ => kid.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::keys::tests::managed;

    #[test]
    fn a_key_is_published_signs_is_succeeded_and_goes() {
        let start = Timestamp::from_seconds(1_799_000_000);
        let (schedule, timing) = managed(start);
        let period = Duration::from_hours(30 * 24);
        let retention = timing.retention(Duration::from_secs(600));
        for now in [start, start + period + Duration::from_secs(1)] {
            let lives = lives(&schedule, &timing, now);
            assert_eq!(lives[0].succeeded, Some(start + period));
            assert_eq!(lives[0].gone, Some(start + period + retention));
            assert_eq!((lives[1].succeeded, lives[1].gone), (None, None));
        }
        assert_eq!(short("0123456789abcdef"), "…456789abcdef");
        assert_eq!(short("2026-12"), "2026-12");
    }
}
