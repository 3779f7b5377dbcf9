//! Codes for recovery that an administrator gives out.

use serde_json::{Value, json};

use super::client::{Begun, Client, everything};
use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";
const NEW: &str = "Zx-other-enough-1234";

async fn asked(server: &TestServer, body: Value) -> Answer {
    server.admin("POST", "/admin/recovery/code", Some(body)).await
}

#[tokio::test]
async fn a_code_that_was_given_out_opens_the_account_once() {
    // Without mail nobody can ask for a code, which is when one is given out.
    for configuration in [everything(), json!({})] {
        let server = TestServer::configured(configuration).await;
        let id = server.person(ADA).await;
        let given = asked(&server, json!({"identity_id": id})).await;
        assert_eq!(given.status, 201, "{given:?}");
        assert!(given.header("cache-control").contains("no-store"));
        let page = url::Url::parse(given.body["recovery_link"].as_str().unwrap()).unwrap();
        let mut browser = Client::browser(&server);
        let page = format!("{}?{}", page.path(), page.query().unwrap());
        let shown = browser.page(&page).await.text;
        assert!(shown.contains("one-time-code") && !shown.contains("Check your e-mail"), "{shown}");
        let id = page.split_once("flow=").unwrap().1;
        let shown = browser.get(&format!("/self-service/recovery/flows?id={id}")).await;
        let flow = Client::begun("recovery", &shown);
        let code = given.body["recovery_code"].as_str().unwrap();
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let answer = browser.submit(&flow, json!({"method": "code", "code": wrong})).await;
        assert_eq!((answer.status, &answer.body["state"]), (200, &json!("sent_email")));
        let answer = browser.submit(&flow, json!({"method": "code", "code": code})).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(browser.whoami().await.1["identity"]["traits"]["email"], ADA);
        assert_eq!(browser.whoami().await.1["identity"]["verifiable_addresses"][0]["verified"], false);
        let next = answer.body["redirect_browser_to"].as_str().unwrap();
        let next = next.split_once("flow=").unwrap().1;
        let shown = browser.get(&format!("/self-service/settings/flows?id={next}")).await;
        let next = Client::begun("settings", &shown);
        let body = json!({"method": "password", "password": NEW});
        assert_eq!(browser.submit(&next, body).await.status, 200);
        assert_eq!(Client::native(&server).login(ADA, NEW).await.status, 200);
        let again = Client::browser(&server).submit(&flow, json!({"method": "code", "code": code})).await;
        assert_ne!(again.status, 422, "{again:?}");
    }
}

#[tokio::test]
async fn a_native_client_types_it_too() {
    let server = TestServer::start().await;
    let id = server.person(ADA).await;
    let given = asked(&server, json!({"identity_id": id, "flow_type": "api", "expires_in": "1h"})).await;
    let link = given.body["recovery_link"].as_str().unwrap();
    let mut client = Client::native(&server);
    let path = format!("/self-service/recovery?flow={}", link.split_once("flow=").unwrap().1);
    server.clock.advance(std::time::Duration::from_mins(59));
    let answer = client.post(&path, &json!({"method": "code", "code": given.body["recovery_code"]})).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(answer.body["continue_with"][0]["action"], "set_ory_session_token");
}

