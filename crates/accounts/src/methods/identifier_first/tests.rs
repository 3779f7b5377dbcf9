//! Signing in with the identifier first.

use serde_json::{Value, json};

use crate::flows::flow::Transport;
use crate::testing::{Client, FIRST, PASSWORD, TestAccounts, done, names, node, said};

const ADA: &str = "ada@example.org";

async fn accounts(mitigates: bool) -> TestAccounts {
    TestAccounts::configured(json!({
        "dev": true,
        "security": {"account_enumeration": {"mitigate": mitigates}},
        "selfservice": {
            "methods": {"code": {"passwordless_enabled": true}},
            "flows": {"login": {"style": "identifier_first"}},
        },
    }))
    .await
}

fn named(identifier: &str) -> Value {
    json!({"method": "identifier_first", "identifier": identifier})
}

#[tokio::test]
async fn whoever_is_named_is_offered_what_they_have() {
    let accounts = accounts(false).await;
    accounts.person(ADA).await;
    for transport in [Transport::Api, Transport::Browser] {
        let client = Client::new(&accounts, transport);
        let shown = client.login(FIRST).await;
        assert_eq!(names(&shown), ["identifier", "method", "csrf_token"]);
        for nobody in [json!({"method": "identifier_first"}), named("nobody@example.org")] {
            assert_eq!(said(&client.again(&shown, nobody).await), [4_000_037]);
        }
        let shown = client.again(&shown, named(ADA)).await;
        assert!(said(&shown).is_empty());
        // The built-in schema has no addresses for codes.
        assert_eq!(names(&shown), ["identifier", "csrf_token", "password", "method"]);
        assert_eq!(node(&shown, "identifier")["attributes"]["type"], "hidden");
        let wrong = json!({"method": "password", "identifier": ADA, "password": "wrong"});
        let shown = client.again(&shown, wrong).await;
        assert_eq!(said(&shown), [4_000_006]);
        let right = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
        done(client.submit(&shown, right).await.unwrap());
    }
}

#[tokio::test]
async fn who_knows_what_they_want_needs_no_first_step() {
    let accounts = accounts(false).await;
    let client = Client::native(&accounts).signed_in(ADA).await;
    let again = crate::flows::login::LoginRequest { refresh: true, ..FIRST };
    let shown = client.login(again).await;
    assert!(names(&shown).contains(&"password"), "whoever signs in again is known");
}

#[tokio::test]
async fn nobody_is_told_who_has_an_account() {
    let accounts = accounts(true).await;
    accounts.person(ADA).await;
    let client = Client::native(&accounts);
    let shown = client.login(FIRST).await;
    let known = client.again(&shown, named(ADA)).await;
    let shown = client.login(FIRST).await;
    let unknown = client.again(&shown, named("nobody@example.org")).await;
    assert!(said(&unknown).is_empty());
    assert_eq!(names(&known), names(&unknown));
    assert!(names(&known).contains(&"password"));
}
