//! Passkeys are added, used and taken away, and every answer is refused that must not be taken.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use sessera_model::credential::CredentialView;
use sessera_model::{AssuranceLevel, Credential, Uuid};
use sessera_store::{Change, SessionFilter};

use super::*;
use crate::flows::error::FlowError;
use crate::flows::flow::{LoginDetails, RegistrationDetails, SettingsDetails, Standing, Transport};
use crate::flows::login::{LoggedIn, LoginRequest};
use crate::flows::settings::Saved;
use crate::flows::skeleton::{Outcome, Shown};
use crate::methods::public_keys::testing::{
    COPIED, Device, PRESENT, VERIFIED, challenge, configuration, input, options,
};
use crate::testing::{Client, FIRST, TestAccounts, again, done, names, node, refused, said};

const ADA: &str = "ada@example.org";

async fn accounts() -> TestAccounts {
    accounts_that("preferred").await
}

/// Accounts whose devices verify their owners or not.
async fn accounts_that(verification: &str) -> TestAccounts {
    let mut passkey = configuration();
    passkey["config"]["authenticator_selection"] = json!({"user_verification": verification});
    TestAccounts::configured(json!({"selfservice": {
        "methods": {"passkey": passkey},
        "flows": {
            "settings": {"privileged_session_max_age": "15m"},
            "registration": {"after": {"passkey": {"hooks": [{"hook": "session"}]}}},
        },
    }}))
    .await
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
        other => panic!("{other:?}"),
    }
}

async fn credentials(accounts: &TestAccounts, owner: Uuid) -> Vec<Credential> {
    let all = accounts.parts.store.credentials(owner).await.unwrap();
    all.into_iter().filter(|credential| credential.kind == KIND).collect()
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
    assert_eq!(node(&saved.shown, "passkey_remove")["meta"]["label"]["id"], 1_050_020);
    assert_eq!(ada.session.as_ref().unwrap().methods[1].method, "passkey");

    let stored =
        credentials(&accounts, owner).await.remove(0).to_json(CredentialView { with_config: &[KIND] });
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
    assert_eq!(refused(remove(&mut ada, &device.hex()).await.unwrap()), [4_000_001]);
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
        ("an owner who was not verified as before", |device| device.flags = PRESENT),
        ("another key", |device| device.key = Device::new(b"").key),
        ("a copy of the device that counts from an older number", |device| device.count = 3),
        ("another passkey", |device| device.id = b"second".to_vec()),
    ];
    for (what, spoil) in spoils {
        let mut spoilt = device.copy();
        spoil(&mut spoilt);
        let outcome = sign_in(&accounts, &mut spoilt).await.unwrap_err();
        assert_eq!(outcome, (Standing::Refused, vec![4_000_043]), "{what}");
    }
    let owner = device.owner.clone();
    for other in [bob.id.as_bytes().to_vec(), Vec::new(), vec![1; 64]] {
        device.owner = other;
        let outcome = sign_in(&accounts, &mut device).await.unwrap_err();
        assert_eq!(outcome, (Standing::Refused, vec![4_000_015]), "another owner");
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
    ] {
        let mut device = Device::new(b"spoilt");
        spoil(&mut device);
        assert_eq!(refused(add(&mut ada, &mut device).await.unwrap()), [4_000_904]);
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
    let shown = ada.login(LoginRequest { refresh: true, ..FIRST }).await;
    let answer = device.sign(&options(&shown, "passkey_challenge")).to_string();
    let logged_in = ada.submit::<LoginDetails>(&shown, json!({"passkey_login": answer})).await.unwrap();
    ada.session = Some(done(logged_in).signed_in.session);
    added(&mut ada, &mut Device::new(b"in time")).await;
}

#[tokio::test]
async fn disabled_accounts_sign_in_with_no_passkey() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    added(&mut ada, &mut device).await;
    accounts.disable(ada.session.as_ref().unwrap().identity_id).await;
    assert_eq!(sign_in(&accounts, &mut device).await.unwrap_err(), (Standing::Disabled, vec![4_010_011]));
}

