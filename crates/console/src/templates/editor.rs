//! The editor of a template, with its preview and its history.

use maud::{Markup, html};
use serde::Deserialize;
use sessera_model::Uuid;

use super::fields::Fields;
use super::history::{self, Version};
use super::preview::{self, Outcome};
use super::recipes::{self, Lacking};
use super::{State, address};
use crate::page::{Frame, Section};
use crate::words::Word;

/// The address of the editor for a template that is not there yet.
pub const NEW: &str = "/console/new-template";

/// For which session the preview is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct For {
    /// `sample`, `session` or `json`; the sample when it is something else.
    pub on: String,
    /// The address, or the id of the session or of the identity.
    pub whom: String,
    /// The session as JSON.
    pub json: String,
}

/// Where a mapper stands that is not part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapperFile {
    /// In this file.
    Read(String),
    /// In this file, which cannot be read.
    Unreadable(String),
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Editor {
    /// The template's name.
    pub name: String,
    /// Whether it is not there yet.
    pub is_new: bool,
    /// Whether the template works; nothing where it is new.
    pub state: Option<State>,
    /// What its fields hold.
    pub fields: Fields,
    /// The keys that it has, where they are no stored set.
    pub other_keys: Option<String>,
    /// Where its mapper stands, where that is a file.
    pub mapper_file: Option<MapperFile>,
    /// The names of all stored key sets.
    pub sets: Vec<String>,
    /// For which session the preview is.
    pub on: For,
    /// What comes out.
    pub outcome: Outcome,
    /// Why nothing was saved.
    pub refused: Option<String>,
    /// Whether it was saved just now.
    pub is_saved: bool,
    /// The revision that is changed.
    pub revision: Uuid,
    /// What it was before.
    pub history: Vec<Version>,
    /// What is left to do, where it comes of a recipe.
    pub next: Vec<String>,
    /// The key set of that recipe, where it is not there yet.
    pub lacks: Option<Lacking>,
    /// Whether whoever looks at it may save it.
    pub may_change: bool,
}

impl Editor {
    fn action(&self) -> String {
        if self.is_new { NEW.to_owned() } else { address(&self.name) }
    }

    /// The page.
    pub fn page(&self, frame: &Frame<'_>) -> Markup {
        let title = if self.is_new { frame.word(Word::NewTemplate) } else { self.name.as_str() };
        let action = self.action();
        let content = html! {
            p.soft { a href=(Section::Templates.path()) { (frame.word(Word::Templates)) } }
            header {
                h1 { (title) " " @if let Some(state) = &self.state { (state.tag(frame)) } }
                @if !self.is_new {
                    a href=(format!("{action}/delete")) { (frame.word(Word::Delete)) }
                }
            }
            (self.told(frame))
            @if let Some(lacking) = &self.lacks { (recipes::lacking(frame, lacking)) }
            form method="post" action=(action) data-preview=(format!("{action}/preview")) {
                (frame.csrf_field())
                input type="hidden" name="revision" value=(self.revision);
                div.two {
                    section.sheet aria-labelledby="in" {
                        h2 id="in" { (frame.word(Word::GoesIn)) }
                        (self.members(frame))
                        (self.mapper(frame))
                        (self.buttons(frame, &action))
                    }
                    section.sheet aria-labelledby="out" {
                        h2 id="out" { (frame.word(Word::ComesOut)) }
                        (self.subject(frame))
                        (preview::part(frame, &self.outcome))
                    }
                }
            }
            @if !self.next.is_empty() {
                section.sheet aria-labelledby="next" {
                    h2 id="next" { (frame.word(Word::Next)) }
                    ol { @for sentence in &self.next { li { (sentence) } } }
                }
            }
            @if !self.is_new { (history::list(frame, &self.name, &self.history)) }
        };
        frame.document(title, content)
    }

    /// What is to be said before everything else.
    fn told(&self, frame: &Frame<'_>) -> Markup {
        html! {
            @if self.is_saved { p.done role="status" { (frame.word(Word::Saved)) } }
            @if let Some(reason) = &self.refused {
                div.problem role="alert" { p { strong { (frame.word(Word::Refused)) ": " } (reason) } }
            }
            @if let Some(reason) = self.state.as_ref().and_then(State::reason) { p.problem { (reason) } }
        }
    }

