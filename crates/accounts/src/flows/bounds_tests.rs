//! What strangers can leave behind.

use serde_json::{Map, Value, json};

use crate::flows::error::FlowError;
use crate::flows::flow::{
    LoginDetails, MAX_BYTES, RecoveryDetails, RegistrationDetails, Transport, VerificationDetails,
};
use crate::flows::login::LoginWish;
use crate::flows::skeleton::{Flows, Kind, Outcome, Shown};
use crate::flows::visit::MAX_RETURN_TO;
use crate::submission::{MAX_PAYLOAD_BYTES, MAX_TRAITS_BYTES};
use crate::testing::{TestAccounts, again, said, submit, visitor};
use sessera_model::AssuranceLevel;

async fn accounts() -> TestAccounts {
    let on = json!({"enabled": true});
    let base = format!("https://app.example.org/{}", "x".repeat(10));
    TestAccounts::configured(json!({
        "selfservice": {"allowed_return_urls": [base], "flows": {"recovery": on, "verification": on}},
    }))
    .await
}

/// Submissions as large as they can be, and larger ones.
fn large() -> Vec<Value> {
    let long = "y".repeat(1_000_000);
    let many: Map<String, Value> = (0..900).map(|n| (format!("n{n}"), json!("x"))).collect();
    let addresses: Vec<String> = (0..400).map(|n| format!("no address {n}")).collect();
    vec![
        json!({"method": "nope", "transient_payload": {"a": long}}),
        json!({"method": "nope", "transient_payload": {"a": "y".repeat(MAX_PAYLOAD_BYTES - 100)}}),
        json!({"method": "password", "traits": {"email": long}, "password": "x"}),
        json!({"method": "password", "traits": {"email": "y".repeat(MAX_TRAITS_BYTES - 100)}, "password": long}),
        json!({"method": "profile", "traits": many.clone()}),
        json!({"method": "profile", "traits": {"email": addresses, "name": {"first": many}}}),
        json!({"method": "password", "identifier": long, "password": "x"}),
        json!({"method": "password", "identifier": "y".repeat(20_000)}),
        json!({"method": "code", "email": long}),
        json!({"method": "code", "email": format!("{}ada@example.org", "\u{200b}".repeat(100_000))}),
        json!({"method": "code", "code": long}),
        json!({"method": long, "screen": long}),
    ]
}

async fn largest<K: Kind>(accounts: &TestAccounts, flows: &Flows<'_>, mut shown: Shown<K>) -> usize {
    let id = shown.flow.id;
    let mut largest = 0;
    for submission in large() {
        shown = match submit(flows, &shown, submission).await {
            Outcome::Shown(shown, _) => *shown,
            _ => panic!("nothing of it is right"),
        };
        largest = largest.max(accounts.parts.store.flow(id).await.unwrap().unwrap().body.len());
    }
    largest
}

#[tokio::test]
async fn whatever_is_typed_a_flow_is_kept_in_few_bytes() {
    let accounts = accounts().await;
    for transport in [Transport::Api, Transport::Browser] {
        let mut visitor = visitor(transport);
        visitor.request_url = format!("http://127.0.0.1:4433/?{}", "é".repeat(30_000));
        let flows = accounts.flows(&visitor, None);
        let wish = LoginWish { requested_aal: AssuranceLevel::Aal1, refresh: false };
        let login = flows.begin::<LoginDetails>(transport, None, wish).await.unwrap();
        let registration = flows.begin::<RegistrationDetails>(transport, None, ()).await.unwrap();
        let recovery = flows.begin::<RecoveryDetails>(transport, None, ()).await.unwrap();
        let verification = flows.begin::<VerificationDetails>(transport, None, ()).await.unwrap();
        for bytes in [
            largest(&accounts, &flows, login).await,
            largest(&accounts, &flows, registration).await,
            largest(&accounts, &flows, recovery).await,
            largest(&accounts, &flows, verification).await,
        ] {
            assert!((1000..=MAX_BYTES).contains(&bytes), "{transport:?}: {bytes}");
        }
    }
}

#[tokio::test]
async fn what_is_too_long_to_be_kept_is_said_at_once_and_later() {
    let accounts = accounts().await;
    let visitor = visitor(Transport::Api);
    let flows = accounts.flows(&visitor, None);
    let wish = LoginWish { requested_aal: AssuranceLevel::Aal1, refresh: false };
    let shown = flows.begin::<LoginDetails>(Transport::Api, None, wish).await.unwrap();
    let attempt = json!({"method": "password", "identifier": "y".repeat(20_000)});
    let shown = again(submit(&flows, &shown, attempt).await);
    assert_eq!(said(&shown), [4_000_002], "the password is missing");
    let read = flows.show::<LoginDetails>(Some(&shown.flow.id.to_string())).await.unwrap();
    assert_eq!(said(&read), [4_000_001], "what was typed is gone");
}

#[tokio::test]
async fn a_long_way_back_is_refused() {
    let accounts = accounts().await;
    let visitor = visitor(Transport::Browser);
    let flows = accounts.flows(&visitor, None);
    let base = format!("https://app.example.org/{}", "x".repeat(10));
    for (length, is_taken) in [(MAX_RETURN_TO, true), (MAX_RETURN_TO + 1, false)] {
        let return_to = format!("{base}?{}", "q".repeat(length - base.len() - 1));
        let begun = flows.begin::<RecoveryDetails>(Transport::Browser, Some(&return_to), ()).await;
        assert_eq!(begun.is_ok(), is_taken, "{length}");
        assert!(is_taken || matches!(begun, Err(FlowError::ReturnTooLong)));
    }
}

#[tokio::test]
async fn one_sign_up_sends_few_messages_however_many_addresses_it_names() {
    use base64::Engine as _;
    let address = json!({"type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}, "recovery": {"via": "email"},
    }});
    let traits = json!({"type": "object", "properties": {"emails": {"type": "array", "items": address}}});
    let schema = json!({"properties": {"traits": traits}}).to_string();
    let url = format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(schema));
    let accounts = TestAccounts::configured(json!({
        "identity": {"default_schema_id": "default", "schemas": [{"id": "default", "url": url}]},
        "selfservice": {"flows": {"verification": {"enabled": true}, "registration": {"style": "unified"}}},
    }))
    .await;
    let visitor = visitor(Transport::Api);
    let flows = accounts.flows(&visitor, None);
    let shown = flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await.unwrap();
    let sign_up = |count: usize| {
        let emails: Vec<String> = (0..count).map(|n| format!("a{n}@example.org")).collect();
        json!({"method": "password", "password": crate::testing::PASSWORD, "traits": {"emails": emails}})
    };
    let refused = again(submit(&flows, &shown, sign_up(101)).await);
    assert_eq!(said(&refused), [4_000_001], "too many addresses");
    crate::testing::done(submit(&flows, &refused, sign_up(100)).await);
    let due = accounts.parts.store.due_messages(accounts.parts.clock.now(), 1000).await.unwrap();
    assert_eq!(due.len(), crate::flows::addresses::MAX_AT_ONCE);
}
