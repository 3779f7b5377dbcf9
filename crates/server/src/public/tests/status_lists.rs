//! Status lists as verifiers and operators see them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sessera_issuer::StatusLists;
use sessera_jose::status_list;
use sessera_jose::verify::Verified;
use sessera_jose::{JwkSet, verify};

use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";

async fn server() -> TestServer {
    let server = TestServer::start().await;
    crate::managed_keys::maintain(&server.app).await.unwrap();
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let managed = json!({"alg": "EdDSA", "period": "720h"});
    let made = server.admin("POST", "/admin/rotation/m", Some(managed)).await;
    assert_eq!(made.status, 201, "{made:?}");
    // {claims: {sid: std.extVar('session').identity.metadata_public.sid, status: 'mine'}}
    let mapper = "base64://e2NsYWltczoge3NpZDogc3RkLmV4dFZhcignc2Vzc2lvbicpLmlkZW50aXR5Lm1ldGFkYXRhX3B1YmxpYy5zaWQsIHN0YXR1czogJ21pbmUnfX0=";
    let templates = json!({
        "fixed": {"jwks_url": "set://k", "status_list": true},
        "managed": {"jwks_url": "set://m", "status_list": true},
        "short": {"jwks_url": "set://k", "status_list": true, "ttl": "20s"},
        "mapped": {"jwks_url": "set://k", "status_list": true, "claims_mapper_url": mapper},
        "none": {"jwks_url": "set://k"},
    });
    let patch = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
        "value": templates}]);
    let patched = server.admin("PATCH", "/projects/default", Some(patch)).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    server.person(ADA).await;
    server.person(EVE).await;
    server
}

