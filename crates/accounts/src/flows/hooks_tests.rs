//! Web hooks in all flows: when they are called, in which order, and what becomes of the flow.

use serde_json::{Value, json};
use sessera_model::{Clock as _, IdentityState};
use sessera_store::Change;

use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::flow::{
    LoginDetails, RecoveryDetails, RegistrationDetails, SettingsDetails, VerificationDetails,
};
use crate::flows::skeleton::Outcome;
use crate::hooks::caller::{Reply, Unanswered};
use crate::hooks::calls::HookFailure;
use crate::testing::{
    Client, FIRST, PASSWORD, TestAccounts, again, change, done, everything, hook, node, refusal, said,
};

/// Everything on, with hooks at a place such as `/login/after/password`.
async fn accounts(places: &[(&str, Value)]) -> TestAccounts {
    let mut tree = everything();
    for (place, hooks) in places {
        let mut at = &mut tree["selfservice"]["flows"];
        for name in place.split('/').skip(1) {
            at = &mut at[name];
        }
        at["hooks"] = hooks.clone();
    }
    TestAccounts::configured(tree).await
}

fn parse() -> Value {
    json!({"response": {"parse": true}})
}

async fn signs_in(accounts: &TestAccounts, email: &str) -> bool {
    matches!(Client::native(accounts).attempt(email, PASSWORD).await, Ok(Outcome::Done(_)))
}

fn unanswered<T>(outcome: Result<T, FlowError>) -> bool {
    matches!(outcome, Err(FlowError::Hook(HookFailure::Unanswered)))
}

#[tokio::test]
async fn a_hook_before_a_flow_may_refuse_it_and_is_told_of_no_person() {
    let before = json!([hook("/before", parse())]);
    let accounts = accounts(&[("/login/before", before.clone()), ("/verification/before", before)]).await;
    let client = Client::native(&accounts);
    let shown = client.begin::<LoginDetails>(FIRST).await.unwrap();
    let (_, told) = accounts.hooks.calls().remove(0);
    assert_eq!(told["flow"]["id"], shown.flow.id.to_string());
    assert_eq!(told["request_headers"], json!({"User-Agent": ["tests"]}));
    assert_eq!(told["request_cookies"], json!({"a": "b"}));
    assert!(told.get("identity").is_none() && told.get("session").is_none());
    accounts.hooks.answer("/before", refusal("#"));
    let refused = client.begin::<VerificationDetails>(()).await;
    assert!(matches!(refused, Err(FlowError::RefusedByHook(notices)) if notices.len() == 1));
    accounts.hooks.answer("/before", Err(Unanswered::Impossible("no".into())));
    assert!(unanswered(client.begin::<LoginDetails>(FIRST).await));
}

#[tokio::test]
async fn who_signs_in_is_let_in_when_all_hooks_say_so_in_their_order() {
    let hooks = json!([
        hook("/first", parse()),
        {"hook": "require_verified_address"},
        hook("/second", json!({})),
    ]);
    let accounts =
        accounts(&[("/login/after/password", hooks), ("/login/after", json!([hook("/general", json!({}))]))])
            .await;
    let mut ada = accounts.person("ada@example.org").await;
    let client = Client::native(&accounts);
    let shown = client.begin::<LoginDetails>(FIRST).await.unwrap();
    let fields = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD,
        "transient_payload": {"plan": "x"}});
    let wrong = json!({"method": "password", "identifier": "ada@example.org", "password": "wrong"});
    client.again(&shown, wrong).await;
    assert_eq!(accounts.hooks.paths(), [""; 0], "nobody is told of a wrong password");
    let refused = client.submit(&shown, fields.clone()).await;
    assert!(matches!(refused, Err(FlowError::AddressNotVerified { .. })));
    let (path, told) = accounts.hooks.calls().remove(0);
    assert_eq!((path.as_str(), &told["flow"]["transient_payload"]), ("/first", &json!({"plan": "x"})));
    assert_eq!(told["session"]["authenticator_assurance_level"], "aal1");
    assert_eq!(told["identity"]["traits"]["email"], "ada@example.org");
    addresses::complete(&mut ada.verifiable_addresses[0], accounts.clock.now());
    accounts.parts.committer.commit(&[Change::UpdateIdentity(ada)]).await.unwrap();
    accounts.hooks.answer("/second", refusal("#"));
    assert!(unanswered(client.submit(&shown, fields.clone()).await));
    assert_eq!(accounts.hooks.paths(), ["/first", "/second"]);
    accounts.hooks.answer("/second", Ok(Reply::Well));
    let signed_in = done(client.submit(&shown, fields).await.unwrap()).signed_in;
    assert!(signed_in.token.is_some());
    assert_eq!(accounts.hooks.paths(), ["/first", "/second"]);
}

