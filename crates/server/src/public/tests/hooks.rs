//! What happens after flows, by hooks of the configuration.

use serde_json::{Value, json};

use super::client::{Client, everything, mailed_code};
use crate::testing::{PASSWORD, TestServer};

const ADA: &str = "ada@example.org";
const NEW: &str = "Zx-other-enough-1234";

/// A server on which one kind of flow has this afterwards.
async fn after(kind: &str, after: Value) -> TestServer {
    let mut configuration = everything();
    configuration["selfservice"]["flows"][kind]["after"] = after;
    TestServer::configured(configuration).await
}

fn list(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "hook": name })).collect()
}

/// A second session of the same person.
async fn again<'a>(server: &'a TestServer, password: &str) -> Client<'a> {
    let mut client = Client::native(server);
    let answer = client.login(ADA, password).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    client.token = answer.body["session_token"].as_str().map(ToOwned::to_owned);
    client
}

#[tokio::test]
async fn nobody_signs_in_before_an_address_is_verified() {
    for hooks in [
        json!({"hooks": list(&["require_verified_address"])}),
        json!({"password": {"hooks": list(&["revoke_active_sessions", "require_verified_address"])}}),
    ] {
        let server = after("login", hooks).await;
        server.person(ADA).await;
        for way in [Client::native, Client::browser] {
            let mut client = way(&server);
            let flow = client.begin("login", "").await;
            let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
            let answer = client.submit(&flow, body).await;
            assert_eq!(
                (answer.status, &answer.body["error"]["id"]),
                (403, &json!("session_verified_address_required"))
            );
            assert_eq!(client.whoami().await.0, 401);
            let next = &answer.body["error"]["details"]["continue_with"][0];
            assert_eq!(next["action"], "show_verification_ui");
            assert_eq!(next["flow"]["verifiable_address"], ADA);
            let read = format!("/self-service/login/flows?id={}", flow.id);
            assert_eq!(client.get(&read).await.body["active"], "password", "the flow stays");
        }
        while mailed_code(&server, ADA).await.is_some() {}
        let wrong = Client::native(&server).login(ADA, "Zx-wrong-enough-1").await;
        assert_eq!(wrong.status, 400, "nobody else learns of it");

        let mut page = Client::browser(&server);
        let flow = page.begin("login", "").await;
        let fields = [("method", "password"), ("identifier", ADA), ("password", PASSWORD)];
        let answer = page.submit_form(&flow, &fields).await;
        let to = answer.header("location").to_owned();
        assert!(answer.status == 303 && to.contains("/ui/verification?flow="), "{answer:?}");
        let id = to.split_once("flow=").unwrap().1;
        let shown = page.get(&format!("/self-service/verification/flows?id={id}")).await;
        let verification = Client::begun("verification", &shown);
        let code = mailed_code(&server, ADA).await.expect("a code was sent");
        let answer = page.submit(&verification, json!({"method": "code", "code": code})).await;
        assert_eq!(answer.body["state"], "passed_challenge", "{answer:?}");
        assert_eq!(page.submit_form(&flow, &fields).await.status, 303);
        assert_eq!(page.whoami().await.0, 200, "the same form signs in afterwards");
    }
}

#[tokio::test]
async fn who_cannot_verify_an_address_is_told_so() {
    let mut configuration = everything();
    configuration["selfservice"]["flows"]["verification"] = json!({"enabled": false});
    configuration["selfservice"]["flows"]["login"] =
        json!({"after": {"hooks": list(&["require_verified_address"])}});
    let server = TestServer::configured(configuration).await;
    server.person(ADA).await;
    let answer = Client::native(&server).login(ADA, PASSWORD).await;
    assert_eq!(
        (answer.status, &answer.body["error"]["id"]),
        (403, &json!("session_verified_address_required"))
    );
    assert!(answer.body["error"].get("details").is_none());
}

