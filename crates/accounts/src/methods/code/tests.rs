//! Signing in and up by a code, and the second factor by one.

use serde_json::{Value, json};
use sessera_model::{AssuranceLevel, Clock as _};
use std::time::Duration;

use crate::flows::flow::{LoginDetails, RegistrationDetails, State};
use crate::flows::login::LoginRequest;
use crate::flows::skeleton::{Outcome, Shown};
use crate::testing::{Client, FIRST, TestAccounts, again, done, names, node, said, wait, wrong_code};

const ADA: &str = "ada@example.org";

const SECOND: LoginRequest = LoginRequest { requested_aal: AssuranceLevel::Aal2, refresh: false };

/// Accounts whose schema has codes sent to the e-mail address. What is given lies below `methods.code`.
async fn accounts(code: Value) -> TestAccounts {
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "required": ["email"], "properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}},
            "verification": {"via": "email"},
        }},
        "name": {"type": "string"},
    }}}});
    TestAccounts::with_schema(
        &schema,
        json!({"selfservice": {
            "methods": {"code": code, "totp": {"enabled": true}},
            "flows": {"registration": {"after": {"hooks": [{"hook": "session"}]}}, "verification": {"enabled": true}},
        }}),
    )
    .await
}

fn passwordless() -> Value {
    json!({"passwordless_enabled": true})
}

fn asked(email: &str) -> Value {
    json!({"method": "code", "identifier": email})
}

fn typed(email: &str, code: &str) -> Value {
    json!({"method": "code", "identifier": email, "code": code})
}

async fn sent(client: &Client<'_>) -> Shown<LoginDetails> {
    let shown = client.login(FIRST).await;
    client.again(&shown, asked(ADA)).await
}

#[tokio::test]
async fn a_code_signs_in_and_verifies_its_address() {
    let accounts = accounts(passwordless()).await;
    let owner = accounts.person(ADA).await;
    for client in [Client::native(&accounts), Client::browser(&accounts)] {
        let shown = sent(&client).await;
        assert_eq!((shown.flow.state, said(&shown)), (State::SentEmail, vec![1_010_014]));
        let code = accounts.mailed_code(ADA).await.expect("was sent");
        let outcome = client.submit(&shown, typed(ADA, &code)).await.unwrap();
        let logged_in = done(outcome);
        let methods: Vec<_> = logged_in
            .signed_in
            .session
            .methods
            .iter()
            .map(|given| (given.method.as_str(), given.aal))
            .collect();
        assert_eq!(methods, [("code", AssuranceLevel::Aal1)]);
        let stored = accounts.parts.store.identity(owner.id).await.unwrap().unwrap();
        assert!(stored.verifiable_addresses[0].verified);
        // The flow stays, to say that it is over.
        let shown = client.again(&shown, typed(ADA, &code)).await;
        assert_eq!((shown.flow.state, said(&shown)), (State::PassedChallenge, vec![4_010_002]));
        let password = json!({"method": "password", "identifier": ADA, "password": crate::testing::PASSWORD});
        assert_eq!(said(&client.again(&shown, password).await), [4_010_002]);
    }
}

