//! Admin tokens: who may get in, one that is made, and one that is deleted.

use maud::{Markup, html};
use sessera_model::{Role, Timestamp};

use super::{Settings, way_back};
use crate::page::{Frame, Section, minutes, segment};
use crate::words::Word;

/// The address of the page for a new one.
pub const NEW: &str = "/console/settings/new-token";

/// An admin token, as far as it is kept.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// What whoever has it may do.
    pub role: Role,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends or has ended, if it does.
    pub ends: Option<Timestamp>,
}

/// What was typed for a new one.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its role.
    pub role: &'a str,
    /// How long it is good.
    pub expires_in: &'a str,
}

fn delete_address(name: &str) -> String {
    format!("/console/settings/tokens/{}/delete", segment(name))
}

/// The table of tokens.
pub(super) fn table(frame: &Frame<'_>, settings: &Settings) -> Markup {
    let columns = [Word::Name, Word::Role, Word::TokenMade, Word::EndsAt, Word::Action];
    html! {
        @if settings.tokens.is_empty() {
            p { (frame.word(Word::AdminTokensNone)) }
        } @else {
            table {
                (frame.head(&columns))
                tbody {
                    @for token in &settings.tokens {
                        tr {
                            th scope="row" { (token.name) }
                            td { (token.role.as_str()) }
                            td data-label=(frame.word(Word::TokenMade)) { (minutes(token.made)) }
                            td data-label=(frame.word(Word::EndsAt)) { (end(frame, token.ends)) }
                            td {
                                @if settings.may_own {
                                    a href=(delete_address(&token.name))
                                        aria-label=(frame.filled(Word::DeleteTokenTitle, &[("name", &token.name)])) {
                                        (frame.word(Word::DeleteToken))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if settings.configured_tokens > 0 {
            p.soft {
                (frame.filled(Word::ConfiguredTokens, &[("count", &settings.configured_tokens.to_string())]))
            }
        }
    }
}

fn end(frame: &Frame<'_>, ends: Option<Timestamp>) -> Markup {
    html! {
        @match ends {
            None => (frame.word(Word::EndsNever)),
            Some(at) => {
                (minutes(at))
                @if at <= frame.now { " " span.tag { (frame.word(Word::TokenOver)) } }
            }
        }
    }
}

/// The page for a new one. `problem` is why none was made.
pub fn new(frame: &Frame<'_>, typed: Typed<'_>, problem: Option<&str>, may_change: bool) -> Markup {
    let title = frame.word(Word::NewToken);
    let roles = [Role::Viewer, Role::Operator, Role::Owner].map(Role::as_str);
    let form = html! {
        div.field {
            label for="name" { (frame.word(Word::Name)) }
            input id="name" name="name" value=(typed.name) required autocomplete="off" autocapitalize="none"
                spellcheck="false" aria-describedby="name-hint";
            p.hint id="name-hint" { (frame.word(Word::TokenNameHint)) }
        }
        div.field {
            label for="role" { (frame.word(Word::Role)) }
            select id="role" name="role" aria-describedby="role-hint" {
                @for role in roles { option value=(role) selected[role == typed.role] { (role) } }
            }
            p.hint id="role-hint" { (frame.word(Word::RoleHint)) }
        }
        div.field {
            label for="expires_in" { (frame.word(Word::GoodFor)) }
            input id="expires_in" name="expires_in" value=(typed.expires_in) autocomplete="off"
                aria-describedby="expires-hint";
            p.hint id="expires-hint" { (frame.word(Word::GoodForHint)) }
        }
        div.buttons {
            button type="submit" disabled[!may_change] { (frame.word(Word::Create)) }
            a.button.quiet href=(Section::Settings.path()) { (frame.word(Word::Cancel)) }
        }
    };
    let content = html! {
        (way_back(frame))
        h1 { (title) }
        section.sheet {
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            p { (frame.word(Word::NewTokenLead)) }
            @if !may_change { p.soft { (frame.word(Word::OwnersOnly)) } }
            (frame.form(NEW, form))
        }
    };
    frame.document(title, content)
}

/// A token that was just made, which is shown this once. `is_asked_for` says whether the server asks anybody for one.
pub fn made(frame: &Frame<'_>, made: &Token, token: &str, is_asked_for: bool) -> Markup {
    let title = made.name.as_str();
    let content = html! {
        (way_back(frame))
        h1 { (title) " " span.tag.info { (made.role.as_str()) } }
        section.sheet {
            p.done role="status" { (frame.word(Word::TokenOnce)) }
            pre tabindex="0" { (token) }
            p { (frame.word(Word::EndsAt)) ": " (end(frame, made.ends)) }
            @if !is_asked_for { p.problem { (frame.word(Word::NobodyIsAsked)) } }
            div.buttons { a.button.quiet href=(Section::Settings.path()) { (frame.word(Word::Settings)) } }
        }
    };
    frame.document(title, content)
}

/// The page before one is deleted. `is_own` says whether whoever looks at it has signed in with it.
pub fn delete(frame: &Frame<'_>, token: &Token, is_own: bool, may_change: bool) -> Markup {
    let title = frame.filled(Word::DeleteTokenTitle, &[("name", &token.name)]);
    let form = html! {
        div.buttons {
            button.danger type="submit" disabled[!may_change] { (frame.word(Word::DeleteToken)) }
            a.button.quiet href=(Section::Settings.path()) { (frame.word(Word::Cancel)) }
        }
    };
    let content = html! {
        (way_back(frame))
        h1 { (title) }
        section.sheet {
            p { (frame.word(Word::DeleteTokenLead)) }
            @if is_own { p { strong { (frame.word(Word::DeleteOwnToken)) } } }
            @if !may_change { p.soft { (frame.word(Word::OwnersOnly)) } }
            (frame.form(&delete_address(&token.name), form))
        }
    };
    frame.document(&title, content)
}

#[cfg(test)]
mod tests {
    use sessera_model::Actor;

    use super::*;
    use crate::page::tests::frame;

    #[test]
    fn whatever_was_typed_or_made_is_shown_as_text() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let typed = Typed { name: "\"><b>", role: "operator", expires_in: "\"><i>" };
        let token = Token { name: "<b>".into(), role: Role::Owner, made: frame.now, ends: None };
        let form = new(&frame, typed, Some("<u>"), true).into_string();
        assert!(form.contains("value=\"operator\" selected"), "{form}");
        let once = made(&frame, &token, "<i>sessera_admin_x", false).into_string();
        assert!(once.contains("sessera_admin_x") && once.contains("serve.admin.token"), "{once}");
        let before = delete(&frame, &token, true, false).into_string();
        assert!(before.contains("disabled") && before.contains("signed in with it"), "{before}");
        for page in [form, once, before] {
            for raw in ["<b>", "<i>", "<u>"] {
                assert!(!page.contains(raw), "{raw}: {page}");
            }
        }
    }
}
