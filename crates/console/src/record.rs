//! The record of what happened, filtered.

use maud::{Markup, html};
use sessera_model::Timestamp;

use crate::doer::Doer;
use crate::page::{Frame, Place, minutes};
use crate::words::Word;

/// An entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub number: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub who: Doer,
    /// What happened.
    pub action: String,
    /// Whether it was refused.
    pub is_refused: bool,
    /// Whom and what it is about, as JSON.
    pub about: String,
    /// From which address it was asked for.
    pub address: String,
}

/// By what entries are filtered, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The action.
    pub action: String,
    /// The actor.
    pub actor: String,
    /// `done`, `refused` or nothing.
    pub outcome: String,
    /// The identity that it is about.
    pub identity: String,
    /// Not before this time.
    pub since: String,
    /// Before this time.
    pub until: String,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The filter.
    pub filter: Filter,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The query that leads to older entries.
    pub older: Option<String>,
    /// The query of these entries, for the files.
    pub query: String,
    /// What is wrong with the filter.
    pub problem: Option<String>,
}

/// The page.
pub fn page(frame: &Frame<'_>, shown: &Shown) -> Markup {
    let title = frame.word(Word::Record);
    let path = Place::Record.path();
    let content = html! {
        h1 { (title) }
        p.soft { (frame.word(Word::RecordLead)) }
        section.sheet { (filter(frame, shown)) }
        section.sheet {
            @if shown.entries.is_empty() {
                p role="status" { (frame.word(Word::RecordNone)) }
            } @else {
                (table(frame, &shown.entries))
            }
            div.buttons {
                @if let Some(older) = &shown.older {
                    a.button.quiet href=(format!("{path}?{older}")) { (frame.word(Word::Older)) }
                }
                a href=(format!("{path}.csv?{}", shown.query)) { (frame.word(Word::AsCsv)) }
                a href=(format!("{path}.json?{}", shown.query)) { (frame.word(Word::AsJson)) }
            }
        }
    };
    frame.document(title, content)
}

fn filter(frame: &Frame<'_>, shown: &Shown) -> Markup {
    let Filter { action, actor, outcome, identity, since, until } = &shown.filter;
    let fields = [
        ("action", Word::FilterAction, action, "session_began"),
        ("actor", Word::FilterActor, actor, ""),
        ("identity", Word::FilterIdentity, identity, ""),
        ("since", Word::FilterSince, since, "2026-01-31T12:00:00Z"),
        ("until", Word::FilterUntil, until, "2026-01-31T12:00:00Z"),
    ];
    let outcomes = [("", Word::OutcomeAny), ("done", Word::OutcomeDone), ("refused", Word::OutcomeRefused)];
    html! {
        @if let Some(problem) = &shown.problem { p.problem role="alert" { (problem) } }
        form method="get" action=(Place::Record.path()) {
            div.fields {
                @for (name, word, value, example) in fields {
                    div.field {
                        label for=(name) { (frame.word(word)) }
                        input id=(name) name=(name) value=(value) placeholder=(example) autocomplete="off"
                            autocapitalize="none" spellcheck="false";
                    }
                }
                div.field {
                    label for="outcome" { (frame.word(Word::FilterOutcome)) }
                    select id="outcome" name="outcome" {
                        @for (value, word) in outcomes {
                            option value=(value) selected[value == outcome] { (frame.word(word)) }
                        }
                    }
                }
            }
            div.buttons { button type="submit" { (frame.word(Word::Filter)) } }
        }
    }
}

fn table(frame: &Frame<'_>, entries: &[Entry]) -> Markup {
    html! {
        table {
            (frame.head(&[Word::When, Word::Who, Word::What, Word::About]))
            tbody {
                @for entry in entries {
                    tr {
                        td { (minutes(entry.at)) }
                        td {
                            (entry.who.on(frame))
                            @if !entry.address.is_empty() { " " span.soft { (entry.address) } }
                        }
                        td {
                            (entry.action.replace('_', " "))
                            @if entry.is_refused { " " span.tag.wrong { (frame.word(Word::OutcomeRefused)) } }
                        }
                        td.mono { (entry.about) }
                    }
                }
            }
        }
    }
}

/// Whether a program for tables would take a cell for a formula. Some pass over blanks, line breaks and whatever parts cells
/// before one, and take the wide forms of the signs, too.
fn is_formula(text: &str) -> bool {
    let is_passed_over = |sign: char| {
        sign.is_whitespace() || sign.is_control() || matches!(sign, ',' | ';' | '|' | '"' | '\'' | '\u{feff}')
    };
    let rest = text.trim_start_matches(is_passed_over);
    rest.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
        || text.starts_with(['\t', '\r', '\n'])
}

/// The entries as comma-separated values (RFC 4180). A cell that a program for tables would take for a formula begins with
/// an apostrophe.
pub fn csv(entries: &[Entry]) -> String {
    let cell = |text: &str| {
        let guard = if is_formula(text) { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    let mut file = "number,at,who,action,outcome,about,address\r\n".to_owned();
    for entry in entries {
        let (number, at) = (entry.number.to_string(), entry.at.to_string());
        let outcome = if entry.is_refused { "refused" } else { "done" };
        let who = entry.who.plain();
        let Entry { action, about, address, .. } = entry;
        let cells: [&str; 7] = [&number, &at, who, action, outcome, about, address];
        let cells = cells.map(cell);
        file.push_str(&cells.join(","));
        file.push_str("\r\n");
    }
    file
}

#[cfg(test)]
mod tests {
    use sessera_model::Actor;

    use super::*;
    use crate::page::tests::frame;

    fn entry() -> Entry {
        Entry {
            number: 7,
            at: Timestamp::from_seconds(0),
            who: Doer::Named("=1+\"<b>".into()),
            action: "session_began".into(),
            is_refused: true,
            about: "{\"a\":\"<i>\"}".into(),
            address: "::1".into(),
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in [
            "=1",
            "+1",
            "-1",
            "@a",
            "\t=1",
            "\r",
            "\n+1",
            " =1",
            ",=1",
            "; -1",
            "\"=1",
            "'=1",
            "\u{feff}=1",
            "＝1",
        ] {
            assert!(is_formula(text), "{text:?}");
        }
        for text in ["", "a=1", "{\"a\":\"=1\"}", "2026-01-01T00:00:00Z", "::1", "a@b.example", "1 - 2"] {
            assert!(!is_formula(text), "{text:?}");
        }
    }

    #[test]
    fn entries_are_escaped_as_a_page_and_as_a_table() {
        let shown = Shown {
            filter: Filter { actor: "\"><u>".into(), ..Filter::default() },
            entries: vec![entry()],
            older: Some("page_token=1&actor=x".into()),
            query: "actor=x".into(),
            problem: Some("<q>".into()),
        };
        let page = page(&frame(&Actor::Anybody), &shown).into_string();
        for raw in ["<b>", "<i>", "<u>", "<q>"] {
            assert!(!page.contains(raw), "{raw}: {page}");
        }
        assert!(page.contains("/console/record?page_token=1&amp;actor=x"), "{page}");
        let row = "\"7\",\"1970-01-01T00:00:00Z\",\"'=1+\"\"<b>\",\"session_began\",\"refused\",\"{\"\"a\"\":\"\"<i>\"\"}\",\"::1\"\r\n";
        assert!(csv(&[entry()]).ends_with(row), "{}", csv(&[entry()]));
    }
}
