//! What a template was before, and the way back.

use maud::{Markup, html};
use serde_json::Value;
use sessera_model::{Timestamp, Uuid};

use super::address;
use super::preview::plain;
use crate::actor_label::ActorLabel;
use crate::page::{Frame, minutes};
use crate::words::Word;

/// How many lines around a change are shown.
const AROUND: usize = 3;

/// A revision that changed the template.
#[derive(Clone, Debug)]
pub struct Version {
    /// The revision.
    pub revision: Uuid,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it, as far as that is known.
    pub who: Option<ActorLabel>,
    /// What it changed.
    pub edits: Vec<Edit>,
}

/// A change of the template. The member is empty where it is the whole template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The member.
    pub member: String,
    /// The value of the member before.
    pub before: Option<Value>,
    /// What it became.
    pub after: Option<Value>,
}

impl Version {
    /// What a revision changed of the template at `pointer`. `diff` is the list of its changes, without secrets. Nothing
    /// when it did not touch the template.
    pub fn of(revision: Uuid, at: Timestamp, diff: &Value, pointer: &str) -> Option<Self> {
        let edit = |change: &Value| {
            let path = change["path"].as_str()?;
            let value = |name: &str| change.get(name).cloned();
            if let Some(inside) = pointer.strip_prefix(path) {
                // A change of something around it, which may have brought or taken it.
                let part = |name: &str| value(name).and_then(|value| value.pointer(inside).cloned());
                let edit = Edit { member: String::new(), before: part("before"), after: part("after") };
                return (edit.before.is_some() || edit.after.is_some()).then_some(edit);
            }
            let member = path.strip_prefix(pointer)?.strip_prefix('/')?;
            Some(Edit { member: member.to_owned(), before: value("before"), after: value("after") })
        };
        let edits: Vec<Edit> = diff.as_array()?.iter().filter_map(edit).collect();
        (!edits.is_empty()).then_some(Self { revision, at, who: None, edits })
    }
}

