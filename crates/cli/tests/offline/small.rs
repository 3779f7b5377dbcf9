//! What needs no server and little to say.

use crate::run::Folder;
use sessera_jose::{JwkSet, Signer};

#[test]
fn the_version_is_a_command_too() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["version"]).printed(), folder.run(&["--version"]).printed());
    assert_eq!(folder.run(&["version", "--format", "json"]).json()["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_list_of_recipes_fits_a_terminal_of_80_columns() {
    let folder = Folder::new();
    let list = folder.run(&["list", "recipes"]);
    let longest = list.printed().lines().max_by_key(|line| line.chars().count()).unwrap();
    assert!(longest.chars().count() <= 80, "{longest}");
    assert!(list.printed().contains("(tested: livekit-api)"), "{list:?}");
}

#[test]
fn a_key_is_made_without_a_server() {
    let folder = Folder::new();
    for (alg, public_keys) in [("ES256", 1), ("EdDSA", 1), ("HS256", 0)] {
        let made = folder.run(&["create", "jwk", "my-keys", "k", "--alg", alg, "--offline"]);
        let set = JwkSet::parse(made.printed().as_bytes()).unwrap();
        assert_eq!(Signer::of_set(&set).unwrap().kid(), "k");
        assert_eq!(set.public().keys().len(), public_keys);
    }
    let public = folder.run(&["create", "jwk", "my-keys", "--alg", "ES256", "--offline", "--public"]);
    assert!(public.json()["keys"][0].get("d").is_none());
    let secret = folder.run(&["create", "jwk", "my-keys", "--alg", "HS256", "--offline", "--public"]);
    assert!(secret.refused().contains("no public form"));
    assert!(folder.run(&["create", "jwk", "--help"]).printed().contains("--offline"));
    folder.write("session.json", include_str!("../../../issuer/src/sample.session.json"));
    let set = folder.run(&["create", "jwk", "my-keys", "--alg", "ES256", "--offline"]);
    folder.write("keys.json", set.printed());
    folder.run(&["tokenize", "session.json", "--jwks", "keys.json", "--ttl", "1d"]).printed();
}

#[test]
fn a_manual_page_shows_the_usage_that_the_help_has() {
    let folder = Folder::new();
    folder.run(&["man", "man1"]).printed();
    for command in [&["create", "jwk"][..], &["list", "audit"], &["get"]] {
        let help = folder.run(&[command, &["--help"]].concat());
        let usage = help.printed().lines().find_map(|line| line.strip_prefix("Usage: ")).unwrap().to_owned();
        let page = folder.path(&format!("man1/sessera-{}.1", command.join("-")));
        let page = std::fs::read_to_string(page)
            .unwrap()
            .replace("\\-", "-")
            .replace("\\fB", "")
            .replace("\\fR", "");
        let synopsis = page.split(".SH SYNOPSIS\n").nth(1).unwrap().lines().next().unwrap();
        assert_eq!(synopsis, usage);
    }
}

#[test]
fn an_id_that_is_none_is_explained() {
    let folder = Folder::new();
    for command in [
        &["get", "session", "123"][..],
        &["extend", "session", "123"],
        &["revoke", "session", "123"],
        &["delete", "session", "123"],
    ] {
        let said = folder.run(command).stderr;
        assert!(said.contains("looks like 0b6f2c9e-") && said.contains("sessera list sessions"), "{said}");
    }
    assert!(folder.run(&["rollback", "identity-config", "1"]).stderr.contains("sessera list revisions"));
    let told = folder.run(&["get", "session", "123", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told.stderr).unwrap();
    assert!(told["error"]["message"].as_str().unwrap().contains("sessera list sessions"), "{told}");
}

#[test]
fn every_failure_is_json_alone_for_programs() {
    let folder = Folder::new();
    folder.write("bad.yml", "session: {lifespan: soon}\n");
    for command in [
        &["lst"][..],
        &["get"],
        &["get", "jwk"],
        &["get", "session", "123"],
        &["get", "jwk", "x", "--pubic"],
        &["create", "jwk", "x", "--alg", "nope"],
        &["list", "identities", "--page-size", "0"],
        &["completions", "tcsh"],
        &["demo", "--nope"],
        &["list", "jwks", "-e", "http://127.0.0.1:1"],
        &["list", "jwks", "-e", "nope"],
        &["patch", "identity-config", "--add", "/a={'b':1}"],
        &["patch", "identity-config"],
        &["import", "identities", "missing.json"],
        &["import", "jwk", "s", "missing.json"],
        &["update", "identity-config", "-f", "missing.yml"],
        &["create", "identity", "--traits", "x"],
        &["config", "validate", "-c", "missing.yml"],
        &["config", "validate", "-c", "bad.yml"],
        &["serve", "-c", "bad.yml"],
        &["migrate", "--from", "sqlite://missing", "--to", "sqlite://new"],
        &["migrate", "--from", "nope", "--to", "sqlite://new"],
        &["migrate", "--from-kratos", "sqlite://missing", "--to", "sqlite://new"],
        &["migrate", "--from-kratos", "nope", "--to", "sqlite://new"],
        &["secrets", "rotate", "-c", "missing.yml"],
        &["jsonnet", "missing.jsonnet"],
        &["template", "test", "missing.jsonnet"],
        &["tokenize", "missing.json", "--jwks", "missing.json"],
        &["verify", "token", "--jwks", "missing.json"],
        &["man", "bad.yml/below"],
    ] {
        for format in ["json", "jsonpath=a"] {
            let outcome = folder.run(&[command, &["--format", format]].concat());
            assert_ne!(outcome.code, Some(0), "{outcome:?}");
            let told: serde_json::Value = serde_json::from_str(&outcome.stderr)
                .unwrap_or_else(|error| panic!("{command:?} {error}: {outcome:?}"));
            let message = told["error"]["message"].as_str().unwrap();
            assert!(!message.is_empty() && !message.contains("--help"), "{command:?}: {message}");
        }
    }
}

#[test]
fn nothing_is_made_before_there_is_something_to_move() {
    let folder = Folder::new();
    folder.write("empty", "");
    for source in ["sqlite://missing", "sqlite://empty", "postgres://127.0.0.1:1/none", "nope"] {
        for option in ["--from", "--from-kratos"] {
            // A file that is empty is a database with nothing in it.
            if (option, source) == ("--from", "sqlite://empty") {
                continue;
            }
            let outcome = folder.run(&["migrate", option, source, "--to", "sqlite://new"]);
            assert_ne!(outcome.code, Some(0), "{option} {source}: {outcome:?}");
            let left: Vec<_> =
                std::fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["empty"], "{option} {source}: {outcome:?}");
        }
    }
}
