//! What happens, as the log tells it: one line each, with who did what.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{Server, call, sign_up, start};

/// A server on which only those events happen that a test causes.
fn quiet(folder: &TempDir) -> Server {
    // The code that verifies an address is made when the courier comes to it, which could be at any time.
    let environment = [
        ("SELFSERVICE_FLOWS_VERIFICATION_ENABLED", "false"),
        ("SELFSERVICE_FLOWS_RECOVERY_ENABLED", "true"),
        ("SELFSERVICE_METHODS_OIDC_ENABLED", "true"),
    ];
    start(folder.path(), &[], &environment)
}

/// The fields of the next line that tells of an event, with the line.
fn next(server: &Server, event: &str) -> (Value, String) {
    let line = server.logged(&format!("\"event\":\"{event}\""));
    (serde_json::from_str::<Value>(&line).unwrap()["fields"].clone(), line)
}

/// Who did something: the kind, the id, the name and the role, as far as the line has them.
fn actor(fields: &Value) -> [&str; 4] {
    ["actor", "actor_id", "actor_name", "actor_role"].map(|name| fields[name].as_str().unwrap_or_default())
}

#[test]
fn a_line_names_whoever_did_it() {
    let folder = TempDir::new().unwrap();
    let server = quiet(&folder);
    let own = format!("x-session-token: {}", sign_up(&server));
    let (began, _) = next(&server, "session_began");
    let ada = began["identity_id"].as_str().unwrap();
    assert_eq!(actor(&began), ["identity", ada, "", ""], "whoever signs up becomes who they are by it");

    let (_, flow) = call(&server.public, "GET", "/self-service/settings/api", &[&own], None);
    let path = format!("/self-service/settings?flow={}", flow["id"].as_str().unwrap());
    let change = json!({"method": "profile", "traits": {"email": "grace@example.org"}});
    assert_eq!(call(&server.public, "POST", &path, &[&own], Some(&change)).0, 200);
    let (changed, line) = next(&server, "identity_changed");
    assert_eq!(actor(&changed), ["identity", ada, "", ""]);
    let names: Vec<_> = changed["changed"].as_str().unwrap().split(", ").collect();
    assert_eq!(names, ["traits.email", "verifiable_addresses", "recovery_addresses"]);
    assert!(!line.contains("example.org"), "{line}");

    let support = json!({"name": "support", "role": "operator"});
    let (status, made) = call(&server.admin, "POST", "/admin/tokens", &[], Some(&support));
    assert_eq!(status, 201, "{made}");
    let (told, line) = next(&server, "admin_token_made");
    assert_eq!(actor(&told), ["anybody", "", "", ""], "there was no token before this one");
    let secret = made["token"].as_str().unwrap();
    assert!(!line.contains(secret), "{line}");
    let bearer = format!("authorization: Bearer {secret}");
    let patch = json!([{"op": "add", "path": "/metadata_admin", "value": {"note": "a-note-of-support"}}]);
    let path = format!("/admin/identities/{ada}");
    assert_eq!(call(&server.admin, "PATCH", &path, &[&bearer], Some(&patch)).0, 200);
    let (changed, line) = next(&server, "identity_changed");
    assert_eq!(actor(&changed), ["token", "", "support", "operator"]);
    assert_eq!((&changed["identity_id"], &changed["changed"]), (&json!(ada), &json!("metadata_admin")));
    assert!(!line.contains("a-note-of-support") && !line.contains(secret), "{line}");

    // The courier makes the code when the request for it is over.
    let (_, flow) = call(&server.public, "GET", "/self-service/recovery/api", &[], None);
    let path = format!("/self-service/recovery?flow={}", flow["id"].as_str().unwrap());
    let wish = json!({"method": "code", "email": "grace@example.org"});
    let request = ["x-request-id: who-asked-for-a-code", "user-agent: a-client"];
    assert_eq!(call(&server.public, "POST", &path, &request, Some(&wish)).0, 200);
    let (made, line) = next(&server, "code_made");
    assert_eq!((actor(&made), &made["identity_id"]), (["nobody", "", "", ""], &json!(ada)));
    assert!(!line.contains("example.org"), "{line}");
    // The record knows by which request, although that is over.
    let (_, entries) = call(&server.admin, "GET", "/admin/audit?action=code_made", &[&bearer], None);
    let [entry] = &entries.as_array().unwrap()[..] else { panic!("{entries}") };
    assert_eq!((&entry["actor"], &entry["about"]["identity_id"]), (&json!({"kind": "nobody"}), &json!(ada)));
    let asked = json!({"id": "who-asked-for-a-code", "address": "127.0.0.1", "user_agent": "a-client"});
    assert_eq!(entry["request"], asked);
}

#[test]
fn whoever_comes_back_from_a_provider_in_vain_leaves_a_line_with_the_method() {
    let folder = TempDir::new().unwrap();
    let server = quiet(&folder);
    let back = "/self-service/methods/oidc/callback";
    let script = "accept: application/json";
    let no_flow = format!("l{}{}", "0".repeat(32), "A".repeat(32));
    for path in [format!("{back}/p?state=x&code=SECRET"), format!("{back}?state={no_flow}&code=SECRET")] {
        let (status, _) = call(&server.public, "GET", &path, &[script], None);
        assert!((400..500).contains(&status), "{status}");
        let (refused, line) = next(&server, "proof_refused");
        assert_eq!((&refused["method"], actor(&refused)[0]), (&json!("oidc"), "nobody"), "{line}");
        assert!(refused["flow_id"].is_null() && !line.contains("SECRET"), "{line}");
    }
}