#[tokio::test]
async fn a_sign_in_ends_the_other_sessions_where_a_hook_says_so() {
    let revoke = list(&["revoke_active_sessions"]);
    for (hooks, are_ended) in [
        (json!({"hooks": revoke}), true),
        (json!({"password": {"hooks": revoke}}), true),
        (json!({"totp": {"hooks": revoke}}), false),
        (json!({"hooks": revoke, "password": {"hooks": list(&["verification"])}}), false),
        (json!({}), false),
    ] {
        let server = after("login", hooks.clone()).await;
        server.person(ADA).await;
        let mut first = again(&server, PASSWORD).await;
        let mut second = again(&server, PASSWORD).await;
        assert_eq!(second.whoami().await.0, 200);
        assert_eq!(first.whoami().await.0, if are_ended { 401 } else { 200 }, "{hooks}");
    }
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_where_a_hook_says_so() {
    let revoke = list(&["revoke_active_sessions"]);
    for (hooks, by_profile, by_password) in [
        (json!({"password": {"hooks": revoke}}), 200, 401),
        (json!({"hooks": revoke}), 401, 401),
        (json!({"profile": {"hooks": revoke}}), 401, 401),
        (json!({}), 200, 200),
    ] {
        let server = after("settings", hooks.clone()).await;
        let mut own = Client::browser(&server).signed_in(ADA).await;
        let mut other = again(&server, PASSWORD).await;
        let flow = own.begin("settings", "").await;
        let named = json!({"method": "profile", "traits": {"email": ADA, "name": {"first": "Ada"}}});
        assert_eq!(own.submit(&flow, named).await.status, 200);
        assert_eq!(other.whoami().await.0, by_profile, "{hooks}");
        assert_eq!(own.submit(&flow, json!({"method": "password", "password": NEW})).await.status, 200);
        assert_eq!((own.whoami().await.0, other.whoami().await.0), (200, by_password), "{hooks}");
    }
}

#[tokio::test]
async fn a_new_address_shows_its_verification_where_a_hook_says_so() {
    let server = after("settings", json!({"profile": {"hooks": list(&["show_verification_ui"])}})).await;
    for way in [Client::native, Client::browser] {
        let email = if way(&server).way() == "api" { "n@example.org" } else { ADA };
        let mut client = way(&server).signed_in(email).await;
        let flow = client.begin("settings", "").await;
        for (address, is_new) in [(format!("new-{email}"), true), (format!("new-{email}"), false)] {
            let change = json!({"method": "profile", "traits": {"email": address}});
            let answer = client.submit(&flow, change).await;
            let next = answer.body["continue_with"].as_array().cloned().unwrap_or_default();
            let shown: Vec<_> = next.iter().filter(|next| next["action"] == "show_verification_ui").collect();
            assert_eq!((answer.status, shown.len()), (200, usize::from(is_new)), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn signing_up_signs_in_where_a_hook_says_so_or_nothing_is_said() {
    for (hooks, signs_in, is_shown) in [
        (json!({}), true, false),
        (json!({"hooks": []}), false, false),
        (json!({"password": {"hooks": list(&["show_verification_ui"])}}), false, true),
        (json!({"hooks": list(&["session", "show_verification_ui"])}), true, true),
    ] {
        let server = after("registration", hooks.clone()).await;
        for (way, email) in [(Client::native as fn(_) -> _, "n@example.org"), (Client::browser, ADA)] {
            let mut client = way(&server);
            let flow = client.begin("registration", "").await;
            let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": email}});
            let answer = client.submit(&flow, body).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            client.token = answer.body["session_token"].as_str().map(ToOwned::to_owned);
            assert_eq!(client.whoami().await.0, if signs_in { 200 } else { 401 }, "{hooks}");
            let next = answer.body["continue_with"].as_array().cloned().unwrap_or_default();
            let has_form = next.iter().any(|next| next["action"] == "show_verification_ui");
            assert_eq!(has_form, is_shown, "{hooks}");
        }
    }
}

#[tokio::test]
async fn a_recovered_account_ends_its_other_sessions_unless_told_otherwise() {
    let revoke = list(&["revoke_active_sessions"]);
    for (recovery, other) in [
        (json!({"enabled": true}), 401),
        (json!({"enabled": true, "revoke_active_sessions": false}), 200),
        (json!({"enabled": true, "revoke_active_sessions": false, "after": {"hooks": revoke}}), 401),
    ] {
        let mut configuration = everything();
        configuration["selfservice"]["flows"]["recovery"] = recovery.clone();
        let server = TestServer::configured(configuration).await;
        server.person(ADA).await;
        let mut thief = again(&server, PASSWORD).await;
        let mut owner = Client::browser(&server);
        let flow = owner.begin("recovery", "").await;
        owner.submit(&flow, json!({"method": "code", "email": ADA})).await;
        let code = mailed_code(&server, ADA).await.unwrap();
        assert_eq!(owner.submit(&flow, json!({"method": "code", "code": code})).await.status, 422);
        assert_eq!((owner.whoami().await.0, thief.whoami().await.0), (200, other), "{recovery}");
    }
}
