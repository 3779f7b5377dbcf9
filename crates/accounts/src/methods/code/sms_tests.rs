//! Codes to telephone numbers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sessera_model::{AssuranceLevel, Identity};
use sessera_store::{MessageStatus, Page};

use crate::courier;
use crate::flows::flow::{LoginDetails, RecoveryDetails, RegistrationDetails, State, VerificationDetails};
use crate::flows::login::LoginRequest;
use crate::identities::{IdentityDraft, PreparedIdentity, Surroundings};
use crate::testing::{Client, FIRST, TestAccounts, done, node, said};

const NUMBER: &str = "+4930901820";

/// As somebody types it.
const TYPED: &str = "+49 (30) 90 18 20";

/// Accounts whose schema has codes sent to telephone numbers. A service takes them when there is a courier.
async fn accounts(code: Value, courier: Value) -> TestAccounts {
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "phone": {"type": "string", "format": "tel", "ory.sh/kratos": {
            "credentials": {"code": {"identifier": true, "via": "sms"}, "password": {"identifier": true}},
            "verification": {"via": "sms"},
            "recovery": {"via": "sms"},
        }},
    }}}});
    let on = json!({"enabled": true});
    let hooks = json!([{"hook": "session"}, {"hook": "show_verification_ui"}]);
    let flows = json!({"recovery": on, "verification": on, "registration": {"after": {"hooks": hooks}}});
    let selfservice = json!({"methods": {"code": code}, "flows": flows});
    TestAccounts::with_schema(&schema, json!({"selfservice": selfservice, "courier": courier})).await
}

/// A courier with a service for telephone numbers, which is told everything.
fn with_channel(more: Value) -> Value {
    let request = json!({"url": "https://sms.example.org/sms", "body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg="});
    let mut courier = json!({"channels": [{"id": "sms", "type": "http", "request_config": request}]});
    for (name, value) in more.as_object().unwrap() {
        courier[name] = value.clone();
    }
    courier
}

fn passwordless() -> Value {
    json!({"passwordless_enabled": true})
}

/// Stores somebody with the number and a password.
async fn person(accounts: &TestAccounts) -> Identity {
    let surroundings = Surroundings {
        schemas: &accounts.snapshot.schemas,
        random: accounts.parts.random.as_ref(),
        now: accounts.parts.clock.now(),
    };
    let draft = IdentityDraft::new("default", json!({ "phone": NUMBER }));
    let mut prepared = PreparedIdentity::create(draft, surroundings).unwrap();
    let hash = accounts.parts.passwords.hash(accounts.snapshot.rules.hashing, crate::testing::PASSWORD);
    prepared.set_password(hash.await.unwrap());
    accounts.parts.committer.commit(&prepared.changes()).await.unwrap();
    prepared.identity
}

/// What the service is told when everything was sent that is due.
async fn told(accounts: &TestAccounts) -> Vec<Value> {
    while courier::deliver_due(&accounts.parts, accounts.snapshot.clone()).await.unwrap() > 0 {}
    accounts.hooks.calls().into_iter().map(|(_, told)| told).collect()
}

/// The code in the one message that the service was told of.
async fn code(accounts: &TestAccounts) -> String {
    let [told] = &told(accounts).await[..] else { panic!("not one message") };
    assert_eq!((&told["recipient"], &told["message_type"]), (&json!(NUMBER), &json!("sms")));
    assert!(told.get("html_body").is_none() && told["subject"] == "", "{told}");
    let text = told["body"].as_str().unwrap();
    let (_, code) = text.split_once("@127.0.0.1 #").expect("is the last line");
    assert!(text.starts_with(code), "{text}");
    code.to_owned()
}

#[tokio::test]
async fn a_code_to_a_number_signs_in_and_verifies_it() {
    let accounts = accounts(passwordless(), with_channel(json!({}))).await;
    let owner = person(&accounts).await;
    let client = Client::native(&accounts);
    let asked = json!({"method": "code", "identifier": TYPED});
    let shown = client.again(&client.login(FIRST).await, asked).await;
    assert_eq!(said(&shown), [1_010_014]);
    let typed = json!({"method": "code", "identifier": TYPED, "code": code(&accounts).await});
    done(client.submit(&shown, typed).await.unwrap());
    let stored = accounts.parts.store.identity(owner.id).await.unwrap().unwrap();
    assert!(stored.verifiable_addresses[0].verified);
}

