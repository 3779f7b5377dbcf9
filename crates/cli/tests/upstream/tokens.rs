//! Tokens of sessions that an upstream keeps.

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

use super::stub::{answer, identity_id, session, session_id};
use super::*;

const PAGE: &str = "https://app.example-two.test/in";
const ORIGIN: &str = "https://app.example-two.test";
const SECRET: &str = "a-secret-of-the-page-that-nobody-else-knows-0";

/// The SHA-256 of it in base64url.
const CHALLENGE: &str = "9spKQKpL5j8pXkCtpoL0yFPc3DpEkw8Pp-s-47n2m6g";

/// The address in tokens that are taken as bearer.
const BASE_URL: &str = "http://127.0.0.1:4533/";

/// A server with a template before a stub with two people.
async fn server(more: Value) -> (Server, Stub) {
    let (server, stub) = with(more).await;
    stub.knows(CREDENTIAL, session(1));
    stub.knows("cookie: ory_kratos_session=c", session(2));
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let added = add(&server, "t", json!({"jwks_url": "set://k", "ttl": "10m"})).await;
    assert_eq!(added.status, 200, "{added:?}");
    (server, stub)
}

async fn add(server: &Server, name: &str, template: Value) -> Answer {
    let path = format!("/services/identity/config/session/whoami/tokenizer/templates/{name}");
    server
        .admin("PATCH", "/projects/default", Some(json!([{"op": "add", "path": path, "value": template}])))
        .await
}

