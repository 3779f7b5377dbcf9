//! Passkeys: added, used, taken away, and every answer that must not be taken.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use super::client::{Begun, Client, everything};
use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";
const DOMAIN: &str = "example.org";
const ORIGIN: &str = "https://id.example.org";

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const NEW: u8 = 0x40;

/// The method as it is configured.
pub(super) fn configuration() -> Value {
    json!({"enabled": true, "config": {"rp": {"id": DOMAIN, "display_name": "Example", "origins": [ORIGIN]}}})
}

async fn server() -> TestServer {
    let mut tree = everything();
    tree["selfservice"]["methods"]["passkey"] = configuration();
    TestServer::configured(tree).await
}

fn node<'a>(answer: &'a Answer, name: &str) -> &'a Value {
    let nodes = answer.body["ui"]["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["attributes"]["name"] == name).unwrap_or(&Value::Null)
}

/// What the form asks the browser.
fn options(answer: &Answer, name: &str) -> Value {
    serde_json::from_str(node(answer, name)["attributes"]["value"].as_str().unwrap()).unwrap()
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

async fn begin(client: &mut Client<'_>, kind: &'static str) -> (Begun, Answer) {
    let answer = client.get(&format!("/self-service/{kind}/browser")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (Client::begun(kind, &answer), answer)
}

/// Adds a passkey to the account of a client.
async fn add(client: &mut Client<'_>, device: &mut Device) -> Answer {
    let (flow, begun) = begin(client, "settings").await;
    let answer = device.add(&options(&begun, "passkey_create_data"));
    client.submit(&flow, json!({"passkey_settings_register": answer.to_string()})).await
}

async fn remove(client: &mut Client<'_>, id: &str) -> Answer {
    let (flow, _) = begin(client, "settings").await;
    client.submit(&flow, json!({"passkey_remove": id})).await
}

/// Signs in with a passkey, in a browser that knows nothing yet.
async fn sign_in<'a>(server: &'a TestServer, device: &mut Device) -> (Client<'a>, Answer) {
    let mut client = Client::browser(server);
    let (flow, begun) = begin(&mut client, "login").await;
    let answer = device.sign(&options(&begun, "passkey_challenge"));
    let answer = client.submit(&flow, json!({"passkey_login": answer.to_string()})).await;
    (client, answer)
}

/// What the administrator sees of Ada's passkeys.
async fn credential(server: &TestServer) -> Value {
    let path = format!("/admin/identities?credentials_identifier={ADA}&include_credential=passkey");
    let list = server.admin("GET", &path, None).await;
    list.body[0]["credentials"]["passkey"].clone()
}

#[tokio::test]
async fn a_passkey_is_added_used_and_taken_away() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    let added = add(&mut ada, &mut device).await;
    assert_eq!((added.status, &added.body["state"]), (200, &json!("success")), "{added:?}");
    let button = node(&added, "passkey_remove");
    assert_eq!(button["attributes"]["value"], device.hex());
    assert_eq!(button["meta"]["label"]["id"], 1_050_020);
    let session = ada.whoami().await.1;
    assert_eq!(session["authentication_methods"][1]["method"], "passkey", "{session}");

    let shown = credential(&server).await;
    let only = &shown["config"]["credentials"][0];
    assert_eq!(only["id"], BASE64_STANDARD.encode(&device.id), "{shown}");
    assert_eq!((&only["is_passwordless"], only.get("passkey")), (&json!(true), None), "{shown}");

    let (mut client, answer) = sign_in(&server, &mut device).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let session = client.whoami().await.1;
    assert_eq!(session["identity"]["traits"]["email"], ADA);
    assert_eq!(session["authenticator_assurance_level"], "aal1");
    assert_eq!(session["authentication_methods"][0]["method"], "passkey");

    let removed = remove(&mut ada, &device.hex()).await;
    assert_eq!((removed.status, &removed.body["state"]), (200, &json!("success")), "{removed:?}");
    assert_eq!(credential(&server).await, Value::Null);
    let (_, answer) = sign_in(&server, &mut device).await;
    assert_eq!((answer.status, &answer.body["ui"]["messages"][0]["id"]), (400, &json!(4_000_015)));
    let again = remove(&mut ada, &device.hex()).await;
    assert_eq!((again.status, &again.body["ui"]["messages"][0]["id"]), (400, &json!(4_000_903)));
}

