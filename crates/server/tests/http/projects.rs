//! The configuration as a project: patched, listed, rolled back, and never told to those who should not
//! know it.

use serde_json::{Value, json};

use super::server::{Answer, Running, add_template};

const TEMPLATES: &str = "/services/identity/config/session/whoami/tokenizer/templates";

async fn key(server: &Running, set: &str, alg: &str) -> Answer {
    let key = server.admin("POST", &format!("/admin/keys/{set}"), Some(json!({"alg": alg}))).await;
    assert_eq!(key.status, 201, "{key:?}");
    key
}

fn config(project: &Value) -> &Value {
    &project["services"]["identity"]["config"]
}

#[tokio::test]
async fn a_revision_is_listed_with_what_changed_and_rolled_back() {
    let server = Running::start(json!({"session": {"lifespan": "1h"}})).await;
    let at = |value: &str| json!([{"op": "replace", "path": "/services/identity/config/session/lifespan", "value": value}]);
    let before = server.admin("GET", "/projects/default", None).await.body;
    assert_eq!(before["revision_id"], before["id"]);
    let first = server.patch(at("2h")).await.body["project"].clone();
    let second = server.patch(at("3h")).await.body["project"].clone();
    assert_eq!(config(&second)["session"]["lifespan"], "3h");
    let revisions = server.admin("GET", "/projects/default/revisions", None).await.body;
    assert_eq!(revisions[0]["id"], second["revision_id"]);
    assert_eq!(
        revisions[0]["diff"],
        json!([{"op": "replace", "path": "/session/lifespan", "before": "2h", "after": "3h"}])
    );
    assert_eq!(revisions[1]["id"], first["revision_id"]);

    // A patch of a revision is taken only while it is the newest one.
    let by_id = |id: &Value| format!("/projects/default/revision/{}", id.as_str().unwrap());
    let outdated = server.admin("PATCH", &by_id(&first["revision_id"]), Some(at("4h"))).await;
    outdated.assert_error(409);
    let third = server.admin("PATCH", &by_id(&second["revision_id"]), Some(at("4h"))).await;
    assert_eq!(third.status, 200, "{third:?}");

    let roll_back = async |to: &Value| {
        let path = format!("/projects/default/revisions/{}/rollback", to.as_str().unwrap());
        server.admin("POST", &path, None).await
    };
    let back = roll_back(&first["revision_id"]).await;
    assert_eq!(config(&back.body["project"])["session"]["lifespan"], "2h", "{back:?}");
    let back = roll_back(&before["id"]).await;
    assert_eq!(config(&back.body["project"]), config(&before));
    roll_back(&json!("6f1c6c2e-0000-4000-8000-000000000000")).await.assert_error(404);
    assert_eq!(
        server.admin("GET", "/projects/default/revisions", None).await.body.as_array().unwrap().len(),
        5
    );
}

#[tokio::test]
async fn secrets_are_shown_by_the_project_alone() {
    let server = Running::start(json!({})).await;
    let private = key(&server, "set", "ES256").await.body;
    let d = private["keys"][0]["d"].as_str().unwrap();
    let kid = private["keys"][0]["kid"].as_str().unwrap();
    let source = base64_of(&private.to_string());
    let uri = "smtp://somebody:a-password@mail.example.org:25/";
    let patched = server
        .patch(json!([
            add_template("t", &json!({"jwks_url": source})),
            {"op": "add", "path": "/services/identity/config/courier/smtp/connection_uri", "value": uri},
        ]))
        .await;
    assert_eq!(patched.status, 200, "{patched:?}");
    let project = server.admin("GET", "/projects/default", None).await;
    assert!(project.body.to_string().contains(&source) && project.body.to_string().contains(uri));
    assert!(project.header("cache-control").contains("no-store"));
    // Adding it once more makes an error that would have to show the value, if any error showed values.
    let broken = source.replace("base64://", "base64://@");
    let error = server.patch(json!([add_template("t", &json!({"jwks_url": broken}))])).await;
    error.assert_error(400);
    let revisions = server.admin("GET", "/projects/default/revisions", None).await;
    assert!(revisions.body.to_string().contains(kid), "{revisions:?}");
    for (what, answer) in [
        ("the list of projects", server.admin("GET", "/projects", None).await),
        ("the list of revisions", revisions),
        ("the list of templates", server.admin("GET", "/projects/default/templates", None).await),
        ("the list of key sets", server.admin("GET", "/admin/keys", None).await),
        ("an error", error),
    ] {
        let text = answer.body.to_string();
        for secret in [d, &source[20..60], "a-password"] {
            assert!(!text.contains(secret), "{what}: {text}");
        }
    }
}

