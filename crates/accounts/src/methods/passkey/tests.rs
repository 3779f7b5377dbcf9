//! Passkeys are added, used and taken away, and every answer is refused that must not be taken.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};
use sessera_model::credential::CredentialView;
use sessera_model::{AssuranceLevel, Credential, CredentialKind, Uuid};
use sessera_store::{Change, SessionFilter};

use super::*;
use crate::flows::error::FlowError;
use crate::flows::flow::{LoginDetails, SettingsDetails, Standing};
use crate::flows::login::{LoggedIn, LoginWish};
use crate::flows::settings::Saved;
use crate::flows::skeleton::{Outcome, Shown};
use crate::testing::{Client, FIRST, TestAccounts, again, done, names, refused, said};

const ADA: &str = "ada@example.org";
const DOMAIN: &str = "example.org";
const ORIGIN: &str = "https://id.example.org";

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const NEW: u8 = 0x40;

async fn accounts() -> TestAccounts {
    let rp = json!({"id": DOMAIN, "display_name": "Example", "origins": [ORIGIN]});
    let passkey = json!({"enabled": true, "config": {"rp": rp}});
    TestAccounts::configured(json!({"selfservice": {
        "methods": {"passkey": passkey},
        "flows": {"settings": {"privileged_session_max_age": "15m"}},
    }}))
    .await
}

fn node<'a, K>(shown: &'a Shown<K>, name: &str) -> Option<&'a Node> {
    shown.form.nodes.iter().find(|node| node.name() == name)
}

fn input<K>(shown: &Shown<K>, name: &str) -> Value {
    node(shown, name).map_or(Value::Null, |node| node.to_json()["attributes"].clone())
}

/// What the form asks the browser.
fn options<K>(shown: &Shown<K>, name: &str) -> Value {
    serde_json::from_str(input(shown, name)["value"].as_str().unwrap()).unwrap()
}

fn challenge(options: &Value) -> String {
    options["publicKey"]["challenge"].as_str().unwrap().to_owned()
}

/// The device of a person, with one passkey in it.
struct Device {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    owner: Vec<u8>,
    count: u32,
    origin: &'static str,
    domain: &'static str,
    flags: u8,
}

impl Device {
    fn new(id: &[u8]) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: id.to_vec(),
            owner: Vec::new(),
            count: 0,
            origin: ORIGIN,
            domain: DOMAIN,
            flags: PRESENT | VERIFIED,
        }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        json!({"type": kind, "challenge": challenge, "origin": self.origin}).to_string().into_bytes()
    }

    fn authenticator_data(&mut self, flags: u8) -> Vec<u8> {
        self.count += 1;
        let domain = digest(&SHA256, self.domain.as_bytes());
        [domain.as_ref(), &[flags], &self.count.to_be_bytes()].concat()
    }

    /// The answer to somebody who adds a passkey (`CBOR` by hand: RFC 8949, and 9052 for the key).
    fn add(&mut self, options: &Value) -> Value {
        let owner = options["publicKey"]["user"]["id"].as_str().unwrap();
        self.owner = BASE64_URL_SAFE_NO_PAD.decode(owner).unwrap();
        let data = self.authenticator_data(self.flags | NEW);
        let point = self.key.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..65]);
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let key = [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat();
        let data = [&data[..], &[0; 16], &length, &self.id, &key].concat();
        let size = [u8::try_from(data.len()).unwrap()];
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58", &size[..], &data].concat();
        let client_data = self.client_data("webauthn.create", &challenge(options));
        self.answer(&json!({
            "attestationObject": BASE64_URL_SAFE_NO_PAD.encode(object),
            "clientDataJSON": BASE64_URL_SAFE_NO_PAD.encode(client_data),
        }))
    }

    /// The answer to somebody who signs in.
    fn sign(&mut self, options: &Value) -> Value {
        let data = self.authenticator_data(self.flags);
        let client_data = self.client_data("webauthn.get", &challenge(options));
        let signed = [&data[..], digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(&json!({
            "authenticatorData": BASE64_URL_SAFE_NO_PAD.encode(data),
            "clientDataJSON": BASE64_URL_SAFE_NO_PAD.encode(client_data),
            "signature": BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()),
            "userHandle": BASE64_URL_SAFE_NO_PAD.encode(&self.owner),
        }))
    }

    fn answer(&self, response: &Value) -> Value {
        let id = BASE64_URL_SAFE_NO_PAD.encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response})
    }

    fn hex(&self) -> String {
        hex::encode(&self.id)
    }
}

