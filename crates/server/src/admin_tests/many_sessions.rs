//! Many sessions, and everybody's, as they are ended at once.

use serde_json::{Value, json};

use crate::testing::{Answer, TestServer};

async fn asked(server: &TestServer, body: Value) -> Answer {
    server.admin("POST", "/admin/sessions", Some(body)).await
}

async fn status(server: &TestServer, token: &str) -> u16 {
    server.public("GET", "/sessions/whoami", &[("x-session-token", token)], None).await.status
}

async fn count(server: &TestServer) -> usize {
    server.admin("GET", "/admin/sessions", None).await.body.as_array().unwrap().len()
}

#[tokio::test]
async fn sessions_end_by_their_ids_and_by_their_owners() {
    let server = TestServer::start().await;
    let ada = server.person("ada@example.org").await;
    server.person("grace@example.org").await;
    let (first, first_id) = server.signed_in("ada@example.org").await;
    let (second, _) = server.signed_in("ada@example.org").await;
    let (other, _) = server.signed_in("grace@example.org").await;
    // They are answered from memory too.
    assert_eq!(status(&server, &first).await, 200);
    let missing = "6f1c6c2e-0000-4000-8000-000000000000";
    let one = json!({"action": "disable", "sessions": [first_id, first_id, missing]});
    assert_eq!(asked(&server, one.clone()).await.body, json!({"processed": 1, "more": false}));
    assert_eq!(status(&server, &first).await, 401);
    assert_eq!(asked(&server, one).await.body["processed"], 0, "it is disabled already");
    assert_eq!(count(&server).await, 3, "and can be looked at");
    let disable = json!({"action": "disable", "identities": [ada, missing], "sessions": null});
    assert_eq!(asked(&server, disable).await.body["processed"], 1);
    assert_eq!(status(&server, &second).await, 401);
    let delete = json!({"action": "delete", "identities": [ada]});
    assert_eq!(asked(&server, delete).await.body, json!({"processed": 2, "more": false}));
    assert_eq!(count(&server).await, 1);
    assert_eq!(status(&server, &other).await, 200);
}

#[tokio::test]
async fn everybody_is_signed_out() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    let (token, _) = server.signed_in("ada@example.org").await;
    server.signed_in("ada@example.org").await;
    assert_eq!(status(&server, &token).await, 200);
    let all = |action: &str| json!({"action": action, "identities": ["*"]});
    assert_eq!(asked(&server, all("disable")).await.body, json!({"processed": 2, "more": false}));
    assert_eq!(status(&server, &token).await, 401);
    assert_eq!(count(&server).await, 2);
    assert_eq!(asked(&server, all("delete")).await.body["processed"], 2);
    assert_eq!(count(&server).await, 0);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = TestServer::start().await;
    let id = "6f1c6c2e-0000-4000-8000-000000000000";
    for body in [
        json!({"identities": [id]}),
        json!({"action": "extend", "identities": [id]}),
        json!({"action": "delete"}),
        json!({"action": "delete", "identities": [], "sessions": []}),
        json!({"action": "delete", "identities": [id], "sessions": [id]}),
        json!({"action": "delete", "identities": ["*", id]}),
        json!({"action": "delete", "sessions": ["*"]}),
        json!({"action": "delete", "sessions": ["nope"]}),
        json!({"action": "delete", "sessions": vec![id; 501]}),
    ] {
        assert_eq!(asked(&server, body.clone()).await.status, 400, "{body}");
    }
}
