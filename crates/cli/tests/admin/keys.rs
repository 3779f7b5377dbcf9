//! Commands on key sets.

use serde_json::{Value, json};

use crate::server::Server;

/// The key of RFC 8410, section 10.3.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

fn kids(set: &Value) -> Vec<&str> {
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

#[test]
fn keys_are_made_shown_and_put_first() {
    let server = Server::start();
    let table = server.run(&["create", "jwk", "s", "one", "--alg", "ES256"]).good();
    assert_eq!(table.out, "SET ID   KEY ID   ALGORITHM   USE\ns        one      ES256       sig\n");
    let made = server.run(&["create", "jwks", "s", "two", "--alg", "EdDSA", "--format", "json"]).json();
    assert_eq!((made["set"].as_str(), made["keys"][0]["set"].as_str()), (Some("s"), Some("s")));
    assert!(made["keys"][0]["d"].is_string());
    let public = server.run(&["create", "jwk", "t", "--alg", "ES384", "--public", "--format", "json"]).json();
    assert!(public["keys"][0].get("d").is_none());

    let shown = server.run(&["get", "jwk", "s", "--format", "json-pretty"]).json();
    assert_eq!(kids(&shown), ["one", "two"], "the key that signs stays the first");
    assert!(!shown.to_string().contains("\"d\""));
    let private = server.run(&["get", "jwk", "s", "--private", "--format", "json"]).json();
    assert!(private["keys"][1]["d"].is_string());
    let several = server.run(&["get", "jwk", "s", "t", "--format", "json"]).json();
    assert_eq!((several.get("set"), several["keys"].as_array().unwrap().len()), (None, 3));
    assert_eq!(several["keys"][2]["set"], "t");
    assert_eq!(server.run(&["list", "jwks", "--quiet"]).good().out.lines().count(), 3);

    let promoted = server.run(&["promote", "jwk", "s"]).good();
    assert!(promoted.err.contains("two signs from now on. Verifiers with a copy"), "{promoted:?}");
    assert_eq!(server.run(&["promote", "jwk", "s", "two"]).good().err, "", "it signs already");
    assert_eq!(kids(&server.run(&["get", "jwk", "s", "--format", "json"]).json()), ["two", "one"]);
    let said = server.run(&["promote", "jwk", "s", "three"]).refused();
    assert!(said.contains("two, one"), "{said}");
    let path = server.run(&["get", "jwk", "s", "--format", "jsonpath=keys.#.kid"]).json();
    assert_eq!(path, json!(["two", "one"]));
    let pointer = server.run(&["get", "jwk", "s", "--format", "jsonpointer=/keys/0/alg"]).good();
    assert_eq!(pointer.out, "\"EdDSA\"\n");
    let yaml = server.run(&["get", "jwk", "s", "--format", "yaml"]).good();
    assert!(yaml.out.starts_with("set: s\nkeys:\n  - use: sig\n"), "{}", yaml.out);

    let said = server.run(&["create", "jwk", "s", "one", "--alg", "ES256"]).refused();
    assert!(said.contains("already"), "{said}");
    let template = r#"/session/whoami/tokenizer/templates/t={"jwks_url":"set://s","ttl":"10m"}"#;
    server.run(&["patch", "ic", "--add", template]).good();
    let told = "Tokens that it signed, which live for up to 10m, are refused from now on";
    let said = server.run(&["delete", "jwk", "s", "--kid", "one"]).refused();
    assert!(said.contains(told), "it is told in the question: {said}");
    let deleted = server.run(&["delete", "jwk", "s", "--kid", "one", "--yes"]).good();
    assert!(deleted.out == "ID\ns\n" && deleted.err.contains(told), "{deleted:?}");
    server.run(&["patch", "ic", "--remove", "/session/whoami/tokenizer/templates/t", "--yes"]).good();
    server.run(&["delete", "jwk", "s", "t", "--yes"]).good();
    assert!(server.run(&["get", "jwk", "s"]).refused().contains("There is no key set \"s\""));
}

#[test]
fn keys_are_imported_from_files_of_every_kind() {
    let server = Server::start();
    server.write("ed.pem", ED25519);
    let public = server.run(&["import", "jwk", "s", "ed.pem", "--kid", "pem", "--format", "json"]).json();
    assert_eq!((public["keys"][0]["alg"].as_str(), public["keys"][0].get("d")), (Some("EdDSA"), None));
    let said = server.run(&["import", "jwk", "s", "ed.pem", "--kid", "pem"]).refused();
    assert!(said.contains("sessera delete jwk s --kid pem"), "{said}");
    server.run_input(&["import", "jwk", "input"], ED25519).good();

    let whole = server.run(&["get", "jwk", "s", "--private", "--format", "json"]).good().out;
    server.write("set.json", &whole);
    server.run(&["import", "jwk", "copy", "set.json"]).good();
    let copy = server.run(&["get", "jwk", "copy", "--private", "--format", "json"]).json();
    assert_eq!(copy["keys"][0]["d"], serde_json::from_str::<Value>(&whole).unwrap()["keys"][0]["d"]);

    server.write("secret", "an example secret of enough bytes\n");
    server.run(&["import", "jwk", "partner", "secret", "--alg", "HS256", "--kid", "p"]).good();
    let secret = server.run(&["get", "jwk", "partner", "--format", "json"]);
    assert!(secret.err.contains("no public form"), "{secret:?}");
    assert_eq!(secret.json()["keys"], json!([]));
    let private = server.run(&["get", "jwk", "partner", "--private", "--format", "json"]).json();
    assert_eq!(private["keys"][0]["k"], "YW4gZXhhbXBsZSBzZWNyZXQgb2YgZW5vdWdoIGJ5dGVz");
    server.write("short", "too short");
    let said = server.run(&["import", "jwk", "partner", "short", "--alg", "HS256"]).refused();
    assert!(said.contains("HS256 needs at least 32"), "{said}");
    let said = server.run(&["import", "jwk", "partner", "secret"]).refused();
    assert!(said.contains("--alg HS256"), "{said}");
    let said = server.run(&["import", "jwk", "partner", "missing"]).refused();
    assert!(said.contains("missing") && said.contains("cannot be read"), "{said}");
}

#[test]
fn a_set_that_a_template_uses_stays() {
    let server = Server::start();
    server.run(&["create", "jwk", "used", "--alg", "HS256"]).good();
    let template = r#"/session/whoami/tokenizer/templates/t={"jwks_url":"set://used"}"#;
    let patched = server.run(&["patch", "ic", "--add", template]).good();
    assert!(patched.err.contains("Warning: ") && patched.err.contains("shared secret"), "{patched:?}");
    let said = server.run(&["delete", "jwk", "used", "--yes"]).refused();
    assert!(said.contains("\"t\""), "{said}");
    let templates = server.run(&["template", "list", "--format", "json"]).json();
    assert_eq!((templates[0]["name"].as_str(), templates[0]["state"].as_str()), (Some("t"), Some("ready")));
    server.run(&["patch", "ic", "--remove", "/session/whoami/tokenizer/templates/t", "--yes"]).good();
    server.run(&["delete", "jwk", "used", "--yes"]).good();
}