/// Adds a passkey to the account of a client, who is signed in.
async fn add(client: &mut Client<'_>, device: &mut Device) -> Result<Outcome<SettingsDetails>, FlowError> {
    let shown = client.settings().await;
    let answer = device.add(&options(&shown, "passkey_create_data"));
    client.submit(&shown, json!({"passkey_settings_register": answer.to_string()})).await
}

/// Adds a passkey, which makes a new session of the client's.
async fn added(client: &mut Client<'_>, device: &mut Device) -> Saved {
    let saved = done(add(client, device).await.unwrap());
    client.session = saved.signed_in.as_ref().map(|signed_in| signed_in.session.clone());
    saved
}

async fn remove(client: &mut Client<'_>, id: &str) -> Result<Outcome<SettingsDetails>, FlowError> {
    let shown = client.settings().await;
    client.submit(&shown, json!({"passkey_remove": id})).await
}

/// Signs in with a passkey, in a browser that knows nothing yet. The error is what the form then says.
async fn sign_in(accounts: &TestAccounts, device: &mut Device) -> Result<LoggedIn, (Standing, Vec<u32>)> {
    let client = Client::browser(accounts);
    let shown = client.login(FIRST).await;
    let answer = device.sign(&options(&shown, "passkey_challenge")).to_string();
    match client.submit(&shown, json!({"passkey_login": answer})).await.unwrap() {
        Outcome::Done(logged_in) => Ok(*logged_in),
        Outcome::Shown(shown, standing) => Err((standing, said(&shown))),
        Outcome::Replaced(_) => panic!("the flow was replaced"),
    }
}

async fn credentials(accounts: &TestAccounts, owner: Uuid) -> Vec<Credential> {
    let all = accounts.parts.store.credentials(owner).await.unwrap();
    all.into_iter().filter(|credential| credential.kind == CredentialKind::Passkey).collect()
}

#[tokio::test]
async fn a_passkey_is_added_used_and_taken_away() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let owner = ada.session.as_ref().unwrap().identity_id;
    let mut device = Device::new(b"first");
    let saved = added(&mut ada, &mut device).await;
    let button = input(&saved.shown, "passkey_remove");
    assert_eq!(button["value"], device.hex());
    let label = node(&saved.shown, "passkey_remove").unwrap().label.as_ref().unwrap();
    assert_eq!(label.id.number(), 1_050_020);
    assert_eq!(ada.session.as_ref().unwrap().methods[1].method, "passkey");

    let stored = credentials(&accounts, owner)
        .await
        .remove(0)
        .to_json(CredentialView { with_config: &[CredentialKind::Passkey] });
    let only = &stored["config"]["credentials"][0];
    assert_eq!(only["id"], BASE64_STANDARD.encode(&device.id), "{stored}");
    assert_eq!((&only["is_passwordless"], only.get("passkey")), (&json!(true), None), "{stored}");

    let logged_in = sign_in(&accounts, &mut device).await.unwrap();
    assert_eq!(logged_in.identity.id, owner);
    assert_eq!(logged_in.signed_in.session.assurance_level, AssuranceLevel::Aal1);
    assert_eq!(logged_in.signed_in.session.methods[0].method, "passkey");

    done(remove(&mut ada, &device.hex()).await.unwrap());
    assert_eq!(credentials(&accounts, owner).await, []);
    assert_eq!(sign_in(&accounts, &mut device).await.unwrap_err(), (Standing::Refused, vec![4_000_015]));
    assert_eq!(refused(remove(&mut ada, &device.hex()).await.unwrap()), [4_000_903]);
}