#[tokio::test]
async fn nobody_asks_for_mail_where_it_is_off() {
    let off = json!({"selfservice": {"flows": {"recovery": {"enabled": false}}}});
    let server = TestServer::configured(off).await;
    let id = server.person(ADA).await;
    let given = asked(&server, json!({"identity_id": id, "flow_type": "api"})).await;
    let link = given.body["recovery_link"].as_str().unwrap();
    let path = format!("/self-service/recovery?flow={}", link.split_once("flow=").unwrap().1);
    let mut client = Client::native(&server);
    assert_eq!(client.post(&path, &json!({"method": "code", "email": ADA})).await.status, 400);
    server.clock.advance(std::time::Duration::from_mins(15));
    let late = client.post(&path, &json!({"method": "code", "code": given.body["recovery_code"]})).await;
    assert_eq!(late.status, 400, "{late:?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = TestServer::start().await;
    let id = server.person(ADA).await;
    for (body, status) in [
        (json!({"identity_id": id, "expires_in": "soon"}), 400),
        (json!({"identity_id": id, "expires_in": "0s"}), 400),
        (json!({"identity_id": id, "expires_in": "-1h"}), 400),
        (json!({"identity_id": id, "expires_in": "24h1s"}), 400),
        (json!({"identity_id": id, "expires_in": "1000000h"}), 400),
        (json!({"identity_id": id, "flow_type": "pigeon"}), 400),
        (json!({"identity_id": "6f1c6c2e-0000-4000-8000-000000000000"}), 404),
        (json!({}), 404),
    ] {
        let answer = asked(&server, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let off = json!({"selfservice": {"methods": {"code": {"enabled": false}}}});
    let server = TestServer::configured(off).await;
    let id = server.person(ADA).await;
    assert_eq!(asked(&server, json!({"identity_id": id})).await.status, 404);
}

/// The flow's id and the code that an administrator gives out.
async fn given(server: &TestServer) -> (String, String) {
    let id = server.person(ADA).await;
    let given = asked(server, json!({"identity_id": id})).await;
    let link = given.body["recovery_link"].as_str().unwrap();
    (link.split_once("flow=").unwrap().1.to_owned(), given.body["recovery_code"].as_str().unwrap().to_owned())
}

fn read_path(id: &str) -> String {
    format!("/self-service/recovery/flows?id={id}")
}

#[tokio::test]
async fn a_given_flow_belongs_to_the_browser_that_opens_it_first() {
    for opens_page in [true, false] {
        for has_cookie in [true, false] {
            let server = TestServer::configured(everything()).await;
            let (id, code) = given(&server).await;
            let (mut first, mut other) = (Client::browser(&server), Client::browser(&server));
            if has_cookie {
                first.begin("login", "").await;
            }
            let opened = if opens_page {
                first.page(&format!("/ui/recovery?flow={id}")).await
            } else {
                first.get(&read_path(&id)).await
            };
            assert_eq!(opened.status, 200, "{opened:?}");
            // The other one has a cookie and a form of its own.
            other.begin("recovery", "").await;
            for answer in
                [other.get(&read_path(&id)).await, other.page(&format!("/ui/recovery?flow={id}")).await]
            {
                assert_eq!(answer.status, 403, "{answer:?}");
            }
            let begun = Begun { kind: "recovery", id: id.clone(), csrf_token: String::new() };
            let body = json!({"method": "code", "code": code});
            let refused = other.submit(&begun, body.clone()).await;
            assert_eq!(
                (refused.status, &refused.body["error"]["id"]),
                (403, &json!("security_csrf_violation"))
            );
            let shown = first.get(&read_path(&id)).await;
            let flow = Client::begun("recovery", &shown);
            let stolen = Begun { csrf_token: flow.csrf_token.clone(), ..begun.clone() };
            assert_eq!(other.submit(&stolen, body.clone()).await.status, 403);
            assert_eq!(first.submit(&begun, body.clone()).await.status, 403, "its form has a token");
            assert_eq!(first.submit(&flow, body).await.status, 422);
            assert_eq!((first.whoami().await.0, other.whoami().await.0), (200, 401));
        }
    }
}

#[tokio::test]
async fn a_given_flow_that_nobody_has_opened_signs_nobody_in() {
    let server = TestServer::configured(everything()).await;
    let (id, code) = given(&server).await;
    let flow = Begun { kind: "recovery", id: id.clone(), csrf_token: String::new() };
    let fields = [("method", "code"), ("code", code.as_str())];
    let (mut stranger, mut known) = (Client::browser(&server), Client::browser(&server));
    known.begin("login", "").await;
    for browser in [&mut stranger, &mut known] {
        let as_form = browser.submit_form(&flow, &fields).await;
        assert!(!as_form.header("location").contains("settings"), "{as_form:?}");
        assert_eq!(browser.submit(&flow, json!({"method": "code", "code": code})).await.status, 403);
        assert_eq!(browser.whoami().await.0, 401);
    }
    assert_eq!(stranger.get(&read_path(&id)).await.status, 200, "nothing of that has claimed it");
}
