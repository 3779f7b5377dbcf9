//! Commands on identities and sessions.

use serde_json::{Value, json};

use crate::server::{PASSWORD, Server};

#[tokio::test]
async fn identities_are_made_found_changed_and_deleted() {
    let server = Server::start();
    let traits = r#"{"email":"ada@example.org"}"#;
    let made = server.run_input(
        &["create", "identity", "--traits", traits, "--password-file", "-", "--format", "json"],
        &format!("{PASSWORD}\n"),
    );
    let id = made.json()["id"].as_str().unwrap().to_owned();
    server.login("ada@example.org").await;
    for name in [id.as_str(), "ada@example.org"] {
        assert_eq!(server.run(&["get", "identity", name, "--format", "json"]).json()["id"], id.as_str());
    }
    server.write("eve.yml", "traits:\n  email: eve@example.org\nmetadata_public:\n  plan: free\n");
    let eve = server.run(&["create", "identity", "-f", "eve.yml", "--format", "json"]).json();
    assert_eq!(eve["metadata_public"], json!({"plan": "free"}));
    assert_eq!(server.run(&["list", "identities", "--quiet"]).good().out.lines().count(), 2);
    let first = server.run(&["list", "identities", "--page-size", "1", "--format", "json"]);
    assert!(first.err.contains("--page-token"), "{first:?}");
    let first = first.json();
    let token = first["next_page_token"].as_str().unwrap();
    let second = ["list", "identities", "--page-size", "1", "--page-token", token, "--format", "json"];
    let second = server.run(&second).json();
    assert_ne!(first["identities"][0]["id"], second["identities"][0]["id"]);
    assert_eq!(second["next_page_token"], Value::Null);
    assert_eq!(server.run(&["list", "identities", "--all", "--quiet"]).good().out.lines().count(), 2);

    let state = r#"/state="inactive""#;
    let patched = server.run(&["patch", "identity", "eve@example.org", "--replace", state]).good();
    assert!(patched.out.contains("inactive"), "{patched:?}");
    assert_eq!(
        server.run(&["delete", "identity", "eve@example.org", &id, "-q", "--yes"]).good().out.lines().count(),
        2
    );
    let said = server.run(&["get", "identity", "ada@example.org"]).refused();
    assert!(said.contains("nobody signs in"), "{said}");
    let said = server.run(&["create", "identity", "--traits", r#"{"email":"no address"}"#]).refused();
    assert!(said.contains("email"), "{said}");
}

#[test]
fn a_new_server_has_no_accounts_sessions_or_keys() {
    let server = Server::start();
    for what in ["identities", "sessions", "jwks"] {
        assert_eq!(server.run(&["list", what, "--quiet"]).good().out, "", "{what}");
    }
}

#[tokio::test]
async fn a_recovery_code_is_told_with_its_place() {
    let server = Server::start();
    server.register("ada@example.org").await;
    let code = ["create", "recovery-code", "ada@example.org"];
    let told = server.run(&[&code[..], &["--format", "json"]].concat()).json();
    assert!(told["recovery_link"].as_str().unwrap().contains("/ui/recovery?flow="), "{told}");
    let quiet = server.run(&[&code[..], &["--expires-in", "1h", "--quiet"]].concat()).good();
    assert_eq!(quiet.out.trim().len(), 6, "{quiet:?}");
    let said = server.run(&[&code[..], &["--expires-in", "soon"]].concat()).refused();
    assert!(said.contains("expires_in"), "{said}");
}

#[tokio::test]
async fn an_import_says_of_each_identity_what_became_of_it() {
    let server = Server::start();
    let people = [
        json!({"traits": {"email": "ada@example.org"}, "credentials": {"password": {"config": {"password": PASSWORD}}}}),
        json!({"traits": {"email": "ada@example.org"}}),
        json!({"traits": {"email": "eve@example.org"}}),
    ];
    let lines = people.map(|person| person.to_string()).join("\n");
    let outcome = server.run_input(&["import", "identities", "--format", "json"], &lines);
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("1 of 3 identities were refused"), "{outcome:?}");
    let told: Value = serde_json::from_str(&outcome.out).unwrap();
    assert!(told["identities"][1]["error"]["reason"].is_string());
    assert!(told["identities"][2]["id"].is_string());
    server.login("ada@example.org").await;
    let said = server.run_input(&["import", "identities"], "[{}]").refused();
    assert!(said.contains("number 1") && said.contains("traits"), "{said}");
}

#[tokio::test]
async fn sessions_are_listed_revoked_and_deleted() {
    let server = Server::start();
    let first = server.register("ada@example.org").await;
    let second = server.login("ada@example.org").await;
    let list = ["list", "sessions", "--active", "--identity", "ada@example.org", "--format", "json"];
    let sessions = server.run(&list).json();
    let live = sessions["sessions"].as_array().unwrap().len();
    let current = server.whoami(&first, "").await;
    let id = current["id"].as_str().unwrap();
    assert!(server.run(&["list", "sessions"]).good().out.contains(id));
    let shown = server.run(&["get", "session", id, "--format", "json"]).json();
    assert_eq!(shown["identity"]["traits"]["email"], "ada@example.org");
    server.run(&["extend", "session", id]).good();

    assert_eq!(server.run(&["revoke", "session", id, "--quiet", "--yes"]).good().out, format!("{id}\n"));
    assert_eq!(server.whoami(&first, "").await["error"]["code"], 401);
    assert_eq!(server.run(&list).json()["sessions"].as_array().unwrap().len(), live - 1);
    assert!(server.run(&["list", "sessions", "--inactive", "-q"]).good().out.contains(id));
    server.run(&["delete", "sessions", "--identity", "ada@example.org", "--yes"]).good();
    assert_eq!(server.whoami(&second, "").await["error"]["code"], 401);
    assert_eq!(server.run(&["list", "sessions", "-q"]).good().out, "");

    let third = server.login("ada@example.org").await;
    server.run(&["revoke", "sessions", "--identity", "ada@example.org", "--yes"]).good();
    assert_eq!(server.whoami(&third, "").await["error"]["code"], 401);
    let fourth = server.login("ada@example.org").await;
    let id = server.whoami(&fourth, "").await["id"].as_str().unwrap().to_owned();
    server.run(&["delete", "session", &id, &id, "--yes"]).good();
    assert!(server.run(&["get", "session", &id]).refused().contains("no session"));
    assert!(server.run(&["delete", "session", &id, "--yes"]).refused().contains("there is no session"));
    let fifth = server.login("ada@example.org").await;
    let all = server.run(&["revoke", "sessions", "--all", "--yes", "--format", "json"]);
    assert_eq!(all.json(), json!({"ended": 1}));
    assert_eq!(server.whoami(&fifth, "").await["error"]["code"], 401);
    let unknown = "6f1c6c2e-0000-4000-8000-000000000000";
    assert!(server.run(&["get", "session", unknown]).refused().contains("no session"));
}
