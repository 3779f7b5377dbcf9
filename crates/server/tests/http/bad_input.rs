//! What a server must bear: a table of bad inputs, each with the answer that is right for it, sent over
//! real sockets. After each, nothing is lost or half done.

use serde_json::json;
use sessera_testing::at_once;

use super::server::{Answer, PASSWORD, Running, exchange, send};

const JSON: &str = "content-type: application/json";

/// One bad request.
struct Bad {
    what: &'static str,
    method: &'static str,
    path: &'static str,
    content_type: &'static str,
    body: Vec<u8>,
    status: u16,
}

fn bad(what: &'static str, method: &'static str, path: &'static str, body: impl Into<Vec<u8>>) -> Bad {
    Bad { what, method, path, content_type: JSON, body: body.into(), status: 400 }
}

impl Bad {
    fn of_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    fn answered(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

fn nested() -> Vec<u8> {
    [b"[".repeat(100_000), b"]".repeat(100_000)].concat()
}

fn ten_megabytes() -> Vec<u8> {
    format!("{{\"traits\":{{\"email\":\"{}\"}}}}", "x".repeat(10 * 1024 * 1024)).into_bytes()
}

#[tokio::test]
async fn the_admin_api_bears_bad_bodies() {
    let server = Running::start(json!({})).await;
    let ada = server.person("ada@example.org").await;
    let table = [
        bad("truncated JSON", "POST", "/admin/identities", r#"{"traits":{"email":"x@exa"#),
        bad("no body", "POST", "/admin/identities", ""),
        bad("another type of JSON", "POST", "/admin/identities", "[]"),
        bad("text behind the JSON", "POST", "/admin/identities", r#"{"traits":{"email":"x@example.org"}} x"#),
        bad("invalid UTF-8", "POST", "/admin/identities", b"{\"traits\":{\"email\":\"\xff\xfe\"}}".to_vec()),
        bad("half a surrogate pair", "POST", "/admin/identities", r#"{"traits":{"email":"\ud800"}}"#),
        bad("a hundred thousand nested arrays", "POST", "/admin/identities", nested()),
        bad("10 MB", "POST", "/admin/identities", ten_megabytes()).answered(413),
        bad("a form", "POST", "/admin/identities", "traits.email=x")
            .of_type("content-type: application/x-www-form-urlencoded")
            .answered(403),
        bad("text", "POST", "/admin/identities", "{}").of_type("content-type: text/plain").answered(403),
        bad("no type", "POST", "/admin/identities", "{}").of_type("x: y").answered(403),
        bad(
            "a trait that the schema does not know",
            "POST",
            "/admin/identities",
            r#"{"traits":{"email":"x@example.org","nope":1}}"#,
        ),
        bad("traits that are no object", "POST", "/admin/identities", r#"{"traits":[1]}"#),
        bad(
            "a state that does not exist",
            "POST",
            "/admin/identities",
            r#"{"traits":{"email":"x@example.org"},"state":"gone"}"#,
        ),
        bad(
            "a hash that is none",
            "POST",
            "/admin/identities",
            r#"{"traits":{"email":"x@example.org"},"credentials":{"password":{"config":{"hashed_password":"plain"}}}}"#,
        ),
        bad("10 MB", "PUT", "/admin/keys/s", ten_megabytes()).answered(413),
        bad("truncated JSON", "PUT", "/admin/keys/s", r#"{"keys":["#),
        bad("a hundred thousand nested arrays", "PUT", "/admin/keys/s", nested()),
        bad("duplicate keys", "PUT", "/admin/keys/s", r#"{"keys":[],"keys":[]}"#),
        bad("duplicate keys in a key", "PUT", "/admin/keys/s/k", r#"{"kty":"oct","k":"YQ","k":"Yg"}"#),
        bad("a set named ..", "PUT", "/admin/keys/%2E%2E", r#"{"keys":[]}"#),
        bad("a name that is no UTF-8", "GET", "/admin/keys/%ff", ""),
        bad("a key id that is no UTF-8", "GET", "/admin/keys/s/%ff", ""),
        bad("an algorithm that does not exist", "POST", "/admin/keys/s", r#"{"alg":"none"}"#),
        bad("an algorithm of another type", "POST", "/admin/keys/s", r#"{"alg":5}"#),
        bad("truncated JSON", "PATCH", "/projects/default", r#"[{"op":"#),
        bad("10 MB", "PATCH", "/projects/default", ten_megabytes()).answered(413),
        bad("no list", "PATCH", "/projects/default", "{}"),
        bad("a page token that is none", "GET", "/admin/identities?page_token=x", ""),
        bad("a page size that is none", "GET", "/admin/identities?page_size=x", ""),
        bad("an id that is none", "GET", "/admin/sessions/x", ""),
        bad("a path that does not exist", "GET", "/admin/nope", "").answered(404),
        bad("a method that does not exist there", "DELETE", "/admin/identities", "").answered(405),
        bad("a project that does not exist", "GET", "/projects/other", "").answered(404),
    ];
    for Bad { what, method, path, content_type, body, status } in table {
        let answer = send(server.admin, method, path, &[content_type], &body).await;
        assert_eq!(answer.status, status, "{what} to {method} {path}: {answer:?}");
        answer.assert_error(status);
    }
    let all = server.admin("GET", "/admin/identities", None).await;
    assert_eq!(all.body.as_array().map(Vec::len), Some(1), "nothing came of all that");
    assert_eq!(all.body[0]["id"], ada.as_str());
    assert_eq!(server.admin("GET", "/admin/keys/s", None).await.status, 404);
    assert_eq!(server.admin("GET", "/projects/default/revisions", None).await.body, json!([]));
}

#[tokio::test]
async fn a_method_that_is_not_there_names_those_that_are() {
    let server = Running::start(json!({})).await;
    let answer = server.admin("DELETE", "/admin/identities", None).await;
    answer.assert_error(405);
    for method in ["GET", "POST", "PATCH"] {
        assert!(answer.header("allow").contains(method), "{answer:?}");
    }
}

#[tokio::test]
async fn the_public_api_bears_bad_bodies() {
    let server = Running::start(json!({})).await;
    server.person("ada@example.org").await;
    let flow = server.login_flow().await;
    let good = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let table: [(&str, &str, Vec<u8>, u16); 8] = [
        ("truncated JSON", JSON, good.to_string().as_bytes()[..40].to_vec(), 400),
        ("an empty body", JSON, vec![], 400),
        ("invalid UTF-8", JSON, b"{\"method\":\"\xff\"}".to_vec(), 400),
        ("a hundred thousand nested arrays", JSON, nested(), 400),
        ("10 MB", JSON, ten_megabytes(), 413),
        ("text", "content-type: text/plain", good.to_string().into_bytes(), 400),
        (
            "a password of another type",
            JSON,
            br#"{"method":"password","identifier":"a","password":[1]}"#.to_vec(),
            400,
        ),
        ("a NUL", JSON, br#"{"method":"password","identifier":"a\u0000","password":"b"}"#.to_vec(), 400),
    ];
    for (what, content_type, body, status) in table {
        let answer = send(server.public, "POST", &flow, &[content_type], &body).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert!(answer.header("cache-control").contains("no-store"), "{what}: {answer:?}");
    }
    let signed_in = server.public("POST", &flow, &[], Some(good)).await;
    assert_eq!(signed_in.status, 200, "the flow bore all that: {signed_in:?}");
    for (method, path, status) in [
        ("GET", "/self-service/login/flows?id=x", 404),
        ("GET", "/self-service/login/flows", 400),
        ("GET", "/nope", 404),
        ("DELETE", "/self-service/login/api", 405),
        ("GET", "/sessions/whoami?tokenize_as=a&tokenize_as=b", 401),
        ("GET", "/sessions/whoami?tokenize_as=%ff", 400),
    ] {
        let answer = server.public(method, path, &[], None).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        answer.assert_error(status);
    }
}

#[cfg(feature = "passkeys")]
#[tokio::test]
async fn forms_bear_bad_answers_of_passkeys() {
    let rp = json!({"id": "example.org", "origins": ["https://id.example.org"]});
    let passkey = json!({"enabled": true, "config": {"rp": rp}});
    let server = Running::start(json!({"selfservice": {"methods": {"passkey": passkey}}})).await;
    let begun =
        server.public("GET", "/self-service/login/browser", &["accept: application/json"], None).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let cookie = format!("cookie: {}", begun.header("set-cookie").split(';').next().unwrap());
    let path = format!("/self-service/login?flow={}", begun.body["id"].as_str().unwrap());
    let nodes = begun.body["ui"]["nodes"].as_array().unwrap();
    let token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").unwrap();
    let response = json!({"authenticatorData": "", "clientDataJSON": "", "signature": "", "userHandle": ""});
    let whole = json!({"id": "YQ", "rawId": "YQ", "type": "public-key", "response": response});
    let mut nobody = whole.clone();
    nobody["response"]["userHandle"] = "AAAAAAAAAAAAAAAAAAAAAA".into();
    let mut long = whole.clone();
    long["rawId"] = "YQ".repeat(100_000).into();
    let mut no_base64 = whole.clone();
    no_base64["rawId"] = "=%".into();
    for answer in [
        json!(7),
        json!(true),
        json!(["x"]),
        whole.clone(),
        json!("x"),
        json!("{}"),
        json!("[".repeat(100_000)),
        json!(whole.to_string()),
        json!(whole.to_string()[..40]),
        json!(nobody.to_string()),
        json!(long.to_string()),
        json!(no_base64.to_string()),
    ] {
        let body = json!({
            "method": "passkey",
            "csrf_token": token["attributes"]["value"],
            "passkey_login": answer,
        });
        let headers = [JSON, "accept: application/json", &cookie];
        let refused = send(server.public, "POST", &path, &headers, body.to_string().as_bytes()).await;
        let shown: String = answer.to_string().chars().take(60).collect();
        assert_eq!(refused.status, 400, "{shown}: {refused:?}");
        assert_eq!(refused.body["state"], "choose_method", "{shown}: {refused:?}");
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = Running::start(json!({})).await;
    let huge = format!("x-session-token: {}", "x".repeat(200_000));
    for address in [server.public, server.admin] {
        let refused = |answer: &Answer, status: u16| {
            answer.assert_error(status);
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
        };
        refused(&send(address, "GET", "/health/alive", &[&huge], b"").await, 431);
        let many: Vec<String> = (0..2000).map(|number| format!("x-{number}: y")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        refused(&send(address, "GET", "/health/alive", &many, b"").await, 431);
        let long = format!("/health/alive?{}", "x".repeat(70_000));
        let answer = send(address, "GET", &long, &[], b"").await;
        refused(&answer, answer.status);
        assert!(matches!(answer.status, 414 | 431), "{answer:?}");
        for broken in ["GET\r\n\r\n", "GET / HTTP/1.1\r\nx y\r\n\r\n", "\u{1}\u{2}\r\n\r\n"] {
            refused(&exchange(address, broken.as_bytes()).await, 400);
        }
        // What cannot be read follows a request that was answered.
        let host = format!("host: {address}");
        let second = format!("GET /health/alive HTTP/1.1\r\n{host}\r\n\r\nnonsense\r\n\r\n");
        let first = exchange(address, second.as_bytes()).await;
        assert_eq!((first.status, first.header("x-content-type-options")), (200, "nosniff"), "{first:?}");
        let both = ["content-length: 3", "transfer-encoding: nonsense", JSON];
        let answer = send(address, "POST", "/health/alive", &both, b"abc").await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(send(address, "GET", "/health/alive", &[], b"").await.status, 200);
    }
}

/// Neither by a name that is made to point here, nor across origins, nor with a form.
#[tokio::test]
async fn web_pages_do_not_reach_the_admin_api() {
    let server = Running::start(json!({})).await;
    let body = br#"{"alg":"ES256"}"#;
    for headers in [
        &[JSON, "host: evil.example:4434"][..],
        &[JSON, "host: 127.0.0.1.evil.example"],
        &[JSON, "origin: http://evil.example"],
        &[JSON, "origin: null"],
        &[JSON, "host: [::1].evil.example"],
        &[JSON, "host: localhost:4434@evil.example"],
        &[JSON, "sec-fetch-site: cross-site", "sec-fetch-mode: no-cors"],
        &[JSON, "sec-fetch-site: same-site"],
        &["content-type: text/plain"],
        &["content-type: multipart/form-data; boundary=x"],
        &["x: y"],
    ] {
        let answer = send(server.admin, "POST", "/admin/keys/set", headers, body).await;
        answer.assert_error(403);
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    // The target of a request may name another host than its header, and the header may stand there twice.
    for (target, hosts, status) in [
        ("http://evil.example/admin/keys/set", &["host: localhost"][..], 403),
        ("http://localhost/admin/keys/set", &["host: evil.example"], 403),
        ("http://localhost@evil.example/admin/keys/set", &["host: localhost"], 403),
        ("/admin/keys/set", &["host: localhost", "host: evil.example"], 400),
        ("/admin/keys/set", &["host: evil.example", "host: localhost"], 400),
    ] {
        let headers = [&[JSON], hosts].concat();
        send(server.admin, "POST", target, &headers, body).await.assert_error(status);
    }
    for target in ["/admin/identities", "/health/alive", "/metrics/prometheus"] {
        let page = ["sec-fetch-site: cross-site", "sec-fetch-mode: no-cors"];
        send(server.admin, "GET", target, &page, b"").await.assert_error(403);
    }
    let preflight = ["origin: http://evil.example", "access-control-request-method: PATCH"];
    let answer = send(server.admin, "OPTIONS", "/projects/default", &preflight, b"").await;
    answer.assert_error(403);
    server.admin("GET", "/admin/keys/set", None).await.assert_error(404);
    let local = send(server.admin, "POST", "/admin/keys/set", &[JSON, "host: localhost:4434"], body).await;
    assert_eq!(local.status, 201, "{local:?}");
}

/// Of members that come twice the last one counts, and members that are not known are passed over,
/// except where two readers must not see two things.
#[tokio::test]
async fn unknown_and_duplicate_members_of_bodies_are_borne() {
    let server = Running::start(json!({})).await;
    let body = r#"{"traits":{"email":"first@example.org"},"nope":1,"traits":{"email":"last@example.org"}}"#;
    let answer = send(server.admin, "POST", "/admin/identities", &[JSON], body.as_bytes()).await;
    assert_eq!((answer.status, &answer.body["traits"]["email"]), (201, &json!("last@example.org")));
}

#[tokio::test]
async fn two_submissions_of_one_flow_make_one_session_and_one_identity() {
    let server = Running::start(json!({})).await;
    let id = server.person("ada@example.org").await;
    let flow = server.login_flow().await;
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let submissions = (0..6).map(|_| server.public("POST", &flow, &[], Some(body.clone())));
    let mut statuses: Vec<u16> = at_once(submissions).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| (400..500).contains(status)), "{statuses:?}");
    let sessions = server.admin("GET", &format!("/admin/identities/{id}/sessions"), None).await;
    assert_eq!(sessions.body.as_array().map(Vec::len), Some(1));

    let flow = server.public("GET", "/self-service/registration/api", &[], None).await;
    let flow = format!("/self-service/registration?flow={}", flow.body["id"].as_str().unwrap());
    let body = json!({"method": "password", "traits": {"email": "grace@example.org"}, "password": PASSWORD});
    let submissions = (0..6).map(|_| server.public("POST", &flow, &[], Some(body.clone())));
    let made = at_once(submissions).await.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(made, 1);
    let all = server.admin("GET", "/admin/identities", None).await;
    assert_eq!(all.body.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn one_address_is_taken_once_however_many_ask_at_the_same_time() {
    let server = Running::start(json!({})).await;
    let body = json!({"traits": {"email": "ada@example.org"}, "credentials": {"password": {"config": {"password": PASSWORD}}}});
    let requests = (0..6).map(|_| server.admin("POST", "/admin/identities", Some(body.clone())));
    let mut statuses: Vec<u16> = at_once(requests).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
}
