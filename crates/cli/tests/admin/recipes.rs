//! `sessera create template` and `sessera list recipes`.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_recipe_makes_a_template_and_its_key_set() {
    let server = Server::start();
    let made =
        server.run(&["create", "template", "graph", "--recipe", "hasura", "--set", "role=reader"]).good();
    let address = format!("{}/.well-known/jwks/graph.json", server.public_url());
    assert!(made.err.contains(&address), "{}", made.err);
    let token = server.register("ada@example.org").await;
    let session = server.whoami(&token, "?tokenize_as=graph").await;
    let payload = session["tokenized"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let claims = sessera_jose::base64url::decode(&payload).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    let hasura = &claims["https://hasura.io/jwt/claims"];
    assert_eq!(hasura["x-hasura-allowed-roles"], json!(["reader"]));
    assert_eq!(claims["aud"], "hasura");
}

#[test]
fn what_a_recipe_needs_is_named() {
    let server = Server::start();
    let refused = |arguments: &[&str]| server.run(&[&["create", "template"], arguments].concat()).refused();
    let said = refused(&["files", "--recipe", "gcp"]);
    assert!(said.contains("--set audience="), "{said}");
    let said = refused(&["calls", "--recipe", "livekit", "--set", "api_key=APIx"]);
    assert!(said.contains("--secret"), "{said}");
    let said = refused(&["graph", "--recipe", "hasura", "--set", "colour=red"]);
    assert!(said.contains("colour"), "{said}");
    let said = refused(&["mail", "--recipe", "nats", "--set", "subject=>"]);
    assert!(said.contains("subject") && said.contains("letters, digits"), "{said}");
    server.write("secret.txt", "0123456789abcdef0123456789abcdef");
    let said = refused(&["graph", "--recipe", "hasura", "--secret", "secret.txt"]);
    assert!(said.contains("public keys"), "{said}");
    assert_eq!(server.run(&["list", "templates", "-q"]).good().out, "");

    server.run(&["create", "template", "graph", "--recipe", "hasura"]).good();
    let said = refused(&["graph", "--recipe", "hasura"]);
    assert!(said.contains("--replace"), "{said}");
    server.run(&["create", "template", "graph", "--recipe", "hasura", "--replace"]).good();
}

#[test]
fn recipes_are_listed_and_a_template_is_only_printed_when_that_is_asked_for() {
    let server = Server::start();
    let names = server.run(&["list", "recipes", "-q"]).good().out;
    assert!(names.lines().any(|name| name == "openbao"), "{names}");
    let printed = server.run(&["create", "template", "x", "--recipe", "aws", "--print", "--format", "json"]);
    assert_eq!(printed.json()["jwks_url"], "set://x");
    assert_eq!(server.run(&["list", "templates", "-q"]).good().out, "");
}