async fn token(server: &Server, template: &str) -> String {
    let path = format!("/sessions/whoami?tokenize_as={template}");
    let answer = server.public("GET", &path, &[HEADER], None).await;
    answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

async fn claims(server: &Server, token: &str) -> Value {
    let keys = server.public("GET", "/.well-known/jwks.json", &[], None).await.text;
    let keys = sessera_jose::JwkSet::parse(keys.as_bytes()).unwrap().public();
    sessera_jose::verify::verify(token, &keys).unwrap().claims().unwrap().into()
}

#[tokio::test]
async fn a_token_is_spliced_into_what_the_upstream_told() {
    let (server, stub) = server(json!({})).await;
    for questions in [1, 0] {
        let answer = server.public("GET", "/sessions/whoami?tokenize_as=t", &[HEADER], None).await;
        assert_eq!((answer.status, stub.asked().len()), (200, questions));
        let token = answer.body["tokenized"].as_str().unwrap();
        let told = session(1).to_string();
        let (start, end) = told.split_at(told.len() - 1);
        assert_eq!(answer.text, format!("{start},\"tokenized\":\"{token}\"{end}\n"));
        let claims = claims(&server, token).await;
        assert_eq!((&claims["sub"], &claims["sid"]), (&json!(identity_id(1)), &json!(session_id(1))));
    }
    let unknown = server.public("GET", "/sessions/whoami?tokenize_as=nope", &[HEADER], None).await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn a_session_token_is_exchanged_and_refusals_keep_their_meaning() {
    const FORM: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:access_token&template=t";
    let (server, stub) = server(json!({})).await;
    let good = server.public_form("/oauth2/token", &format!("{FORM}&subject_token={TOKEN}")).await;
    assert_eq!(good.status, 200, "{good:?}");
    assert_eq!(
        claims(&server, good.body["access_token"].as_str().unwrap()).await["sub"],
        json!(identity_id(1))
    );
    let exchange = async |answered: Option<Response<Body>>| {
        if let Some(answered) = answered {
            stub.next(answered);
        }
        server.public_form("/oauth2/token", &format!("{FORM}&subject_token=ory_st_bob")).await
    };
    let unknown = exchange(None).await;
    assert_eq!((unknown.status, &unknown.body["error"]), (400, &json!("invalid_request")));
    let aal2 = exchange(Some(answer(403, &[], r#"{"error":{"id":"session_aal2_required"}}"#))).await;
    assert_eq!((aal2.status, &aal2.body["error"]), (400, &json!("invalid_grant")));
    let away = exchange(Some(answer(500, &[], ""))).await;
    assert_eq!((away.status, &away.body["error"]), (503, &json!("temporarily_unavailable")));
    let limited = exchange(Some(answer(429, &[("retry-after", "7")], "{}"))).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
}

fn begin() -> String {
    let page = PAGE.replace(':', "%3A").replace('/', "%2F");
    format!(
        "/self-service/exchange/browser?return_to={page}&tokenize_as=t&code_challenge={CHALLENGE}&code_challenge_method=S256"
    )
}

#[tokio::test]
async fn a_page_on_another_site_gets_a_token_by_a_code_also_when_nothing_is_kept() {
    for ttl in ["30s", "0s"] {
        let (server, stub) = server(json!({"ttl": ttl})).await;
        let cookie = [("cookie", "ory_kratos_session=c")];
        let to = |answer: &Answer| answer.header("location").to_owned();
        let begun = server.public("GET", &begin(), &cookie, None).await;
        assert_eq!(begun.status, 303, "{begun:?}");
        let (_, code) =
            to(&begun).split_once("code=").map(|(page, code)| (page.to_owned(), code.to_owned())).unwrap();
        let body = json!({"code": code, "code_verifier": SECRET});
        let exchanged =
            server.public("POST", "/self-service/exchange", &[("origin", ORIGIN)], Some(body)).await;
        assert_eq!(exchanged.status, 200, "{exchanged:?}");
        let claims = claims(&server, exchanged.body["tokenized"].as_str().unwrap()).await;
        assert_eq!(claims["sub"], json!(identity_id(2)));
        let signed_out = server.public("GET", &begin(), &[], None).await;
        assert!(to(&signed_out).contains("/self-service/login/browser?return_to="), "{signed_out:?}");
        let aal2 = json!({"error": {"code": 403}, "redirect_browser_to": "https://k.example/aal2?x=1"});
        stub.next(answer(403, &[], &aal2.to_string()));
        let step_up = server.public("GET", &begin(), &[("cookie", "ory_kratos_session=d")], None).await;
        assert!(to(&step_up).starts_with("https://k.example/aal2?x=1&return_to="), "{step_up:?}");
        for answer in [begun, signed_out, step_up] {
            assert_eq!(answer.headers.get("set-cookie"), None, "browsers are the upstream's to recognise");
        }
    }
}

#[tokio::test]
async fn a_browser_gets_along_without_pages_of_this_server() {
    let page = [("accept", "text/html")];
    let (server, stub) = server(json!({"forward": false})).await;
    let signed_out = server.public("GET", &begin(), &page, None).await;
    let login = format!("{}/self-service/login/browser?return_to=", stub.url);
    assert!(signed_out.header("location").starts_with(&login), "{signed_out:?}");
    let wrong = server.public("GET", &begin().replace("tokenize_as=t", "tokenize_as=no"), &page, None).await;
    assert_eq!(wrong.status, 400, "the upstream's page would know nothing of it: {wrong:?}");
    assert!(wrong.reason().contains("tokenize_as"), "{wrong:?}");
}

#[tokio::test]
async fn signed_tokens_are_introspected_and_revoked_through_the_admin_api() {
    let (server, stub) = server(json!({"admin_token": "an API key"})).await;
    let token = token(&server, "t").await;
    stub.asked();
    let introspect = async || server.admin_form("/oauth2/introspect", &format!("token={token}")).await.body;
    let active = introspect().await;
    assert_eq!((&active["active"], &active["sid"]), (&json!(true), &json!(session_id(1))), "{active}");
    assert_eq!(stub.asked().len(), 0, "the session is in memory");
    let body = json!({"session_id": session_id(1)});
    assert_eq!(server.admin("POST", "/admin/upstream/forget", Some(body)).await.status, 204);
    assert_eq!(introspect().await["active"], true);
    let asked = stub.asked();
    assert_eq!(asked[0].uri.path(), format!("/admin/sessions/{}", session_id(1)));
    assert_eq!(asked[0].header("authorization"), Some("Bearer an API key"));
    assert_eq!(server.admin_form("/oauth2/revoke", &format!("token={token}")).await.status, 200);
    let asked = stub.asked();
    assert_eq!((asked.len(), asked[0].method.as_str()), (1, "DELETE"), "{asked:?}");
    stub.ends(CREDENTIAL);
    assert_eq!(introspect().await, json!({"active": false}), "it is no longer in memory");
    assert_eq!(whoami(&server, &[HEADER]).await.status, 401);
}

#[tokio::test]
async fn a_signed_token_is_taken_as_bearer_and_shows_nothing_that_is_for_operators() {
    let (server, stub) = server(json!({})).await;
    let bearer = json!({"jwks_url": "set://k", "bearer": true, "audience": BASE_URL});
    let added = add(&server, "b", bearer).await;
    assert_eq!(added.status, 200, "{added:?}");
    let token = token(&server, "b").await;
    let mut told = session(1);
    told["identity"]["metadata_admin"] = json!({"secret": 1});
    stub.knows(CREDENTIAL, told);
    let authorization = format!("Bearer {token}");
    let answer = whoami(&server, &[("authorization", &authorization)]).await;
    assert_eq!((answer.status, answer.body), (200, session(1)));
    stub.ends(CREDENTIAL);
    let body = json!({"identity_id": identity_id(1)});
    assert_eq!(server.admin("POST", "/admin/upstream/forget", Some(body)).await.status, 204);
    assert_eq!(whoami(&server, &[("authorization", &authorization)]).await.status, 401);
}

#[tokio::test]
async fn what_takes_the_admin_api_says_so_where_it_is_not_known() {
    let stub = Stub::start().await;
    stub.knows(CREDENTIAL, session(1));
    let server = Server::configured(
        json!({"session": {"upstream": {"url": stub.url}}, "serve": {"public": {"base_url": BASE_URL}}}),
    );
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    assert_eq!(add(&server, "t", json!({"jwks_url": "set://k"})).await.status, 200);
    let bearer = json!({"jwks_url": "set://k", "bearer": true, "audience": BASE_URL});
    let refused = add(&server, "b", bearer).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("session.upstream.admin_url"), "{refused:?}");
    let listed = add(&server, "l", json!({"jwks_url": "set://k", "status_list": true})).await;
    assert_eq!(listed.status, 400);
    assert!(listed.text.contains("templates/l/status_list"), "{listed:?}");
    assert!(listed.text.contains("session.upstream.admin_url"), "{listed:?}");
    let token = token(&server, "t").await;
    let form = format!("token={token}");
    let active = server.admin_form("/oauth2/introspect", &form).await;
    assert_eq!(active.body["active"], true, "the session is in memory");
    let body = json!({"session_id": session_id(1)});
    assert_eq!(server.admin("POST", "/admin/upstream/forget", Some(body)).await.status, 204);
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        let answer = server.admin_form(path, &form).await;
        assert_eq!((answer.status, &answer.body["error"]), (500, &json!("server_error")), "{answer:?}");
        assert!(answer.body["error_description"].as_str().unwrap().contains("session.upstream.admin_url"));
    }
}

#[tokio::test]
async fn status_lists_tell_that_a_session_is_over_at_the_upstream() {
    let stub = Stub::start().await;
    stub.knows(CREDENTIAL, session(1));
    let server = Server::configured(json!({"session": {
        "upstream": {"url": stub.url, "admin_url": stub.url},
        "whoami": {"tokenizer": {"status_list": {"max_age": "10s"}}},
    }}));
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let added = add(&server, "t", json!({"jwks_url": "set://k", "status_list": true, "ttl": "10m"})).await;
    assert_eq!(added.status, 200, "{added:?}");
    let token = token(&server, "t").await;
    let claims = claims(&server, &token).await;
    let place = claims["status"]["status_list"]["idx"].as_u64().unwrap();
    let path = claims["status"]["status_list"]["uri"].as_str().unwrap().split_once("/.well-known").unwrap().1;
    let is_refused = async || {
        let list = server.public("GET", &format!("/.well-known{path}"), &[], None).await;
        assert_eq!(list.status, 200, "{list:?}");
        let claims = self::claims(&server, &list.text).await;
        let Value::Object(claims) = claims else { unreachable!() };
        sessera_jose::status_list::status(&claims, place).unwrap() != sessera_jose::status_list::VALID
    };
    assert!(!is_refused().await);
    stub.ends(CREDENTIAL);
    until(is_refused).await;
    assert_eq!(whoami(&server, &[HEADER]).await.status, 401, "what the recheck finds is no longer in memory");
}

#[tokio::test]
async fn only_a_kratos_can_say_that_a_session_is_gone() {
    let (server, stub) = server(json!({})).await;
    let token = token(&server, "t").await;
    let body = json!({"session_id": session_id(1)});
    assert_eq!(server.admin("POST", "/admin/upstream/forget", Some(body)).await.status, 204);
    let form = format!("token={token}");
    for body in ["<html>404 Not Found</html>", "", r#"{"message":"no Route matched"}"#, r#"{"error":"x"}"#] {
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            stub.next(answer(404, &[], body));
            let told = server.admin_form(path, &form).await;
            assert_eq!(
                (told.status, &told.body["error"]),
                (503, &json!("temporarily_unavailable")),
                "{body}"
            );
            assert!(told.text.contains("404"), "{told:?}");
        }
    }
    stub.next(answer(404, &[], r#"{"error":{"code":404,"status":"Not Found"}}"#));
    assert_eq!(server.admin_form("/oauth2/introspect", &form).await.body, json!({"active": false}));
}

#[tokio::test]
async fn a_token_that_an_upstream_adds_makes_room_for_ours() {
    let (server, stub) = server(json!({})).await;
    let mut told = session(1);
    told["tokenized"] = json!("theirs");
    stub.knows(CREDENTIAL, told);
    let answer = server.public("GET", "/sessions/whoami?tokenize_as=t", &[HEADER], None).await;
    assert_eq!(answer.text.matches("\"tokenized\"").count(), 1, "{answer:?}");
}
