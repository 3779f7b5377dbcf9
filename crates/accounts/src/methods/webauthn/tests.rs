//! Security keys are added, asked for and taken away, and every answer is refused that must not be taken.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use sessera_model::{AssuranceLevel, Uuid};

use super::*;
use crate::flows::error::FlowError;
use crate::flows::flow::{LoginDetails, SettingsDetails, Standing};
use crate::flows::login::{LoggedIn, LoginRequest};
use crate::flows::skeleton::{Outcome, Shown};
use crate::methods::public_keys::testing::{Device, PRESENT, challenge, configuration, input, options};
use crate::testing::{Client, FIRST, TestAccounts, done, names, node, refused, said};

const ADA: &str = "ada@example.org";
const SECOND: LoginRequest = LoginRequest { requested_aal: AssuranceLevel::Aal2, refresh: false };

async fn accounts() -> TestAccounts {
    let credentials = json!({"password": {"identifier": true}, "webauthn": {"identifier": true}});
    let email = json!({"type": "string", "format": "email", "ory.sh/kratos": {"credentials": credentials}});
    let traits = json!({"type": "object", "properties": {"email": email}});
    let schema =
        json!({"$id": "https://example.org/person.json", "type": "object", "properties": {"traits": traits}});
    let url = format!("base64://{}", BASE64_STANDARD.encode(schema.to_string()));
    TestAccounts::configured(json!({
        "identity": {"default_schema_id": "default", "schemas": [{"id": "default", "url": url}]},
        "selfservice": {"methods": {"webauthn": configuration(), "totp": {"enabled": true}}},
    }))
    .await
}

/// A device that knows nothing of its owner, as security keys mostly do.
fn key(id: &[u8]) -> Device {
    Device { flags: PRESENT, ..Device::new(id) }
}

/// Adds a key to the account of a client, who is signed in.
async fn add(client: &Client<'_>, device: &mut Device) -> Result<Outcome<SettingsDetails>, FlowError> {
    let shown = client.settings().await;
    let answer = device.add(&options(&shown, "webauthn_register_trigger")).to_string();
    client.submit(&shown, json!({"webauthn_register": answer, "webauthn_register_displayname": "Blue"})).await
}

/// Adds a key, which makes a new session of the client's.
async fn added(client: &mut Client<'_>, device: &mut Device) -> Shown<SettingsDetails> {
    let saved = done(add(client, device).await.unwrap());
    client.session = saved.signed_in.map(|signed_in| signed_in.session);
    saved.shown
}

/// The answer of a key in a form for the second factor.
fn answer(shown: &Shown<LoginDetails>, device: &mut Device) -> Value {
    let answer = device.sign(&options(shown, "webauthn_login_trigger")).to_string();
    json!({"identifier": ADA, "webauthn_login": answer})
}

/// Gives the second factor after the password. The error is what the form then says.
async fn step_up(accounts: &TestAccounts, device: &mut Device) -> Result<LoggedIn, (Standing, Vec<u32>)> {
    let client = Client::browser(accounts).signed_in_again(ADA).await;
    let shown = client.login(SECOND).await;
    match client.submit(&shown, answer(&shown, device)).await.unwrap() {
        Outcome::Done(logged_in) => Ok(*logged_in),
        Outcome::Shown(shown, standing) => Err((standing, said(&shown))),
        other => panic!("{other:?}"),
    }
}

async fn keys_of(accounts: &TestAccounts, owner: Uuid) -> usize {
    let credentials = accounts.parts.store.credentials(owner).await.unwrap();
    security_keys(&credentials).second_factors().count()
}

#[tokio::test]
async fn a_key_is_added_asked_for_and_taken_away() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let owner = ada.session.as_ref().unwrap().identity_id;
    let mut device = key(b"blue");
    let shown = added(&mut ada, &mut device).await;
    assert_eq!(input(&shown, "webauthn_remove")["value"], device.hex());
    let label = &node(&shown, "webauthn_remove")["meta"]["label"];
    assert_eq!((&label["id"], &label["context"]["display_name"]), (&json!(1_050_018), &json!("Blue")));
    let session = ada.session.as_ref().unwrap();
    assert_eq!(session.methods[1].method, "webauthn");
    assert_eq!(session.assurance_level, AssuranceLevel::Aal2);

    let client = Client::browser(&accounts);
    let shown = client.login(FIRST).await;
    assert!(!names(&shown).iter().any(|name| name.starts_with("webauthn")), "it is no first factor");
    assert_eq!(
        refused(client.submit(&shown, json!({"method": "webauthn", "identifier": ADA})).await.unwrap()),
        [4_010_002]
    );

    let logged_in = step_up(&accounts, &mut device).await.unwrap();
    let session = logged_in.signed_in.session;
    assert_eq!(session.assurance_level, AssuranceLevel::Aal2);
    let methods: Vec<&str> = session.methods.iter().map(|method| method.method.as_str()).collect();
    assert_eq!(methods, ["password", "webauthn"]);

    let shown = ada.settings().await;
    done(ada.submit(&shown, json!({"webauthn_remove": device.hex()})).await.unwrap());
    assert_eq!(keys_of(&accounts, owner).await, 0);
    assert_eq!(
        refused(ada.submit(&shown, json!({"webauthn_remove": device.hex()})).await.unwrap()),
        [4_000_001]
    );
    let client = Client::browser(&accounts).signed_in_again(ADA).await;
    let shown = client.login(SECOND).await;
    assert!(!names(&shown).contains(&"webauthn_login"));
    let late = json!({"webauthn_login": "{}"});
    assert_eq!(refused(client.submit(&shown, late).await.unwrap()), [4_000_013]);
}