#[tokio::test]
async fn a_set_that_a_template_uses_stays_and_stays_good() {
    let server = Running::start(json!({})).await;
    let old = key(&server, "set", "ES256").await.body["keys"][0]["kid"].clone();
    assert_eq!(server.patch(json!([add_template("t", &json!({"jwks_url": "set://set"}))])).await.status, 200);
    let conflict = server.admin("DELETE", "/admin/keys/set", None).await;
    conflict.assert_error(409);
    assert!(conflict.reason().contains("\"t\""), "{conflict:?}");
    server.admin("PUT", "/admin/keys/set", Some(json!({"keys": []}))).await.assert_error(409);
    let only = format!("/admin/keys/set/{}", old.as_str().unwrap());
    server.admin("DELETE", &only, None).await.assert_error(409);
    // Another key takes its place, and the template signs with it at once.
    let new = key(&server, "set", "ES384").await.body["keys"][0]["kid"].clone();
    assert_eq!(server.admin("DELETE", &only, None).await.status, 204);
    let templates = server.admin("GET", "/projects/default/templates", None).await.body;
    assert_eq!((&templates[0]["alg"], &templates[0]["kid"]), (&json!("ES384"), &new));
    let remove = json!([{"op": "remove", "path": format!("{TEMPLATES}/t")}]);
    assert_eq!(server.patch(remove).await.status, 200);
    assert_eq!(server.admin("DELETE", "/admin/keys/set", None).await.status, 204);
    server.admin("GET", "/admin/keys/set", None).await.assert_error(404);
}

/// A template of the configuration file that does not load stops neither the server nor changes of
/// others, and tells its callers no more than they need.
#[tokio::test]
async fn a_broken_template_of_the_file_blocks_nothing() {
    let mapper = base64_of("local x = 1;\n{ claims: { a: }");
    let keys = r#"{"keys":[{"kty":"oct","kid":"k","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDA"}]}"#;
    let templates = json!({
        "no_file": {"jwks_url": "file:///nowhere/keys.json"},
        "no_base64": {"jwks_url": "base64://@@@"},
        "no_set": {"jwks_url": base64_of("{")},
        "no_mapper": {"jwks_url": base64_of(keys), "claims_mapper_url": mapper},
        "no_template": {"jwks_url": base64_of(keys), "tll": "1m"},
        "good": {"jwks_url": base64_of(keys)},
    });
    let server =
        Running::start(json!({"session": {"whoami": {"tokenizer": {"templates": templates}}}})).await;
    server.person("ada@example.org").await;
    let token = server.signed_in("ada@example.org").await;
    for (name, status) in [
        ("no_file", 500),
        ("no_base64", 500),
        ("no_set", 400),
        ("no_mapper", 400),
        ("no_template", 400),
        ("none", 400),
    ] {
        let answer = server.tokenize(&token, name).await;
        answer.assert_error(status);
        assert!(answer.reason().contains(name), "{answer:?}");
        for private in ["nowhere", "@@@", "local x", "tll"] {
            assert!(!answer.body.to_string().contains(private), "{answer:?}");
        }
    }
    assert!(server.tokenize(&token, "no_mapper").await.reason().contains("line 2, column 16"));
    assert_eq!(server.tokenize(&token, "good").await.status, 200);
    let other = server.patch(json!([add_template("other", &json!({"jwks_url": base64_of(keys)}))])).await;
    assert_eq!(other.status, 200, "{other:?}");
    assert_eq!(server.tokenize(&token, "other").await.status, 200);
    server.tokenize(&token, "no_file").await.assert_error(500);
}

/// What a mapper says by itself goes to the log only.
#[tokio::test]
async fn a_failing_mapper_tells_the_caller_line_and_column_only() {
    let server = Running::start(json!({})).await;
    key(&server, "set", "ES256").await;
    server.person("ada@example.org").await;
    let token = server.signed_in("ada@example.org").await;
    for (mapper, reason) in [
        ("\n  error 'a secret of ' + std.extVar('session').identity.id", "line 2, column 3"),
        ("{ claims: { exp: 'soon' } }", "\"exp\""),
        ("{ claims: { iat: 1.5 } }", "\"iat\""),
        ("{ claims: { nbf: [] } }", "\"nbf\""),
        ("{ other: 1 }", "line 1"),
        ("{ claims: 'x' }", "line 1"),
        ("[]", "line 1"),
    ] {
        let template = json!({"jwks_url": "set://set", "claims_mapper_url": base64_of(mapper)});
        let forced = "/projects/default?force=true";
        let patched = server.admin("PATCH", forced, Some(json!([add_template("t", &template)]))).await;
        assert_eq!(patched.status, 200, "{mapper}");
        assert!(patched.body["warnings"].to_string().contains("can hardly work"), "{mapper}: {patched:?}");
        let answer = server.tokenize(&token, "t").await;
        answer.assert_error(400);
        assert!(answer.reason().contains(reason), "{mapper}: {answer:?}");
        assert!(answer.reason().contains("\"t\""), "{mapper}: {answer:?}");
        assert!(!answer.body.to_string().contains("a secret"), "{answer:?}");
    }
}

/// Mappers that fail whoever signs in, those that fail without a name, and one that works.
const HOPELESS: [&str; 4] = [
    "{foo:1}",
    "local f(x)=f(x+1); {claims:{a:f(0)}}",
    "{claims:{exp:'never'}}",
    "{claims:{x:std.extVar('session').identity.traits.tenant}}",
];
const WITH_NAME: &str = "{claims:{name:std.extVar('session').identity.traits.name.first}}";
const GOOD: &str = "{claims:{a:1}}";