#[tokio::test]
async fn a_code_to_a_number_signs_up() {
    let accounts = accounts(passwordless(), with_channel(json!({}))).await;
    let client = Client::native(&accounts);
    let shown = client.begin::<RegistrationDetails>(()).await.unwrap();
    let fields = |code: Value| json!({"method": "code", "traits": {"phone": NUMBER}, "code": code});
    let shown = client.again(&shown, fields(Value::Null)).await;
    assert_eq!(said(&shown), [1_040_005]);
    let code = code(&accounts).await;
    let registered = done(client.submit(&shown, fields(json!(code))).await.unwrap());
    assert!(registered.identity.verifiable_addresses[0].verified);
}

#[tokio::test]
async fn a_code_to_a_number_is_a_second_factor() {
    let accounts = accounts(json!({"mfa_enabled": true}), with_channel(json!({}))).await;
    person(&accounts).await;
    let client = Client::native(&accounts).signed_in_again(NUMBER).await;
    let wish = LoginRequest { requested_aal: AssuranceLevel::Aal2, refresh: false };
    let shown = client.begin::<LoginDetails>(wish).await.unwrap();
    assert_eq!((shown.flow.state, said(&shown)), (State::SentEmail, vec![1_010_025]));
    let typed = json!({"method": "code", "code": code(&accounts).await});
    let session = done(client.submit(&shown, typed).await.unwrap()).signed_in.session;
    assert_eq!(session.assurance_level, AssuranceLevel::Aal2);
}

#[tokio::test]
async fn a_number_is_verified_by_a_code() {
    let accounts = accounts(json!({}), with_channel(json!({}))).await;
    let owner = person(&accounts).await;
    let client = Client::native(&accounts);
    let shown = client.begin::<VerificationDetails>(()).await.unwrap();
    let field = node(&shown, "email");
    assert_eq!(
        (&field["attributes"]["type"], &field["meta"]["label"]["id"]),
        (&json!("text"), &json!(1_070_018))
    );
    let shown = client.again(&shown, json!({"method": "code", "email": "030 901820"})).await;
    assert_eq!(said(&shown), [4_000_040], "a number is international");
    let shown = client.again(&shown, json!({"method": "code", "email": TYPED})).await;
    assert_eq!((shown.flow.state, said(&shown)), (State::SentEmail, vec![1_080_004]));
    let shown = client.again(&shown, json!({"method": "code", "code": "000000"})).await;
    assert_eq!(said(&shown), [4_070_006]);
    let shown = client.again(&shown, json!({"method": "code", "code": code(&accounts).await})).await;
    assert_eq!((shown.flow.state, said(&shown)), (State::PassedChallenge, vec![1_080_005]));
    let stored = accounts.parts.store.identity(owner.id).await.unwrap().unwrap();
    assert!(stored.verifiable_addresses[0].verified);
}

#[tokio::test]
async fn who_signs_up_is_sent_a_code_for_their_number() {
    let accounts = accounts(json!({}), with_channel(json!({}))).await;
    let client = Client::native(&accounts);
    let shown = client.begin::<RegistrationDetails>(()).await.unwrap();
    let fields =
        json!({"method": "password", "traits": {"phone": NUMBER}, "password": crate::testing::PASSWORD});
    let registered = done(client.submit(&shown, fields).await.unwrap());
    let begun = registered.verification.expect("a flow was begun");
    assert_eq!(begun.address, NUMBER);
    let shown = client.flows().show::<VerificationDetails>(Some(&begun.flow_id.to_string())).await.unwrap();
    assert_eq!(said(&shown), [1_080_004]);
    let shown = client.again(&shown, json!({"method": "code", "code": code(&accounts).await})).await;
    assert_eq!(said(&shown), [1_080_005]);
}

