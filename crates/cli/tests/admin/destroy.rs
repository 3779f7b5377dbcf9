//! Commands that end or delete something ask first, look at all names before they touch one, and say what they did.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn without_a_terminal_nothing_is_destroyed_unless_yes_is_said() {
    let server = Server::start();
    server.run(&["create", "jwk", "s", "one", "--alg", "ES256"]).good();
    server.run(&["create", "jwk", "m", "--alg", "ES256", "--rotate", "30d"]).good();
    let kid = server.run(&["get", "jwk", "m", "--format", "jsonpath=keys.0.kid"]).json();
    let template = "/session/whoami/tokenizer/templates/t={\"jwks_url\":\"set://m\"}";
    server.run(&["patch", "identity-config", "--add", template]).good();
    let token = server.register("ada@example.org").await;
    let id = server.whoami(&token, "").await["id"].as_str().unwrap().to_owned();
    for command in [
        &["delete", "jwk", "s"][..],
        &["delete", "jwk", "s", "--kid", "one"],
        &["delete", "identity", "ada@example.org"],
        &["delete", "session", &id],
        &["delete", "sessions", "--identity", "ada@example.org"],
        &["delete", "sessions", "--all"],
        &["revoke", "session", &id],
        &["revoke", "sessions", "--identity", "ada@example.org"],
        &["revoke", "sessions", "--all"],
        &["revoke", "jwk", "--", "m", kid.as_str().unwrap()],
        &["patch", "identity-config", "--remove", "/session"],
        &["patch", "ic", "--add", "/session/whoami={}"],
    ] {
        let said = server.run(command).refused();
        assert!(said.contains("--yes") && said.contains("nothing was done"), "{command:?}: {said}");
    }
    assert_eq!(server.whoami(&token, "").await["active"], true);
    server.run(&["patch", "identity-config", "--remove", "/session", "--yes"]).good();
    assert_eq!(server.run(&["list", "jwks", "-q"]).good().out.lines().filter(|kid| *kid == "one").count(), 1);
}

#[tokio::test]
async fn of_several_names_none_is_touched_unless_all_are_there() {
    let server = Server::start();
    for kid in ["old", "new"] {
        server.run(&["create", "jwk", "my-keys", kid, "--alg", "ES256"]).good();
    }
    server.run(&["create", "jwk", "other", "--alg", "ES256"]).good();
    let said = server.run(&["delete", "jwk", "my-keys", "old", "--yes"]).refused();
    assert!(said.contains("sessera delete jwk my-keys --kid old"), "the key was meant: {said}");
    server.run(&["delete", "jwk", "old", "my-keys", "--yes"]).refused();
    server.run(&["delete", "jwk", "my-keys", "nothing", "--yes"]).refused();
    let said = server.run(&["delete", "jwk", "my-keys", "other", "--kid", "old", "--yes"]).refused();
    assert!(said.contains("other has no key \"old\""), "{said}");
    let kids = server.run(&["get", "jwk", "my-keys", "--format", "jsonpath=keys.#.kid"]).json();
    assert_eq!(kids, json!(["old", "new"]));

    let token = server.register("ada@example.org").await;
    let id = server.whoami(&token, "").await["id"].as_str().unwrap().to_owned();
    let unknown = "6f1c6c2e-0000-4000-8000-000000000000";
    for verb in ["delete", "revoke"] {
        let said = server.run(&[verb, "session", &id, unknown, "--yes"]).refused();
        assert!(said.contains(unknown), "{said}");
    }
    for nobody in ["nobody@example.org", unknown] {
        let said = server.run(&["delete", "identity", "ada@example.org", nobody, "--yes"]).refused();
        assert!(said.contains(nobody) && said.contains("nothing was deleted"), "{said}");
    }
    assert_eq!(server.whoami(&token, "").await["active"], true);
}

#[test]
fn of_several_key_sets_none_is_deleted_when_a_template_needs_one() {
    let server = Server::start();
    for set in ["free", "used"] {
        server.run(&["create", "jwk", set, "--alg", "ES256"]).good();
    }
    let template = r#"/session/whoami/tokenizer/templates/t={"jwks_url":"set://used"}"#;
    server.run(&["patch", "ic", "--add", template]).good();
    let said = server.run(&["delete", "jwk", "free", "used", "--yes"]).refused();
    assert!(
        said.contains("\"t\" signs with the key set used") && said.contains("nothing was deleted"),
        "{said}"
    );
    assert_eq!(server.run(&["list", "jwks", "-q"]).good().out.lines().count(), 2);
}

#[test]
fn a_key_that_is_not_there_is_not_asked_about() {
    let server = Server::start();
    server.run(&["create", "jwk", "m", "--alg", "ES256", "--rotate", "30d"]).good();
    let said = server.run(&["revoke", "jwk", "m", "nothing"]).refused();
    assert!(said.contains("has no key \"nothing\"") && !said.contains("--yes"), "{said}");
}

