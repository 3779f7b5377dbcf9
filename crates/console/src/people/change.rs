//! The page before something is done to a person or a session, and what comes of it.

use maud::{Markup, html};
use sessera_model::{Timestamp, Uuid};

use super::{EVERYBODY, address, session_address};
use crate::page::{Frame, Section, minutes};
use crate::words::Word;

/// What must be typed before everybody's sessions are ended.
pub const TYPED: &str = "everybody";

/// What is about to be done.
#[derive(Clone, Copy, Debug)]
pub enum PersonChange {
    /// A person may not sign in any more.
    Disable(Uuid),
    /// They may again.
    Enable(Uuid),
    /// All of their sessions end.
    EndAll(Uuid),
    /// They get a recovery code.
    Recovery(Uuid),
    /// A session ends.
    EndOne(Uuid),
    /// Everybody's sessions end.
    Everybody,
}

/// A recovery code.
#[derive(Clone, Debug)]
pub struct Code {
    /// Where it is typed.
    pub link: String,
    /// The code.
    pub code: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// The page.
pub fn before(frame: &Frame<'_>, before: PersonChange, problem: Option<&str>, may_change: bool) -> Markup {
    let below = |id: Uuid, what: &str| (address(id), format!("{}/{what}", address(id)));
    let ((back, action), title, lead, button) = match before {
        PersonChange::Disable(id) => {
            (below(id, "disable"), Word::DisableTitle, Word::DisableLead, Word::Disable)
        }
        PersonChange::Enable(id) => (below(id, "enable"), Word::EnableTitle, Word::EnableLead, Word::Enable),
        PersonChange::EndAll(id) => (below(id, "end"), Word::EndAllTitle, Word::EndAllLead, Word::EndAll),
        PersonChange::Recovery(id) => {
            (below(id, "recovery"), Word::RecoveryTitle, Word::RecoveryLead, Word::Recovery)
        }
        PersonChange::EndOne(id) => {
            let own = session_address(id);
            ((own.clone(), format!("{own}/end")), Word::EndOneTitle, Word::EndAllLead, Word::EndOne)
        }
        PersonChange::Everybody => {
            let addresses = (Section::People.path().to_owned(), EVERYBODY.to_owned());
            (addresses, Word::EverybodyTitle, Word::EndAllLead, Word::Everybody)
        }
    };
    let title = frame.word(title);
    let is_everybody = matches!(before, PersonChange::Everybody);
    let form = html! {
        @if is_everybody {
            div.field {
                label for="typed" { (frame.word(Word::EverybodyType)) }
                input id="typed" name="typed" required autocomplete="off" autocapitalize="none" spellcheck="false";
            }
        }
        div.buttons {
            button.danger[is_everybody] type="submit" disabled[!may_change] { (frame.word(button)) }
            a.button.quiet href=(back) { (frame.word(Word::Cancel)) }
        }
    };
    let content = html! {
        h1 { (title) }
        section.sheet {
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            p { (frame.word(lead)) }
            @if !may_change { p.soft { (frame.word(Word::OperatorsOnly)) } }
            (frame.form(&action, form))
        }
    };
    frame.document(title, content)
}

/// What is said when everybody's sessions were ended, or a part of them.
pub fn ended(frame: &Frame<'_>, count: usize, has_more: bool) -> Markup {
    let title = frame.word(Word::Everybody);
    let content = html! {
        h1 { (title) }
        section.sheet {
            p.done role="status" { (frame.filled(Word::Ended, &[("count", &count.to_string())])) }
            @if has_more { p { a href=(EVERYBODY) { (frame.word(Word::EndedMore)) } } }
        }
    };
    frame.document(title, content)
}

/// A code that was just made.
pub fn code(frame: &Frame<'_>, person: Uuid, code: &Code) -> Markup {
    let title = frame.word(Word::Recovery);
    let content = html! {
        p.soft { a href=(address(person)) { (frame.word(Word::Cancel)) } }
        h1 { (title) }
        section.sheet {
            p { (frame.filled(Word::RecoveryMade, &[("time", &minutes(code.expires_at))])) }
            p.figure.mono { (code.code) }
            p.mono { (code.link) }
            p.soft { (frame.word(Word::RecoveryLead)) }
        }
    };
    frame.document(title, content)
}
