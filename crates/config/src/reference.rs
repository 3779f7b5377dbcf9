//! The page about the configuration has every key: its tables are made of the sections and of
//! [`crate::unsupported`].
//!
//! `SESSERA_BLESS=1 cargo test -p sessera-config reference` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use crate::environment::variable_name;
use crate::kind::{Key, Kind};
use crate::sections::Sections;
use crate::unsupported::TABLE;
use crate::verdict::Verdict;

const PAGE: &str = "../../docs/configuration.md";
const BEGIN: &str = "<!-- the tables below are made of crates/config/src/sections and unsupported.rs -->\n";

fn made() -> String {
    let mut text = String::new();
    for key in Sections::KEYS {
        let machine = if key.is_of_machine { " Belongs to the machine." } else { "" };
        let _ = write!(text, "\n## {}\n\n{}{machine}\n\n", key.name, key.about());
        text += "| Key | Type | Meaning |\n|---|---|---|\n";
        match key.kind.keys() {
            [] => row(&mut text, key, key.name, ""),
            keys => rows(&mut text, keys, key.name, ""),
        }
    }
    text += "\n## Keys of Kratos that have no effect\n\nWhat would be lost decides whether a configuration with such a key is taken. Files, the environment and patches are judged alike.\n";
    for (verdict, title, about) in [
        (
            Verdict::Restricting,
            "Refused, because somebody would be let in or told something",
            "Who sets one of these hears the key and its place. `accept_unsupported` and `--accept-unsupported KEY` say that you know; then it is a warning.",
        ),
        (
            Verdict::WithoutEffect,
            "Warned about, because something would be missing",
            "They are named by `sessera config validate`, in the log at the start, and in the answer to a patch.",
        ),
        (Verdict::Harmless, "Accepted, because nobody would notice", "Nothing is said about these."),
    ] {
        let _ = write!(text, "\n### {title}\n\n{about}\n\n| Keys | Instead |\n|---|---|\n");
        for row in TABLE.iter().filter(|row| row.verdict == verdict) {
            let keys: Vec<String> = row.paths.iter().map(|path| format!("`{path}`")).collect();
            let _ = writeln!(text, "| {} | {} |", keys.join(", "), row.about);
        }
    }
    text
}

/// `machine` is what to say of keys that belong to the machine, where those around them do not.
fn rows(text: &mut String, keys: &'static [Key], prefix: &str, machine: &str) {
    for key in keys {
        let path = format!("{prefix}.{}", key.name);
        let machine = if key.is_of_machine { " Belongs to the machine." } else { machine };
        match key.kind {
            Kind::Object(inner) => rows(text, inner, &path, machine),
            Kind::List(Kind::Object(inner)) => rows(text, inner, &format!("{path}[]"), machine),
            Kind::Map(Kind::Object(inner)) => {
                row(text, key, &path, machine);
                rows(text, inner, &format!("{path}.NAME"), machine);
            }
            _ => row(text, key, &path, machine),
        }
    }
}

fn row(text: &mut String, key: &Key, path: &str, machine: &str) {
    let _ = writeln!(text, "| `{path}` | {} | {}{machine} |", type_of(key.kind), key.about());
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".into(),
        Kind::Secret(0) => "secret text".into(),
        Kind::Secret(least) => format!("secret text of {least} characters or more"),
        Kind::Bool => "true or false".into(),
        Kind::Integer(..) => "whole number".into(),
        Kind::Ratio => "number from 0 to 1".into(),
        Kind::Duration(..) => "duration".into(),
        Kind::Bytes(..) => "amount of memory".into(),
        Kind::Url | Kind::PrivateUrl => "URL".into(),
        Kind::Address => "URL, or path below the public address".into(),
        Kind::Color => "colour".into(),
        Kind::Choice(words) => words.join(", "),
        Kind::List(Kind::Any) => "list of hooks".into(),
        Kind::List(inner) => format!("list of {}", type_of(*inner)),
        Kind::Map(inner) => format!("{} by name", type_of(*inner)),
        Kind::Object(_) | Kind::Template | Kind::Any => "object".into(),
    }
}

#[test]
fn the_page_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, tables) = page.split_once(BEGIN).expect("the line behind which the tables stand");
    let made = made();
    if std::env::var_os("SESSERA_BLESS").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{made}")).unwrap();
    } else {
        assert!(
            tables == made,
            "docs/configuration.md is not of today: run SESSERA_BLESS=1 cargo test -p sessera-config reference"
        );
    }
}

#[test]
fn the_page_s_example_of_a_variable_is_right() {
    assert_eq!(variable_name(&["session", "whoami", "required_aal"]), "SESSION_WHOAMI_REQUIRED_AAL");
}
