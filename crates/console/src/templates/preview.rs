//! What comes out of a template, or why nothing does.

use maud::{Markup, html};
use serde_json::Value;
use sessera_issuer::preview::{ChangeKind, Preview};
use sessera_issuer::templates::Broken;
use sessera_jsonnet::Location;
use sessera_tokenizer::{LoadError, TokenizeError};

use crate::page::Frame;
use crate::words::Word;

/// How long headers may be that most proxies take.
const LONGEST: usize = 8 * 1024;

/// What came out.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A token.
    Made(Box<Preview>),
    /// None.
    Failed(Fault),
}

/// Why no token came out.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What is wrong, in a sentence.
    pub message: String,
    /// Where in the mapper.
    pub place: Option<Location>,
}

impl From<&Broken> for Fault {
    fn from(broken: &Broken) -> Self {
        match broken {
            Broken::Load(LoadError::Mapper(error)) => {
                Self { message: error.message.clone(), place: Some(error.location.clone()) }
            }
            other => Self::of(other.to_string()),
        }
    }
}

impl From<&TokenizeError> for Fault {
    fn from(error: &TokenizeError) -> Self {
        match error {
            TokenizeError::Mapper(error) => {
                Self { message: error.message().to_owned(), place: error.location().cloned() }
            }
            other => Self::of(other.to_string()),
        }
    }
}

impl Fault {
    /// A fault that is not at a place of the mapper.
    pub const fn of(message: String) -> Self {
        Self { message, place: None }
    }
}

/// The part of the page. The script of the console puts a newer one in its place.
pub fn part(frame: &Frame<'_>, outcome: &Outcome) -> Markup {
    html! {
        div id="preview" { (shown(frame, outcome)) }
    }
}

/// What came out, or why nothing did.
pub(crate) fn shown(frame: &Frame<'_>, outcome: &Outcome) -> Markup {
    match outcome {
        Outcome::Made(preview) => made(frame, preview),
        Outcome::Failed(fault) => failed(frame, fault),
    }
}

fn failed(frame: &Frame<'_>, fault: &Fault) -> Markup {
    html! {
        div.problem role="status" {
            p {
                strong {
                    @match &fault.place {
                        Some(place) => (frame.filled(
                            Word::AtPlace,
                            &[("line", &place.line.to_string()), ("column", &place.column.to_string())],
                        )),
                        None => (frame.word(Word::NoToken)),
                    }
                    ": " (fault.message)
                }
            }
        }
        @if let Some(place) = &fault.place { (excerpt(place)) }
    }
}

/// The line of the mapper with the place marked.
fn excerpt(place: &Location) -> Markup {
    let skip = (place.column as usize).saturating_sub(1);
    let letters = || place.excerpt.chars();
    let before: String = letters().take(skip).collect();
    let marked: String = letters().skip(skip).take(place.width as usize).collect();
    let behind: String = letters().skip(skip + place.width as usize).collect();
    html! { pre tabindex="0" { (place.line) "  " (before) mark { (marked) } (behind) } }
}

fn made(frame: &Frame<'_>, preview: &Preview) -> Markup {
    html! {
        table {
            (frame.head(&[Word::Claim, Word::Value, Word::From]))
            tbody { @for (name, value) in &preview.claims { (claim(frame, preview, name, value)) } }
        }
        @for warning in &preview.warnings { p.problem { (warning) } }
        (size(frame, preview))
    }
}

fn claim(frame: &Frame<'_>, preview: &Preview, name: &str, value: &Value) -> Markup {
    let change = preview.changes.iter().find(|change| change.claim == name).map(|change| &change.kind);
    let is_of_template = name == "aud" && preview.fuel.is_none();
    html! {
        tr {
            th.mono scope="row" { (name) }
            td.mono {
                @if let Some(ChangeKind::Changed(before, _)) = change { del { (plain(before)) } " " }
                (plain(value))
            }
            td {
                @match change {
                    Some(ChangeKind::Added(_)) if is_of_template => span.tag { (frame.word(Word::OfTemplate)) },
                    Some(ChangeKind::Added(_)) => span.tag.good { (frame.word(Word::Added)) },
                    Some(ChangeKind::Changed(..)) => span.tag.info { (frame.word(Word::Changed)) },
                    Some(ChangeKind::Kept(why)) => { span.tag { (frame.word(Word::Kept)) } " " span.soft { (why) } },
                    None => span.tag { (frame.word(Word::OfDefault)) },
                }
            }
        }
    }
}

/// A text as it is, and whatever else as JSON.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn size(frame: &Frame<'_>, preview: &Preview) -> Markup {
    let bytes = preview.token_bytes;
    let left = LONGEST.checked_sub(bytes);
    html! {
        div {
            p.row role="status" {
                span.soft { (frame.word(Word::TokenSize)) }
                strong { (frame.filled(Word::Bytes, &[("count", &bytes.to_string())])) }
            }
            meter min="0" max=(LONGEST) high=(LONGEST * 3 / 4) value=(bytes.min(LONGEST))
                aria-label=(frame.word(Word::TokenSize)) {}
            p.soft {
                @match left {
                    Some(left) => (frame.filled(Word::OfHeaders, &[("left", &left.to_string())])),
                    None => (frame.word(Word::TooLong)),
                }
                @if let Some((fuel, most)) = preview.fuel {
                    " "
                    (frame.filled(Word::Steps, &[("count", &fuel.to_string()), ("most", &most.to_string())]))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sessera_issuer::preview::Change;
    use sessera_jsonnet::Program;
    use sessera_model::Actor;

    use super::*;
    use crate::page::tests::frame;

    #[test]
    fn claims_are_shown_with_where_they_are_from_and_escaped() {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        let preview = Preview {
            defaults: map(json!({"iss": "old", "sub": "s"})),
            claims: map(json!({"iss": "new", "sub": "s", "x": "<script>"})),
            changes: vec![
                Change { claim: "iss".into(), kind: ChangeKind::Changed("old".into(), "new".into()) },
                Change { claim: "x".into(), kind: ChangeKind::Added("<script>".into()) },
            ],
            fuel: Some((7, 500_000)),
            token_bytes: 742,
            warnings: vec!["<i>".into()],
        };
        let shown = part(&frame(&Actor::Anybody), &Outcome::Made(Box::new(preview))).into_string();
        assert!(!shown.contains("<script>") && !shown.contains("<i>"), "{shown}");
        for text in
            ["<del>old</del> new", "added", "default", "742 bytes", "7450 bytes are left", "7 of 500000"]
        {
            assert!(shown.contains(text), "{text}: {shown}");
        }
    }

    #[test]
    fn a_fault_is_shown_at_its_place() {
        let error = Program::parse("t", "{\n  a: <b> ]\n}").expect_err("is wrong");
        let broken = Broken::Load(LoadError::Mapper(Box::new(error)));
        let shown = part(&frame(&Actor::Anybody), &Outcome::Failed(Fault::from(&broken))).into_string();
        assert!(shown.contains("Line 2, column 6") && shown.contains("<mark>"), "{shown}");
        assert!(!shown.contains("<b>"), "{shown}");
    }
}
