//! Second factors: set up, used, taken away. What their codes prove is tested beside each method.

use std::time::Duration;

use serde_json::{Value, json};
use sessera_accounts::methods::totp::TotpSecret;

use super::client::{Client, everything};
use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";
const STEP: Duration = Duration::from_secs(30);

/// Where nothing is said, sessions prove all factors that their owners have.
async fn server() -> TestServer {
    TestServer::configured(everything()).await
}

fn node<'a>(answer: &'a Answer, id: &str) -> &'a Value {
    let nodes = answer.body["ui"]["nodes"].as_array().unwrap();
    let found = nodes.iter().find(|node| node["attributes"]["id"] == id || node["attributes"]["name"] == id);
    found.unwrap_or(&Value::Null)
}

/// What an authenticator app shows.
fn app_code(server: &TestServer, secret: &TotpSecret) -> String {
    secret.code(server.app.clock.now().seconds() / 30)
}

/// Sets up an authenticator app and returns its secret.
async fn with_app(client: &mut Client<'_>) -> TotpSecret {
    let begun = client.get(&format!("/self-service/settings/{}", client.way())).await;
    let secret = node(&begun, "totp_secret_key")["attributes"]["text"]["context"]["secret"].clone();
    let secret = TotpSecret::from_base32(secret.as_str().unwrap()).unwrap();
    let flow = Client::begun("settings", &begun);
    let wrong = client.submit(&flow, json!({"method": "totp", "totp_code": "000000"})).await;
    assert_eq!((wrong.status, &node(&wrong, "totp_code")["messages"][0]["id"]), (400, &json!(4_000_008)));
    let code = app_code(client.server, &secret);
    let right = client.submit(&flow, json!({"method": "totp", "totp_code": code})).await;
    assert_eq!((right.status, &right.body["state"]), (200, &json!("success")), "{right:?}");
    assert!(!node(&right, "totp_unlink").is_null());
    secret
}

async fn step_up(client: &mut Client<'_>, body: Value) -> Answer {
    let flow = client.begin("login", "?aal=aal2").await;
    client.submit(&flow, body).await
}

/// A second session of the same person, with the first factor only.
async fn again<'a>(server: &'a TestServer, way: fn(&'a TestServer) -> Client<'a>) -> Client<'a> {
    let mut client = way(server);
    let answer = client.login(ADA, crate::testing::PASSWORD).await;
    client.token = answer.body["session_token"].as_str().map(ToOwned::to_owned);
    client
}