/// The list below the editor.
pub(crate) fn list(frame: &Frame<'_>, name: &str, versions: &[Version]) -> Markup {
    html! {
        section.sheet aria-labelledby="history" {
            h2 id="history" { (frame.word(Word::History)) }
            @if versions.is_empty() {
                p.soft { (frame.word(Word::HistoryNone)) }
            } @else {
                table {
                    (frame.head(&[Word::When, Word::Who, Word::What, Word::SeeVersion]))
                    tbody {
                        @for (place, version) in versions.iter().enumerate() {
                            tr {
                                td { (frame.ago(version.at)) }
                                td { (version.who.as_ref().map(|who| who.on(frame)).unwrap_or_default()) }
                                td { @for edit in &version.edits { p { (self::edit(frame, edit)) } } }
                                td {
                                    @if place == 0 {
                                        span.soft { (frame.word(Word::IsCurrent)) }
                                    } @else {
                                        a href=(format!("{}/history/{}", address(name), version.revision)) {
                                            (minutes(version.at))
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
}

fn edit(frame: &Frame<'_>, edit: &Edit) -> Markup {
    match (edit.member.as_str(), &edit.before, &edit.after) {
        ("", None, _) => html! { (frame.word(Word::WasAdded)) },
        ("", _, None) => html! { (frame.word(Word::WasRemoved)) },
        ("claims_mapper_url", ..) => html! { (frame.word(Word::MapperChanged)) },
        (member, before, after) => html! {
            span.mono { (member) }
            @if let Some(before) = before { " " del.mono { (plain(before)) } }
            @if let Some(after) = after { " " span.mono { (plain(after)) } }
        },
    }
}

/// What the page before going back shows.
#[derive(Clone, Copy, Debug)]
pub struct RestorePreview<'a> {
    /// The name of the template.
    pub name: &'a str,
    /// The revision to which it goes back, and when that was made.
    pub version: (Uuid, Timestamp),
    /// The template as text, as it was then; nothing where it was not there.
    pub then: Option<&'a str>,
    /// The template as text, as it is now; nothing where it is not there.
    pub now: Option<&'a str>,
    /// The newest revision, from which what differs was worked out.
    pub newest: Uuid,
    /// Why it was not done.
    pub problem: Option<&'a str>,
    /// Whether whoever looks at it may do it.
    pub may_change: bool,
}

/// The page before going back.
pub fn page(frame: &Frame<'_>, before: &RestorePreview<'_>) -> Markup {
    let RestorePreview { name, version: (revision, at), then, now, newest, problem, may_change } = *before;
    let title = frame.filled(Word::BackTitle, &[("time", &minutes(at))]);
    let action = format!("{}/history/{revision}", address(name));
    let button = html! {
        (made_from(newest))
        div.buttons {
            button type="submit" disabled[!may_change] { (frame.word(Word::BackButton)) }
            a.button.quiet href=(address(name)) { (frame.word(Word::Cancel)) }
        }
    };
    let content = html! {
        p.soft { a href=(address(name)) { (name) } }
        h1 { (title) }
        section.sheet {
            (refused(frame, problem))
            @match then {
                None => p { (frame.word(Word::WasNot)) },
                Some(then) if now == Some(then) => p { (frame.word(Word::BackSame)) },
                Some(then) => {
                    p { (frame.word(Word::BackLead)) }
                    (difference(now.unwrap_or_default(), then))
                    @if !may_change { p.soft { (frame.word(Word::ReadOnly)) } }
                    (frame.form(&action, button))
                }
            }
        }
    };
    frame.document(&title, content)
}

/// The field that says from which revision a page was made, so that nothing is done that it did not show.
fn made_from(newest: Uuid) -> Markup {
    html! { input type="hidden" name="revision" value=(newest); }
}

fn refused(frame: &Frame<'_>, problem: Option<&str>) -> Markup {
    html! {
        @if let Some(problem) = problem {
            div.problem role="alert" { p { strong { (frame.word(Word::Refused)) ": " } (problem) } }
        }
    }
}

/// The page before a template is taken out. `newest` is the revision that has it, and `problem` is why it was not done.
pub fn delete(
    frame: &Frame<'_>,
    name: &str,
    newest: Uuid,
    problem: Option<&str>,
    may_change: bool,
) -> Markup {
    let title = frame.filled(Word::DeleteTitle, &[("name", name)]);
    let button = html! {
        (made_from(newest))
        div.buttons {
            button.danger type="submit" disabled[!may_change] { (frame.word(Word::DeleteButton)) }
            a.button.quiet href=(address(name)) { (frame.word(Word::Cancel)) }
        }
    };
    let content = html! {
        p.soft { a href=(address(name)) { (name) } }
        h1 { (title) }
        section.sheet {
            (refused(frame, problem))
            p { (frame.word(Word::DeleteLead)) }
            @if !may_change { p.soft { (frame.word(Word::ReadOnly)) } }
            (frame.form(&format!("{}/delete", address(name)), button))
        }
    };
    frame.document(&title, content)
}

/// The lines that go and those that come, with some around them. What is alike at both ends is left out, so the work is
/// that of reading both once.
pub(crate) fn difference(before: &str, after: &str) -> Markup {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let around = &old[head.saturating_sub(AROUND)..head];
    let behind = &old[old.len() - tail..];
    html! {
        pre tabindex="0" {
            @for line in around { "  " (line) "\n" }
            @for line in &old_rest[..old_rest.len() - tail] { span.out { "- " (line) } }
            @for line in &new_rest[..new_rest.len() - tail] { span.in { "+ " (line) } }
            @for line in behind.iter().take(AROUND) { "  " (line) "\n" }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_revision_is_told_by_what_it_changed_of_the_template() {
        let of = |diff: Value| {
            let version = Version::of(Uuid::nil(), Timestamp::default(), &diff, "/templates/a");
            version.map(|version| version.edits)
        };
        let edit = |member: &str, before: Option<Value>, after: Option<Value>| {
            Some(vec![Edit { member: member.into(), before, after }])
        };
        let path = |path: &str| json!([{"op": "replace", "path": path, "before": "5m", "after": "10m"}]);
        assert_eq!(of(path("/templates/a/ttl")), edit("ttl", Some("5m".into()), Some("10m".into())));
        assert_eq!(of(path("/templates/ab/ttl")), None);
        assert_eq!(of(path("/session/lifespan")), None);
        let added = json!([{"op": "add", "path": "/templates", "after": {"a": {"ttl": "1m"}}}]);
        assert_eq!(of(added), edit("", None, Some(json!({"ttl": "1m"}))));
        assert_eq!(of(json!([{"op": "add", "path": "/templates", "after": {"b": {}}}])), None);
        let removed = json!([{"op": "remove", "path": "/templates/a", "before": {}}]);
        assert_eq!(of(removed), edit("", Some(json!({})), None));
        assert_eq!(of(json!({})), None);
    }

    #[test]
    fn only_what_differs_is_shown_with_some_lines_around_it() {
        let before = "1\n2\n3\n4\n<a>\n6\n7\n8\n9";
        let shown = difference(before, &before.replace("<a>", "five\nand")).into_string();
        assert!(!shown.contains("<a>") && !shown.contains("  1\n") && !shown.contains("  9\n"), "{shown}");
        assert!(
            shown.contains("<span class=\"out\">- &lt;a&gt;</span><span class=\"in\">+ five</span>"),
            "{shown}"
        );
        assert_eq!(difference("a", "a").into_string(), "<pre tabindex=\"0\">  a\n</pre>");
        assert!(difference("a\na", "a").into_string().contains("- a"));
    }
}
