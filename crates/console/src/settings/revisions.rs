//! Revisions of the configuration, and the page before one goes back to one of them.

use maud::{Markup, html};
use serde_json::Value;
use sessera_model::{Timestamp, Uuid};

use super::way_back;
use crate::actor_label::ActorLabel;
use crate::page::{Frame, Section, minutes};
use crate::templates::preview::plain;
use crate::words::Word;

/// The address of the list.
pub const PATH: &str = "/console/settings/revisions";

/// How many changes of a revision a list shows.
const SHOWN: usize = 3;

/// A revision.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it, as far as that is known.
    pub who: Option<ActorLabel>,
    /// What it changed.
    pub changes: Vec<Change>,
    /// Whether it is the newest one.
    pub is_current: bool,
}

/// A change of the configuration, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The pointer of what is changed.
    pub path: String,
    /// What it is before.
    pub before: Option<Value>,
    /// What it becomes.
    pub after: Option<Value>,
}

/// Which configuration one goes back to.
#[derive(Clone, Copy, Debug)]
pub enum RollbackTarget {
    /// That of a revision, of a time.
    Revision(Uuid, Timestamp),
    /// That of files and the environment, which has this id.
    Files(Uuid),
}

/// What is known before one goes back.
#[derive(Clone, Debug)]
pub struct RollbackPreview {
    /// Which configuration one goes back to.
    pub goal: RollbackTarget,
    /// What the revision changed when it was made.
    pub then: Vec<Change>,
    /// What goes, comes and changes on the way back.
    pub back: Vec<Change>,
    /// The revision that is the newest one now.
    pub newest: Uuid,
    /// Why it cannot be done, or was not.
    pub problem: Option<String>,
    /// Whether whoever looks at it may go back.
    pub may_change: bool,
}

impl Change {
    /// The changes of a difference, which is a list of them without secrets.
    pub fn all_of(difference: &Value) -> Vec<Self> {
        let change = |change: &Value| {
            let value = |name: &str| change.get(name).cloned();
            Some(Self {
                path: change["path"].as_str()?.to_owned(),
                before: value("before"),
                after: value("after"),
            })
        };
        difference.as_array().into_iter().flatten().filter_map(change).collect()
    }
}

/// The address of a revision.
pub fn address(revision: Uuid) -> String {
    format!("{PATH}/{revision}")
}

/// The page with all of them. `older` is the query that leads to older ones, and `files` the id of the configuration of
/// files and the environment, where the list comes to it.
pub fn list(frame: &Frame<'_>, revisions: &[Revision], older: Option<&str>, files: Option<Uuid>) -> Markup {
    let title = frame.word(Word::Revisions);
    let content = html! {
        (way_back(frame))
        h1 { (title) }
        p.soft { (frame.word(Word::ConfigurationLead)) }
        section.sheet {
            (table(frame, revisions))
            div.buttons {
                @if let Some(older) = older {
                    a.button.quiet href=(format!("{PATH}?{older}")) { (frame.word(Word::OlderRevisions)) }
                }
                @if let Some(files) = files {
                    a href=(address(files)) { (frame.word(Word::OfFiles)) }
                }
            }
        }
    };
    frame.document(title, content)
}

