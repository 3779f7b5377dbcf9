//! Passwords that another system still keeps.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sessera_model::{CredentialKind, Identity};

use super::*;
use crate::flows::error::FlowError;
use crate::flows::flow::LoginDetails;
use crate::flows::skeleton::Outcome;
use crate::hooks::caller::{Reply, Unanswered};
use crate::hooks::calls::HookFailure;
use crate::identities::{IdentityDraft, PreparedIdentity, Surroundings};
use crate::imports::{ImportedPassword, Imports};
use crate::testing::{Client, PASSWORD, TestAccounts, done, forbidden, refused, turned_down, wait};

const ADA: &str = "ada@example.org";

/// Accounts that ask another system, with more of its configuration.
async fn accounts(more: Value) -> TestAccounts {
    let mut hook = json!({"enabled": true, "config": {"url": "https://old.example.org/check"}});
    for (name, value) in more.as_object().unwrap() {
        hook[name] = value.clone();
    }
    let password = json!({"config": {"migrate_hook": hook}});
    TestAccounts::configured(json!({"selfservice": {"methods": {"password": password}}})).await
}

/// Stores somebody whose password is elsewhere.
async fn bring(accounts: &TestAccounts) -> Identity {
    let surroundings = Surroundings {
        schemas: &accounts.snapshot.schemas,
        random: accounts.parts.random.as_ref(),
        now: accounts.parts.clock.now(),
    };
    let draft = IdentityDraft::new("default", json!({ "email": ADA }));
    let mut prepared = PreparedIdentity::create(draft, surroundings).unwrap();
    let imports = Imports { password: Some(ImportedPassword::Elsewhere), ..Imports::default() };
    let hashing = accounts.snapshot.rules.hashing;
    imports.put_into(&mut prepared, &accounts.parts.passwords, hashing).await.unwrap();
    accounts.parts.committer.commit(&prepared.changes()).await.unwrap();
    prepared.identity
}

/// The credential with the password.
async fn credential(accounts: &TestAccounts, of: &Identity) -> Value {
    let credentials = accounts.parts.store.credentials(of.id).await.unwrap();
    let password = credentials.into_iter().find(|known| known.kind == CredentialKind::Password);
    password.unwrap().config.expose().clone()
}

fn says(answer: &str) -> Result<Reply, Unanswered> {
    Ok(Reply::Told(answer.as_bytes().to_vec()))
}

const MATCH: &str = r#"{"status":"password_match"}"#;

/// Why nobody is signed in.
fn failure(outcome: Result<Outcome<LoginDetails>, FlowError>) -> HookFailure {
    match outcome {
        Err(FlowError::Hook(failure)) => failure,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing failed"),
    }
}

#[tokio::test]
async fn a_password_is_asked_for_elsewhere_once_and_kept_here_then() {
    let accounts = accounts(json!({})).await;
    let ada = bring(&accounts).await;
    assert_eq!(credential(&accounts, &ada).await, json!({"use_password_migration_hook": true}));
    let client = Client::native(&accounts);
    accounts.hooks.answer("/check", Ok(forbidden()));
    assert_eq!(refused(client.attempt(ADA, "wrong").await.unwrap()), [4_000_006]);
    accounts.hooks.answer("/check", says(MATCH));
    done(client.attempt(" Ada@Example.org", PASSWORD).await.unwrap());
    let asked =
        |identifier, password| ("/check".to_owned(), json!({"identifier": identifier, "password": password}));
    assert_eq!(accounts.hooks.calls(), [asked(ADA, "wrong"), asked(" Ada@Example.org", PASSWORD)]);
    let kept = credential(&accounts, &ada).await;
    assert!(kept["hashed_password"].is_string() && kept.as_object().unwrap().len() == 1, "{kept}");
    done(client.attempt(ADA, PASSWORD).await.unwrap());
    assert_eq!(refused(client.attempt(ADA, "wrong").await.unwrap()), [4_000_006]);
    assert!(accounts.hooks.calls().is_empty(), "nobody else is asked any more");
}

#[tokio::test]
async fn an_answer_signs_in_only_when_it_says_so() {
    let accounts = accounts(json!({})).await;
    bring(&accounts).await;
    let client = Client::native(&accounts);
    for answer in ["", "{}", "[]", r#"{"status":"ok"}"#, r#"{"status":true}"#, r#""password_match""#] {
        accounts.hooks.answer("/check", says(answer));
        assert_eq!(refused(client.attempt(ADA, PASSWORD).await.unwrap()), [4_000_006], "{answer}");
        accounts.clock.advance(Duration::from_hours(24));
    }
    accounts.hooks.answer("/check", says(MATCH));
    done(client.attempt(ADA, PASSWORD).await.unwrap());
}

#[tokio::test]
async fn guessing_elsewhere_is_guessing() {
    let accounts = accounts(json!({})).await;
    bring(&accounts).await;
    accounts.hooks.answer("/check", Ok(forbidden()));
    let client = Client::native(&accounts);
    let mut waits = None;
    for _ in 0..20 {
        waits = waits.or(wait(client.attempt(ADA, "wrong").await));
    }
    assert!(waits.is_some());
    assert!(accounts.hooks.calls().len() < 20, "who must wait is not asked about");
}

