//! `sessera verify` with keys and status lists of a running server.

use serde_json::{Value, json};

use crate::server::Server;

const TEMPLATE: &str = r#"/session/whoami/tokenizer/templates/t={"jwks_url":"set://s","ttl":"10m","status_list":true,"issuer":"https://elsewhere.example.org/"}"#;

async fn tokenized(server: &Server, session_token: &str) -> String {
    let answer = server.whoami(session_token, "?tokenize_as=t").await;
    answer["tokenized"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn a_token_of_a_revoked_session_is_refused_by_its_status_list() {
    let server = Server::start();
    server.run(&["create", "jwk", "s", "--alg", "ES256"]).good();
    server.run(&["patch", "ic", "--add", TEMPLATE]).good();
    let stays = server.register("ada@example.org").await;
    let goes = server.login("ada@example.org").await;
    let (good, revoked) = (tokenized(&server, &stays).await, tokenized(&server, &goes).await);
    let id = server.whoami(&goes, "").await["id"].as_str().unwrap().to_owned();
    // No list was asked for yet, so the first one knows of it.
    server.run(&["revoke", "session", &id, "--yes"]).good();

    let jwks = format!("{}/.well-known/jwks/t.json", server.public_url());
    let verify = |token: &str, more: &[&str]| {
        server.run(&[&["verify", token, "--jwks", &jwks, "--format", "json"], more].concat())
    };
    assert_eq!(verify(&good, &[]).json()["revoked"], false);
    let text = server.run(&["verify", &good, "--jwks", &jwks]).good().out;
    assert!(text.contains("Status   not revoked, says http://"), "{text}");
    let outcome = verify(&revoked, &[]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    let told: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((&told["valid"], &told["error"]), (&json!(false), &json!("revoked")));
    assert!(outcome.err.contains("its session was revoked or has ended"), "{outcome:?}");
    assert_eq!(verify(&revoked, &["--status", "never"]).json()["revoked"], Value::Null);

    // With a file nothing is fetched, unless that is asked for.
    server.sh("ory get jwk s --public --format json > public.json").good();
    let text = server.run(&["verify", &revoked, "--jwks", "public.json"]).good().out;
    assert!(text.contains("--status always"), "{text}");
    let always = |token: &str| server.run(&["verify", token, "--jwks", "public.json", "--status", "always"]);
    always(&good).good();
    assert!(always(&revoked).refused().contains("was revoked"));

    // A list that is missing does not vouch for the token.
    server.run(&["patch", "ic", "--replace", &TEMPLATE.replace(",\"status_list\":true", "")]).good();
    let said = always(&good).refused();
    assert!(said.contains("cannot be learnt") && said.contains("404"), "{said}");
}
