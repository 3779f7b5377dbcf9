//! Every route of the admin API asked with every role.

use serde_json::{Value, json};
use sessera_model::Role;

use crate::testing::{Answer, TestServer};

/// Makes a token with a role and returns the value of its header.
async fn header(server: &TestServer, name: &str, role: Role, expires_in: Option<&str>) -> String {
    let body = json!({"name": name, "role": role, "expires_in": expires_in});
    let made = server.admin("POST", "/admin/tokens", Some(body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    format!("Bearer {}", made.body["token"].as_str().unwrap())
}

async fn ask(server: &TestServer, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    server.admin_with(method, path, &[("authorization", token)], body).await
}

#[tokio::test]
async fn every_route_is_open_to_its_role_and_those_above_and_to_nobody_else() {
    let server = TestServer::start().await;
    let document = server.admin("GET", "/openapi.json", None).await.body;
    let mut asked = [0; 3];
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, route) in methods.as_object().unwrap() {
            let declared = route["security"][0]["adminToken"][0].as_str();
            let needed: Role =
                declared.unwrap_or_else(|| panic!("{method} {path} declares no role")).parse().unwrap();
            let path = crate::openapi::tests::example(path);
            let method = method.to_uppercase();
            for (place, role) in Role::ALL.into_iter().enumerate() {
                // Whoever deletes tokens deletes this one too.
                let token = header(&server, "asks", role, None).await;
                let answer = ask(&server, &token, &method, &path, None).await;
                let is_refused = answer.status == 403 && answer.reason().contains("needs the role");
                assert_eq!(is_refused, role < needed, "{method} {path} {role}: {answer:?}");
                asked[place] += usize::from(!is_refused);
                assert_eq!(server.admin("DELETE", "/admin/tokens/asks", None).await.status, 204);
            }
        }
    }
    assert!(asked[0] > 10 && asked[0] < asked[1] && asked[1] < asked[2], "{asked:?}");
}

#[tokio::test]
async fn a_token_is_good_until_it_ends_or_is_deleted() {
    let server = TestServer::start().await;
    let short = header(&server, "short", Role::Viewer, Some("1d")).await;
    let long = header(&server, "long", Role::Owner, None).await;
    let status = async |token: &str| ask(&server, token, "GET", "/admin/tokens", None).await.status;
    assert_eq!((status(&short).await, status(&long).await), (200, 200));
    let listed = ask(&server, &short, "GET", "/admin/tokens", None).await;
    assert_eq!(listed.body[0]["name"], "long");
    assert_eq!(listed.body[1]["expires_at"], "2027-01-16T08:00:00Z");
    assert!(!listed.text.contains(short.strip_prefix("Bearer ").unwrap()), "{listed:?}");
    server.clock.advance(std::time::Duration::from_hours(24));
    assert_eq!((status(&short).await, status(&long).await), (401, 200));
    assert_eq!(ask(&server, &long, "DELETE", "/admin/tokens/long", None).await.status, 204);
    assert_eq!(status(&long).await, 401);
    assert_eq!(status("Bearer sessera_admin_").await, 401);
    for (body, status) in [
        (json!({"name": "a b", "role": "owner"}), 400),
        (json!({"name": "a", "role": "king"}), 400),
        (json!({"name": "a", "role": "owner", "expires_in": "soon"}), 400),
        (json!({"name": "a", "role": "owner", "expires_in": "0s"}), 400),
        (json!({"name": "short", "role": "owner"}), 409),
    ] {
        let refused = server.admin("POST", "/admin/tokens", Some(body.clone())).await;
        assert_eq!(refused.status, status, "{body}");
    }
    assert_eq!(server.admin("DELETE", "/admin/tokens/none", None).await.status, 404);
}

#[tokio::test]
async fn secrets_are_shown_to_those_alone_who_may_change_them() {
    let secret = "a-password-of-the-mail-server";
    let server = TestServer::configured(json!({
        "courier": {"smtp": {"connection_uri": format!("smtp://me:{secret}@mail.example")}},
        "serve": {"admin": {"token": ["the-token-of-the-configuration"]}},
    }))
    .await;
    let configured = "Bearer the-token-of-the-configuration";
    let mut seen = Vec::new();
    let mut tokens = vec![(configured.to_owned(), Role::Owner)];
    for role in Role::ALL {
        let body = json!({"name": role, "role": role});
        let made = ask(&server, configured, "POST", "/admin/tokens", Some(body)).await;
        tokens.push((format!("Bearer {}", made.body["token"].as_str().unwrap()), role));
    }
    for (number, (token, role)) in tokens.iter().enumerate() {
        let project = ask(&server, token, "GET", "/projects/default", None).await;
        assert_eq!(project.status, 200);
        assert_eq!(project.text.contains(secret), *role == Role::Owner, "{role}");
        let path = "/admin/identities?include_credential=password";
        seen.push((*role, ask(&server, token, "GET", path, None).await.status));
        let patch = json!([{"op": "add", "path": "/services/identity/config/session/lifespan", "value": format!("{}h", number + 1)}]);
        let patched = ask(&server, token, "PATCH", "/projects/default", Some(patch)).await;
        assert_eq!(patched.status, if *role == Role::Owner { 200 } else { 403 }, "{role} {patched:?}");
    }
    let owner = (Role::Owner, 200);
    assert_eq!(seen, [owner, (Role::Viewer, 403), (Role::Operator, 200), owner]);
    let unknown = ask(&server, "Bearer of-nobody", "GET", "/admin/tokens", None).await;
    assert_eq!(unknown.status, 401);
}
