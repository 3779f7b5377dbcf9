//! Messages over HTTP, against the real program: what a service is told, and how it proves who asks.

use std::path::Path;

use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::server::Server;

/// The schemas of people who sign in by codes.
fn schemas(folder: &Path) -> String {
    let address = |via: &str| json!({"type": "string", "ory.sh/kratos": {"credentials": {"code": {"identifier": true, "via": via}}}});
    let traits =
        json!({"type": "object", "properties": {"email": address("email"), "phone": address("sms")}});
    let file = folder.join("person.schema.json");
    std::fs::write(&file, json!({"type": "object", "properties": {"traits": traits}}).to_string()).unwrap();
    json!([{"id": "default", "url": format!("file://{}", file.display())}]).to_string()
}

/// Makes somebody who signs in by a code.
async fn create(server: &Server, traits: Value) {
    let body = json!({"schema_id": "default", "traits": traits});
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = http.post(format!("{}/admin/identities", server.admin())).json(&body).send().await.unwrap();
    assert_eq!(made.status().as_u16(), 201);
}

/// Submits something to a new flow, or to one that was begun. What comes back is the status and the body.
async fn submit(server: &Server, flow: Option<&Value>, body: Value) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/self-service/login", server.public_url());
    let begun: Value = match flow {
        Some(flow) => flow.clone(),
        None => http.get(format!("{url}/api")).send().await.unwrap().json().await.unwrap(),
    };
    let url = format!("{url}?flow={}", begun["id"].as_str().unwrap());
    let answer = http.post(url).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_service_gets_a_mail_with_the_texts_of_the_deployment_and_its_code_signs_in() {
    let receiver = Receiver::start().await;
    let request = json!({
        "url": receiver.url("/mail"),
        "headers": {"X-Team": "id"},
        "auth": {"type": "api_key", "config": {"name": "X-Api-Key", "value": "key-for-tests", "in": "header"}},
    });
    let folder = tempfile::tempdir().unwrap();
    let kind = folder.path().join("login_code/valid");
    std::fs::create_dir_all(&kind).unwrap();
    std::fs::write(
        kind.join("email.body.plaintext.gotmpl"),
        "{{ .Identity.traits.email }}: {{ .LoginCode }}",
    )
    .unwrap();
    let schemas = schemas(folder.path());
    let server = Server::start_with(&[
        ("IDENTITY_SCHEMAS", &schemas),
        ("COURIER_DELIVERY_STRATEGY", "http"),
        ("COURIER_HTTP_REQUEST_CONFIG", &request.to_string()),
        ("COURIER_TEMPLATE_OVERRIDE_PATH", folder.path().to_str().unwrap()),
        // Hello {{ .To }}
        ("COURIER_TEMPLATES_LOGIN_CODE_VALID_EMAIL_SUBJECT", "base64://SGVsbG8ge3sgLlRvIH19"),
        ("SELFSERVICE_METHODS_CODE_PASSWORDLESS_ENABLED", "true"),
    ]);
    create(&server, json!({"email": "ada@example.org"})).await;
    let (_, flow) = submit(&server, None, json!({"method": "code", "identifier": "ada@example.org"})).await;
    let call = receiver.calls().await.remove(0);
    assert_eq!(
        (call.path.as_str(), &call.headers["x-api-key"]),
        ("/mail", &"key-for-tests".parse().unwrap())
    );
    assert_eq!(call.headers["x-team"], "id");
    assert_eq!(call.headers["content-type"], "application/json");
    assert_eq!(call.body["subject"], "Hello ada@example.org");
    let text = call.body["body"].as_str().unwrap();
    let code = text.strip_prefix("ada@example.org: ").unwrap();
    assert_eq!(call.body["login_code"], code);
    let code = json!({"method": "code", "identifier": "ada@example.org", "code": code});
    let (status, signed_in) = submit(&server, Some(&flow), code).await;
    assert_eq!(status, 200, "{signed_in}");
}

#[tokio::test]
async fn a_service_is_told_of_the_headers_that_the_configuration_allows_and_of_no_others() {
    let receiver = Receiver::start().await;
    // function(ctx) ctx
    let request = json!({"url": receiver.url("/mail"), "body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg="});
    let server = Server::start_with(&[
        ("COURIER_DELIVERY_STRATEGY", "http"),
        ("COURIER_HTTP_REQUEST_CONFIG", &request.to_string()),
        ("SELFSERVICE_FLOWS_RECOVERY_ENABLED", "true"),
        ("SELFSERVICE_FLOWS_VERIFICATION_ENABLED", "false"),
        ("CLIENTS_WEB_HOOK_HEADER_ALLOWLIST", "User-Agent,x-shop"),
    ]);
    server.register("ada@example.org").await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/self-service/recovery", server.public_url());
    let flow: Value = http.get(format!("{url}/api")).send().await.unwrap().json().await.unwrap();
    let asked = http
        .post(format!("{url}?flow={}", flow["id"].as_str().unwrap()))
        .header("user-agent", "a-shop/1")
        .header("x-shop", "one")
        .header("x-shop", "two")
        .header("x-secret", "SECRET")
        .json(&json!({"method": "code", "email": "ada@example.org"}));
    assert_eq!(asked.send().await.unwrap().status().as_u16(), 200);
    let call = receiver.calls().await.remove(0);
    assert_eq!(call.body["template_type"], "recovery_code_valid");
    let told = json!({"User-Agent": ["a-shop/1"], "X-Shop": ["one", "two"]});
    assert_eq!(call.body["request_headers"], told);
}

#[tokio::test]
async fn a_channel_takes_codes_to_telephone_numbers_and_the_number_signs_in() {
    let receiver = Receiver::start().await;
    let request = json!({
        "url": receiver.url("/sms"),
        "auth": {"type": "basic_auth", "config": {"user": "u", "password": "p w"}},
        // function(ctx) { To: ctx.recipient, Body: ctx.body }
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "body": "base64://ZnVuY3Rpb24oY3R4KSB7IFRvOiBjdHgucmVjaXBpZW50LCBCb2R5OiBjdHguYm9keSB9",
    });
    let channels = json!([{"id": "sms", "type": "http", "request_config": request}]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(&[
        ("IDENTITY_SCHEMAS", &schemas(folder.path())),
        ("COURIER_CHANNELS", &channels.to_string()),
        ("SELFSERVICE_METHODS_CODE_PASSWORDLESS_ENABLED", "true"),
    ]);
    create(&server, json!({"phone": "+4930901820"})).await;
    let (_, flow) = submit(&server, None, json!({"method": "code", "identifier": "+49 30 901820"})).await;
    let call = receiver.calls().await.remove(0);
    assert_eq!(
        (call.path.as_str(), &call.headers["authorization"]),
        ("/sms", &"Basic dTpwIHc=".parse().unwrap())
    );
    let form: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(&call.bytes).into_owned().collect();
    assert_eq!(form["To"], "+4930901820");
    let code = json!({"method": "code", "identifier": "+4930901820", "code": &form["Body"][..6]});
    let (status, signed_in) = submit(&server, Some(&flow), code).await;
    assert_eq!(status, 200, "{signed_in}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let messages = http.get(format!("{}/admin/courier/messages", server.admin())).send().await.unwrap();
    let messages: Value = messages.json().await.unwrap();
    assert_eq!((&messages[0]["type"], &messages[0]["channel"]), (&json!("sms"), &json!("sms")));
}