#[tokio::test]
async fn a_code_to_a_number_leads_back_into_an_account() {
    let accounts = accounts(json!({}), with_channel(json!({}))).await;
    let owner = person(&accounts).await;
    let client = Client::browser(&accounts);
    let shown = client.begin::<RecoveryDetails>(()).await.unwrap();
    let shown = client.again(&shown, json!({"method": "code", "email": NUMBER})).await;
    assert_eq!((shown.flow.state, said(&shown)), (State::SentEmail, vec![1_060_003]));
    let typed = json!({"method": "code", "code": code(&accounts).await});
    let recovered = done(client.submit(&shown, typed).await.unwrap());
    assert_eq!(recovered.signed_in.session.identity_id, owner.id);
    // Whoever has no account is told the same, and is sent nothing.
    let shown = client.begin::<RecoveryDetails>(()).await.unwrap();
    let shown = client.again(&shown, json!({"method": "code", "email": "+4930901821"})).await;
    assert_eq!(said(&shown), [1_060_003]);
    assert!(told(&accounts).await.is_empty());
}

#[tokio::test]
async fn a_message_to_a_number_has_the_text_of_the_deployment() {
    let text = "{{ .To }} {{ .LoginCode }} {{ .Identity.traits.phone }} {{ .RequestURLDomain }}";
    let body = json!({"plaintext": format!("base64://{}", STANDARD.encode(text))});
    let templates = json!({"login_code": {"valid": {"sms": {"body": body}}}});
    let accounts = accounts(passwordless(), with_channel(json!({ "templates": templates }))).await;
    person(&accounts).await;
    let client = Client::native(&accounts);
    client.again(&client.login(FIRST).await, json!({"method": "code", "identifier": NUMBER})).await;
    let [told] = &told(&accounts).await[..] else { panic!("not one message") };
    let code = told["template_data"]["login_code"].as_str().unwrap();
    assert_eq!(told["body"], format!("{NUMBER} {code} {NUMBER} 127.0.0.1"));
    assert_eq!(told["template_data"]["request_url_domain"], "127.0.0.1");
}

#[tokio::test]
async fn a_channel_that_is_missing_is_told_of() {
    let accounts = accounts(passwordless(), json!({})).await;
    let notes: Vec<_> = accounts.snapshot.notes.iter().map(|note| note.pointer.as_str()).collect();
    assert!(notes.contains(&"/courier/channels"), "{notes:?}");
    person(&accounts).await;
    let client = Client::native(&accounts);
    client.again(&client.login(FIRST).await, json!({"method": "code", "identifier": NUMBER})).await;
    assert!(told(&accounts).await.is_empty());
    let page = Page { after: None, limit: 9 };
    let messages = courier::messages(&accounts.parts, None, None, &page).await.unwrap();
    let reason = messages[0].dispatches[0].error.as_deref();
    assert_eq!(reason, Some("no courier channels configured for: sms"));
    assert_eq!(
        messages[0].status,
        MessageStatus::Queued,
        "a channel may be configured while the code is good"
    );
    // Numbers cannot be typed where addresses are proven.
    let shown = client.begin::<VerificationDetails>(()).await.unwrap();
    assert_eq!(node(&shown, "email")["attributes"]["type"], "email");
    assert_eq!(said(&client.again(&shown, json!({"method": "code", "email": NUMBER})).await), [4_000_040]);
}

#[tokio::test]
async fn a_channel_for_numbers_takes_no_mails() {
    let url = "https://sms.example.org/";
    let channels = json!([{"id": "sms", "request_config": {"url": url}}]);
    let http =
        json!({"delivery_strategy": "http", "http": {"request_config": {"url": url}}, "channels": channels});
    for (courier, notes) in [(json!({ "channels": channels }), 1), (http, 0)] {
        // The schema that comes with the server has e-mail addresses only.
        let accounts = TestAccounts::configured(json!({ "courier": courier })).await;
        let about_mail = accounts.snapshot.notes.iter().filter(|note| note.pointer.starts_with("/courier"));
        assert_eq!(about_mail.count(), notes);
    }
}