#[tokio::test]
async fn answers_that_do_not_fit_sign_nobody_in() {
    type Spoil = fn(&mut Device);
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    add(&mut ada, &mut device).await;
    device.count = 10;
    assert_eq!(sign_in(&server, &mut device).await.1.status, 200);
    let bob = server.person("bob@example.org").await;
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
        let (mut client, answer) = sign_in(&server, &mut spoilt).await;
        assert_eq!(
            (answer.status, &answer.body["ui"]["messages"][0]["id"]),
            (400, &json!(4_000_015)),
            "{what}"
        );
        assert_eq!(client.whoami().await.0, 401, "{what}");
    }
    let owner = device.owner.clone();
    for other in [uuid::Uuid::parse_str(&bob).unwrap().as_bytes().to_vec(), Vec::new(), vec![1; 64]] {
        device.owner = other;
        assert_eq!(sign_in(&server, &mut device).await.1.status, 400, "another owner");
    }
    device.owner = owner;
    assert_eq!(sign_in(&server, &mut device).await.1.status, 200, "nothing of that did harm");
}

#[tokio::test]
async fn a_challenge_is_good_once_and_in_its_flow() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    add(&mut ada, &mut device).await;
    let mut client = Client::browser(&server);
    let (flow, begun) = begin(&mut client, "login").await;
    let asked = options(&begun, "passkey_challenge");
    device.flags = PRESENT;
    let wrong = device.sign(&asked).to_string();
    let refused = client.submit(&flow, json!({"method": "passkey", "passkey_login": wrong})).await;
    let asked_again = options(&refused, "passkey_challenge");
    assert_ne!(challenge(&asked), challenge(&asked_again));
    device.flags = PRESENT | VERIFIED;
    let late = device.sign(&asked).to_string();
    let refused = client.submit(&flow, json!({"passkey_login": late})).await;
    assert_eq!(refused.status, 400, "{refused:?}");

    let mut other = Client::browser(&server);
    let (other_flow, _) = begin(&mut other, "login").await;
    let asked = options(&refused, "passkey_challenge");
    let answer = device.sign(&asked).to_string();
    assert_eq!(other.submit(&other_flow, json!({"passkey_login": answer})).await.status, 400);
    let answer = device.sign(&asked).to_string();
    assert_eq!(client.submit(&flow, json!({"passkey_login": answer})).await.status, 200);
    assert_eq!(client.submit(&flow, json!({"passkey_login": answer})).await.status, 404, "the flow is over");
}

#[tokio::test]
async fn of_two_answers_at_once_one_signs_in() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    add(&mut ada, &mut device).await;
    for round in 0..5 {
        let mut first = Client::browser(&server);
        let (flow, begun) = begin(&mut first, "login").await;
        let mut second = Client::browser(&server);
        second.cookies.clone_from(&first.cookies);
        let body = json!({"passkey_login": device.sign(&options(&begun, "passkey_challenge")).to_string()});
        let (one, two) = tokio::join!(first.submit(&flow, body.clone()), second.submit(&flow, body));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200, "{one:?} {two:?}");
        assert!([404, 409].contains(&statuses[1]), "{one:?} {two:?}");
        let sessions = server.admin("GET", "/admin/sessions", None).await;
        assert_eq!(sessions.body.as_array().map(Vec::len), Some(round + 2), "one more each time");
    }
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    let added = add(&mut ada, &mut device).await;
    assert_eq!(node(&added, "passkey_remove")["attributes"]["disabled"], false);
    let id = ada.whoami().await.1["identity"]["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/identities/{id}/credentials/password");
    assert_eq!(server.admin("DELETE", &path, None).await.status, 204);
    let refused = remove(&mut ada, &device.hex()).await;
    assert_eq!((refused.status, &refused.body["ui"]["messages"][0]["id"]), (400, &json!(4_000_902)));
    assert_eq!(node(&refused, "passkey_remove")["attributes"]["disabled"], true);
    let mut second = Device::new(b"second");
    assert_eq!(add(&mut ada, &mut second).await.status, 200);
    assert_eq!(remove(&mut ada, &device.hex()).await.status, 200, "another is left");
    assert_eq!(sign_in(&server, &mut second).await.1.status, 200);
}