async fn tokenize(server: &TestServer, token: &str, template: &str) -> String {
    let path = format!("/sessions/whoami?tokenize_as={template}");
    let answer = server.public("GET", &path, &[("x-session-token", token)], None).await;
    answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// A token, checked with the published keys of a template.
async fn checked(server: &TestServer, template: &str, token: &str) -> Verified {
    let keys = server.public("GET", &format!("/.well-known/jwks/{template}.json"), &[], None).await.text;
    verify::verify(token, &JwkSet::parse(keys.as_bytes()).unwrap().public()).unwrap()
}

/// Where a token's status stands.
async fn status_of(server: &TestServer, template: &str, token: &str) -> (u64, String) {
    let claims = checked(server, template, token).await.claims().unwrap();
    let list = &claims["status"]["status_list"];
    (list["idx"].as_u64().unwrap(), list["uri"].as_str().unwrap().to_owned())
}

async fn get(server: &TestServer, uri: &str, headers: &[(&str, &str)]) -> Answer {
    server.public("GET", uri.strip_prefix("http://127.0.0.1:4433").unwrap(), headers, None).await
}

/// The claims of a list, as a verifier takes them.
async fn list(server: &TestServer, template: &str, uri: &str) -> Map<String, Value> {
    let answer = get(server, uri, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/statuslist+jwt");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let verified = checked(server, template, &answer.text).await;
    assert_eq!(verified.header["typ"], "statuslist+jwt");
    let claims = verified.claims().unwrap();
    assert_eq!(claims["sub"], uri);
    let time = |name: &str| claims[name].as_i64().unwrap();
    let now = server.app.clock.now().seconds();
    assert!(time("iat") <= now && now + time("ttl") <= time("exp"), "{claims:?}");
    assert_eq!(answer.header("cache-control"), format!("public, max-age={}", time("ttl")));
    claims
}

fn is_refused(list: &Map<String, Value>, index: u64) -> bool {
    status_list::status(list, index).unwrap() != status_list::VALID
}

#[tokio::test]
async fn a_revoked_session_is_on_the_list_within_the_configured_time() {
    let server = server().await;
    for template in ["fixed", "managed", "mapped"] {
        let patch = json!([{"op": "add", "path": "/metadata_public", "value": {"sid": "x"}}]);
        let (token, session) = server.signed_in(ADA).await;
        let ada = server.admin("GET", &format!("/admin/sessions/{session}?expand=identity"), None).await;
        let ada = ada.body["identity"]["id"].as_str().unwrap().to_owned();
        server.admin("PATCH", &format!("/admin/identities/{ada}"), Some(patch)).await;
        let (other, _) = server.signed_in(ADA).await;
        server.recorded.notes();
        let jwt = tokenize(&server, &token, template).await;
        let (index, uri) = status_of(&server, template, &jwt).await;
        let again = tokenize(&server, &token, template).await;
        assert_eq!(status_of(&server, template, &again).await, (index, uri.clone()), "it is the session's");
        let notes = server.recorded.notes();
        assert!(
            notes.iter().all(|note| note.chars().next().unwrap().is_lowercase()),
            "writes nothing: {notes:?}"
        );
        let other_jwt = tokenize(&server, &other, template).await;
        let (other_index, other_uri) = status_of(&server, template, &other_jwt).await;
        assert_ne!(index, other_index);
        assert_eq!(uri, other_uri);
        assert_eq!(uri, format!("http://127.0.0.1:4433/.well-known/status/{template}/0"));

        let before = list(&server, template, &uri).await;
        assert!(!is_refused(&before, index) && !is_refused(&before, other_index));
        assert!(!is_refused(&before, 1_000_000), "a place that nobody has yet");
        assert_eq!(server.admin("DELETE", &format!("/admin/sessions/{session}"), None).await.status, 204);
        let bound = server.app.clock.now().seconds() + 60;
        assert!(before["exp"].as_i64().unwrap() <= bound, "no list of before is good after the bound");
        server.clock.advance(Duration::from_secs(30));
        crate::managed_keys::maintain(&server.app).await.unwrap();
        let after = list(&server, template, &uri).await;
        assert!(is_refused(&after, index) && !is_refused(&after, other_index), "{template}");
    }
}

#[tokio::test]
async fn a_session_that_ended_otherwise_is_on_the_list() {
    let server = server().await;
    let (token, _) = server.signed_in(EVE).await;
    let jwt = tokenize(&server, &token, "fixed").await;
    let (index, uri) = status_of(&server, "fixed", &jwt).await;
    assert!(!is_refused(&list(&server, "fixed", &uri).await, index));
    let eve = server.admin("GET", "/admin/identities?credentials_identifier=eve@example.org", None).await;
    let path = format!("/admin/identities/{}", eve.body[0]["id"].as_str().unwrap());
    let state = |state: &str| json!([{"op": "replace", "path": "/state", "value": state}]);
    for (change, refused) in [("inactive", true), ("active", false)] {
        assert_eq!(server.admin("PATCH", &path, Some(state(change))).await.status, 200);
        server.clock.advance(Duration::from_secs(30));
        assert_eq!(is_refused(&list(&server, "fixed", &uri).await, index), refused, "{change}");
    }
    server.admin("DELETE", &path, None).await;
    server.clock.advance(Duration::from_secs(30));
    assert!(is_refused(&list(&server, "fixed", &uri).await, index), "deleted with its identity");
    let (token, _) = server.signed_in(ADA).await;
    let jwt = tokenize(&server, &token, "fixed").await;
    assert_ne!(status_of(&server, "fixed", &jwt).await.0, index, "nobody gets that place again");
    assert!(is_refused(&list(&server, "fixed", &uri).await, index));
}

#[tokio::test]
async fn caches_and_nodes_have_the_same_list() {
    let server = server().await;
    let (token, _) = server.signed_in(ADA).await;
    let jwt = tokenize(&server, &token, "fixed").await;
    let (_, uri) = status_of(&server, "fixed", &jwt).await;
    let first = get(&server, &uri, &[]).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    server.clock.advance(Duration::from_secs(29));
    assert_eq!(get(&server, &uri, &[]).await.text, first.text, "made once in a period");
    for known in [tag.as_str(), tag.trim_start_matches("W/"), "*"] {
        assert_eq!(get(&server, &uri, &[("if-none-match", known)]).await.status, 304, "{known}");
    }
    let snapshot = server.app.snapshot().clone();
    let (store, clock) = (server.app.store.clone(), server.app.clock.clone());
    let other_node = StatusLists::new(store, clock, server.app.lease.clone());
    let theirs = other_node.get(&snapshot.issuer, "fixed", 0).await.unwrap().unwrap();
    let payload = |token: &str| token.split('.').nth(1).unwrap().to_owned();
    assert_eq!((payload(&theirs.token), &theirs.tag), (payload(&first.text), &tag));
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(get(&server, &uri, &[("if-none-match", &tag)]).await.status, 200, "the next period");
}

#[tokio::test]
async fn a_list_follows_the_keys_and_the_ttl_of_its_template() {
    let server = server().await;
    let (token, _) = server.signed_in(ADA).await;
    let jwt = tokenize(&server, &token, "short").await;
    let (_, uri) = status_of(&server, "short", &jwt).await;
    let claims = list(&server, "short", &uri).await;
    assert_eq!(claims["ttl"], 10, "a list ends with the tokens that it is about");
    let old = checked(&server, "short", &get(&server, &uri, &[]).await.text).await.kid;
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    assert_eq!(server.admin("DELETE", &format!("/admin/keys/k/{old}"), None).await.status, 204);
    let new = checked(&server, "short", &get(&server, &uri, &[]).await.text).await.kid;
    assert_ne!(old, new);
    // Without its lease a node signs no list with managed keys.
    let jwt = tokenize(&server, &token, "managed").await;
    let (_, uri) = status_of(&server, "managed", &jwt).await;
    server.clock.advance(Duration::from_secs(61));
    assert_eq!(get(&server, &uri, &[]).await.status, 503);
}

#[tokio::test]
async fn there_are_no_lists_but_those_of_templates_that_have_them() {
    let server = server().await;
    let path =
        |template: &str, list: &str| format!("http://127.0.0.1:4433/.well-known/status/{template}/{list}");
    assert_eq!(get(&server, &path("fixed", "0"), &[]).await.status, 404, "nobody has ever signed in");
    let (token, _) = server.signed_in(ADA).await;
    assert_eq!(get(&server, &path("fixed", "0"), &[]).await.status, 200);
    for (template, list) in [
        ("none", "0"),
        ("nope", "0"),
        ("fixed", "1"),
        ("fixed", "00"),
        ("fixed", "+0"),
        ("fixed", "-1"),
        ("fixed", "x"),
        ("fixed", "18446744073709551615"),
        ("fixed", "18446744073709551616"),
    ] {
        assert_eq!(get(&server, &path(template, list), &[]).await.status, 404, "{template} {list}");
    }
    let claims = checked(&server, "none", &tokenize(&server, &token, "none").await).await.claims().unwrap();
    assert_eq!(claims.get("status"), None);
}

#[tokio::test]
async fn introspection_and_revocation_believe_the_status_and_not_the_mapper_s_sid() {
    let server = server().await;
    let (token, session) = server.signed_in(ADA).await;
    let (other, other_session) = server.signed_in(ADA).await;
    let of = server.admin("GET", &format!("/admin/sessions/{session}?expand=identity"), None).await;
    let path = format!("/admin/identities/{}", of.body["identity"]["id"].as_str().unwrap());
    // The mapper writes the sid of the other session into every token.
    let patch = json!([{"op": "add", "path": "/metadata_public", "value": {"sid": other_session}}]);
    assert_eq!(server.admin("PATCH", &path, Some(patch)).await.status, 200);
    let jwt = tokenize(&server, &token, "mapped").await;
    let other_jwt = tokenize(&server, &other, "mapped").await;
    assert_eq!(checked(&server, "mapped", &jwt).await.claims().unwrap()["sid"], other_session.as_str());
    let active = async |jwt: &str| {
        server.admin_form("/oauth2/introspect", &format!("token={jwt}")).await.body["active"] == true
    };
    assert!(active(&jwt).await && active(&other_jwt).await);
    server.admin_form("/oauth2/revoke", &format!("token={jwt}")).await;
    assert!(!active(&jwt).await, "its own session was revoked");
    assert!(active(&other_jwt).await, "and no other one");
    let live = async |id: &str| {
        server.admin("GET", &format!("/admin/sessions/{id}"), None).await.body["active"] == true
    };
    assert!(!live(&session).await && live(&other_session).await);
}
