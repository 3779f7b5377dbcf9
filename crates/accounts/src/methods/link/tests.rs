//! Recovery and verification by links.

use serde_json::json;
use sessera_model::{Clock as _, Identity};
use std::time::Duration;

use super::{Opened, recover, verify};
use crate::flows::error::FlowError;
use crate::flows::flow::{RecoveryDetails, State, VerificationDetails};
use crate::flows::skeleton::Kind;
use crate::testing::{Client, TestAccounts, said};

const ADA: &str = "ada@example.org";

async fn accounts() -> TestAccounts {
    let flow = json!({"enabled": true, "use": "link"});
    TestAccounts::configured(json!({"selfservice": {"flows": {"recovery": flow, "verification": flow}}}))
        .await
}

/// Asks for a link, and returns the id of the flow with what the link holds.
async fn asked<K: Kind<Wish = ()>>(accounts: &TestAccounts, client: &Client<'_>) -> (String, String) {
    let shown = client.begin::<K>(()).await.unwrap();
    client.again(&shown, json!({"method": "link", "email": ADA})).await;
    let token = accounts.mailed_code(ADA).await.expect("was sent");
    assert_eq!(token.len(), 32);
    (shown.flow.id.to_string(), token)
}

async fn stored(accounts: &TestAccounts, owner: &Identity) -> Identity {
    accounts.parts.store.identity(owner.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_link_recovers_once_wherever_it_is_opened() {
    let accounts = accounts().await;
    let owner = accounts.person(ADA).await;
    let app = Client::native(&accounts);
    let (id, token) = asked::<RecoveryDetails>(&accounts, &app).await;
    let browser = Client::browser(&accounts);
    let Opened::Done(recovered) = recover(&browser.flows(), Some(&id), &token, true).await.unwrap() else {
        panic!("the link is good")
    };
    let session = &recovered.signed_in.session;
    assert_eq!((session.identity_id, session.methods[0].method.as_str()), (owner.id, "link_recovery"));
    assert!(stored(&accounts, &owner).await.verifiable_addresses[0].verified);
    let seen = app.flows().show::<RecoveryDetails>(Some(&id)).await.unwrap();
    assert_eq!(seen.flow.state, State::PassedChallenge);
    let Opened::Again(replaced) = recover(&browser.flows(), Some(&id), &token, true).await.unwrap() else {
        panic!("a link is good once")
    };
    assert_eq!(replaced.by.messages[0].id.number(), 4_060_004);
}

#[tokio::test]
async fn a_link_that_may_not_replace_sessions_leaves_somebody_else_signed_in_and_stays_good() {
    let accounts = accounts().await;
    accounts.person(ADA).await;
    let app = Client::native(&accounts);
    let (id, token) = asked::<RecoveryDetails>(&accounts, &app).await;
    let mut browser = Client::browser(&accounts).signed_in("bob@example.org").await;
    let refused = recover(&browser.flows(), Some(&id), &token, false).await;
    assert!(matches!(refused, Err(FlowError::SignedInAlready(_))));
    browser.session = None;
    assert!(matches!(recover(&browser.flows(), Some(&id), &token, false).await, Ok(Opened::Done(_))));
}

#[tokio::test]
async fn a_link_verifies_once_and_its_flow_shows_it_to_whoever_opened_it() {
    let accounts = accounts().await;
    let owner = accounts.person(ADA).await;
    let (id, token) = asked::<VerificationDetails>(&accounts, &Client::native(&accounts)).await;
    let mut browser = Client::browser(&accounts);
    browser.visitor.browsers.clear();
    let Opened::Done(verified) = verify(&browser.flows(), Some(&id), &token).await.unwrap() else {
        panic!("the link is good")
    };
    assert!(stored(&accounts, &owner).await.verifiable_addresses[0].verified);
    browser.visitor.browsers = vec![verified.new_cookie.expect("the browser had none")];
    let shown = browser.flows().show::<VerificationDetails>(Some(&id)).await.unwrap();
    assert_eq!((shown.flow.state, said(&shown)), (State::PassedChallenge, vec![1_080_002]));
    let Opened::Again(replaced) = verify(&browser.flows(), Some(&id), &token).await.unwrap() else {
        panic!("a link is good once")
    };
    assert_eq!(replaced.by.messages[0].id.number(), 4_070_001);
}

#[tokio::test]
async fn what_is_wrong_with_a_link_begins_another_flow() {
    let accounts = accounts().await;
    let owner = accounts.person(ADA).await;
    let browser = Client::browser(&accounts);
    let (id, token) = asked::<RecoveryDetails>(&accounts, &browser).await;
    let (other, _) = asked::<RecoveryDetails>(&accounts, &browser).await;
    let said_of =
        async |id: &str, token: &str| match recover(&browser.flows(), Some(id), token, true).await.unwrap() {
            Opened::Again(replaced) => replaced.by.messages[0].id.number(),
            Opened::Done(_) => panic!("it is wrong"),
        };
    assert_eq!(said_of(&id, "").await, 4_060_004);
    assert_eq!(said_of(&other, &token).await, 4_060_004, "a link is good in its flow");
    accounts.clock.advance(Duration::from_mins(15));
    assert_eq!(said_of(&id, &token).await, 4_060_004, "its time is over");
    let (last, newest) = asked::<RecoveryDetails>(&accounts, &browser).await;
    accounts.disable(owner.id).await;
    assert_eq!(said_of(&last, &newest).await, 4_060_004, "nobody recovers a disabled account");
    let flow = browser.flows().read::<RecoveryDetails>(Some(&id)).await.unwrap();
    accounts.clock.advance(flow.expires_at.since(accounts.clock.now()));
    assert_eq!(said_of(&id, &token).await, 4_060_005, "that of its flow, too");
    assert!(recover(&browser.flows(), Some("no id"), &token, true).await.is_err());
}

#[tokio::test]
async fn the_form_stays_and_has_no_other_method() {
    let accounts = accounts().await;
    let client = Client::native(&accounts);
    let shown = client.begin::<RecoveryDetails>(()).await.unwrap();
    for (fields, expected) in [
        (json!({"method": "link"}), 4_000_002),
        (json!({"method": "link", "email": "nobody"}), 4_000_040),
        (json!({"method": "link", "email": 1}), 4_000_026),
        (json!({"method": "code", "email": ADA}), 4_010_005),
        (json!({"method": "link", "email": "nobody@example.org"}), 1_060_002),
    ] {
        assert_eq!(said(&client.again(&shown, fields.clone()).await), [expected], "{fields}");
    }
    assert_eq!(accounts.mailed_code("nobody@example.org").await, None);
}
