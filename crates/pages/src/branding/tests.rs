use std::path::Path;

use serde_json::{Value, json};
use sessera_accounts::messages::common;
use sessera_config::Config;

use super::*;
use crate::words::Word;

fn compile(pages: Value) -> Result<Branding, String> {
    let config = Config::from_tree(&json!({ "pages": pages })).unwrap();
    let told = |wrong: Vec<Problem>| wrong.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n");
    Branding::compile(&config.pages).map_err(told)
}

/// The key of texts that are kept in a folder, each for a language.
fn texts(folder: &Path, files: &[(&str, &str)]) -> Value {
    let url = |(tag, content): &(&str, &str)| {
        let file = folder.join(format!("{tag}.yml"));
        std::fs::write(&file, content).unwrap();
        ((*tag).to_owned(), json!(format!("file://{}", file.display())))
    };
    json!({ "texts": files.iter().map(url).collect::<serde_json::Map<_, _>>() })
}

fn notes(branding: &Branding) -> String {
    branding.notes.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn without_anything_pages_are_as_they_come() {
    let branding = compile(json!({})).unwrap();
    assert!(branding.logo().is_none() && branding.sheets().is_empty() && branding.notes.is_empty());
    assert_eq!(branding.texts(Some("de")).word(Word::LoginTitle), "Anmelden");
    assert_eq!(branding.texts(Some("fr")).tag(), "en");
}

#[test]
fn files_are_found_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str, content: &str| {
        std::fs::write(folder.path().join(name), content).unwrap();
        format!("file://{}", folder.path().join(name).display())
    };
    let branding = compile(json!({
        "logo": url("a.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        "stylesheet": url("a.css", "a {}"),
        "colors": {"dark": {"accent": "#ffd500"}},
    }))
    .unwrap();
    let logo = branding.logo().unwrap();
    assert!(logo.path().starts_with("ui/assets/logo."));
    assert_eq!(logo.media_type, "image/svg+xml");
    assert!(branding.find(&logo.file_name()).is_some() && branding.find("logo.svg").is_none());
    let names: Vec<String> = branding.sheets().iter().map(Asset::file_name).collect();
    assert!(names[0].starts_with("colors.") && names[1].starts_with("own."), "{names:?}");
    assert!(names.iter().all(|name| branding.find(name).is_some()));
}

#[test]
fn what_cannot_be_used_is_named_by_its_key_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large");
    std::fs::write(&large, vec![b' '; 256 * 1024 + 1]).unwrap();
    let large = format!("file://{}", large.display());
    let told = compile(json!({
        "logo": "base64://R0lGODlh",
        "stylesheet": large,
        "texts": {"de": "file:///no/such/file", "fr": "https://x.example/fr.yml"},
    }))
    .unwrap_err();
    for part in [
        "/pages/logo: it is neither",
        "/pages/stylesheet: it is larger than 256 KiB",
        "/pages/texts/de: the file /no/such/file cannot be read",
        "/pages/texts/fr: its URL leads to the network",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn texts_lie_over_those_of_the_language_before() {
    let folder = tempfile::tempdir().unwrap();
    let branding = compile(texts(
        folder.path(),
        &[
            ("pt-BR", "login.title: Entrar"),
            ("pt", "{\"login.title\": \"Iniciar\", \"1010001\": \"Vai\"}"),
            ("en", "recovery.title: Help!\n1040001: Join\n"),
            ("de-AT", "login.title: Servus"),
        ],
    ))
    .unwrap();
    assert_eq!(notes(&branding), "");
    let said = |accepted: &str| {
        let texts = branding.texts(Some(accepted));
        let words = [Word::LoginTitle, Word::RecoveryTitle].map(|word| texts.word(word).to_owned());
        let messages = [common::SIGN_IN, common::SIGN_UP].map(|id| texts.message(&id.into()));
        [[texts.tag().to_owned(), words[0].clone(), words[1].clone()].join("|"), messages.join("|")].join("|")
    };
    assert_eq!(said("pt-BR, en"), "pt-BR|Entrar|Help!|Vai|Join");
    assert_eq!(said("pt-PT, en;q=0.9"), "pt|Iniciar|Help!|Vai|Join");
    assert_eq!(said("de-AT"), "de-AT|Servus|Zugang wiederherstellen|Anmelden|Konto anlegen");
    assert_eq!(said("de"), "de|Anmelden|Zugang wiederherstellen|Anmelden|Konto anlegen");
    assert_eq!(said("xx"), "en|Sign in|Help!|Sign in|Join");
}

#[test]
fn names_and_places_that_are_not_known_are_noted_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let content = "login.titel: A\n1999999: B\nhome.lead: \"Hello {acount}\"\n";
    let branding = compile(texts(folder.path(), &[("fr", content)])).unwrap();
    let notes = notes(&branding);
    for part in [
        "/pages/texts/fr: ",
        "fr.yml:1: the text \"login.titel\" is not known: did you mean \"login.title\"?",
        "fr.yml:2: the text \"1999999\" is not known",
        "fr.yml:3: \"home.lead\": the place \"acount\" is not known: did you mean \"account\"?",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn many_unknown_names_are_told_in_a_few_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..5000).map(|number| format!("login.{number}: x")).collect();
    let content = lines.join("\n");
    let branding = compile(texts(folder.path(), &[("fr", &content)])).unwrap();
    assert_eq!(branding.notes.len(), 21);
    assert!(notes(&branding).contains("4980 more texts are not known"));
}

#[test]
fn files_that_hold_no_texts_are_refused() {
    for (content, told) in [
        ("", "holds no texts"),
        ("[a]", "holds no texts"),
        ("login.title: [", "fr.yml:"),
        ("a: b\nlogin.title:\n  x: y\n", "fr.yml:2: what \"login.title\" says must be a text"),
        ("login.title: 1\n", "in quotes"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let problem = compile(texts(folder.path(), &[("fr", content)])).unwrap_err();
        assert!(problem.starts_with("/pages/texts/fr: ") && problem.contains(told), "{content}: {problem}");
    }
}
