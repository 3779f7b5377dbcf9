//! The two forms of signing up, and one's own profile.

use serde_json::json;
use sessera_model::{Clock as _, Session, Uuid};
use sessera_store::SessionKind;

use crate::flows::flow::{RegistrationDetails, SettingsDetails, Transport};
use crate::flows::visit::Present;
use crate::testing::{PASSWORD, TestAccounts, again, done, names, said, submit, try_submit, visitor, wait};

#[tokio::test]
async fn the_second_form_carries_the_profile_along_and_leads_back() {
    let accounts = TestAccounts::configured(json!({})).await;
    let visitor = visitor(Transport::Browser);
    let flows = accounts.flows(&visitor, None);
    let shown = flows.begin::<RegistrationDetails>(Transport::Browser, None, ()).await.unwrap();
    let shown = again(submit(&flows, &shown, json!({"method": "profile", "traits": {"email": "x"}})).await);
    assert_eq!(names(&shown).last(), Some(&"method"), "the first form again");
    assert_eq!(said(&shown), [4_000_003, 4_000_040]);
    let traits = json!({"email": "ada@example.org", "name": {"first": "Ada"}});
    let shown = again(submit(&flows, &shown, json!({"method": "profile", "traits": traits})).await);
    assert_eq!(said(&shown), [1_040_009]);
    let email = &shown.form.to_json()["nodes"][1]["attributes"];
    assert_eq!((email["type"].as_str(), email["value"].as_str()), (Some("hidden"), Some("ada@example.org")));
    // The button that leads back counts, whatever else is submitted.
    let back = json!({"method": "password", "screen": "previous", "traits": traits});
    let shown = again(submit(&flows, &shown, back).await);
    assert_eq!(shown.form.to_json()["nodes"][1]["attributes"]["type"], "email");
}

#[tokio::test]
async fn in_one_form_the_profile_is_no_method_of_its_own() {
    let tree = json!({"selfservice": {"flows": {"registration": {"style": "unified"}}}});
    let accounts = TestAccounts::configured(tree).await;
    let visitor = visitor(Transport::Api);
    let flows = accounts.flows(&visitor, None);
    let shown = flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await.unwrap();
    assert!(names(&shown).contains(&"password"));
    let profile = json!({"method": "profile", "traits": {"email": "ada@example.org"}});
    let shown = again(submit(&flows, &shown, profile).await);
    assert_eq!(said(&shown), [4_010_003]);
    // What is said about a password stands behind the first field.
    let attempt = json!({"method": "password", "traits": {"email": "ada@example.org"}, "password": "short"});
    let shown = again(submit(&flows, &shown, attempt).await);
    assert_eq!(said(&shown), [4_000_032]);
}

#[tokio::test]
async fn traits_change_and_what_opens_the_account_asks_for_a_new_sign_in() {
    let accounts = TestAccounts::configured(json!({})).await;
    let visitor = visitor(Transport::Api);
    let flows = accounts.flows(&visitor, None);
    let shown = flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await.unwrap();
    let attempt = json!({"method": "password", "traits": {"email": "ada@example.org"}, "password": PASSWORD});
    let session = done(submit(&flows, &shown, attempt).await).signed_in.unwrap().session;
    accounts.clock.advance(std::time::Duration::from_hours(2));
    let flows = accounts.flows(&visitor, Some(Present { session: &session, kind: SessionKind::Native }));
    let shown = flows.begin::<SettingsDetails>(Transport::Api, None, ()).await.unwrap();
    let named = json!({"email": "ada@example.org", "name": {"first": "Ada"}});
    let saved = done(submit(&flows, &shown, json!({"method": "profile", "traits": named})).await);
    assert_eq!(said(&saved.shown), [1_050_001]);
    let moved = json!({"method": "profile", "traits": {"email": "grace@example.org"}}).to_string();
    let body =
        crate::flows::skeleton::Body { content_type: Some("application/json"), bytes: moved.as_bytes() };
    let outcome = flows.submit::<SettingsDetails>(Some(&saved.shown.flow.id.to_string()), body).await;
    assert!(matches!(outcome, Err(crate::flows::error::FlowError::SignInTooOld { .. })));
}

#[tokio::test]
async fn who_tries_others_addresses_in_the_settings_is_slowed_down_where_nobody_is_told() {
    for mitigates in [true, false] {
        let accounts = TestAccounts::configured(json!({
            "security": {"account_enumeration": {"mitigate": mitigates}},
            "selfservice": {"limits": {"free_failures": 2}},
        }))
        .await;
        accounts.person("bob@example.org").await;
        let visitor = visitor(Transport::Api);
        let flows = accounts.flows(&visitor, None);
        let shown = flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await.unwrap();
        let ada = json!({"method": "password", "traits": {"email": "ada@example.org"}, "password": PASSWORD});
        let id = done(submit(&flows, &shown, ada).await).identity.id;
        let now = accounts.clock.now();
        let session = Session::new(Uuid::from_u128(1), id, now, now + std::time::Duration::from_hours(1));
        let present = Present { session: &session, kind: SessionKind::Native };
        let flows = accounts.flows(&visitor, Some(present));
        let shown = flows.begin::<SettingsDetails>(Transport::Api, None, ()).await.unwrap();
        // A change that nobody else's address stands in the way of costs nothing.
        for email in ["ada-1@example.org", "ada-2@example.org", "ada-3@example.org"] {
            let free = json!({"method": "profile", "traits": {"email": email}});
            assert_eq!(said(&done(submit(&flows, &shown, free).await).shown), [1_050_001]);
        }
        let taken = json!({"method": "profile", "traits": {"email": "bob@example.org"}});
        let shown = flows.begin::<SettingsDetails>(Transport::Api, None, ()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(said(&again(submit(&flows, &shown, taken.clone()).await)), [4_000_007]);
        }
        let third = try_submit(&flows, &shown, taken).await;
        assert_eq!(wait(third).is_some(), mitigates);
    }
}
