//! Sessions, as operators see and end them.

use std::time::Duration;

use serde_json::{Value, json};
use sessera_model::Timestamp;

use crate::testing::TestServer;

const MISSING: &str = "/admin/sessions/6f1c6c2e-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_session_is_shown_as_far_as_it_is_asked_for() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    let (_, session) = server.signed_in("ada@example.org").await;
    let path = format!("/admin/sessions/{session}");
    let plain = server.admin("GET", &path, None).await;
    assert_eq!(
        (plain.status, &plain.body["identity"], &plain.body["devices"]),
        (200, &Value::Null, &json!([]))
    );
    let whole = server.admin("GET", &format!("{path}?expand=Identity&expand=devices"), None).await;
    assert_eq!(whole.body["identity"]["metadata_admin"], Value::Null);
    assert!(whole.body["identity"]["verifiable_addresses"].is_array());
    assert_eq!(whole.body["devices"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.admin("GET", &format!("{path}?expand=all"), None).await.status, 400);
    assert_eq!(server.admin("GET", MISSING, None).await.status, 404);
    assert_eq!(server.admin("GET", "/admin/sessions/nope", None).await.status, 400);
}

#[tokio::test]
async fn sessions_are_listed_by_whether_they_are_live() {
    let server = TestServer::start().await;
    let ada = server.person("ada@example.org").await;
    server.person("grace@example.org").await;
    let (_, first) = server.signed_in("ada@example.org").await;
    server.clock.advance(Duration::from_secs(1));
    let (_, second) = server.signed_in("ada@example.org").await;
    server.clock.advance(Duration::from_secs(1));
    let (_, third) = server.signed_in("grace@example.org").await;
    assert_eq!(server.admin("DELETE", &format!("/admin/sessions/{first}"), None).await.status, 204);
    let list = async |path: &str| {
        let answer = server.admin("GET", path, None).await;
        let ids = answer.body.as_array().unwrap().iter().map(|session| session["id"].clone());
        (Value::Array(ids.collect()), answer)
    };
    let (all, answer) = list("/admin/sessions").await;
    assert_eq!(all, json!([third, second, first]));
    assert_eq!(answer.body[0]["identity"], Value::Null);
    assert_eq!(list("/admin/sessions?active=true").await.0, json!([third, second]));
    assert_eq!(list("/admin/sessions?active=false").await.0, json!([first]));
    let (part, answer) = list("/admin/sessions?page_size=1").await;
    assert_eq!(part, json!([third]));
    assert!(answer.header("link").contains("rel=\"next\""));
    let of_ada = format!("/admin/identities/{ada}/sessions");
    let (own, answer) = list(&of_ada).await;
    assert_eq!(own, json!([second, first]));
    assert!(answer.body[0]["identity"].get("verifiable_addresses").is_none());
    assert_eq!(list(&format!("{of_ada}?active=true")).await.0, json!([second]));
    assert_eq!(server.admin("GET", &format!("{of_ada}?active=maybe"), None).await.status, 400);
}

#[tokio::test]
async fn a_disabled_session_opens_nothing_and_stays_to_be_seen() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    let path = format!("/admin/sessions/{session}");
    for _ in 0..2 {
        let disabled = server.admin("DELETE", &path, None).await;
        assert_eq!((disabled.status, disabled.header("content-type")), (204, "application/json"));
    }
    let whoami = server.public("GET", "/sessions/whoami", &[("x-session-token", &token)], None).await;
    assert_eq!(whoami.status, 401);
    assert_eq!(server.admin("GET", &path, None).await.body["active"], false);
    let extended = server.admin("PATCH", &format!("{path}/extend"), None).await;
    assert_eq!((extended.status, &extended.body["active"]), (200, &json!(false)));
    let whoami = server.public("GET", "/sessions/whoami", &[("x-session-token", &token)], None).await;
    assert_eq!(whoami.status, 401, "extending does not bring it back");
    assert_eq!(server.admin("DELETE", MISSING, None).await.status, 404);
}

#[tokio::test]
async fn a_session_is_extended_when_its_end_is_near() {
    let session = json!({"lifespan": "10h", "earliest_possible_extend": "1h"});
    let server = TestServer::configured(json!({"session": session})).await;
    server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    let path = format!("/admin/sessions/{session}/extend");
    let early = server.admin("PATCH", &path, None).await;
    server.clock.advance(Duration::from_hours(9));
    let late = server.admin("PATCH", &path, None).await;
    assert_eq!((early.status, late.status), (200, 200));
    let end = |answer: &crate::testing::Answer| {
        Timestamp::parse(answer.body["expires_at"].as_str().unwrap()).unwrap()
    };
    assert_eq!(end(&late).since(end(&early)), Duration::from_hours(9));
    server.clock.advance(Duration::from_hours(9));
    let whoami = server.public("GET", "/sessions/whoami", &[("x-session-token", &token)], None).await;
    assert_eq!(whoami.status, 200, "the new end counts");
    assert_eq!(server.admin("PATCH", &format!("{MISSING}/extend"), None).await.status, 404);
}

#[tokio::test]
async fn all_sessions_of_an_identity_are_deleted() {
    let server = TestServer::start().await;
    let ada = server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    let path = format!("/admin/identities/{ada}/sessions");
    assert_eq!(server.admin("DELETE", &path, None).await.status, 204);
    assert_eq!(server.admin("DELETE", &path, None).await.status, 404, "none are left");
    assert_eq!(server.admin("GET", &format!("/admin/sessions/{session}"), None).await.status, 404);
    let whoami = server.public("GET", "/sessions/whoami", &[("x-session-token", &token)], None).await;
    assert_eq!(whoami.status, 401);
    let unknown = "/admin/identities/6f1c6c2e-0000-4000-8000-000000000000/sessions";
    assert_eq!(server.admin("DELETE", unknown, None).await.status, 404);
    assert_eq!(server.admin("DELETE", "/admin/identities/nope/sessions", None).await.status, 400);
}