fn mapped(mapper: &str) -> Value {
    json!({"jwks_url": "set://set", "claims_mapper_url": base64_of(mapper)})
}

#[tokio::test]
async fn a_template_that_works_for_nobody_is_refused_unless_it_is_forced() {
    let server = Running::start(json!({})).await;
    key(&server, "set", "ES256").await;
    server.person("ada@example.org").await;
    server.signed_in("ada@example.org").await;
    let project = server.admin("GET", "/projects/default", None).await.body;
    let revision = project["revision_id"].as_str().unwrap();
    for mapper in HOPELESS {
        let patch = json!([add_template("t", &mapped(mapper))]);
        let whole = json!({"services": {"identity": {"config": {"session": {"whoami": {"tokenizer": {
            "templates": {"t": mapped(mapper)}}}}}}}});
        let by_revision = format!("/projects/default/revision/{revision}");
        for (method, path, body) in [
            ("PATCH", "/projects/default", &patch),
            ("PATCH", "/projects/default?force=false", &patch),
            ("PATCH", &by_revision, &patch),
            ("PUT", "/projects/default", &whole),
        ] {
            let refused = server.admin(method, path, Some(body.clone())).await;
            refused.assert_error(400);
            assert!(refused.reason().contains("force"), "{method} {path}: {refused:?}");
            let pointer = &refused.body["error"]["details"]["pointer"];
            assert_eq!(pointer, "/session/whoami/tokenizer/templates/t", "{refused:?}");
        }
    }
    let unchanged = server.admin("GET", "/projects/default", None).await.body;
    assert_eq!(unchanged, project);
    server.admin("PATCH", "/projects/default?force=maybe", Some(json!([]))).await.assert_error(400);

    let patch = json!([add_template("t", &mapped(HOPELESS[0])), add_template("good", &mapped(GOOD))]);
    let forced = server.admin("PATCH", "/projects/default?force=true", Some(patch)).await;
    assert_eq!(forced.status, 200, "{forced:?}");
    let warnings = forced.body["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && warnings[0]["message"].to_string().contains("\\\"t\\\""), "{forced:?}");
    let templates = server.admin("GET", "/projects/default/templates", None).await.body;
    assert_eq!((&templates[0]["name"], &templates[0]["state"]), (&json!("good"), &json!("ready")));
    assert_eq!((&templates[1]["name"], &templates[1]["state"]), (&json!("t"), &json!("failing")));
    assert!(templates[1]["reason"].as_str().unwrap().contains("line 1"), "{templates}");
    // What is there already bars no other change, and no way back.
    let other = server.patch(json!([add_template("other", &mapped(GOOD))])).await;
    assert_eq!(other.status, 200, "{other:?}");
    let path = format!(
        "/projects/default/revisions/{}/rollback",
        other.body["project"]["revision_id"].as_str().unwrap()
    );
    let removed = server.patch(json!([{"op": "remove", "path": format!("{TEMPLATES}/t")}])).await;
    assert_eq!(removed.status, 200, "{removed:?}");
    let back = server.admin("POST", &path, None).await;
    assert_eq!(back.status, 200, "{back:?}");
    assert!(back.body["warnings"].to_string().contains("can hardly work"), "{back:?}");
}

#[tokio::test]
async fn a_template_that_works_for_some_is_taken_with_a_warning() {
    let server = Running::start(json!({})).await;
    key(&server, "set", "ES256").await;
    // Before anybody has signed in, nobody can say what their sessions have.
    for mapper in HOPELESS {
        let patched = server.patch(json!([add_template("t", &mapped(mapper))])).await;
        assert_eq!(patched.status, 200, "{mapper}: {patched:?}");
        assert!(patched.body["warnings"].to_string().contains("may never work"), "{mapper}: {patched:?}");
        let templates = server.admin("GET", "/projects/default/templates", None).await.body;
        assert_eq!(templates[0]["state"], "failing", "{mapper}: {templates}");
    }
    server.person("ada@example.org").await;
    server.signed_in("ada@example.org").await;
    // The sample session has a name, and this person has none.
    let patched = server.patch(json!([add_template("t", &mapped(WITH_NAME))])).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert!(patched.body["warnings"].to_string().contains("a session of the identity"), "{patched:?}");
    let templates = server.admin("GET", "/projects/default/templates", None).await.body;
    assert_eq!(templates[0]["state"], "ready", "{templates}");
    assert!(templates[0]["warning"].as_str().unwrap().contains("identity"), "{templates}");
    let patched = server.patch(json!([add_template("t", &mapped(GOOD))])).await;
    assert_eq!(patched.body["warnings"], json!([]), "{patched:?}");
    let templates = server.admin("GET", "/projects/default/templates", None).await.body;
    assert!(templates[0].get("warning").is_none(), "{templates}");
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(text))
}
