//! One session takes the place of another: what becomes of the one that was there.

use serde_json::json;

use super::client::{Client, everything, mailed_code};
use crate::testing::{PASSWORD, TestServer};

const ADA: &str = "ada@example.org";
const GRACE: &str = "grace@example.org";

/// A client with what another one presents.
fn copy_of<'a>(client: &Client<'a>, server: &'a TestServer) -> Client<'a> {
    let mut copy = if client.way() == "api" { Client::native(server) } else { Client::browser(server) };
    (copy.cookies, copy.token) = (client.cookies.clone(), client.token.clone());
    copy
}

#[tokio::test]
async fn signing_in_as_somebody_else_ends_the_session_that_was_there() {
    let server = TestServer::configured(everything()).await;
    server.person(GRACE).await;
    for (way, email) in [(Client::native as fn(_) -> _, "n@example.org"), (Client::browser, ADA)] {
        let mut client = way(&server).signed_in(email).await;
        let mut thief = copy_of(&client, &server);
        assert_eq!(thief.whoami().await.1["identity"]["traits"]["email"], email);
        let flow = client.begin("login", "?refresh=true").await;
        let body = json!({"method": "password", "identifier": GRACE, "password": PASSWORD});
        let answer = client.submit(&flow, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        if client.token.is_some() {
            client.token = answer.body["session_token"].as_str().map(ToOwned::to_owned);
        }
        assert_eq!(client.whoami().await.1["identity"]["traits"]["email"], GRACE);
        assert_eq!(thief.whoami().await.0, 401);
    }
}

#[tokio::test]
async fn somebody_else_does_not_sign_in_beside_a_session() {
    let server = TestServer::configured(everything()).await;
    server.person(GRACE).await;
    let mut browser = Client::browser(&server);
    let earlier = browser.begin("login", "").await;
    let sign_up = browser.begin("registration", "").await;
    let mut browser = browser.signed_in(ADA).await;
    let body = json!({"method": "password", "identifier": GRACE, "password": PASSWORD});
    assert_eq!(browser.submit(&earlier, body).await.status, 400);
    let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": "new@example.org"}});
    assert_eq!(browser.submit(&sign_up, body).await.status, 400);
    assert_eq!(browser.whoami().await.1["identity"]["traits"]["email"], ADA);
}

#[tokio::test]
async fn a_recovery_ends_the_session_that_was_in_the_browser() {
    for recovered in [ADA, GRACE] {
        let mut configuration = everything();
        configuration["selfservice"]["flows"]["recovery"] =
            json!({"enabled": true, "revoke_active_sessions": false});
        let server = TestServer::configured(configuration).await;
        server.person(ADA).await;
        server.person(GRACE).await;
        let mut browser = Client::browser(&server);
        let flow = browser.begin("recovery", "").await;
        browser.submit(&flow, json!({"method": "code", "email": recovered})).await;
        let form_cookies = browser.cookies.clone();
        assert_eq!(browser.login(ADA, PASSWORD).await.status, 200);
        // The cookie for forms is the one with which the recovery was begun.
        browser.cookies.extend(form_cookies);
        let mut thief = copy_of(&browser, &server);
        assert_eq!(thief.whoami().await.0, 200);
        let code = mailed_code(&server, recovered).await.expect("a code was sent");
        let answer = browser.submit(&flow, json!({"method": "code", "code": code})).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(browser.whoami().await.1["identity"]["traits"]["email"], recovered);
        assert_eq!(thief.whoami().await.0, 401, "{recovered}");
    }
}