#[tokio::test]
async fn an_app_is_set_up_asked_for_and_taken_away() {
    let server = server().await;
    let mut first = Client::browser(&server).signed_in(ADA).await;
    let before = (first.whoami().await.1, first.cookies.clone());
    let secret = with_app(&mut first).await;
    let after = first.whoami().await.1;
    assert_eq!((&after["id"], &after["authenticator_assurance_level"]), (&before.0["id"], &json!("aal2")));
    assert_ne!(first.cookies, before.1, "a step-up replaces the secret");

    for way in [Client::browser, Client::native] {
        let mut other = again(&server, way).await;
        let refused = other.whoami().await;
        assert_eq!((refused.0, &refused.1["error"]["id"]), (403, &json!("session_aal2_required")));
        let settings = other.get(&format!("/self-service/settings/{}", other.way())).await;
        assert_eq!((settings.status, &settings.body["error"]["id"]), (403, &json!("session_aal2_required")));
        server.clock.advance(STEP);
        let (old, token) = (other.cookies.clone(), other.token.clone());
        let code = app_code(&server, &secret);
        let answer = step_up(&mut other, json!({"method": "totp", "totp_code": code})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let (status, session) = other.whoami().await;
        assert_eq!((status, &session["authenticator_assurance_level"]), (200, &json!("aal2")));
        if token.is_some() {
            assert_eq!(answer.body["session_token"].as_str(), token.as_deref());
        } else {
            let mut thief = Client::browser(&server);
            thief.cookies = old;
            assert_eq!(thief.whoami().await.0, 401);
        }
    }

    let flow = first.begin("settings", "").await;
    let answer = first.submit(&flow, json!({"totp_unlink": true})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let offered = node(&answer, "totp_secret_key")["attributes"]["text"]["context"]["secret"].clone();
    assert_ne!(offered, secret.to_base32(), "the next app gets another secret");
    assert_eq!(again(&server, Client::native).await.whoami().await.0, 200);
}

#[tokio::test]
async fn a_sign_in_leads_to_the_second_factor() {
    let server = server().await;
    let mut first = Client::browser(&server).signed_in(ADA).await;
    with_app(&mut first).await;
    let mut other = Client::browser(&server);
    let answer = other.login(ADA, crate::testing::PASSWORD).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(answer.body["error"]["id"], "browser_location_change_required");
    assert!(answer.body["redirect_browser_to"].as_str().unwrap().contains("aal=aal2"));
}

#[tokio::test]
async fn whoever_has_set_up_no_factor_is_led_to_the_settings_and_back() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let back = "return_to=https%3A%2F%2Fapp.example.org%2Fx";
    let flow = ada.begin("login", &format!("?aal=aal2&{back}")).await;
    let page = ada.page(&format!("/ui/login?flow={}", flow.id)).await;
    let way = format!("/self-service/settings/browser?{back}");
    assert!(page.text.contains(&way) && page.text.contains("Set one up"), "{}", page.text);
    let begun = ada.get(&way).await;
    let secret = node(&begun, "totp_secret_key")["attributes"]["text"]["context"]["secret"].clone();
    let secret = TotpSecret::from_base32(secret.as_str().unwrap()).unwrap();
    let body = json!({"method": "totp", "totp_code": app_code(&server, &secret)});
    let done = ada.submit(&Client::begun("settings", &begun), body).await;
    assert_eq!(done.body["continue_with"][0]["redirect_browser_to"], "https://app.example.org/x", "{done:?}");
    assert_eq!(ada.whoami().await.1["authenticator_assurance_level"], "aal2");
    let flow = ada.begin("login", &format!("?aal=aal2&refresh=true&{back}")).await;
    let page = ada.page(&format!("/ui/login?flow={}", flow.id)).await;
    assert!(page.text.contains("totp_code") && !page.text.contains(&way), "{}", page.text);
}

/// When a session was signed in and ends.
async fn times(client: &mut Client<'_>) -> (Value, Value) {
    let session = client.whoami().await.1;
    assert!(session["authenticated_at"].is_string(), "{session}");
    (session["authenticated_at"].clone(), session["expires_at"].clone())
}

/// The first printed code that a form shows.
fn printed(answer: &Answer) -> String {
    let codes = &node(answer, "lookup_secret_codes")["attributes"]["text"]["context"]["secrets"];
    let unused = codes.as_array().unwrap().iter().find(|code| code["context"]["secret"].is_string());
    unused.unwrap()["context"]["secret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn printed_codes_that_the_session_has_made_or_shown_do_not_make_it_newer() {
    let make = [json!({"lookup_secret_regenerate": true}), json!({"lookup_secret_confirm": true})];
    let show = [json!({"lookup_secret_reveal": true})];
    let both = [json!({"lookup_secret_reveal": true}), make[0].clone(), make[1].clone()];
    for (number, changes) in [&make[..], &show, &both].into_iter().enumerate() {
        let server = server().await;
        let mut owner = Client::native(&server).signed_in(ADA).await;
        let flow = owner.begin("settings", "").await;
        let shown = owner.submit(&flow, make[0].clone()).await;
        let theirs = printed(&shown);
        owner.submit(&flow, make[1].clone()).await;
        server.clock.advance(STEP);
        let mut thief = again(&server, Client::native).await;
        let stepped = step_up(&mut thief, json!({"method": "lookup_secret", "lookup_secret": theirs})).await;
        assert_eq!(stepped.status, 200, "{stepped:?}");
        server.clock.advance(STEP);
        let before = times(&mut thief).await;
        let flow = thief.begin("settings", "").await;
        let mut code = None;
        for change in changes {
            let answer = thief.submit(&flow, change.clone()).await;
            assert_eq!(answer.status, 200, "{change}: {answer:?}");
            if !node(&answer, "lookup_secret_codes").is_null() {
                code = Some(printed(&answer));
            }
        }
        server.clock.advance(STEP);
        let flow = thief.begin("login", "?aal=aal2&refresh=true").await;
        let code = json!({"method": "lookup_secret", "lookup_secret": code.unwrap()});
        assert_eq!(thief.submit(&flow, code).await.status, 200, "{number}");
        assert_eq!(times(&mut thief).await, before, "{number}: {changes:?}");
    }
}

#[tokio::test]
async fn what_reading_sessions_asks_for_ending_them_asks_for() {
    let server = server().await;
    let mut first = Client::native(&server).signed_in(ADA).await;
    let id = first.whoami().await.1["id"].as_str().unwrap().to_owned();
    with_app(&mut first).await;
    for way in [Client::native, Client::browser] {
        let mut half = again(&server, way).await;
        for (method, path) in [
            ("GET", "/sessions/whoami".to_owned()),
            ("GET", "/sessions".into()),
            ("DELETE", "/sessions".into()),
            ("DELETE", format!("/sessions/{id}")),
            ("GET", format!("/self-service/settings/{}", half.way())),
        ] {
            let answer = half.send(method, &path, &[("accept", "application/json")], b"").await;
            assert_eq!(answer.status, 403, "{method} {path}");
            assert_eq!(answer.body["error"]["id"], "session_aal2_required", "{method} {path}");
        }
    }
    let mut page = again(&server, Client::browser).await;
    let home = page.page("/").await;
    assert_eq!((home.status, home.header("location").contains("aal=aal2")), (303, true), "{home:?}");
    assert_eq!(first.whoami().await.0, 200, "nothing was ended");
}

#[tokio::test]
async fn where_the_second_factor_is_given_stands_at_the_top_and_in_the_details() {
    let server = server().await;
    let mut first = Client::native(&server).signed_in(ADA).await;
    with_app(&mut first).await;
    for way in [Client::native, Client::browser] {
        let mut half = again(&server, way).await;
        let settings = format!("/self-service/settings/{}", half.way());
        for path in ["/sessions/whoami", "/sessions", &settings] {
            let answer = half.send("GET", path, &[("accept", "application/json")], b"").await;
            let page = json!("http://127.0.0.1:4433/self-service/login/browser?aal=aal2");
            let details = &answer.body["error"]["details"]["redirect_browser_to"];
            assert_eq!((&answer.body["redirect_browser_to"], details), (&page, &page), "{path}");
        }
    }
}

#[tokio::test]
async fn whoever_is_half_signed_in_is_not_told_whose_account_it_is() {
    let server = server().await;
    let mut first = Client::native(&server).signed_in(ADA).await;
    let secret = with_app(&mut first).await;
    let mut half = Client::native(&server);
    let answer = half.login(ADA, crate::testing::PASSWORD).await;
    assert!(answer.body["session_token"].is_string() && !answer.text.contains(ADA), "{answer:?}");
    half.token = answer.body["session_token"].as_str().map(ToOwned::to_owned);
    server.clock.advance(STEP);
    let code = json!({"method": "totp", "totp_code": app_code(&server, &secret)});
    let answer = step_up(&mut half, code).await;
    assert_eq!(answer.body["session"]["identity"]["traits"]["email"], ADA);
}

#[tokio::test]
async fn one_factor_is_enough_where_that_is_configured() {
    for (whoami, settings, expected) in [
        ("aal1", "aal1", (200, 200)),
        ("aal1", "highest_available", (200, 403)),
        ("highest_available", "aal1", (403, 200)),
    ] {
        let mut configuration = everything();
        configuration["session"] = json!({"whoami": {"required_aal": whoami}});
        configuration["selfservice"]["flows"]["settings"]["required_aal"] = settings.into();
        let server = TestServer::configured(configuration).await;
        let mut first = Client::native(&server).signed_in(ADA).await;
        with_app(&mut first).await;
        let mut half = again(&server, Client::native).await;
        let seen = (half.whoami().await.0, half.get("/self-service/settings/api").await.status);
        assert_eq!(seen, expected, "{whoami} {settings}");
    }
}
