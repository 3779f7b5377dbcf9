//! What strangers can leave behind.

use serde_json::{Map, Value, json};

use crate::flows::error::FlowError;
use crate::flows::flow::{
    LoginDetails, MAX_BYTES, RecoveryDetails, RegistrationDetails, Transport, VerificationDetails,
};
use crate::flows::login::LoginRequest;
use crate::flows::skeleton::{Flows, Kind, Outcome, Shown};
use crate::flows::visit::MAX_RETURN_TO;
use crate::submission::{MAX_PAYLOAD_BYTES, MAX_TRAITS_BYTES};
use crate::testing::{TestAccounts, again, said, submit, try_submit, visitor};
use sessera_model::{AssuranceLevel, Clock as _, Timestamp};
use std::time::Duration;

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
        let wish = LoginRequest { requested_aal: AssuranceLevel::Aal1, refresh: false };
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

/// Whatever a client begins and types within an hour that starts at any time, what is kept of it stays within its
/// bound, and it may go on later.
#[tokio::test]
async fn one_client_leaves_no_more_behind_in_an_hour_than_it_may() {
    const MOST: usize = 96 * 1024;
    let configuration = json!({"selfservice": {
        "limits": {"requests_per_minute": 0, "free_failures": 0, "bytes_per_hour": MOST.to_string()},
        "flows": {"recovery": {"enabled": true}, "registration": {"style": "unified"}},
    }});
    let attempts = large();
    for is_small in [false, true] {
        let accounts = TestAccounts::configured(configuration.clone()).await;
        let mut visitor = visitor(Transport::Api);
        if !is_small {
            visitor.request_url = format!("http://127.0.0.1:4433/?{}", "x".repeat(30_000));
        }
        let (start, mut kept, mut turn) = (accounts.clock.now(), Vec::new(), 0);
        while accounts.clock.now() < start + Duration::from_hours(2) {
            turn += 1;
            let flows = accounts.flows(&visitor, None);
            match flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await {
                Err(FlowError::TooMany(wait)) => accounts.clock.advance(wait),
                other => {
                    let shown = other.unwrap();
                    let mut sign_up = json!({"method": "password", "password": crate::testing::PASSWORD});
                    sign_up["traits"] = json!({"email": format!("a{turn}@example.org")});
                    let attempt = if is_small && turn % 2 == 0 {
                        sign_up
                    } else {
                        attempts[turn % attempts.len()].clone()
                    };
                    if !is_small || turn % 2 == 0 {
                        let _ = try_submit(&flows, &shown, attempt).await;
                    }
                    kept.push((accounts.clock.now(), shown.flow.id));
                }
            }
        }
        let mut sizes = Vec::new();
        for (at, id) in kept {
            let flow = accounts.parts.store.flow(id).await.unwrap();
            // One that is gone has become a person, with an address, a password, a flow and a message.
            sizes.push((at, flow.map_or(2000, |flow| flow.body.len())));
        }
        let in_hour = |from: Timestamp| {
            let within = sizes.iter().filter(|(at, _)| *at >= from && *at < from + Duration::from_hours(1));
            within.map(|(_, bytes)| bytes).sum::<usize>()
        };
        let most = sizes.iter().map(|(at, _)| in_hour(*at)).max().unwrap();
        assert!((MOST / 3..MOST + 2 * MAX_BYTES).contains(&most), "{most} of {MOST}");
    }
}

#[tokio::test]
async fn who_signs_in_leaves_nothing_of_the_flow_behind() {
    let accounts = TestAccounts::configured(json!({"selfservice": {
        "limits": {"requests_per_minute": 0, "bytes_per_hour": "8KiB"},
    }}))
    .await;
    accounts.person("ada@example.org").await;
    let visitor = visitor(Transport::Api);
    let sign_in =
        json!({"method": "password", "identifier": "ada@example.org", "password": crate::testing::PASSWORD});
    for _ in 0..30 {
        let flows = accounts.flows(&visitor, None);
        let shown = flows.begin::<LoginDetails>(Transport::Api, None, crate::testing::FIRST).await.unwrap();
        crate::testing::done(submit(&flows, &shown, sign_in.clone()).await);
    }
    let flows = accounts.flows(&visitor, None);
    let begin = async || flows.begin::<LoginDetails>(Transport::Api, None, crate::testing::FIRST).await;
    let mut begun = 0;
    while begin().await.is_ok() {
        begun += 1;
        assert!(begun < 10, "what is only begun counts");
    }
    assert!(begun > 1, "{begun}");
    let mut other = visitor.clone();
    other.address = Some([192, 0, 2, 2].into());
    let flows = accounts.flows(&other, None);
    assert!(flows.begin::<LoginDetails>(Transport::Api, None, crate::testing::FIRST).await.is_ok());
}

/// Otherwise how much room a client has left would tell who has an account.
#[tokio::test]
async fn a_sign_up_that_hides_a_duplicate_leaves_as_much_as_one_that_does_not() {
    let accounts = TestAccounts::configured(json!({
        "security": {"account_enumeration": {"mitigate": true}},
        "selfservice": {
            "limits": {"requests_per_minute": 0, "bytes_per_hour": "64KiB"},
            "flows": {
                "recovery": {"enabled": true},
                "verification": {"enabled": true},
                "registration": {"style": "unified"},
            },
        },
    }))
    .await;
    accounts.person("ada@example.org").await;
    let mut waits = Vec::new();
    for (client, email) in [(1, "ada@example.org"), (2, "bob@example.org")] {
        let mut visitor = visitor(Transport::Api);
        visitor.address = Some([192, 0, 2, client].into());
        let flows = accounts.flows(&visitor, None);
        let shown = flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await.unwrap();
        let body =
            json!({"method": "password", "password": crate::testing::PASSWORD, "traits": {"email": email}});
        crate::testing::done(submit(&flows, &shown, body).await);
        let (mut begun, mut last) = (0, None);
        while last.is_none() {
            begun += 1;
            match flows.begin::<RecoveryDetails>(Transport::Api, None, ()).await {
                Err(FlowError::TooMany(wait)) => last = Some(wait),
                other => drop(other.unwrap()),
            }
        }
        waits.push((begun, last));
    }
    assert_eq!(waits[0], waits[1]);
}

#[tokio::test]
async fn what_is_too_long_to_be_kept_is_said_at_once_and_later() {
    let accounts = accounts().await;
    let visitor = visitor(Transport::Api);
    let flows = accounts.flows(&visitor, None);
    let wish = LoginRequest { requested_aal: AssuranceLevel::Aal1, refresh: false };
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