#[test]
fn who_refuses_the_new_key_after_one_was_revoked_is_told() {
    let server = Server::start();
    let made = server.run(&["create", "jwk", "m", "--alg", "ES256", "--rotate", "30d", "--format", "json"]);
    let made = made.json();
    let of = |state: &str| {
        let mut keys = made["keys"].as_array().unwrap().iter();
        keys.find(|key| key["state"] == state).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    let revoked = server.run(&["revoke", "jwk", "--yes", "--", "m", &of("active")]).good();
    let told =
        format!("when {} was published, refuse its tokens until they fetch the set again", of("prepared"));
    assert!(revoked.err.contains(&told), "{revoked:?}");
}

#[test]
fn a_configuration_that_leaves_something_out_is_asked_about() {
    let server = Server::start();
    let settings =
        [r#"/session/lifespan="2h""#, r#"/selfservice/default_browser_return_url="http://a.example/""#];
    server.run(&["patch", "ic", "--add", settings[0], "--add", settings[1]]).good();
    server.write("part.yml", "session: {lifespan: 3h}\n");
    let said = server.run(&["update", "identity-config", "-f", "part.yml"]).refused();
    assert!(said.contains("--yes") && said.contains("goes: /selfservice."), "{said}");
    assert_eq!(server.run(&["get", "ic", "--format", "jsonpath=session.lifespan"]).json(), "2h");
    server.run(&["update", "identity-config", "-f", "part.yml", "--yes"]).good();
    assert_eq!(server.run(&["get", "ic", "--format", "json"]).json(), json!({"session": {"lifespan": "3h"}}));
    server.write("whole.yml", "session: {lifespan: 4h}\n");
    server.run(&["update", "identity-config", "-f", "whole.yml"]).good();
}

#[test]
fn a_rollback_says_how_to_undo_it() {
    let server = Server::start();
    for lifespan in ["1h", "2h"] {
        server.run(&["patch", "ic", "--add", &format!("/session/lifespan=\"{lifespan}\"")]).good();
    }
    let first = server.run(&["list", "revisions", "-q"]).good().out.lines().last().unwrap().to_owned();
    let asked = server.run(&["rollback", "identity-config", &first]).refused();
    assert!(asked.contains("is undone: replace /session/lifespan."), "{asked}");
    let said = server.run(&["rollback", "identity-config", &first, "--yes"]).good().err;
    let undo = said.split("To undo that: sessera ").nth(1).unwrap_or_else(|| panic!("{said}")).trim();
    let undo: Vec<&str> = undo.split(' ').chain(["--yes"]).collect();
    server.run(&undo).good();
    assert_eq!(server.run(&["get", "ic", "--format", "jsonpath=session.lifespan"]).json(), "2h");
}

#[test]
fn of_several_keys_all_are_imported_or_none() {
    let server = Server::start();
    server.run(&["create", "jwk", "s", "one", "--alg", "ES256"]).good();
    let key = |kid: &str| {
        let made = server.run(&["create", "jwk", "s", kid, "--alg", "EdDSA", "--offline"]).json();
        made["keys"][0].clone()
    };
    server.write("keys.json", &json!({"keys": [key("new"), key("one")]}).to_string());
    let said = server.run(&["import", "jwk", "s", "keys.json"]).refused();
    assert!(
        said.contains("nothing was imported") && said.contains("sessera delete jwk s --kid one"),
        "{said}"
    );
    assert_eq!(server.run(&["list", "jwks", "-q"]).good().out, "one\n");
    server.write("keys.json", &json!({"keys": [key("new"), key("two")]}).to_string());
    for set in ["s", "other"] {
        server.run(&["import", "jwk", set, "keys.json"]).good();
    }
    assert_eq!(server.run(&["get", "jwk", "s", "-q"]).good().out, "one\nnew\ntwo\n");
    assert_eq!(server.run(&["get", "jwk", "other", "-q"]).good().out, "new\ntwo\n");
}

#[tokio::test]
async fn what_was_done_is_said() {
    let server = Server::start();
    for kid in ["one", "two"] {
        server.run(&["create", "jwk", "s", kid, "--alg", "ES256"]).good();
    }
    server.register("ada@example.org").await;
    for (command, said) in [
        (&["delete", "jwk", "s", "--kid", "one", "--yes"][..], "Deleted the key one of s."),
        (&["delete", "jwk", "s", "s", "--yes"], "Deleted the key set s with 1 key."),
        (&["revoke", "sessions", "--identity", "ada@example.org", "--yes"], "Ended "),
        (&["delete", "identity", "ada@example.org", "--yes"], "Deleted 1 identity"),
        (&["revoke", "sessions", "--all", "--yes"], "Ended the sessions of everybody: 0."),
    ] {
        let done = server.run(command).good();
        assert!(done.err.contains(said), "{command:?}: {done:?}");
    }
}

#[test]
fn failures_are_json_for_programs() {
    let server = Server::start();
    for format in ["json", "json-pretty", "yaml", "jsonpath=keys.0"] {
        let failed = server.run(&["get", "jwk", "none", "--format", format]);
        assert_eq!((failed.code, failed.out.as_str()), (1, ""), "{failed:?}");
        let told: serde_json::Value = serde_json::from_str(&failed.err).unwrap();
        assert!(told["error"]["message"].as_str().unwrap().contains("none"), "{told}");
    }
    let refused = server.run(&["get", "session", "6f1c6c2e-0000-4000-8000-000000000000", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(told["error"]["code"], 404);
}

#[test]
fn templates_and_projects_are_listed_like_everything_else() {
    let server = Server::start();
    server.run(&["create", "jwk", "s", "--alg", "ES256"]).good();
    let template = r#"/session/whoami/tokenizer/templates/t={"jwks_url":"set://s","ttl":"1d"}"#;
    server.run(&["patch", "ic", "--add", template]).good();
    assert_eq!(server.run(&["list", "templates", "-q"]).good().out, "t\n");
    let projects = server.run(&["list", "projects", "--format", "json"]).json();
    assert_eq!(projects[0]["slug"], "default");
}
