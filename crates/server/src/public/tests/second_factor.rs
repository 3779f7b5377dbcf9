//! Second factors: set up, used, taken away.

use std::time::Duration;

use serde_json::{Value, json};
use sessera_accounts::methods::totp::TotpSecret;

use super::client::{Begun, Client, everything};
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

/// What an authenticator app shows, some steps from now.
fn app_code(server: &TestServer, secret: &TotpSecret, steps: i64) -> String {
    secret.code(server.app.clock.now().seconds() / 30 + steps)
}

/// Sets up an authenticator app and returns its secret.
async fn with_app(client: &mut Client<'_>) -> TotpSecret {
    let begun = client.get(&format!("/self-service/settings/{}", client.way())).await;
    let secret = node(&begun, "totp_secret_key")["attributes"]["text"]["context"]["secret"].clone();
    let secret = TotpSecret::from_base32(secret.as_str().unwrap()).unwrap();
    let flow = Client::begun("settings", &begun);
    let wrong = client.submit(&flow, json!({"method": "totp", "totp_code": "000000"})).await;
    assert_eq!((wrong.status, &node(&wrong, "totp_code")["messages"][0]["id"]), (400, &json!(4_000_008)));
    let code = app_code(client.server, &secret, 0);
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
        let code = app_code(&server, &secret, 0);
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
async fn an_app_s_code_works_once_and_within_one_step() {
    let server = server().await;
    let mut first = Client::native(&server).signed_in(ADA).await;
    let secret = with_app(&mut first).await;
    let mut other = again(&server, Client::native).await;
    let attempt = |code| json!({"method": "totp", "totp_code": code});
    let used = step_up(&mut other, attempt(app_code(&server, &secret, 0))).await;
    assert_eq!(used.status, 400, "it was used to set the app up");
    assert_eq!(used.body["ui"]["messages"][0]["id"], 4_000_008);
    server.clock.advance(3 * STEP);
    for steps in [-2, 2] {
        assert_eq!(
            step_up(&mut other, attempt(app_code(&server, &secret, steps))).await.status,
            400,
            "{steps}"
        );
    }
    let code = app_code(&server, &secret, -1);
    assert_eq!(step_up(&mut other, attempt(code.clone())).await.status, 200);
    let mut third = again(&server, Client::native).await;
    assert_eq!(step_up(&mut third, attempt(code)).await.status, 400, "used");
    assert_eq!(step_up(&mut third, attempt(app_code(&server, &secret, 1))).await.status, 200);
}

#[tokio::test]
async fn after_five_wrong_codes_a_factor_waits_longer_and_longer() {
    let server = server().await;
    let mut first = Client::native(&server).signed_in(ADA).await;
    let secret = with_app(&mut first).await;
    server.clock.advance(STEP);
    let mut other = again(&server, Client::native).await;
    for _ in 0..5 {
        let wrong = json!({"method": "totp", "totp_code": "12"});
        assert_eq!(step_up(&mut other, wrong).await.body["ui"]["messages"][0]["id"], 4_000_008);
    }
    let right = json!({"method": "totp", "totp_code": app_code(&server, &secret, 0)});
    let early = step_up(&mut other, right).await;
    assert_eq!((early.status, early.header("retry-after")), (429, "1"));
    server.clock.advance(Duration::from_secs(1));
    let wrong = json!({"method": "totp", "totp_code": "12"});
    assert_eq!(step_up(&mut other, wrong.clone()).await.status, 400);
    assert_eq!(step_up(&mut other, wrong.clone()).await.header("retry-after"), "2");
    server.clock.advance(Duration::from_secs(2));
    let right = json!({"method": "totp", "totp_code": app_code(&server, &secret, 0)});
    assert_eq!(step_up(&mut other, right).await.status, 200);
    let mut third = again(&server, Client::native).await;
    assert_eq!(step_up(&mut third, wrong).await.status, 400, "a right code begins anew");
}

#[tokio::test]
async fn of_two_requests_with_one_code_one_goes_through() {
    let server = server().await;
    let mut first = Client::native(&server).signed_in(ADA).await;
    let secret = with_app(&mut first).await;
    server.clock.advance(STEP);
    let code = json!({"method": "totp", "totp_code": app_code(&server, &secret, 0)});
    let (mut one, mut other) = (again(&server, Client::native).await, again(&server, Client::native).await);
    let (a, b) = tokio::join!(step_up(&mut one, code.clone()), step_up(&mut other, code));
    assert_eq!([a.status, b.status].iter().filter(|status| **status == 200).count(), 1, "{a:?} {b:?}");
    assert!(a.status < 500 && b.status < 500);
}

async fn press(client: &mut Client<'_>, flow: &Begun, button: &str) -> Answer {
    client.submit(flow, json!({format!("lookup_secret_{button}"): true})).await
}

fn codes(answer: &Answer) -> Vec<String> {
    let secrets = &node(answer, "lookup_secret_codes")["attributes"]["text"]["context"]["secrets"];
    let texts = secrets.as_array().unwrap().iter().map(|secret| secret["context"]["secret"].as_str());
    texts.map(|text| text.unwrap_or("used").to_owned()).collect()
}

#[tokio::test]
async fn printed_codes_are_made_confirmed_shown_used_and_given_up() {
    let server = server().await;
    let mut first = Client::browser(&server).signed_in(ADA).await;
    let flow = first.begin("settings", "").await;
    assert_eq!(press(&mut first, &flow, "confirm").await.status, 400, "there is nothing to confirm");
    assert_eq!(press(&mut first, &flow, "reveal").await.status, 400, "there is nothing to show");
    let made = press(&mut first, &flow, "regenerate").await;
    let printed = codes(&made);
    assert_eq!((made.status, printed.len()), (200, 12));
    assert_eq!(again(&server, Client::native).await.whoami().await.0, 200, "they count once confirmed");
    let confirmed = press(&mut first, &flow, "confirm").await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    assert_eq!(first.whoami().await.1["authenticator_assurance_level"], "aal2");

    let mut other = again(&server, Client::native).await;
    assert_eq!(other.whoami().await.0, 403);
    let attempt = |code: &str| json!({"method": "lookup_secret", "lookup_secret": code});
    assert_eq!(step_up(&mut other, attempt("nonsense")).await.body["ui"]["messages"][0]["id"], 4_000_016);
    assert_eq!(step_up(&mut other, attempt(&printed[3])).await.status, 200);
    let mut third = again(&server, Client::native).await;
    assert_eq!(step_up(&mut third, attempt(&printed[3])).await.body["ui"]["messages"][0]["id"], 4_000_012);

    let flow = first.begin("settings", "").await;
    let shown = press(&mut first, &flow, "reveal").await;
    let still: Vec<_> =
        codes(&shown).into_iter().enumerate().filter(|(at, code)| *code == printed[*at]).collect();
    assert_eq!(still.len(), 11, "a used code is not shown again");
    assert_eq!(press(&mut first, &flow, "disable").await.status, 200);
    assert_eq!(again(&server, Client::native).await.whoami().await.0, 200);
}

/// When a session was signed in and ends.
async fn times(client: &mut Client<'_>) -> (Value, Value) {
    let session = client.whoami().await.1;
    assert!(session["authenticated_at"].is_string(), "{session}");
    (session["authenticated_at"].clone(), session["expires_at"].clone())
}

#[tokio::test]
async fn nothing_that_a_session_changes_makes_it_newer() {
    let server = server().await;
    for way in [Client::native, Client::browser] {
        let email = if way(&server).way() == "api" { "n@example.org" } else { ADA };
        let mut client = way(&server).signed_in(email).await;
        let before = times(&mut client).await;
        let minute = Duration::from_secs(60);
        server.clock.advance(minute);
        with_app(&mut client).await;
        assert_eq!(times(&mut client).await, before, "an app was set up");
        let mut flow = client.begin("settings", "").await;
        for change in [
            json!({"lookup_secret_regenerate": true}),
            json!({"lookup_secret_confirm": true}),
            json!({"lookup_secret_reveal": true}),
            json!({"lookup_secret_regenerate": true}),
            json!({"lookup_secret_confirm": true}),
            json!({"lookup_secret_disable": true}),
            json!({"totp_unlink": true}),
            json!({"method": "profile", "traits": {"email": format!("new-{email}")}}),
            json!({"method": "password", "password": "Zx-other-enough-1234"}),
        ] {
            server.clock.advance(minute);
            let answer = client.submit(&flow, change.clone()).await;
            assert_eq!(answer.status, 200, "{change}");
            flow = Client::begun("settings", &answer);
            assert_eq!(times(&mut client).await, before, "{change}");
        }
        server.clock.advance(5 * minute);
        let late =
            client.submit(&flow, json!({"method": "password", "password": "Zx-third-enough-12"})).await;
        assert_eq!(
            (late.status, &late.body["error"]["id"]),
            (403, &json!("session_refresh_required")),
            "{late:?}"
        );
    }
}

#[tokio::test]
async fn a_factor_that_the_session_itself_has_set_up_does_not_make_it_newer() {
    let server = server().await;
    let mut first = Client::native(&server).signed_in(ADA).await;
    server.clock.advance(STEP);
    let secret = with_app(&mut first).await;
    let before = times(&mut first).await;
    server.clock.advance(STEP);
    let flow = first.begin("login", "?aal=aal2&refresh=true").await;
    let code = json!({"method": "totp", "totp_code": app_code(&server, &secret, 0)});
    assert_eq!(first.submit(&flow, code).await.status, 200);
    assert_eq!(times(&mut first).await, before);

    let mut second = again(&server, Client::native).await;
    server.clock.advance(STEP);
    let code = json!({"method": "totp", "totp_code": app_code(&server, &secret, 0)});
    let session = step_up(&mut second, code).await.body["session"].clone();
    assert_eq!(session["authenticated_at"], json!(server.app.clock.now()), "it was there before the sign-in");
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
            let sign_in = "http://127.0.0.1:4433/self-service/login/browser?aal=aal2";
            assert_eq!(answer.status, 403, "{method} {path}");
            assert_eq!(answer.body["error"]["id"], "session_aal2_required", "{method} {path}");
            assert_eq!(answer.body["redirect_browser_to"], sign_in, "{method} {path}");
            let details = &answer.body["error"]["details"]["redirect_browser_to"];
            assert_eq!(*details, sign_in, "{method} {path}");
        }
    }
    let mut page = again(&server, Client::browser).await;
    let home = page.page("/").await;
    assert_eq!((home.status, home.header("location").contains("aal=aal2")), (303, true), "{home:?}");
    assert_eq!(first.whoami().await.0, 200, "nothing was ended");
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
    let code = json!({"method": "totp", "totp_code": app_code(&server, &secret, 0)});
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
