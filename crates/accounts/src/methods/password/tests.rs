//! Signing in, signing up and setting another password.

use serde_json::{Value, json};
use sessera_config::Config;

use super::*;
use crate::flows::flow::{LoginDetails, RegistrationDetails, Transport};
use crate::testing::{
    BREACHED, Client, FIRST, PASSWORD, TestAccounts, again, done, names, said, submit, visitor,
};

fn read(password: &Value) -> Option<Arc<dyn Method>> {
    let tree = json!({"selfservice": {"methods": {"password": password}}});
    compile(&Config::from_tree(&tree).unwrap(), &mut Vec::new())
}

#[test]
fn the_length_is_taken() {
    let method = read(&json!({"config": {"min_password_length": 12}}));
    assert!(format!("{method:?}").contains("min_length: 12"));
    assert!(read(&json!({"enabled": false})).is_none());
}

#[tokio::test]
async fn a_right_password_signs_in_and_a_wrong_one_is_told() {
    let accounts = TestAccounts::configured(json!({})).await;
    let ada = accounts.person("ada@example.org").await;
    let visitor = visitor(Transport::Browser);
    let flows = accounts.flows(&visitor, None);
    let shown = flows.begin::<LoginDetails>(Transport::Browser, None, FIRST).await.unwrap();
    assert!(names(&shown).starts_with(&["csrf_token", "identifier", "password", "method"]));
    let attempt =
        |password| json!({"method": "password", "identifier": "Ada@example.org", "password": password});
    let shown = again(submit(&flows, &shown, attempt("wrong")).await);
    assert_eq!(said(&shown), [4_000_006]);
    let shown = again(submit(&flows, &shown, json!({"method": "password"})).await);
    assert_eq!(said(&shown), [4_000_002, 4_000_002]);
    let logged_in = done(submit(&flows, &shown, attempt(PASSWORD)).await);
    assert_eq!(logged_in.identity.id, ada.id);
    assert_eq!(logged_in.signed_in.session.methods[0].method, "password");
    assert!(!logged_in.needs_second_factor);
}

#[tokio::test]
async fn people_sign_up_with_a_password_once_their_profile_is_good() {
    let accounts = TestAccounts::configured(json!({})).await;
    let visitor = visitor(Transport::Api);
    let flows = accounts.flows(&visitor, None);
    let shown = flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await.unwrap();
    assert!(!names(&shown).contains(&"password"), "the first form asks who it is");
    let profile = json!({"method": "profile", "traits": {"email": "ada@example.org"}});
    let shown = again(submit(&flows, &shown, profile).await);
    let fields =
        ["csrf_token", "traits.email", "traits.name.first", "traits.name.last", "password", "method"];
    assert!(names(&shown).starts_with(&fields) && names(&shown).contains(&"screen"));
    let attempt = |password| json!({"method": "password", "traits": {"email": "ada@example.org"}, "password": password});
    let shown = again(submit(&flows, &shown, attempt("ada@example.org")).await);
    assert_eq!(said(&shown), [4_000_031]);
    let registered = done(submit(&flows, &shown, attempt(PASSWORD)).await);
    assert!(registered.signed_in.is_some() && registered.verification.is_none());
}

/// What is said about a password that is taken.
const TAKEN: [u32; 0] = [];

async fn sign_up_with(config: Value, password: &str) -> Vec<u32> {
    let methods = json!({"password": {"config": config}});
    let flows = json!({"registration": {"style": "unified"}});
    let accounts =
        TestAccounts::configured(json!({"selfservice": {"methods": methods, "flows": flows}})).await;
    let visitor = visitor(Transport::Api);
    let flows = accounts.flows(&visitor, None);
    let shown = flows.begin::<RegistrationDetails>(Transport::Api, None, ()).await.unwrap();
    let attempt = json!({"method": "password", "traits": {"email": "ada@example.org"}, "password": password});
    match submit(&flows, &shown, attempt).await {
        crate::flows::skeleton::Outcome::Done(_) => Vec::new(),
        refused => said(&again(refused)),
    }
}

#[tokio::test]
async fn passwords_from_breaches_are_refused_where_that_is_configured() {
    let on = |more: Value| {
        let mut config = json!({"haveibeenpwned_enabled": true, "haveibeenpwned_host": "known.example"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    assert_eq!(sign_up_with(json!({}), BREACHED).await, TAKEN, "nobody is asked unless told so");
    assert_eq!(sign_up_with(on(json!({})), BREACHED).await, [4_000_034]);
    assert_eq!(sign_up_with(on(json!({})), PASSWORD).await, TAKEN);
    assert_eq!(sign_up_with(on(json!({"max_breaches": 11})), BREACHED).await, [4_000_034]);
    assert_eq!(sign_up_with(on(json!({"max_breaches": 12})), BREACHED).await, TAKEN);
    let silent =
        |ignore| on(json!({"haveibeenpwned_host": "silent.example", "ignore_network_errors": ignore}));
    assert_eq!(sign_up_with(silent(true), BREACHED).await, TAKEN);
    assert_eq!(sign_up_with(silent(false), BREACHED).await, [4_000_005]);
}

#[tokio::test]
async fn what_everybody_tries_first_is_refused_wherever_a_person_chooses_a_password() {
    for password in ["12345678", "password1", "Password1"] {
        assert_eq!(sign_up_with(json!({}), password).await, [4_000_034], "{password}");
    }
    let accounts = TestAccounts::configured(json!({})).await;
    let ada = Client::native(&accounts).signed_in("ada@example.org").await;
    let shown = ada.settings().await;
    let shown = ada.again(&shown, json!({"method": "password", "password": "iloveyou"})).await;
    assert_eq!(said(&shown), [4_000_034]);
}

#[tokio::test]
async fn another_password_is_set_soon_after_signing_in() {
    let accounts = TestAccounts::configured(json!({})).await;
    let ada = Client::native(&accounts).signed_in("ada@example.org").await;
    let set = |password| json!({"method": "password", "password": password});
    let shown = ada.settings().await;
    let shown = ada.again(&shown, set(PASSWORD)).await;
    assert_eq!(said(&shown), [4_000_039], "it is the old one");
    let saved = done(ada.submit(&shown, set("Quite-another-one-77")).await.unwrap());
    assert_eq!(said(&saved.shown), [1_050_001]);
    assert!(saved.signed_in.is_none(), "setting a password proves nothing");
}
