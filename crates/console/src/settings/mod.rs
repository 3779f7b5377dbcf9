//! The settings of a deployment: what its configuration was before, who is told of events, and who may get in.

pub mod revisions;
pub mod sinks;
pub mod tokens;

use maud::{Markup, html};

use crate::page::{Frame, Section};
use crate::words::Word;
use revisions::Revision;
use sinks::Sink;
use tokens::Token;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The newest revisions of the configuration, the newest one first.
    pub revisions: Vec<Revision>,
    /// Who is told of events.
    pub sinks: Vec<Sink>,
    /// The admin tokens.
    pub tokens: Vec<Token>,
    /// How many tokens stand in the configuration.
    pub configured_tokens: usize,
    /// Whether whoever looks at it may make and delete tokens.
    pub may_own: bool,
    /// Whether something was changed just now.
    pub is_done: bool,
}

/// The page.
pub fn page(frame: &Frame<'_>, settings: &Settings) -> Markup {
    let title = frame.word(Word::Settings);
    let content = html! {
        h1 { (title) }
        @if settings.is_done { p.done role="status" { (frame.word(Word::Done)) } }
        section.sheet aria-labelledby="revisions" {
            h2 id="revisions" { (frame.word(Word::Configuration)) }
            p.soft { (frame.word(Word::ConfigurationLead)) }
            (revisions::table(frame, &settings.revisions))
            p { a href=(revisions::PATH) { (frame.word(Word::AllRevisions)) } }
        }
        section.sheet aria-labelledby="sinks" {
            h2 id="sinks" { (frame.word(Word::Sinks)) }
            p.soft { (frame.word(Word::SinksLead)) }
            (sinks::table(frame, &settings.sinks))
        }
        section.sheet aria-labelledby="tokens" {
            div.row {
                h2 id="tokens" { (frame.word(Word::AdminTokens)) }
                @if settings.may_own { a.button.quiet href=(tokens::NEW) { (frame.word(Word::NewToken)) } }
            }
            p.soft { (frame.word(Word::AdminTokensLead)) }
            (tokens::table(frame, settings))
            @if !settings.may_own { p.soft { (frame.word(Word::OwnersOnly)) } }
        }
    };
    frame.document(title, content)
}

/// The way back to the settings.
fn way_back(frame: &Frame<'_>) -> Markup {
    html! { p.soft { a href=(Section::Settings.path()) { (frame.word(Word::Settings)) } } }
}

#[cfg(test)]
mod tests {
    use sessera_model::{Actor, Role};

    use super::*;
    use crate::page::tests::frame;

    #[test]
    fn names_and_values_are_escaped_and_only_owners_are_shown_the_ways_to_tokens() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let mut settings = Settings {
            revisions: vec![revisions::tests::revision()],
            sinks: vec![sinks::tests::sink()],
            tokens: vec![Token {
                name: "<t>".into(),
                role: Role::Operator,
                made: frame.now,
                ends: Some(frame.now),
            }],
            configured_tokens: 1,
            may_own: true,
            is_done: true,
        };
        let shown = page(&frame, &settings).into_string();
        for raw in ["<b>", "<i>", "<t>", "<q>", "<u>"] {
            assert!(!shown.contains(raw), "{raw}: {shown}");
        }
        for text in ["/console/settings/tokens/%3Ct%3E/delete", "/console/settings/new-token", "is over"] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        settings.may_own = false;
        let viewed = page(&frame, &settings).into_string();
        assert!(!viewed.contains("/delete") && !viewed.contains("/new-token"), "{viewed}");
    }
}