#[tokio::test]
async fn answers_that_do_not_fit_give_no_second_factor() {
    type Spoil = fn(&mut Device);
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = key(b"blue");
    added(&mut ada, &mut device).await;
    device.count = 10;
    step_up(&accounts, &mut device).await.unwrap();
    let spoils: [(&str, Spoil); 6] = [
        ("another origin", |device| device.origin = "https://id.example.com"),
        ("another domain", |device| device.domain = "example.com"),
        ("nobody has touched it", |device| device.flags = 0),
        ("another key", |device| device.key = Device::new(b"").key),
        ("a copy of the device that counts from an older number", |device| device.count = 3),
        ("the key of somebody else", |device| device.id = b"red".to_vec()),
    ];
    for (what, spoil) in spoils {
        let mut spoilt = device.copy();
        spoil(&mut spoilt);
        let outcome = step_up(&accounts, &mut spoilt).await.unwrap_err();
        assert_eq!(outcome, (Standing::Refused, vec![4_000_043]), "{what}");
    }
    step_up(&accounts, &mut device).await.expect("nothing of that did harm");
}

#[tokio::test]
async fn a_challenge_is_good_once_and_in_its_flow() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = key(b"blue");
    added(&mut ada, &mut device).await;
    let client = Client::browser(&accounts).signed_in_again(ADA).await;
    let (shown, elsewhere) = (client.login(SECOND).await, client.login(SECOND).await);
    let asked = options(&shown, "webauthn_login_trigger");
    let wrong = json!({"identifier": ADA, "method": "webauthn", "webauthn_login": "{}"});
    let again = client.again(&shown, wrong).await;
    assert_eq!(said(&again), [4_000_001]);
    assert_ne!(challenge(&asked), challenge(&options(&again, "webauthn_login_trigger")));
    for (shown, from) in [(&again, &shown), (&elsewhere, &again)] {
        let late = answer(from, &mut device);
        assert_eq!(refused(client.submit(shown, late).await.unwrap()), [4_000_043]);
    }
}

#[tokio::test]
async fn what_a_form_carries_along_and_names_are_asked_for() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = key(b"blue");
    let shown = ada.settings().await;
    let whole = device.add(&options(&shown, "webauthn_register_trigger")).to_string();
    for (fields, expected) in [
        (json!({"webauthn_register": whole}), 4_000_002),
        (json!({"webauthn_register": whole, "webauthn_register_displayname": "x".repeat(256)}), 4_000_001),
        (json!({"webauthn_register": "{}", "webauthn_register_displayname": "Blue"}), 4_000_001),
        (json!({"webauthn_register": whole, "webauthn_register_displayname": "Blue"}), 4_000_904),
        (json!({"webauthn_remove": "00"}), 4_000_001),
        (json!({"method": "webauthn"}), 4_010_004),
    ] {
        assert_eq!(refused(ada.submit(&shown, fields.clone()).await.unwrap()), [expected], "{fields}");
    }
    added(&mut ada, &mut device).await;
    let same = device.copy();
    assert_eq!(refused(add(&ada, &mut { same }).await.unwrap()), [4_000_904], "it is there already");
    let client = Client::browser(&accounts).signed_in_again(ADA).await;
    let shown = client.login(SECOND).await;
    assert_eq!(input(&shown, "identifier")["value"], ADA);
    assert_eq!(refused(client.submit(&shown, json!({"method": "webauthn"})).await.unwrap()), [4_000_002]);
    let nothing = json!({"method": "webauthn", "identifier": ADA});
    assert_eq!(refused(client.submit(&shown, nothing).await.unwrap()), [4_000_001]);
}

#[tokio::test]
async fn native_clients_are_not_asked_for_one() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = key(b"blue");
    added(&mut ada, &mut device).await;
    let native = Client::native(&accounts).signed_in_again(ADA).await;
    let bob = Client::native(&accounts).signed_in("bob@example.org").await;
    assert!(!names(&bob.settings().await).contains(&"webauthn_register"));
    let shown = native.login(SECOND).await;
    assert!(!names(&shown).contains(&"webauthn_login"));
    let fields = json!({"method": "webauthn", "identifier": ADA, "webauthn_login": "{}"});
    assert_eq!(refused(native.submit(&shown, fields).await.unwrap()), [4_010_002]);
}

#[test]
fn it_is_a_second_factor_only() {
    for (passwordless, expected) in [(false, 0), (true, 1)] {
        let mut webauthn = configuration();
        webauthn["config"]["passwordless"] = passwordless.into();
        let tree = json!({"selfservice": {"methods": {"webauthn": webauthn}}});
        let config = Config::from_tree(&tree).expect("is a configuration");
        let mut problems = Vec::new();
        assert_eq!(compile(&config, &mut problems).is_none(), passwordless);
        assert_eq!(problems.len(), expected, "{problems:?}");
    }
}