#[tokio::test]
async fn new_passkeys_are_checked_and_need_a_recent_sign_in() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    for spoil in [
        |device: &mut Device| device.origin = "https://id.example.com",
        |device: &mut Device| device.domain = "example.com",
        |device: &mut Device| device.flags = PRESENT,
    ] {
        let mut device = Device::new(b"spoilt");
        spoil(&mut device);
        let refused = add(&mut ada, &mut device).await;
        assert_eq!((refused.status, &refused.body["ui"]["messages"][0]["id"]), (400, &json!(4_000_901)));
    }
    let mut device = Device::new(b"first");
    let (flow, begun) = begin(&mut ada, "settings").await;
    let whole = device.add(&options(&begun, "passkey_create_data")).to_string();
    for length in (1..whole.len()).step_by(7) {
        let body = json!({"passkey_settings_register": whole[..length].to_owned()});
        assert_eq!(ada.submit(&flow, body).await.status, 400, "cut off at {length}");
    }
    assert_eq!(credential(&server).await, Value::Null);
    assert_eq!(add(&mut ada, &mut device).await.status, 200);
    assert_eq!(add(&mut ada, &mut device).await.status, 400, "it is there already");

    server.clock.advance(Duration::from_mins(16));
    for answer in [add(&mut ada, &mut Device::new(b"late")).await, remove(&mut ada, &device.hex()).await] {
        assert_eq!((answer.status, &answer.body["error"]["id"]), (403, &json!("session_refresh_required")));
    }
    let mut refresh = ada;
    let begun = refresh.get("/self-service/login/browser?refresh=true").await;
    let flow = Client::begun("login", &begun);
    let answer = device.sign(&options(&begun, "passkey_challenge")).to_string();
    assert_eq!(refresh.submit(&flow, json!({"passkey_login": answer})).await.status, 200);
    assert_eq!(add(&mut refresh, &mut Device::new(b"in time")).await.status, 200);
}

#[tokio::test]
async fn disabled_accounts_and_native_clients_sign_in_with_no_passkey() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    add(&mut ada, &mut device).await;
    let id = ada.whoami().await.1["identity"]["id"].as_str().unwrap().to_owned();
    let change = json!([{"op": "replace", "path": "/state", "value": "inactive"}]);
    let path = format!("/admin/identities/{id}");
    assert_eq!(server.admin("PATCH", &path, Some(change)).await.status, 200);
    let (_, answer) = sign_in(&server, &mut device).await;
    assert_eq!((answer.status, &answer.body["ui"]["messages"][0]["id"]), (401, &json!(4_010_011)));

    let mut native = Client::native(&server);
    let begun = native.get("/self-service/login/api").await;
    assert!(node(&begun, "passkey_challenge").is_null());
    let flow = Client::begun("login", &begun);
    let answer = native.submit(&flow, json!({"method": "passkey", "passkey_login": "{}"})).await;
    assert_eq!((answer.status, &answer.body["ui"]["messages"][0]["id"]), (400, &json!(4_010_002)));
}

#[tokio::test]
async fn pages_have_a_script_only_where_passkeys_are_on() {
    const SCRIPT: &str = "/.well-known/ory/webauthn.js";
    let off = TestServer::configured(everything()).await;
    for (server, is_on) in [(server().await, true), (off, false)] {
        let mut client = Client::browser(&server).signed_in(ADA).await;
        let script = client.get(SCRIPT).await;
        assert_eq!(script.status, if is_on { 200 } else { 404 });
        let settings = begin(&mut client, "settings").await;
        client.cookies.remove("ory_kratos_session");
        let login = begin(&mut client, "login").await;
        let nodes = [node(&login.1, "passkey_login"), node(&settings.1, "passkey_create_data")];
        assert!(nodes.iter().all(|node| node.is_null() != is_on), "{nodes:?}");
        let page = client.page(&format!("/ui/login?flow={}", login.0.id)).await;
        assert_eq!(page.text.contains("<script src="), is_on, "{}", page.text);
        assert_eq!(page.header("content-security-policy").contains("script-src 'self'"), is_on);
        let page = client.page("/ui/logout").await;
        assert!(!page.text.contains("<script"), "{}", page.text);
        let answer = client.submit(&login.0, json!({"method": "passkey", "passkey_login": "{}"})).await;
        let expected = if is_on { 4_000_015 } else { 4_010_002 };
        assert_eq!((answer.status, &answer.body["ui"]["messages"][0]["id"]), (400, &json!(expected)));
    }
}
