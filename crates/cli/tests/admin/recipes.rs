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
fn the_issuer_is_printed_as_tokens_have_it() {
    for base in ["https://id.example.org", "https://id.example.org/"] {
        let server = Server::start_with(&[("SERVE_PUBLIC_BASE_URL", base)]);
        let made = server.run(&["create", "template", "gr", "--recipe", "grafana"]).good();
        assert!(made.err.contains(&format!("{{\"iss\":\"{base}\",")), "{}", made.err);
        assert!(made.err.contains(" https://id.example.org/.well-known/jwks/gr.json"), "{}", made.err);
    }
}

#[test]
fn nothing_is_left_behind_of_a_template_that_cannot_be() {
    let server = Server::start();
    server.write("secret.txt", "0123456789abcdef0123456789abcdef");
    server.write("empty.txt", "");
    let refused = |arguments: &[&str]| server.run(&[&["create", "template"], arguments].concat()).refused();
    for name in ["\u{e4}", "a b", "..", "", "a/b"] {
        let said = refused(&[name, "--recipe", "apache"]);
        assert!(said.contains("is not a name for a template: use letters"), "{name}: {said}");
        // Nobody is asked for what is missing before.
        let said = refused(&[name, "--recipe", "livekit", "--secret", "secret.txt"]);
        assert!(said.contains("is not a name for a template"), "{name}: {said}");
    }
    for set in ["..", "", "a/b"] {
        let said = refused(&["good", "--recipe", "apache", "--keys", set]);
        assert!(said.contains("cannot be the key set"), "{set}: {said}");
    }
    let said = refused(&["calls", "--recipe", "canny", "--secret", "empty.txt"]);
    assert!(said.contains("empty.txt cannot be the secret: it is empty"), "{said}");
    let twice = ["calls", "--recipe", "livekit", "--secret", "secret.txt", "--set", "api_key=a"];
    let said = refused(&[&twice[..], &["--set", "api_key=b"]].concat());
    assert!(said.contains("stands there twice"), "{said}");
    let said = refused(&["graph", "--recipe", "hasura", "--set", "namespace=a\nb"]);
    assert!(said.contains("control character"), "{said}");
    assert_eq!(server.run(&["list", "jwks", "-q"]).good().out, "");
}

#[tokio::test]
async fn keys_go_again_where_the_server_takes_no_template_for_them() {
    let server = Server::start();
    server.register("ada@example.org").await;
    server.write("secret.txt", "0123456789abcdef0123456789abcdef");
    let canny = ["create", "template", "c", "--recipe", "canny", "--secret", "secret.txt"];
    let made = server.run(&canny).good();
    assert!(made.err.contains("does not work for everybody"), "{}", made.err);
    assert!(made.err.contains("signs with a shared secret"), "{}", made.err);
    // No verifier takes an issuer that is no text.
    let hopeless = ["create", "template", "h", "--recipe", "hasura", "--set", "namespace=iss"];
    let said = server.run(&hopeless).refused();
    assert!(said.contains("makes no good token") && said.contains("--force"), "{said}");
    assert!(server.run(&["get", "jwk", "h"]).refused().contains("no key set"));
    server.run(&[&hopeless[..], &["--force"]].concat()).good();
    server.run(&["get", "jwk", "h"]).good();
    server.run(&["get", "jwk", "c"]).good();
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