    fn members(&self, frame: &Frame<'_>) -> Markup {
        let fields = &self.fields;
        html! {
            @if self.is_new {
                (field(frame, "name", Word::Name, &self.name, None))
            }
            div.fields {
                (self.keys(frame))
                (field(frame, "ttl", Word::Ttl, &fields.ttl, Some(Word::TtlHint)))
                (field(frame, "audience", Word::Audience, &fields.audience, Some(Word::AudienceHint)))
                div.field {
                    label for="subject_source" { (frame.word(Word::Subject)) }
                    select id="subject_source" name="subject_source" {
                        @let is_external = fields.subject_source == "external_id";
                        option value=(if is_external { "" } else { fields.subject_source.as_str() }) selected[!is_external] {
                            (frame.word(Word::SubjectId))
                        }
                        option value="external_id" selected[is_external] { (frame.word(Word::SubjectExternal)) }
                    }
                }
            }
            details {
                summary { (frame.word(Word::More)) }
                div.fields {
                    (field(frame, "issuer", Word::Issuer, &fields.issuer, Some(Word::IssuerHint)))
                    (field(frame, "typ", Word::Typ, &fields.typ, Some(Word::TypHint)))
                    (field(frame, "algorithm", Word::Algorithm, &fields.algorithm, Some(Word::AlgorithmHint)))
                    (field(frame, "nbf_leeway", Word::Leeway, &fields.nbf_leeway, Some(Word::LeewayHint)))
                }
                (check(frame, "cap_to_session", Word::Cap, fields.cap_to_session))
                (check(frame, "bearer", Word::Bearer, fields.bearer))
                (check(frame, "status_list", Word::StatusList, fields.status_list))
            }
        }
    }

    fn keys(&self, frame: &Frame<'_>) -> Markup {
        let chosen = self.fields.keys.strip_prefix("set://").unwrap_or_default();
        let is_lost = !chosen.is_empty() && self.sets.iter().all(|set| set != chosen);
        html! {
            div.field {
                label for="keys" { (frame.word(Word::KeySet)) }
                select id="keys" name="keys" {
                    @if let Some(keys) = &self.other_keys {
                        option value="" selected[chosen.is_empty()] {
                            (frame.filled(Word::KeysKept, &[("keys", keys)]))
                        }
                    } @else if chosen.is_empty() {
                        option value="" selected { (frame.word(Word::KeysChoose)) }
                    }
                    @for set in self.sets.iter().map(String::as_str).chain(is_lost.then_some(chosen)) {
                        option value=(format!("set://{set}")) selected[set == chosen] { (set) }
                    }
                }
                @if self.sets.is_empty() {
                    p.hint {
                        (frame.word(Word::KeysNone)) " "
                        span.mono { "sessera create jwk NAME --alg ES256 --rotate 30d" }
                    }
                }
            }
        }
    }

    fn mapper(&self, frame: &Frame<'_>) -> Markup {
        let file = |word: Word, file: &str| html! { p.hint { (frame.filled(word, &[("file", file)])) } };
        html! {
            div.field {
                label for="mapper" { (frame.word(Word::Mapper)) }
                p.hint id="mapper-hint" { (frame.word(Word::MapperHint)) }
                @match &self.mapper_file {
                    Some(MapperFile::Read(path)) => (file(Word::MapperFile, path)),
                    Some(MapperFile::Unreadable(path)) => (file(Word::MapperUnread, path)),
                    None => {}
                }
                // A line break at the beginning is not part of the text.
                textarea id="mapper" name="mapper" rows="16" spellcheck="false" autocapitalize="none" wrap="off"
                    aria-describedby="mapper-hint" { "\n" (self.fields.mapper) }
            }
        }
    }