#[tokio::test]
async fn answers_that_do_not_fit_sign_nobody_in() {
    type Spoil = fn(&mut Device);
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    added(&mut ada, &mut device).await;
    device.count = 10;
    sign_in(&accounts, &mut device).await.unwrap();
    let bob = accounts.person("bob@example.org").await;
    let spoils: [(&str, Spoil); 7] = [
        ("another origin", |device| device.origin = "https://id.example.com"),
        ("a subdomain", |device| device.origin = "https://evil.id.example.org"),
        ("another domain", |device| device.domain = "example.com"),
        ("an owner who was not verified", |device| device.flags = PRESENT),
        ("another key", |device| device.key = Device::new(b"").key),
        ("a copy of the device that counts from an older number", |device| device.count = 3),
        ("another passkey", |device| device.id = b"second".to_vec()),
    ];
    for (what, spoil) in spoils {
        let mut spoilt = Device::new(&device.id);
        let document = device.key.to_pkcs8v1().unwrap();
        spoilt.key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap();
        spoilt.owner.clone_from(&device.owner);
        spoilt.count = device.count;
        spoil(&mut spoilt);
        let outcome = sign_in(&accounts, &mut spoilt).await.unwrap_err();
        assert_eq!(outcome, (Standing::Refused, vec![4_000_015]), "{what}");
    }
    let owner = device.owner.clone();
    for other in [bob.id.as_bytes().to_vec(), Vec::new(), vec![1; 64]] {
        device.owner = other;
        sign_in(&accounts, &mut device).await.expect_err("another owner");
    }
    device.owner = owner;
    sign_in(&accounts, &mut device).await.expect("nothing of that did harm");
}

#[tokio::test]
async fn a_challenge_is_good_once_and_in_its_flow() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    added(&mut ada, &mut device).await;
    let client = Client::browser(&accounts);
    let shown = client.login(FIRST).await;
    let asked = options(&shown, "passkey_challenge");
    device.flags = PRESENT;
    let wrong = device.sign(&asked).to_string();
    let shown = client.again(&shown, json!({"method": "passkey", "passkey_login": wrong})).await;
    let asked_again = options(&shown, "passkey_challenge");
    assert_ne!(challenge(&asked), challenge(&asked_again));
    device.flags = PRESENT | VERIFIED;
    let late = device.sign(&asked).to_string();
    let shown = client.again(&shown, json!({"passkey_login": late})).await;

    let other = Client::browser(&accounts);
    let elsewhere = other.login(FIRST).await;
    let asked = options(&shown, "passkey_challenge");
    let answer = device.sign(&asked).to_string();
    other.again(&elsewhere, json!({"passkey_login": answer})).await;
    let answer = json!({"passkey_login": device.sign(&asked).to_string()});
    done(client.submit(&shown, answer.clone()).await.unwrap());
    let over = client.submit(&shown, answer).await;
    assert!(matches!(over, Err(FlowError::Unknown)), "the flow is over");
}

#[tokio::test]
async fn of_two_answers_at_once_one_signs_in() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    added(&mut ada, &mut device).await;
    let all = SessionFilter { identity_id: None, except: None, live: None };
    let page = sessera_store::Page { after: None, limit: 100 };
    for round in 0..5 {
        let client = Client::browser(&accounts);
        let shown = client.login(FIRST).await;
        let body = json!({"passkey_login": device.sign(&options(&shown, "passkey_challenge")).to_string()});
        let both = tokio::join!(client.submit(&shown, body.clone()), client.submit(&shown, body));
        let ((Ok(won), Err(lost)) | (Err(lost), Ok(won))) = both else { panic!("not one of the two") };
        assert!(matches!(won, Outcome::Done(_)));
        assert!(matches!(lost, FlowError::Unknown | FlowError::Outrun), "{lost:?}");
        let sessions = accounts.parts.store.sessions(&all, &page).await.unwrap();
        assert_eq!(sessions.len(), round + 2, "one more each time");
    }
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    let saved = added(&mut ada, &mut device).await;
    assert_eq!(input(&saved.shown, "passkey_remove")["disabled"], false);
    let owner = ada.session.as_ref().unwrap().identity_id;
    let no_password = Change::DeleteCredential { identity_id: owner, kind: CredentialKind::Password };
    accounts.parts.committer.commit(&[no_password]).await.unwrap();
    let outcome = remove(&mut ada, &device.hex()).await.unwrap();
    let shown = again(outcome);
    assert_eq!(said(&shown), [4_000_902]);
    assert_eq!(input(&shown, "passkey_remove")["disabled"], true);
    let mut second = Device::new(b"second");
    added(&mut ada, &mut second).await;
    done(remove(&mut ada, &device.hex()).await.unwrap());
    sign_in(&accounts, &mut second).await.expect("another is left");
}