#[tokio::test]
async fn a_system_that_does_not_say_signs_nobody_in_and_costs_no_attempt() {
    let accounts = accounts(json!({})).await;
    let ada = bring(&accounts).await;
    let client = Client::native(&accounts);
    for _ in 0..4 {
        for (answer, expected) in [
            (Ok(Reply::Well), HookFailure::Unanswered),
            (Ok(turned_down(MATCH)), HookFailure::Unanswered),
            (Ok(Reply::Strange("it answered with the status 302".into())), HookFailure::Unanswered),
            (Err(Unanswered::TimedOut), HookFailure::TimedOut),
            (Err(Unanswered::Impossible("it is private".into())), HookFailure::Unanswered),
        ] {
            accounts.hooks.answer("/check", answer);
            assert_eq!(failure(client.attempt(ADA, PASSWORD).await), expected);
        }
    }
    assert_eq!(credential(&accounts, &ada).await, json!({"use_password_migration_hook": true}));
}

#[tokio::test]
async fn a_program_makes_the_body_of_what_is_known() {
    let source = "function(ctx) { user: ctx.identifier, secret: ctx.password, id: ctx.identity.id, flow: ctx.flow.type, method: ctx.request_method, agent: ctx.request_headers['User-Agent'] }";
    let body = format!("base64://{}", STANDARD.encode(source));
    let config = json!({"url": "https://old.example.org/check", "body": body});
    let accounts = accounts(json!({ "config": config })).await;
    let ada = bring(&accounts).await;
    accounts.hooks.answer("/check", says(MATCH));
    done(Client::native(&accounts).attempt(ADA, PASSWORD).await.unwrap());
    let (_, told) = accounts.hooks.calls().remove(0);
    let expected = json!({"user": ADA, "secret": PASSWORD, "id": ada.id, "flow": "api", "method": "POST", "agent": ["tests"]});
    assert_eq!(told, expected);

    let body = format!("base64://{}", STANDARD.encode("function(ctx) error ctx.password"));
    let config = json!({"url": "https://old.example.org/check", "body": body});
    let broken = self::accounts(json!({ "config": config })).await;
    bring(&broken).await;
    assert_eq!(failure(Client::native(&broken).attempt(ADA, PASSWORD).await), HookFailure::Broken);
}

#[tokio::test]
async fn a_password_that_cannot_be_kept_here_stays_elsewhere() {
    let accounts = accounts(json!({})).await;
    let ada = bring(&accounts).await;
    accounts.hooks.answer("/check", says(MATCH));
    let client = Client::native(&accounts);
    // The algorithm of these tests takes 72 bytes.
    for _ in 0..2 {
        done(client.attempt(ADA, &"x".repeat(73)).await.unwrap());
    }
    assert_eq!(accounts.hooks.calls().len(), 2);
    assert_eq!(credential(&accounts, &ada).await, json!({"use_password_migration_hook": true}));
}

#[tokio::test]
async fn who_is_disabled_is_told_so_and_nothing_is_kept() {
    let accounts = accounts(json!({})).await;
    let ada = bring(&accounts).await;
    accounts.disable(ada.id).await;
    accounts.hooks.answer("/check", says(MATCH));
    assert_eq!(refused(Client::native(&accounts).attempt(ADA, PASSWORD).await.unwrap()), [4_010_011]);
    assert_eq!(credential(&accounts, &ada).await, json!({"use_password_migration_hook": true}));
}

#[tokio::test]
async fn where_nobody_is_to_be_asked_the_password_opens_nothing() {
    let on = accounts(json!({})).await;
    let off = accounts(json!({"enabled": false})).await;
    for (accounts, ways) in [(&on, 1), (&off, 0)] {
        let ada = bring(accounts).await;
        let credentials = accounts.parts.store.credentials(ada.id).await.unwrap();
        assert_eq!(accounts.snapshot.methods.ways_in(&credentials), ways);
    }
    let outcome = Client::native(&off).attempt(ADA, PASSWORD).await;
    assert!(matches!(outcome, Err(FlowError::PasswordElsewhere)));
    assert!(off.hooks.calls().is_empty());
}

#[test]
fn a_hook_that_is_on_has_an_address() {
    let tree =
        |hook: Value| json!({"selfservice": {"methods": {"password": {"config": {"migrate_hook": hook}}}}});
    let at = "/selfservice/methods/password/config/migrate_hook/config/url";
    for (hook, wrong) in [
        (json!({"enabled": true}), vec![at]),
        (json!({"enabled": true, "config": {"url": "http://10.0.0.1/"}}), vec![at]),
        (json!({"enabled": false, "config": {"url": "http://10.0.0.1/"}}), vec![]),
        (json!({"enabled": true, "config": {"url": "https://x/", "emit_analytics_event": false}}), vec![]),
    ] {
        let (config, found) = Config::judge(&tree(hook.clone()));
        let found: Vec<_> = found.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(found, wrong, "{hook}");
        assert!(config.notes.is_empty(), "{hook}: {:?}", config.notes);
    }
}