#[tokio::test]
async fn a_refusal_of_a_sign_in_stands_in_its_form_and_counts_as_no_wrong_password() {
    let accounts = accounts(&[("/login/after/password", json!([hook("/after", parse())]))]).await;
    accounts.person("ada@example.org").await;
    let client = Client::native(&accounts);
    let shown = client.begin::<LoginDetails>(FIRST).await.unwrap();
    let fields = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    accounts.hooks.answer("/after", refusal("#"));
    for _ in 0..7 {
        let shown = client.again(&shown, fields.clone()).await;
        let said = node(&shown, "#");
        assert_eq!(said["messages"][0], json!({"id": 123, "text": "not <i>this</i> one", "type": "error"}));
        assert_eq!(node(&shown, "identifier")["attributes"]["value"], "");
        assert_eq!(shown.flow.details.active.as_deref(), Some("password"));
    }
    accounts.hooks.answer("/after", refusal("#/password"));
    let shown = client.again(&shown, fields.clone()).await;
    assert_eq!(node(&shown, "password")["messages"][0]["id"], 123);
    assert_eq!(node(&shown, "#")["messages"], json!([]), "the field stays, without its message");
    accounts.hooks.answer("/after", Ok(Reply::Well));
    done(client.submit(&shown, fields).await.unwrap());
}

/// Signs somebody up.
async fn sign_up(accounts: &TestAccounts, email: &str) -> Result<Outcome<RegistrationDetails>, FlowError> {
    let client = Client::native(accounts);
    let shown = client.begin::<RegistrationDetails>(()).await.unwrap();
    let fields = json!({"method": "password", "traits": {"email": email}, "password": PASSWORD});
    client.submit(&shown, fields).await
}

#[tokio::test]
async fn a_hook_of_a_registration_changes_what_is_stored() {
    let hooks = json!([hook("/first", parse()), hook("/second", parse()), {"hook": "session"}]);
    let accounts = accounts(&[("/registration/after/password", hooks)]).await;
    accounts.hooks.answer(
        "/first",
        change(json!({
            "metadata_public": {"plan": "pro"}, "metadata_admin": {"note": 1}, "external_id": "crm-1",
            "traits": {"email": "Other@example.org"},
        })),
    );
    accounts.hooks.answer(
        "/second",
        change(json!({
            "verifiable_addresses": [{"value": "other@example.org", "via": "email", "verified": true}],
        })),
    );
    let registered = done(sign_up(&accounts, "ada@example.org").await.unwrap());
    let calls = accounts.hooks.calls();
    assert_eq!(calls[0].1["identity"]["traits"]["email"], "ada@example.org");
    assert_eq!(
        calls[1].1["identity"]["metadata_public"],
        json!({"plan": "pro"}),
        "each sees those before it"
    );
    assert!(calls.iter().all(|(_, told)| told["identity"]["id"] == registered.identity.id.to_string()));
    let stored = accounts.parts.store.identity(registered.identity.id).await.unwrap().unwrap();
    assert_eq!(stored.metadata_admin, Some(json!({"note": 1})));
    assert_eq!(
        (stored.external_id.as_deref(), stored.traits["email"].as_str()),
        (Some("crm-1"), Some("Other@example.org"))
    );
    assert!(stored.verifiable_addresses[0].verified && registered.signed_in.is_some());
    // With what somebody signs in follows from what is stored.
    assert!(signs_in(&accounts, "other@example.org").await && !signs_in(&accounts, "ada@example.org").await);
}

#[tokio::test]
async fn what_a_hook_makes_of_a_registration_must_fit_its_schema() {
    let accounts = accounts(&[("/registration/after/password", json!([hook("/x", parse())]))]).await;
    accounts.hooks.answer("/x", change(json!({"traits": {"email": "nope"}})));
    let shown = again(sign_up(&accounts, "ada@example.org").await.unwrap());
    let field = node(&shown, "traits.email");
    let ids: Vec<&Value> =
        field["messages"].as_array().unwrap().iter().map(|message| &message["id"]).collect();
    assert_eq!(ids, [4_000_040, 4_000_001]);
    assert!(field["attributes"].get("value").is_none());
    accounts.hooks.answer("/x", change(json!({"schema_id": "nope"})));
    let failed = sign_up(&accounts, "ada@example.org").await;
    assert!(matches!(failed, Err(FlowError::Hook(HookFailure::Unreadable))), "it is the hook's fault");
    assert!(!signs_in(&accounts, "ada@example.org").await);
}

#[tokio::test]
async fn somebody_whom_a_hook_makes_inactive_is_kept_and_kept_out() {
    let hooks = json!([hook("/x", parse()), hook("/told", json!({})), {"hook": "session"}]);
    let accounts = accounts(&[("/registration/after/password", hooks)]).await;
    accounts.hooks.answer("/x", change(json!({"state": "inactive"})));
    let shown = again(sign_up(&accounts, "ada@example.org").await.unwrap());
    assert_eq!(said(&shown), [4_010_011]);
    let (_, told) = accounts.hooks.calls().remove(0);
    let id = told["identity"]["id"].as_str().unwrap().parse().unwrap();
    let stored = accounts.parts.store.identity(id).await.unwrap().unwrap();
    assert_eq!(stored.state, IdentityState::Inactive);
}