/// The table of revisions.
pub(super) fn table(frame: &Frame<'_>, revisions: &[Revision]) -> Markup {
    html! {
        @if revisions.is_empty() {
            p { (frame.word(Word::RevisionsNone)) }
        } @else {
            table {
                (frame.head(&[Word::When, Word::Who, Word::What, Word::SeeVersion]))
                tbody {
                    @for revision in revisions {
                        tr {
                            td { (frame.ago(revision.at)) }
                            td { (revision.who.as_ref().map(|who| who.on(frame)).unwrap_or_default()) }
                            td { (in_short(frame, &revision.changes)) }
                            td {
                                a href=(address(revision.id)) { (minutes(revision.at)) }
                                @if revision.is_current { " " span.soft { (frame.word(Word::IsCurrent)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn in_short(frame: &Frame<'_>, changes: &[Change]) -> Markup {
    html! {
        @for change in changes.iter().take(SHOWN) {
            p { (tag(frame, change)) " " span.mono { (change.path) } }
        }
        @if let Some(more @ 1..) = changes.len().checked_sub(SHOWN) {
            p.soft { (frame.filled(Word::MoreChanges, &[("count", &more.to_string())])) }
        }
    }
}

/// What becomes of something.
fn tag(frame: &Frame<'_>, change: &Change) -> Markup {
    match (&change.before, &change.after) {
        (_, None) => html! { span.tag.wrong { (frame.word(Word::Goes)) } },
        (None, _) => html! { span.tag.good { (frame.word(Word::Comes)) } },
        _ => html! { span.tag.info { (frame.word(Word::Becomes)) } },
    }
}

fn changes(frame: &Frame<'_>, changes: &[Change]) -> Markup {
    html! {
        table {
            (frame.head(&[Word::What, Word::SettingAt, Word::Value]))
            tbody {
                @for change in changes {
                    tr {
                        td { (tag(frame, change)) }
                        th.mono scope="row" { (change.path) }
                        td.mono {
                            @if let Some(before) = &change.before { del { (plain(before)) } " " }
                            @if let Some(after) = &change.after { (plain(after)) }
                        }
                    }
                }
            }
        }
    }
}

/// The page before one goes back.
pub fn before(frame: &Frame<'_>, before: &RollbackPreview) -> Markup {
    let (id, title, lead) = match before.goal {
        RollbackTarget::Revision(id, at) => (
            id,
            frame.filled(Word::BackTitle, &[("time", &minutes(at))]),
            frame.filled(Word::RollBackLead, &[("revision", &id.to_string())]),
        ),
        RollbackTarget::Files(id) => {
            (id, frame.word(Word::BackToFiles).to_owned(), frame.word(Word::RollBackToFilesLead).to_owned())
        }
    };
    let form = html! {
        input type="hidden" name="newest" value=(before.newest);
        div.buttons {
            button.danger type="submit" disabled[!before.may_change] { (frame.word(Word::BackButton)) }
            a.button.quiet href=(Section::Settings.path()) { (frame.word(Word::Cancel)) }
        }
    };
    let content = html! {
        (way_back(frame))
        h1 { (title) }
        section.sheet {
            @if let Some(problem) = &before.problem { p.problem role="alert" { (problem) } }
            @if before.back.is_empty() {
                p { (frame.word(Word::BackSameConfiguration)) }
            } @else {
                p { (lead) }
                (changes(frame, &before.back))
                @if !before.may_change { p.soft { (frame.word(Word::OperatorsOnly)) } }
                (frame.form(&address(id), form))
            }
        }
        @if !before.then.is_empty() {
            section.sheet aria-labelledby="then" {
                h2 id="then" { (frame.word(Word::ChangedThen)) }
                (changes(frame, &before.then))
            }
        }
    };
    frame.document(&title, content)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;
    use sessera_model::Actor;

    use super::*;
    use crate::page::tests::frame;

    /// A revision with markup in whatever is a text.
    pub(in crate::settings) fn revision() -> Revision {
        let change = |path: &str| json!({"op": "add", "path": path, "after": "<i>"});
        Revision {
            id: Uuid::nil(),
            at: Timestamp::from_seconds(0),
            who: Some(ActorLabel::Named("<q>".into())),
            changes: Change::all_of(&json!([change("/<b>"), change("/b"), change("/c"), change("/d")])),
            is_current: true,
        }
    }

    #[test]
    fn a_list_shows_some_of_the_changes_and_counts_the_others() {
        let actor = Actor::Anybody;
        let shown = list(&frame(&actor), &[revision()], Some("page_token=1&x=<"), Some(Uuid::nil()));
        let shown = shown.into_string();
        assert!(shown.contains("and 1 more") && !shown.contains(">/d<"), "{shown}");
        assert!(shown.contains("page_token=1&amp;x=&lt;") && !shown.contains("<b>"), "{shown}");
    }

    #[test]
    fn what_goes_comes_and_changes_is_named_before_one_goes_back() {
        let actor = Actor::Anybody;
        let frame = frame(&actor);
        let difference = json!([
            {"op": "remove", "path": "/<b>", "before": {"<i>": 1}},
            {"op": "add", "path": "/comes", "after": true},
            {"op": "replace", "path": "/ttl", "before": "5m", "after": "10m"},
        ]);
        let mut told = RollbackPreview {
            goal: RollbackTarget::Revision(Uuid::nil(), Timestamp::from_seconds(0)),
            then: Change::all_of(&difference),
            back: Change::all_of(&difference),
            newest: Uuid::nil(),
            problem: Some("<u>".into()),
            may_change: true,
        };
        let shown = before(&frame, &told).into_string();
        for raw in ["<b>", "<i>", "<u>"] {
            assert!(!shown.contains(raw), "{raw}: {shown}");
        }
        for text in
            [">goes<", "/&lt;b&gt;", ">comes<", ">changes<", "<del>5m</del> 10m", "Nothing is lost", "<form"]
        {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        told.may_change = false;
        told.goal = RollbackTarget::Files(Uuid::nil());
        let viewed = before(&frame, &told).into_string();
        assert!(viewed.contains("disabled") && viewed.contains("files and the environment"), "{viewed}");
        told.back.clear();
        let same = before(&frame, &told).into_string();
        assert!(!same.contains("name=\"newest\"") && same.contains("what it is now"), "{same}");
    }
}