#[tokio::test]
async fn nobody_else_is_signed_in_by_a_code() {
    let accounts = accounts(passwordless()).await;
    accounts.person(ADA).await;
    accounts.person("eve@example.org").await;
    let client = Client::native(&accounts);
    let shown = client.login(FIRST).await;
    for (fields, expected) in [
        (json!({"method": "code"}), 4_000_002),
        (asked("nobody@example.org"), 4_000_035),
        (json!({"method": "code", "identifier": 5}), 4_000_026),
    ] {
        let shown = client.again(&shown, fields).await;
        assert_eq!((shown.flow.state, said(&shown)), (State::ChooseMethod, vec![expected]));
    }
    assert_eq!(accounts.mailed_code("nobody@example.org").await, None);
    let shown = sent(&client).await;
    let code = accounts.mailed_code(ADA).await.expect("was sent");
    // Eve's own flow, another flow, and somebody else's name.
    let elsewhere = client.again(&client.login(FIRST).await, asked("eve@example.org")).await;
    assert_eq!(said(&client.again(&elsewhere, typed("eve@example.org", &code)).await), [4_010_008]);
    assert_eq!(said(&client.again(&elsewhere, typed(ADA, &code)).await), [4_010_008]);
    assert_eq!(said(&client.again(&shown, typed("nobody@example.org", &code)).await), [4_000_035]);
    assert_eq!(said(&client.again(&shown, typed("eve@example.org", &code)).await), [4_010_008]);
    assert_eq!(said(&client.again(&shown, json!({"method": "code", "identifier": ADA})).await), [4_000_002]);
    // The name may be left out, because the flow knows it.
    done(client.submit(&shown, json!({"method": "code", "code": code})).await.unwrap());
}

#[tokio::test]
async fn a_new_code_voids_the_old_one_and_all_end_in_time() {
    let accounts = accounts(json!({"passwordless_enabled": true, "config": {"lifespan": "1m"}})).await;
    accounts.person(ADA).await;
    let client = Client::native(&accounts);
    let shown = sent(&client).await;
    let old = accounts.mailed_code(ADA).await.expect("was sent");
    let shown = client.again(&shown, json!({"method": "code", "identifier": ADA, "resend": "code"})).await;
    assert_eq!(said(&shown), [1_010_014]);
    let new = accounts.mailed_code(ADA).await.expect("was sent again");
    assert_ne!(old, new);
    assert_eq!(said(&client.again(&shown, typed(ADA, &old)).await), [4_010_008]);
    accounts.clock.advance(Duration::from_mins(1));
    assert_eq!(said(&client.again(&shown, typed(ADA, &new)).await), [4_010_008]);
}

#[tokio::test]
async fn after_a_few_wrong_codes_a_flow_is_worn_out() {
    let accounts = accounts(json!({"passwordless_enabled": true, "config": {"max_submissions": 3}})).await;
    accounts.person(ADA).await;
    let client = Client::native(&accounts);
    let shown = sent(&client).await;
    let code = accounts.mailed_code(ADA).await.expect("was sent");
    for _ in 0..3 {
        assert_eq!(said(&client.again(&shown, typed(ADA, wrong_code(&code))).await), [4_010_008]);
    }
    assert_eq!(said(&client.again(&shown, typed(ADA, &code)).await), [4_000_001]);
    let resend = json!({"method": "code", "identifier": ADA, "resend": "code"});
    assert_eq!(said(&client.again(&shown, resend).await), [4_000_001]);
    assert_eq!(accounts.mailed_code(ADA).await, None);
}

#[tokio::test]
async fn wrong_codes_slow_down_whatever_the_flow() {
    let accounts = accounts(passwordless()).await;
    accounts.person(ADA).await;
    let client = Client::native(&accounts);
    let mut waits = None;
    for _ in 0..3 {
        let shown = sent(&client).await;
        let code = accounts.mailed_code(ADA).await.expect("was sent");
        for _ in 0..4 {
            waits = waits.or(wait(client.submit(&shown, typed(ADA, wrong_code(&code))).await));
        }
    }
    assert!(waits.is_some(), "guessing in one flow after the other is guessing");
}

#[tokio::test]
async fn only_so_many_codes_are_sent_in_an_hour() {
    let accounts = accounts(passwordless()).await;
    accounts.person(ADA).await;
    let client = Client::native(&accounts);
    let mut said_last = Vec::new();
    for _ in 0..11 {
        said_last = said(&sent(&client).await);
    }
    assert_eq!(said_last, [4_000_901]);
    let registration = client.begin::<RegistrationDetails>(()).await.unwrap();
    let fields = json!({"method": "code", "traits": {"email": ADA}});
    assert_eq!(said(&client.again(&registration, fields).await), [1_040_005], "signing up counts for itself");
}

