//! The page about the configuration has every key: its tables are made of [`crate::keys`].
//!
//! `SESSERA_BLESS=1 cargo test -p sessera-config reference` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use crate::keys::{Key, Kind, MACHINE, ROOT};
use crate::load::variable_name;

const PAGE: &str = "../../docs/configuration.md";
const BEGIN: &str = "<!-- the tables below are made of crates/config/src/keys.rs -->\n";

/// The tables and what is accepted without effect.
#[derive(Default)]
struct Reference {
    text: String,
    without_effect: Vec<String>,
}

impl Reference {
    fn made() -> String {
        let mut reference = Self::default();
        for key in ROOT {
            if has_no_effect(key) {
                reference.without_effect.push(key.name.to_owned());
                continue;
            }
            let machine = if MACHINE.contains(&key.name) { " Belongs to the machine." } else { "" };
            let _ = write!(reference.text, "\n## {}\n\n{}{machine}\n\n", key.name, key.about);
            reference.text += "| Key | Type | Meaning |\n|---|---|---|\n";
            match key.kind {
                Kind::Object(keys) => reference.rows(keys, key.name),
                _ => reference.row(key, key.name),
            }
        }
        let names: Vec<String> = reference.without_effect.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(
            reference.text,
            "\n## Accepted without effect\n\nThese keys of Kratos mean nothing here; a file that has them loads: {}.\n",
            names.join(", ")
        );
        reference.text
    }

    fn rows(&mut self, keys: &'static [Key], prefix: &str) {
        let mut shown: Vec<&[Key]> = Vec::new();
        for key in keys {
            let path = format!("{prefix}.{}", key.name);
            let inner = match key.kind {
                Kind::Object(inner) => Some((inner, path.clone())),
                Kind::List(Kind::Object(inner)) => Some((*inner, format!("{path}[]"))),
                _ => None,
            };
            match inner {
                None if has_no_effect(key) => self.without_effect.push(path),
                None => self.row(key, &path),
                Some((inner, _)) if shown.iter().any(|known| std::ptr::eq(*known, inner)) => {}
                Some((inner, path)) => {
                    shown.push(inner);
                    let all = self.path_of_all(keys, inner, prefix);
                    self.rows(inner, &all.unwrap_or(path));
                }
            }
        }
    }

    /// One path for all siblings that have the same keys.
    fn path_of_all(&mut self, keys: &[Key], inner: &[Key], prefix: &str) -> Option<String> {
        let same = |key: &&Key| matches!(key.kind, Kind::Object(other) if std::ptr::eq(other, inner));
        let names: Vec<&str> = keys.iter().filter(same).map(|key| key.name).collect();
        match names.len() {
            0 | 1 => None,
            2 | 3 => Some(format!("{prefix}.({})", names.join("/"))),
            _ => {
                let all = format!("{prefix}.*");
                let _ = writeln!(self.text, "| `{all}` | object | For each of: {}. |", names.join(", "));
                Some(all)
            }
        }
    }

    fn row(&mut self, key: &Key, path: &str) {
        let _ = writeln!(self.text, "| `{path}` | {} | {} |", type_of(key.kind), key.about);
    }
}

fn has_no_effect(key: &Key) -> bool {
    key.about.contains("has no effect")
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".into(),
        Kind::Secret => "secret text".into(),
        Kind::Bool => "true or false".into(),
        Kind::Integer => "whole number".into(),
        Kind::Ratio => "number from 0 to 1".into(),
        Kind::Duration => "duration".into(),
        Kind::List(inner) => format!("list of {}", type_of(*inner)),
        Kind::Map(_) => "object by name".into(),
        Kind::Object(_) | Kind::Any => "object".into(),
    }
}

#[test]
fn the_page_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, tables) = page.split_once(BEGIN).expect("the line behind which the tables stand");
    let made = Reference::made();
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