#[tokio::test]
async fn new_passkeys_are_checked_and_need_a_recent_sign_in() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let owner = ada.session.as_ref().unwrap().identity_id;
    for spoil in [
        |device: &mut Device| device.origin = "https://id.example.com",
        |device: &mut Device| device.domain = "example.com",
        |device: &mut Device| device.flags = PRESENT,
    ] {
        let mut device = Device::new(b"spoilt");
        spoil(&mut device);
        assert_eq!(refused(add(&mut ada, &mut device).await.unwrap()), [4_000_901]);
    }
    let mut device = Device::new(b"first");
    let mut shown = ada.settings().await;
    let whole = device.add(&options(&shown, "passkey_create_data")).to_string();
    for length in (1..whole.len()).step_by(7) {
        shown = ada.again(&shown, json!({"passkey_settings_register": whole[..length].to_owned()})).await;
    }
    assert_eq!(credentials(&accounts, owner).await, []);
    added(&mut ada, &mut device).await;
    again(add(&mut ada, &mut device).await.unwrap());

    accounts.clock.advance(Duration::from_mins(16));
    for outcome in [add(&mut ada, &mut Device::new(b"late")).await, remove(&mut ada, &device.hex()).await] {
        assert!(matches!(outcome, Err(FlowError::SignInTooOld { .. })), "{outcome:?}");
    }
    let shown = ada.login(LoginWish { refresh: true, ..FIRST }).await;
    let answer = device.sign(&options(&shown, "passkey_challenge")).to_string();
    let logged_in = ada.submit::<LoginDetails>(&shown, json!({"passkey_login": answer})).await.unwrap();
    ada.session = Some(done(logged_in).signed_in.session);
    added(&mut ada, &mut Device::new(b"in time")).await;
}

#[tokio::test]
async fn disabled_accounts_and_native_clients_sign_in_with_no_passkey() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    added(&mut ada, &mut device).await;
    let owner = ada.session.as_ref().unwrap().identity_id;
    accounts.disable(owner).await;
    assert_eq!(sign_in(&accounts, &mut device).await.unwrap_err(), (Standing::Disabled, vec![4_010_011]));

    let native = Client::native(&accounts);
    let shown = native.login(FIRST).await;
    assert!(!names(&shown).contains(&"passkey_challenge"));
    let shown = native.again(&shown, json!({"method": "passkey", "passkey_login": "{}"})).await;
    assert_eq!(said(&shown), [4_010_002]);
}

fn problems(tree: &Value) -> Vec<Problem> {
    let config = Config::from_tree(tree).expect("is a configuration");
    let mut problems = Vec::new();
    assert_eq!(compile(&config, &mut problems).is_none(), !problems.is_empty(), "{tree}");
    problems
}

#[test]
fn they_are_for_the_host_of_the_public_address() {
    let methods = json!({"methods": {"passkey": {"enabled": true}}});
    let tree = json!({
        "serve": {"public": {"base_url": "https://id.example.org"}},
        "selfservice": methods.clone(),
    });
    assert!(problems(&tree).is_empty());
    let tree = json!({"selfservice": methods});
    assert!(problems(&tree)[0].message.contains("do not work on http://127.0.0.1:4433/"));
}

#[test]
fn every_page_must_be_of_their_domain() {
    let rp = json!({"id": "example.org", "origins": ["https://id.example.org", "https://example.com"]});
    let passkey = json!({"enabled": true, "config": {"rp": rp}});
    let tree = json!({"selfservice": {"methods": {"passkey": passkey}}});
    assert!(problems(&tree)[0].message.contains("do not work on https://example.com/"));
}
