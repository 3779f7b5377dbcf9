//! Tokenizer templates: the list, the editor with its preview, their history, and recipes to begin with.

pub mod editor;
pub mod fields;
pub mod history;
pub mod preview;
pub mod recipes;

use maud::{Markup, html};

use crate::page::{Frame, Section, segment};
use crate::words::Word;

/// What became of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It makes tokens.
    Ready,
    /// It makes tokens for some only, with the reason.
    WorksForSome(String),
    /// It makes no tokens, with the reason.
    Failing(String),
    /// It cannot be used, with the reason.
    Broken(String),
}

/// A template in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Whether it works, and why not.
    pub state: State,
    /// The algorithm and the id of the key with which it signs now, if it can be used.
    pub signs: Option<(String, String)>,
}

impl State {
    pub(crate) fn tag(&self, frame: &Frame<'_>) -> Markup {
        let (word, is_good) = match self {
            Self::Ready => (Word::StateReady, true),
            Self::WorksForSome(_) => (Word::StateSome, false),
            Self::Failing(_) => (Word::StateFailing, false),
            Self::Broken(_) => (Word::StateBroken, false),
        };
        html! { span.tag.good[is_good].wrong[!is_good] { (frame.word(word)) } }
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::WorksForSome(reason) | Self::Failing(reason) | Self::Broken(reason) => Some(reason),
        }
    }
}

/// The address of a template.
pub fn address(name: &str) -> String {
    format!("{}/{}", Section::Templates.path(), segment(name))
}

/// The list.
pub fn list(frame: &Frame<'_>, templates: &[Listed]) -> Markup {
    let title = frame.word(Word::Templates);
    let content = html! {
        header {
            h1 { (title) }
            div.buttons {
                a.button.quiet href=(recipes::PATH) { (frame.word(Word::FromRecipe)) }
                a.button href=(editor::NEW) { (frame.word(Word::NewTemplate)) }
            }
        }
        p.soft { (frame.word(Word::TemplatesLead)) }
        section.sheet {
            @if templates.is_empty() {
                p { (frame.word(Word::TemplatesNone)) }
            } @else {
                table {
                    (frame.head(&[Word::Name, Word::State, Word::Signs]))
                    tbody { @for template in templates { (row(frame, template)) } }
                }
            }
        }
    };
    frame.document(title, content)
}

fn row(frame: &Frame<'_>, template: &Listed) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(address(&template.name)) { (template.name) } }
            td {
                (template.state.tag(frame))
                @if let Some(reason) = template.state.reason() { p.soft { (reason) } }
            }
            td {
                @if let Some((algorithm, kid)) = &template.signs {
                    (algorithm) " " span.mono.soft { (kid) }
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

    #[test]
    fn names_and_reasons_are_escaped() {
        let templates = [
            Listed { name: "<a>".into(), state: State::Broken("<b>why".into()), signs: None },
            Listed { name: "ok".into(), state: State::Ready, signs: Some(("ES256".into(), "<kid>".into())) },
        ];
        let shown = list(&frame(&Actor::Anybody), &templates).into_string();
        for raw in ["<a>", "<b>why", "<kid>"] {
            assert!(!shown.contains(raw), "{raw}: {shown}");
        }
        assert!(shown.contains("href=\"/console/templates/%3Ca%3E\"") && shown.contains("broken"), "{shown}");
    }
}