#[tokio::test]
async fn native_clients_use_them_without_a_script() {
    let accounts = accounts().await;
    let mut ada = Client::native(&accounts).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    let saved = added(&mut ada, &mut device).await;
    let button = input(&saved.shown, "passkey_register_trigger");
    assert_eq!(button["onclickTrigger"], "oryPasskeySettingsRegistration");
    assert_eq!(button.get("onclick"), None);
    let native = Client::native(&accounts);
    let shown = native.login(FIRST).await;
    assert!(!names(&shown).contains(&"webauthn_script"));
    let answer = device.sign(&options(&shown, "passkey_challenge")).to_string();
    let logged_in = done(native.submit(&shown, json!({"passkey_login": answer})).await.unwrap());
    assert_eq!(logged_in.signed_in.session.methods[0].method, "passkey");
}

#[tokio::test]
async fn where_owners_must_be_verified_others_are_refused() {
    for (verification, refused_with) in
        [("required", Some(4_000_904)), ("preferred", None), ("discouraged", None)]
    {
        let accounts = accounts_that(verification).await;
        let mut ada = Client::browser(&accounts).signed_in(ADA).await;
        let mut device = Device::new(b"first");
        device.flags = PRESENT;
        let outcome = add(&mut ada, &mut device).await.unwrap();
        match refused_with {
            Some(message) => assert_eq!(refused(outcome), [message], "{verification}"),
            None => {
                done(outcome);
                sign_in(&accounts, &mut device).await.expect(verification);
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_apart_from_a_wrong_one() {
    let accounts = accounts().await;
    let mut ada = Client::browser(&accounts).signed_in(ADA).await;
    let mut device = Device::new(b"first");
    added(&mut ada, &mut device).await;
    let client = Client::browser(&accounts);
    let shown = client.login(FIRST).await;
    let mut no_data = device.sign(&options(&shown, "passkey_challenge"));
    no_data["response"]["authenticatorData"] = "AAAA".into();
    for none in [json!("{}"), json!("x"), json!(no_data.to_string())] {
        let shown = client.again(&shown, json!({"method": "passkey", "passkey_login": none})).await;
        assert_eq!(said(&shown), [4_000_001], "{none}");
    }
    assert_eq!(refused(client.submit(&shown, json!({"passkey_login": 1})).await.unwrap()), [4_000_026]);
    let outcome = client.submit(&shown, json!({"method": "passkey"})).await.unwrap();
    let Outcome::Elsewhere { departure, .. } = outcome else { panic!("{outcome:?}") };
    assert!(departure.url.ends_with(&format!("/ui/login?flow={}", shown.flow.id)), "{departure:?}");
    let shown = ada.settings().await;
    let shown = ada.again(&shown, json!({"passkey_settings_register": "{}"})).await;
    assert_eq!(said(&shown), [4_000_001]);
}

/// Goes through the first form of signing up.
async fn sign_up(client: &Client<'_>, email: &str) -> Shown<RegistrationDetails> {
    let shown = client.begin(()).await.unwrap();
    assert!(!names(&shown).contains(&"passkey_register"), "who it is comes first");
    client.again(&shown, json!({"method": "profile", "traits": {"email": email}})).await
}

/// What the form for signing up asks the browser.
fn new_passkey(shown: &Shown<RegistrationDetails>) -> Value {
    let data = options(shown, "passkey_create_data");
    assert_eq!(data["displayNameFieldNames"], json!(["traits.email"]));
    data["credentialOptions"].clone()
}

#[tokio::test]
async fn somebody_signs_up_with_one_and_signs_in() {
    for transport in [Transport::Browser, Transport::Api] {
        let accounts = accounts().await;
        let client = Client::new(&accounts, transport);
        let shown = sign_up(&client, ADA).await;
        assert_eq!(names(&shown).contains(&"webauthn_script"), transport == Transport::Browser);
        let mut device = Device::new(b"first");
        let answer = device.add(&new_passkey(&shown)).to_string();
        let fields = json!({"traits": {"email": ADA}, "method": "passkey", "passkey_register": answer});
        let registered = done(client.submit(&shown, fields.clone()).await.unwrap());
        let session = &registered.signed_in.as_ref().unwrap().session;
        assert_eq!(
            (session.methods[0].method.as_str(), session.assurance_level),
            ("passkey", AssuranceLevel::Aal1)
        );
        assert_eq!(credentials(&accounts, registered.identity.id).await[0].identifiers.len(), 1);
        let logged_in = sign_in(&accounts, &mut device).await.unwrap();
        assert_eq!(logged_in.identity.id, registered.identity.id);
        assert!(matches!(client.submit(&shown, fields).await, Err(FlowError::Unknown)), "the flow is over");

        let mut ada = Client::browser(&accounts);
        ada.session = Some(logged_in.signed_in.session);
        let mut second = Device::new(b"second");
        added(&mut ada, &mut second).await;
        for device in [&mut device, &mut second] {
            sign_in(&accounts, device).await.expect("both name the same owner");
        }
    }
}

#[tokio::test]
async fn wrong_answers_sign_nobody_up() {
    let accounts = accounts().await;
    accounts.person("bob@example.org").await;
    let client = Client::browser(&accounts);
    let mut shown = sign_up(&client, ADA).await;
    let fields =
        |answer: &str| json!({"traits": {"email": ADA}, "method": "passkey", "passkey_register": answer});
    for (answer, expected) in [("", 4_010_003), ("true", 4_010_003), ("{}", 4_000_001)] {
        shown = client.again(&shown, fields(answer)).await;
        assert_eq!(said(&shown), [expected], "{answer}");
    }
    let mut device = Device::new(b"first");
    device.origin = "https://id.example.com";
    let first = device.add(&new_passkey(&shown)).to_string();
    shown = client.again(&shown, fields(&first)).await;
    assert_eq!(said(&shown), [4_000_904]);
    device.origin = Device::new(b"").origin;
    let late = device.add(&new_passkey(&sign_up(&client, ADA).await)).to_string();
    shown = client.again(&shown, fields(&late)).await;
    assert_eq!(said(&shown), [4_000_904], "the challenge of another flow");
    let answer = device.add(&new_passkey(&shown)).to_string();
    let taken = json!({"traits": {"email": "bob@example.org"}, "passkey_register": answer});
    shown = client.again(&shown, taken).await;
    assert_eq!(said(&shown), [4_000_007]);
    let answer = device.add(&new_passkey(&shown)).to_string();
    done(client.submit(&shown, fields(&answer)).await.expect("nothing of that did harm"));
}

#[tokio::test]
async fn those_that_kratos_kept_sign_in() {
    let accounts = accounts().await;
    let ada = accounts.person(ADA).await;
    for (kind, learns) in [(KIND, false), (KIND, true), (CredentialKind::Webauthn, true)] {
        let mut device = Device::new(b"kratos");
        device.owner = ada.id.as_bytes().to_vec();
        let mut kept = device.kept_by_kratos();
        kept["is_passwordless"] = json!(true);
        if learns {
            device.flags |= COPIED;
        } else {
            kept["flags"] = json!({"user_present": true});
        }
        let content = json!({"credentials": [kept], "user_handle": BASE64_STANDARD.encode(&device.owner)});
        let credential = Credential {
            kind,
            identifiers: vec![ada.id.to_string()],
            config: content.into(),
            version: 1,
            created_at: ada.created_at,
            updated_at: ada.created_at,
        };
        let put = sessera_store::records::CredentialOf { identity_id: ada.id, credential };
        accounts.parts.committer.commit(&[Change::PutCredential(put)]).await.unwrap();
        for _ in 0..2 {
            let logged_in =
                sign_in(&accounts, &mut device).await.unwrap_or_else(|said| panic!("{kind:?}: {said:?}"));
            assert_eq!(logged_in.identity.id, ada.id);
        }
        accounts
            .parts
            .committer
            .commit(&[Change::DeleteCredential { identity_id: ada.id, kind }])
            .await
            .unwrap();
    }
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
    // Older configurations have one origin, which counts where there are no others.
    for (rp, problem) in [
        (json!({"id": "example.org", "origin": "https://example.com"}), Some("https://example.com/")),
        (json!({"id": "example.org", "origin": "https://id.example.org"}), None),
        (
            json!({"id": "example.org", "origin": "https://example.com", "origins": ["https://example.org"]}),
            None,
        ),
    ] {
        let passkey = json!({"enabled": true, "config": {"rp": rp}});
        let found = problems(&json!({"selfservice": {"methods": {"passkey": passkey}}}));
        assert_eq!(
            found.iter().any(|found| found.message.contains(problem.unwrap_or(":"))),
            problem.is_some(),
            "{rp}"
        );
    }
}
