//! Commands on admin tokens.

use serde_json::{Value, json};

use crate::server::Server;

#[test]
fn an_admin_token_opens_what_its_role_says_until_it_is_deleted() {
    let server = Server::start_with(&[("SERVE_ADMIN_TOKEN", "the-token-of-the-configuration")]);
    let owner = [("SESSERA_ADMIN_TOKEN", "the-token-of-the-configuration")];
    let make = |name: &str, role: &str, more: &[&str]| {
        let command = [&["create", "admin-token", name, "--role", role, "--quiet"], more].concat();
        server.run_with(&owner, &command).good().out.trim().to_owned()
    };
    let viewer = make("grafana", "viewer", &[]);
    let operator = make("support", "operator", &["--expires", "90d"]);
    assert!(viewer.starts_with("sessera_admin_") && viewer != operator);
    let listed = server.run_with(&owner, &["list", "admin-tokens", "--format", "jsonpath=#.role"]).json();
    assert_eq!(listed, json!(["viewer", "operator"]));
    let table = server.run_with(&owner, &["list", "admin-tokens"]).good().out;
    assert!(table.contains("support") && !table.contains(&operator), "{table}");

    let viewer = [("SESSERA_ADMIN_TOKEN", viewer.as_str())];
    server.run_with(&viewer, &["list", "jwks"]).good();
    let said = server.run_with(&viewer, &["create", "jwk", "s", "--alg", "ES256"]).refused();
    assert!(said.contains("\"grafana\"") && said.contains("--role owner"), "{said}");
    let operator = [("SESSERA_ADMIN_TOKEN", operator.as_str())];
    server.run_with(&operator, &["list", "jwks"]).good();
    server.run_with(&owner, &["delete", "admin-token", "support", "--yes"]).good();
    let said = server.run_with(&operator, &["list", "jwks"]).refused();
    assert!(said.contains("it was deleted"), "{said}");
    let said = server.run_with(&owner, &["delete", "admin-token", "support", "--yes"]).refused();
    assert!(said.contains("sessera list admin-tokens"), "{said}");
}

#[test]
fn the_record_is_listed_and_verified() {
    let server = Server::start();
    server.run(&["create", "jwk", "s", "--alg", "ES256"]).good();
    server.run(&["create", "admin-token", "ci", "--role", "viewer"]).good();
    let asks = ["list", "audit", "--action", "admin_token_made", "--format", "jsonpath=#.about.name"];
    assert_eq!(server.run(&asks).json(), json!(["ci"]));
    let table = server.run(&["list", "audit"]).good().out;
    assert!(table.contains("key_set_changed") && table.contains("name=ci"), "{table}");
    let numbers = |bound: &str| -> Value {
        server.run(&["list", "audit", bound, "1h", "--format", "jsonpath=#.number"]).json()
    };
    assert_ne!(numbers("--since"), json!([]));
    assert_eq!(numbers("--until"), json!([]));
    let known = server.run(&["audit", "verify", "--quiet"]).good().out.trim().to_owned();
    server.run(&["audit", "verify", "--known", &known]).good();
    let (number, _) = known.split_once(':').unwrap();
    let said = server.run(&["audit", "verify", "--known", &format!("{number}:00")]).refused();
    assert!(said.contains("the record was changed"), "{said}");
}

#[test]
fn sinks_are_listed_and_told_once_more() {
    let server = Server::start();
    let sink =
        json!({"url": "https://receiver.example.org/", "secret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]});
    let add = format!("/events/sinks/siem={sink}");
    server.run(&["patch", "identity-config", "--add", &add]).good();
    assert_eq!(server.run(&["list", "sinks", "--format", "jsonpath=#.name"]).json(), json!(["siem"]));
    let table = server.run(&["list", "sinks"]).good().out;
    assert!(table.contains("https://receiver.example.org"), "{table}");
    server.run(&["list", "deliveries", "siem"]).good();
    server.run(&["events", "replay", "siem", "--yes"]).good();
    server.run(&["events", "replay", "siem", "--after", "0", "--yes"]).good();
    // What cannot be is refused before anybody is asked.
    for after in ["999999", "-1"] {
        let said = server.run(&["events", "replay", "siem", &format!("--after={after}")]).refused();
        assert!(said.contains("the record has no entry") && !said.contains("--yes"), "{said}");
    }
    let said = server.run(&["events", "replay", "other", "--yes"]).refused();
    assert!(said.contains("sessera list sinks"), "{said}");
}