#[tokio::test]
async fn who_is_disabled_is_told_so_after_the_code() {
    let accounts = accounts(passwordless()).await;
    let owner = accounts.person(ADA).await;
    accounts.disable(owner.id).await;
    let client = Client::native(&accounts);
    let shown = sent(&client).await;
    let code = accounts.mailed_code(ADA).await.expect("was sent");
    assert_eq!(said(&client.again(&shown, typed(ADA, &code)).await), [4_010_011]);
}

#[tokio::test]
async fn a_code_signs_up_and_verifies_its_address() {
    let accounts = accounts(passwordless()).await;
    let client = Client::native(&accounts);
    let shown = client.begin::<RegistrationDetails>(()).await.unwrap();
    let traits = json!({"email": ADA, "name": "Ada"});
    let fields = |code: Value| json!({"method": "code", "traits": traits, "code": code});
    let shown = client.again(&shown, json!({"method": "code", "traits": {"email": "nope"}})).await;
    assert_eq!(said(&shown), [4_000_040]);
    let shown = client.again(&shown, fields(Value::Null)).await;
    assert_eq!((shown.flow.state, said(&shown)), (State::SentEmail, vec![1_040_005]));
    assert_eq!(node(&shown, "traits.email")["attributes"]["type"], "hidden");
    let code = accounts.mailed_code(ADA).await.expect("was sent");
    assert_eq!(said(&client.again(&shown, fields(json!(wrong_code(&code)))).await), [4_040_003]);
    let other = json!({"method": "code", "traits": {"email": "eve@example.org"}, "code": code});
    assert_eq!(said(&client.again(&shown, other.clone()).await), [4_000_036]);
    assert_eq!(said(&client.again(&shown, other).await), [4_000_036], "what was refused is not kept");
    let registered = done(client.submit(&shown, fields(json!(code))).await.unwrap());
    assert!(registered.identity.verifiable_addresses[0].verified);
    assert_eq!(registered.signed_in.unwrap().session.methods[0].method, "code");
    assert!(registered.verification.is_none());
    assert_eq!(accounts.mailed_code(ADA).await, None, "there is nothing left to verify");
    assert_eq!(said(&client.again(&shown, fields(json!(code))).await), [4_010_003]);
    let shown = sent(&client).await;
    let code = accounts.mailed_code(ADA).await.expect("was sent");
    done(client.submit(&shown, typed(ADA, &code)).await.unwrap());
}

#[tokio::test]
async fn a_taken_address_looks_free_until_its_code_is_typed() {
    let accounts = accounts(passwordless()).await;
    accounts.person(ADA).await;
    let client = Client::native(&accounts);
    let shown = client.begin::<RegistrationDetails>(()).await.unwrap();
    let fields = |code: Value| json!({"method": "code", "traits": {"email": ADA}, "code": code});
    let shown = client.again(&shown, fields(Value::Null)).await;
    assert_eq!(said(&shown), [1_040_005]);
    let code = accounts.mailed_code(ADA).await.expect("was sent");
    let shown = client.again(&shown, fields(json!(code))).await;
    assert_eq!((shown.flow.state, said(&shown)), (State::PassedChallenge, vec![4_000_007]));
    assert_eq!(said(&client.again(&shown, fields(json!(code))).await), [4_010_003], "a code is good once");
    // Another address may be given, from the beginning.
    let first = client.again(&shown, json!({"screen": "previous", "traits": {"email": ADA}})).await;
    assert_eq!(first.flow.state, State::ChooseMethod);
    let fields = json!({"method": "code", "traits": {"email": "new@example.org"}});
    assert_eq!(said(&client.again(&first, fields).await), [1_040_005]);
}

