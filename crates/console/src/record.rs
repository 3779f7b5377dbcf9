//! The record of what happened, filtered.

use maud::{Markup, html};
use sessera_model::Timestamp;

use crate::actor_label::ActorLabel;
use crate::page::{Frame, Section, minutes};
use crate::words::Word;

/// An entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub number: i64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub who: ActorLabel,
    /// What happened.
    pub action: String,
    /// Whether it was refused.
    pub is_refused: bool,
    /// Whom and what it is about, as JSON.
    pub about: String,
    /// From which address it was asked for.
    pub address: String,
    /// With which program, as that says.
    pub user_agent: String,
    /// The id of the request by which it was done.
    pub request_id: String,
    /// Of how many alike it tells.
    pub count: u64,
    /// All that the record has of who did it, as JSON.
    pub actor: String,
    /// The hash of it and of all before it.
    pub hash: String,
    /// All of the above as the API has it, as JSON on several lines.
    pub whole: String,
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
    let path = Section::Record.path();
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
        ("since", Word::FilterSince, since, "2026-01-31"),
        ("until", Word::FilterUntil, until, "2026-01-31T12:00:00Z"),
    ];
    let outcomes = [("", Word::OutcomeAny), ("done", Word::OutcomeDone), ("refused", Word::OutcomeRefused)];
    html! {
        @if let Some(problem) = &shown.problem { p.problem role="alert" { (problem) } }
        form method="get" action=(Section::Record.path()) {
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
                            @if entry.count > 1 {
                                " " span.tag.info { (frame.filled(Word::CountedAlike, &[("count", &entry.count.to_string())])) }
                            }
                        }
                        td {
                            span.mono { (entry.about) }
                            details {
                                summary {
                                    (frame.filled(Word::WholeEntry, &[("number", &entry.number.to_string())]))
                                }
                                pre { (entry.whole) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The signs with which a formula begins, the wide ones among them.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Whether some program for tables parts cells by a sign, whatever this file parts them by.
const fn parts_cells(sign: char) -> bool {
    matches!(sign, ',' | ';' | '|' | '\t' | '\r' | '\n')
}

/// Whether some program passes over a sign at the beginning of a cell.
fn is_passed_over(sign: char) -> bool {
    sign.is_whitespace() || sign.is_control() || parts_cells(sign) || matches!(sign, '"' | '\'' | '\u{feff}')
}

/// Whether a program for tables would take a cell for a formula.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches(is_passed_over).starts_with(FORMULA) || text.starts_with(['\t', '\r', '\n'])
}

/// A text of which no program makes a formula, with an apostrophe where one would begin: at its beginning, and behind
/// whatever such a program may part cells by.
fn guarded(text: &str) -> String {
    let mut guarded = String::with_capacity(text.len() + 1);
    if is_formula(text) {
        guarded.push('\'');
    }
    let mut may_begin = false;
    for sign in text.chars() {
        if may_begin && FORMULA.contains(&sign) {
            guarded.push('\'');
        }
        may_begin = parts_cells(sign) || may_begin && is_passed_over(sign);
        guarded.push(sign);
    }
    guarded
}

/// The entries as comma-separated values (RFC 4180) with all that they say. None of them is a formula for a program that
/// reads tables.
pub fn csv(entries: &[Entry]) -> String {
    let cell = |text: &str| format!("\"{}\"", guarded(text).replace('"', "\"\""));
    let mut file =
        "number,at,who,action,outcome,about,address,user_agent,request_id,count,actor,hash\r\n".to_owned();
    for entry in entries {
        let (number, at, count) = (entry.number.to_string(), entry.at.to_string(), entry.count.to_string());
        let outcome = if entry.is_refused { "refused" } else { "done" };
        let who = entry.who.plain();
        let Entry { action, about, address, user_agent, request_id, actor, hash, .. } = entry;
        let cells: [&str; 12] =
            [&number, &at, who, action, outcome, about, address, user_agent, request_id, &count, actor, hash];
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
            who: ActorLabel::Named("=1+\"<b>".into()),
            action: "session_began".into(),
            is_refused: true,
            about: "{\"a\":\"<i>\"}".into(),
            address: "::1".into(),
            user_agent: "Mozilla/5.0 (X11; +http://x) ;=1|\"@a".into(),
            request_id: "-r".into(),
            count: 12,
            actor: "{\"kind\":\"token\"}".into(),
            hash: "6f3c".into(),
            whole: "{\n  \"hash\": \"<s>\"\n}".into(),
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
    fn no_part_of_a_cell_is_a_formula_whatever_parts_cells() {
        for (text, guarded) in [
            ("a;=1", "a;'=1"),
            ("a, \"-1", "a, \"'-1"),
            ("a\t@b|＋c", "a\t'@b|'＋c"),
            ("a\n\r =1", "a\n\r '=1"),
            ("=1;=2", "'=1;'=2"),
            ("a=1; b+2-3 @c", "a=1; b+2-3 @c"),
        ] {
            assert_eq!(super::guarded(text), guarded);
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
        for raw in ["<b>", "<i>", "<u>", "<q>", "<s>"] {
            assert!(!page.contains(raw), "{raw}: {page}");
        }
        for text in ["12 alike", "Entry 7", "&quot;hash&quot;: &quot;&lt;s&gt;&quot;"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(page.contains("/console/record?page_token=1&amp;actor=x"), "{page}");
        let row = concat!(
            "\"7\",\"1970-01-01T00:00:00Z\",\"'=1+\"\"<b>\",\"session_began\",\"refused\",\"{\"\"a\"\":\"\"<i>\"\"}\",\"::1\",",
            "\"Mozilla/5.0 (X11; '+http://x) ;'=1|\"\"'@a\",\"'-r\",\"12\",\"{\"\"kind\"\":\"\"token\"\"}\",\"6f3c\"\r\n"
        );
        assert!(csv(&[entry()]).ends_with(row), "{}", csv(&[entry()]));
    }
}