    fn buttons(&self, frame: &Frame<'_>, action: &str) -> Markup {
        html! {
            @if self.may_change {
                @if self.refused.is_some() { (check(frame, "force", Word::Force, false)) }
            } @else {
                p.soft { (frame.word(Word::ReadOnly)) }
            }
            div.buttons {
                @if self.may_change { button type="submit" { (frame.word(Word::Save)) } }
                button.quiet type="submit" formaction=(format!("{action}/preview")) formnovalidate {
                    (frame.word(Word::ShowPreview))
                }
            }
        }
    }

    fn subject(&self, frame: &Frame<'_>) -> Markup {
        let choices = [("sample", Word::ForSample), ("session", Word::ForSession), ("json", Word::ForJson)];
        let known = choices.iter().any(|(value, _)| *value == self.on.on);
        let on = if known { self.on.on.as_str() } else { "sample" };
        html! {
            div.field {
                label for="on" { (frame.word(Word::PreviewFor)) }
                select id="on" name="on" {
                    @for (value, word) in choices {
                        option value=(value) selected[value == on] { (frame.word(word)) }
                    }
                }
            }
            div.field data-for="session" {
                label for="whom" { (frame.word(Word::ForWhom)) }
                input id="whom" name="whom" value=(self.on.whom) autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            div.field data-for="json" {
                label for="json" { (frame.word(Word::ForPasted)) }
                textarea id="json" name="json" rows="4" spellcheck="false" { "\n" (self.on.json) }
            }
        }
    }
}

fn field(frame: &Frame<'_>, name: &str, label: Word, value: &str, hint: Option<Word>) -> Markup {
    let hint_id = hint.map(|_| format!("{name}-hint"));
    html! {
        div.field {
            label for=(name) { (frame.word(label)) }
            input id=(name) name=(name) value=(value) autocomplete="off" autocapitalize="none" spellcheck="false"
                aria-describedby=[hint_id.as_deref()];
            @if let Some(hint) = hint { p.hint id=[hint_id.as_deref()] { (frame.word(hint)) } }
        }
    }
}

fn check(frame: &Frame<'_>, name: &str, label: Word, is_checked: bool) -> Markup {
    html! {
        label.check { input type="checkbox" name=(name) value="on" checked[is_checked]; span { (frame.word(label)) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::frame;
    use crate::templates::preview::Fault;
    use sessera_model::{Actor, Role};

    #[test]
    fn whatever_stands_in_a_template_is_shown_as_text() {
        let bad = "</textarea><script>\"'&";
        let fields = Fields {
            keys: format!("set://{bad}"),
            ttl: bad.into(),
            audience: bad.into(),
            issuer: bad.into(),
            typ: bad.into(),
            algorithm: bad.into(),
            nbf_leeway: bad.into(),
            subject_source: bad.into(),
            mapper: bad.into(),
            ..Fields::default()
        };
        let editor = Editor {
            name: bad.into(),
            is_new: false,
            state: Some(State::Broken(bad.into())),
            fields,
            other_keys: Some(bad.into()),
            mapper_file: Some(MapperFile::Unreadable(bad.into())),
            sets: vec![bad.into()],
            on: For { on: bad.into(), whom: bad.into(), json: bad.into() },
            outcome: Outcome::Failed(Fault::of(bad.into())),
            refused: Some(bad.into()),
            is_saved: true,
            revision: Uuid::nil(),
            history: vec![],
            next: vec![bad.into()],
            lacks: Some(Lacking {
                recipe: bad.into(),
                service: bad.into(),
                template: bad.into(),
                set: bad.into(),
                algorithm: bad.into(),
                period: Some(bad.into()),
                is_given: false,
                answers: vec![(bad.into(), bad.into())],
                problem: Some(bad.into()),
                may_make: true,
            }),
            may_change: true,
        };
        let actor = Actor::Token { name: bad.into(), role: Role::Viewer };
        for is_new in [false, true] {
            let shown = Editor { is_new, ..editor.clone() }.page(&frame(&actor)).into_string();
            // The one script is the console's own.
            assert_eq!(shown.matches("<script").count(), 1, "{shown}");
            assert_eq!(shown.matches("</textarea>").count(), 2, "{shown}");
        }
    }
}