#[tokio::test]
async fn a_code_is_a_second_factor_and_no_first_one() {
    let accounts = accounts(json!({"mfa_enabled": true})).await;
    accounts.person(ADA).await;
    let client = Client::native(&accounts);
    let shown = client.login(FIRST).await;
    assert_eq!(said(&client.again(&shown, asked(ADA)).await), [4_010_002]);
    assert_eq!(names(&shown), ["csrf_token", "identifier", "password", "method"]);
    let mut client = client.signed_in_again(ADA).await;
    // One address and nothing else: the code is on its way.
    let shown = client.login(SECOND).await;
    assert_eq!((shown.flow.state, said(&shown)), (State::SentEmail, vec![1_010_025]));
    let code = accounts.mailed_code(ADA).await.expect("was sent");
    let field = json!({"method": "code", "address": ADA});
    assert_eq!(said(&client.again(&shown, field).await), [4_000_002]);
    let wrong = json!({"method": "code", "code": wrong_code(&code)});
    assert_eq!(said(&client.again(&shown, wrong).await), [4_010_008]);
    let right = json!({"method": "code", "code": code});
    let session = done(client.submit(&shown, right).await.unwrap()).signed_in.session;
    assert_eq!(session.assurance_level, AssuranceLevel::Aal2);
    let last = session.methods.last().unwrap();
    assert_eq!((last.method.as_str(), last.aal), ("code", AssuranceLevel::Aal2));
    client.session = Some(session);
    assert!(client.begin::<LoginDetails>(SECOND).await.is_err(), "there is nothing left to prove");
}

#[tokio::test]
async fn who_has_another_second_factor_chooses() {
    let accounts = accounts(json!({"mfa_enabled": true})).await;
    let mut client = Client::browser(&accounts).signed_in(ADA).await;
    client.session.as_mut().unwrap().assurance_level = AssuranceLevel::Aal2;
    client.set_up_app().await;
    client.session.as_mut().unwrap().assurance_level = AssuranceLevel::Aal1;
    // What was sent before there was another factor is read.
    accounts.mailed_code(ADA).await;
    let shown = client.login(SECOND).await;
    assert_eq!((shown.flow.state, said(&shown)), (State::ChooseMethod, vec![1_010_004]));
    assert_eq!(node(&shown, "address")["attributes"]["value"], ADA);
    assert_eq!(accounts.mailed_code(ADA).await, None);
    assert_eq!(said(&client.again(&shown, json!({"address": "eve@example.org"})).await), [4_000_035]);
    let shown = client.again(&shown, json!({"address": ADA})).await;
    assert_eq!((shown.flow.state, said(&shown)), (State::SentEmail, vec![1_010_025]));
    assert_eq!(names(&shown).last(), Some(&"csrf_token"));
    let code = accounts.mailed_code(ADA).await.expect("was sent");
    done(client.submit(&shown, json!({"method": "code", "code": code})).await.unwrap());
}

#[tokio::test]
async fn a_flow_whose_time_is_over_sends_anew() {
    let accounts = accounts(json!({"mfa_enabled": true})).await;
    let client = Client::native(&accounts).signed_in(ADA).await;
    let shown = client.login(SECOND).await;
    assert!(accounts.mailed_code(ADA).await.is_some());
    accounts.clock.advance(shown.flow.expires_at.since(accounts.clock.now()));
    match client.submit(&shown, json!({"method": "code", "code": "000000"})).await.unwrap() {
        Outcome::Replaced(replaced) => assert_eq!(replaced.by.state, State::SentEmail),
        other => panic!("not replaced: {:?}", said(&again(other))),
    }
    assert!(accounts.mailed_code(ADA).await.is_some());
}

#[tokio::test]
async fn a_method_that_is_off_is_named_as_such() {
    let accounts = accounts(json!({"enabled": false, "passwordless_enabled": true})).await;
    let client = Client::native(&accounts);
    let shown = client.login(FIRST).await;
    assert!(!names(&shown).contains(&"code"));
    let off = client.submit(&shown, json!({"method": "lookup_secret"})).await;
    assert!(matches!(off, Err(crate::flows::error::FlowError::MethodOff)));
}
