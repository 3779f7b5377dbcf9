//! Web hooks over HTTP, against the real program: what is sent, what an answer does, and what receivers that mean no
//! good cannot do.

use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::server::{PASSWORD, Server};

/// A server with web hooks after somebody has signed in with a password.
fn server(hooks: Value) -> Server {
    let flows = json!({"login": {"after": {"password": {"hooks": hooks}}}}).to_string();
    Server::start_with(&[("SELFSERVICE_FLOWS", &flows)])
}

/// Signs in, as the API answers it.
async fn sign_in(server: &Server) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/self-service/login", server.public_url());
    let flow: Value = http.get(format!("{url}/api")).send().await.unwrap().json().await.unwrap();
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let url = format!("{url}?flow={}", flow["id"].as_str().unwrap());
    let answer = http.post(url).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_web_hook_is_called_with_its_key_and_its_words_reach_the_person() {
    let receiver = Receiver::start().await;
    let key =
        json!({"type": "api_key", "config": {"name": "X-Api-Key", "value": "key-for-tests", "in": "header"}});
    let hook = receiver.hook("/after", json!({"auth": key, "response": {"parse": true}}));
    let server = server(json!([hook]));
    let refusal = json!({"messages": [{"instance_ptr": "#/password", "messages": [{"id": 7, "text": "closed", "type": "error"}]}]});
    receiver.answers("/after", 403, &refusal.to_string());
    create(&server).await;
    let (status, flow) = sign_in(&server).await;
    let call = receiver.calls().await.remove(0);
    assert_eq!(
        (call.path.as_str(), &call.headers["x-api-key"]),
        ("/after", &"key-for-tests".parse().unwrap())
    );
    assert_eq!(call.headers["content-type"], "application/json");
    assert_eq!(call.body["session"]["authenticator_assurance_level"], "aal1");
    assert_eq!(call.body["request_method"], "POST");
    assert!(call.body["request_headers"].get("Host").is_none());
    let nodes = flow["ui"]["nodes"].as_array().unwrap();
    let password = nodes.iter().find(|node| node["attributes"]["name"] == "password").unwrap();
    assert_eq!((status, &password["messages"][0]["text"]), (400, &json!("closed")));
    receiver.answers("/after", 204, "");
    assert_eq!(sign_in(&server).await.0, 200);
}

/// Makes the account that signs in.
async fn create(server: &Server) {
    let body = json!({"schema_id": "default", "traits": {"email": "ada@example.org"},
        "credentials": {"password": {"config": {"password": PASSWORD}}}});
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = http.post(format!("{}/admin/identities", server.admin())).json(&body).send().await.unwrap();
    assert_eq!(made.status().as_u16(), 201);
}

#[tokio::test]
async fn receivers_that_mean_no_good_let_nobody_in() {
    let receiver = Receiver::start().await;
    let server = server(json!([receiver.hook("/x", json!({"response": {"parse": true}}))]));
    create(&server).await;
    for (status, body, answered, reason) in [
        (200, "x".repeat(1024 * 1024), 502, "did not answer well"),
        (302, String::new(), 502, "did not answer well"),
        (200, "nope".into(), 400, "an answer that cannot be used"),
        (200, "null".into(), 400, "an answer that cannot be used"),
        (200, "[]".into(), 400, "an answer that cannot be used"),
        (400, "{}".into(), 400, "refused it without messages"),
        (403, "<p>no</p>".into(), 400, "refused it without messages"),
        (
            501,
            json!({"messages": [{"messages": [{"text": "x".repeat(5000)}]}]}).to_string(),
            400,
            "refused it without",
        ),
    ] {
        receiver.answers("/x", status, &body);
        let (status, told) = sign_in(&server).await;
        assert_eq!(status, answered, "{told}");
        let said = told["error"]["reason"].as_str().unwrap();
        assert!(said.contains(reason) && said.contains("log of the server"), "{told}");
        assert_eq!(receiver.calls().await.len(), 1, "nothing else is called");
    }
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_is_ignored() {
    let receiver = Receiver::start().await;
    let server = server(json!([receiver.hook("/held", json!({"response": {"ignore": true}}))]));
    create(&server).await;
    assert_eq!(sign_in(&server).await.0, 200);
    assert_eq!(receiver.calls().await[0].path, "/held");
}

#[tokio::test]
async fn a_web_hook_that_does_not_answer_keeps_nobody_else_waiting() {
    let receiver = Receiver::start().await;
    let server = server(json!([receiver.hook("/held", json!({}))]));
    create(&server).await;
    receiver.state.held.add_permits(1);
    let (_, signed_in) = sign_in(&server).await;
    let token = signed_in["session_token"].as_str().unwrap();
    receiver.calls().await;
    let others = async {
        receiver.calls().await;
        let whoami = server.whoami(token, "").await;
        assert_eq!(whoami["active"], true, "{whoami}");
        receiver.state.held.add_permits(1);
    };
    let ((status, _), ()) = tokio::join!(sign_in(&server), others);
    assert_eq!(status, 200);
}

#[tokio::test]
async fn another_system_is_asked_for_a_password_until_it_is_kept_here() {
    let receiver = Receiver::start().await;
    let key =
        json!({"type": "api_key", "config": {"name": "X-Api-Key", "value": "key-for-tests", "in": "header"}});
    let hook = json!({"enabled": true, "config": {"url": receiver.url("/check"), "auth": key}});
    let server =
        Server::start_with(&[("SELFSERVICE_METHODS_PASSWORD_CONFIG_MIGRATE_HOOK", &hook.to_string())]);
    let body = json!({"schema_id": "default", "traits": {"email": "ada@example.org"},
        "credentials": {"password": {"config": {"use_password_migration_hook": true}}}});
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = http.post(format!("{}/admin/identities", server.admin())).json(&body).send().await.unwrap();
    assert_eq!(made.status().as_u16(), 201);
    for (status, body, expected) in [
        (403, MATCH, 400),
        (200, "{}", 400),
        (404, MATCH, 502),
        (204, "", 502),
        (302, MATCH, 502),
        (200, MATCH, 200),
    ] {
        receiver.answers("/check", status, body);
        let (answered, told) = sign_in(&server).await;
        assert_eq!(answered, expected, "{status}: {told}");
        let call = receiver.calls().await.remove(0);
        assert_eq!(call.headers["x-api-key"], "key-for-tests");
        assert_eq!(call.body, json!({"identifier": "ada@example.org", "password": PASSWORD}));
    }
    receiver.answers("/check", 403, "");
    assert_eq!(sign_in(&server).await.0, 200, "it is kept here now");
}

const MATCH: &str = r#"{"status":"password_match"}"#;