#[tokio::test]
async fn a_registration_is_refused_before_it_is_stored_and_fails_after() {
    let hooks = json!([hook("/plain", json!({})), {"hook": "session"}, hook("/interrupt", json!({"can_interrupt": true}))]);
    let accounts = accounts(&[("/registration/after/password", hooks)]).await;
    accounts.hooks.answer("/interrupt", refusal("#/traits/email"));
    let shown = again(sign_up(&accounts, "ada@example.org").await.unwrap());
    assert_eq!(node(&shown, "traits.email")["messages"][0]["id"], 123);
    assert_eq!(node(&shown, "traits.email")["attributes"]["value"], "ada@example.org");
    assert_eq!(accounts.hooks.paths(), ["/interrupt"], "what may refuse is asked first");
    accounts.hooks.answer("/interrupt", Ok(Reply::Well));
    accounts.hooks.answer("/plain", refusal("#"));
    assert!(unanswered(sign_up(&accounts, "ada@example.org").await));
    assert_eq!(accounts.hooks.paths(), ["/interrupt", "/plain"]);
    assert!(signs_in(&accounts, "ada@example.org").await, "the account is there");
}

#[tokio::test]
async fn settings_are_changed_and_refused_by_hooks() {
    let hooks = json!([hook("/x", parse()), hook("/done", json!({}))]);
    let accounts = accounts(&[
        ("/settings/after/profile", hooks),
        ("/settings/before", json!([hook("/before", json!({}))])),
    ])
    .await;
    let ada = accounts.person("ada@example.org").await;
    let client = Client::native(&accounts).signed_in_again("ada@example.org").await;
    let shown = client.begin::<SettingsDetails>(()).await.unwrap();
    assert_eq!(accounts.hooks.calls()[0].1["session"]["id"], client.session.as_ref().unwrap().id.to_string());
    let fields = json!({"method": "profile", "traits": {"email": "eve@example.org"}});
    accounts.hooks.answer("/x", refusal("#/traits/email"));
    let refused = client.again(&shown, fields.clone()).await;
    assert_eq!(node(&refused, "traits.email")["attributes"]["value"], "eve@example.org");
    assert_eq!(accounts.parts.store.identity(ada.id).await.unwrap().unwrap().traits, ada.traits);
    accounts.hooks.answer(
        "/x",
        change(json!({"traits": {"email": "ann@example.org"}, "metadata_public": {"seen": true}})),
    );
    accounts.hooks.calls();
    done(client.submit(&shown, fields).await.unwrap());
    let calls = accounts.hooks.calls();
    assert_eq!(calls[0].1["identity"]["traits"]["email"], "eve@example.org");
    assert_eq!(calls[1].1["identity"]["traits"]["email"], "ann@example.org");
    let stored = accounts.parts.store.identity(ada.id).await.unwrap().unwrap();
    assert_eq!(stored.metadata_public, Some(json!({"seen": true})));
    assert!(signs_in(&accounts, "ann@example.org").await && !signs_in(&accounts, "eve@example.org").await);
}

#[tokio::test]
async fn recovery_and_verification_end_only_when_their_hooks_say_so() {
    let hooks = json!([hook("/x", parse())]);
    let accounts = accounts(&[("/recovery/after", hooks.clone()), ("/verification/after", hooks)]).await;
    let ada = accounts.person("ada@example.org").await;
    let client = Client::native(&accounts);
    let email = json!({"method": "code", "email": "ada@example.org"});
    let code =
        async || json!({"method": "code", "code": accounts.mailed_code("ada@example.org").await.unwrap()});

    let begun = client.begin::<VerificationDetails>(()).await.unwrap();
    let shown = client.again(&begun, email.clone()).await;
    assert_eq!(accounts.hooks.paths(), [""; 0]);
    accounts.hooks.answer("/x", refusal("#"));
    let Outcome::Replaced(replaced) = client.submit(&shown, code().await).await.unwrap() else {
        panic!("goes on")
    };
    assert_eq!(replaced.by.fields_of_hooks, ["#"]);
    let stored = accounts.parts.store.identity(ada.id).await.unwrap().unwrap();
    assert!(!stored.verifiable_addresses[0].verified);

    accounts.hooks.answer("/x", Err(Unanswered::Impossible("no".into())));
    let begun = client.begin::<RecoveryDetails>(()).await.unwrap();
    let shown = client.again(&begun, email).await;
    let code = code().await;
    accounts.hooks.calls();
    assert!(unanswered(client.submit(&shown, code.clone()).await));
    assert_eq!(accounts.hooks.calls()[0].1["identity"]["id"], ada.id.to_string());
    accounts.hooks.answer("/x", Ok(Reply::Well));
    done(client.submit(&shown, code).await.unwrap());
}
