//! What the command line says when something is wrong, and its exit codes.

use crate::server::{Server, alone};

#[test]
fn a_server_that_is_not_there_is_said_with_what_to_do() {
    // Port 1 belongs to a service that nobody runs.
    let said = alone(&["--endpoint", "http://127.0.0.1:1", "list", "jwks"]).refused();
    assert!(said.contains("sessera serve") && said.contains("--endpoint"), "{said}");
    let said = alone(&["-e", "127.0.0.1:4434", "list", "jwks"]).refused();
    assert!(said.contains("http://"), "{said}");
}

#[test]
fn the_port_of_the_public_api_is_recognised() {
    let server = Server::start();
    for command in [
        &["list", "sessions"][..],
        &["list", "jwks"],
        &["get", "jwk", "x"],
        &["delete", "session", "6f1c6c2e-0000-4000-8000-000000000000"],
        &["create", "jwk", "x", "--alg", "ES256"],
        &["patch", "identity-config", "--remove", "/x"],
        &["audit", "verify"],
    ] {
        let said = server.run(&[&["--endpoint", server.public_url()], command].concat()).refused();
        assert!(said.contains("public API") && said.contains("4434"), "{command:?}: {said}");
        assert!(said.contains("--endpoint"), "{command:?}: {said}");
    }
}

#[test]
fn an_admin_token_is_sent_when_it_is_asked_for_and_never_in_the_clear() {
    let server = Server::start_with(&[("SERVE_ADMIN_TOKEN", "an-admin-token-for-tests")]);
    let said = server.run(&["list", "jwks"]).refused();
    assert!(said.contains("SESSERA_ADMIN_TOKEN"), "{said}");
    let token = [("SESSERA_ADMIN_TOKEN", "an-admin-token-for-tests")];
    server.run_with(&token, &["list", "jwks"]).good();
    let said = server.run_with(&token, &["list", "jwks", "-e", "http://admin.example"]).refused();
    assert!(said.contains("https://") && !said.contains("an-admin-token"), "{said}");
}

#[test]
fn the_address_comes_from_either_variable() {
    let server = Server::start();
    let kratos = [("SESSERA_ADMIN_URL", ""), ("KRATOS_ADMIN_URL", server.admin())];
    server.run_with(&kratos, &["list", "jwks"]).good();
    let both = [("KRATOS_ADMIN_URL", "http://127.0.0.1:1")];
    server.run_with(&both, &["list", "jwks"]).good();
}

#[test]
fn wrong_usage_ends_with_2_and_names_near_misses() {
    for (arguments, hint) in [
        (&["get", "jkw", "x"][..], "'jwk"),
        (&["lst", "jwks"], "'list'"),
        (&["get", "jwk"], "<SET>"),
        (&["get", "jwk", "x", "--format", "jsn"], "did you mean json?"),
        (&["create", "jwk", "x", "--alg", "es256"], "did you mean ES256?"),
        (&["get", "jwk", "x", "--pubic"], "'--public'"),
        (&["revoke", "session"], "--identity"),
    ] {
        let outcome = alone(arguments);
        assert_eq!(outcome.code, 2, "{outcome:?}");
        assert!(outcome.err.contains(hint), "{hint}: {outcome:?}");
    }
}

#[test]
fn a_set_with_another_name_is_suggested() {
    let server = Server::start();
    server.run(&["create", "jwk", "some-example-set", "--alg", "ES256"]).good();
    for verb in ["get", "delete", "promote"] {
        let said = server.run(&[verb, "jwk", "some-exmaple-set"]).refused();
        assert!(said.contains("Did you mean \"some-example-set\"?"), "{said}");
    }
}

#[test]
fn every_command_has_a_help_text_with_its_options() {
    for arguments in [
        &["--help"][..],
        &["create", "jwk", "--help"],
        &["patch", "identity-config", "--help"],
        &["import", "identities", "--help"],
        &["list", "sessions", "--help"],
    ] {
        let help = alone(arguments).good().out;
        assert!(help.contains("Examples:") && help.contains("sessera "), "{help}");
    }
}

#[test]
fn commands_in_messages_work_when_they_are_pasted_whatever_the_name_is() {
    let server = Server::start();
    for name in ["two words", "it's", "$(touch hacked)", "a;b", "*", "-x", "--all"] {
        let said = server.run(&["get", "jwk", "--", name]).refused();
        let hint = said.split("or \"sessera ").nth(1).and_then(|rest| rest.rsplit_once('"')).unwrap().0;
        let quiet = hint.replacen("create jwk", "create jwk --public --quiet", 1);
        server.sh(&format!("ory {quiet}")).good();
        server.run(&["get", "jwk", "--", name]).good();
    }
    assert!(!server.folder().join("hacked").exists());
}
