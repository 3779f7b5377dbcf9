//! Codes and links as their clients see them: what stands in tokens, on pages and in the answers of administrators.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::client::{Client, mailed, mailed_code};
use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";

/// A server whose schema has codes sent to the e-mail address, with what is given below `selfservice`.
async fn server(selfservice: Value) -> TestServer {
    let base64 = |text: String| format!("base64://{}", STANDARD.encode(text));
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "required": ["email"], "properties": {
        "email": {"type": "string", "format": "email", "title": "E-mail", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}},
            "verification": {"via": "email"}, "recovery": {"via": "email"},
        }},
    }}}});
    let mapper = "local session = std.extVar('session');
        { claims: { aal: session.authenticator_assurance_level, amr: [m.method for m in session.authentication_methods] } }";
    let server = TestServer::configured(json!({
        "identity": {"default_schema_id": "default", "schemas": [{"id": "default", "url": base64(schema.to_string())}]},
        "session": {"whoami": {"tokenizer": {"templates": {
            "t": {"jwks_url": "set://k", "ttl": "10m", "claims_mapper_url": base64(mapper.to_owned())},
        }}}},
        "selfservice": selfservice,
    }))
    .await;
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    server.person(ADA).await;
    server
}

/// The level and the methods in the claims of a token of the client's session.
async fn claims(client: &mut Client<'_>) -> (Value, Value) {
    let answer = client.get("/sessions/whoami?tokenize_as=t").await;
    let token = answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}"));
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    (claims["aal"].clone(), claims["amr"].clone())
}

#[tokio::test]
async fn a_code_that_signs_in_stands_in_the_token() {
    let server = server(json!({"methods": {"code": {"passwordless_enabled": true}}})).await;
    for way in [Client::native, Client::browser] {
        let mut client = way(&server);
        let flow = client.begin("login", "").await;
        let sent = client.submit(&flow, json!({"method": "code", "identifier": ADA})).await;
        assert_eq!((sent.status, &sent.body["state"]), (400, &json!("sent_email")), "{sent:?}");
        let code = mailed_code(&server, ADA).await.unwrap();
        let body = json!({"method": "code", "identifier": ADA, "code": code});
        let done = client.submit(&flow, body).await;
        assert_eq!(done.status, 200, "{done:?}");
        client.token = done.body["session_token"].as_str().map(ToOwned::to_owned);
        assert_eq!(claims(&mut client).await, (json!("aal1"), json!(["code"])));
    }
}

#[tokio::test]
async fn a_code_as_the_second_factor_stands_in_the_token() {
    let server = server(json!({"methods": {"code": {"mfa_enabled": true}}})).await;
    for way in [Client::native, Client::browser] {
        let mut client = way(&server);
        let done = client.login(ADA, crate::testing::PASSWORD).await;
        client.token = done.body["session_token"].as_str().map(ToOwned::to_owned);
        let refused = client.whoami().await;
        assert_eq!((refused.0, &refused.1["error"]["id"]), (403, &json!("session_aal2_required")));
        let flow = client.begin("login", "?aal=aal2").await;
        let code = mailed_code(&server, ADA).await.expect("is sent when the flow begins");
        let done = client.submit(&flow, json!({"method": "code", "code": code})).await;
        assert_eq!(done.status, 200, "{done:?}");
        assert_eq!(claims(&mut client).await, (json!("aal2"), json!(["password", "code"])));
    }
}

/// The names of the buttons on a page, in their order.
fn buttons(page: &Answer) -> Vec<String> {
    let of = |tag: &str| {
        let part = |name: &str| Some(tag.split_once(&format!("{name}=\""))?.1.split('"').next()?.to_owned());
        Some(format!("{}={}", part("name")?, part("value")?))
    };
    page.text.split("<button").skip(1).filter_map(|rest| of(rest.split('>').next()?)).collect()
}

#[tokio::test]
async fn pages_lead_through_a_code_without_scripts() {
    let server = server(json!({"methods": {"code": {"passwordless_enabled": true}}})).await;
    let mut browser = Client::browser(&server);
    let flow = browser.begin("login", "").await;
    let path = format!("/ui/login?flow={}", flow.id);
    let page = browser.page(&path).await;
    assert_eq!(buttons(&page), ["method=password", "method=code"], "the Enter key submits a password");
    let sent = browser.submit_form(&flow, &[("method", "code"), ("identifier", ADA)]).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    let page = browser.page(&path).await;
    assert_eq!(buttons(&page), ["method=code", "resend=code"]);
    assert!(page.text.contains(ADA) && page.text.contains("one-time-code"), "{}", page.text);
    assert_eq!(browser.submit_form(&flow, &[("method", "code"), ("code", "1")]).await.status, 303);
    assert_eq!(buttons(&browser.page(&path).await), ["method=code", "resend=code"], "also when it was wrong");
    let code = mailed_code(&server, ADA).await.unwrap();
    let done = browser.submit_form(&flow, &[("method", "code"), ("code", &code)]).await;
    assert_eq!((done.status, browser.whoami().await.0), (303, 200));

    let mut browser = Client::browser(&server);
    let flow = browser.begin("registration", "").await;
    let traits = ("traits.email", "new@example.org");
    browser.submit_form(&flow, &[("method", "profile"), traits]).await;
    let path = format!("/ui/registration?flow={}", flow.id);
    let shown = buttons(&browser.page(&path).await);
    assert_eq!(shown, ["method=code", "method=password", "screen=previous"]);
    browser.submit_form(&flow, &[("method", "code"), traits]).await;
    let shown = buttons(&browser.page(&path).await);
    assert_eq!(shown, ["method=code", "resend=code", "screen=credential-selection"]);
    browser.submit_form(&flow, &[("screen", "credential-selection"), traits]).await;
    // The second mail is the newer one.
    server.clock.advance(std::time::Duration::from_secs(1));
    browser.submit_form(&flow, &[("method", "code"), traits]).await;
    let code = mailed_code(&server, "new@example.org").await.unwrap();
    let done = browser.submit_form(&flow, &[("method", "code"), traits, ("code", &code)]).await;
    assert_eq!((done.status, browser.whoami().await.0), (303, 200), "{done:?}");
}

#[tokio::test]
async fn the_page_asks_for_the_identifier_first() {
    let methods = json!({"code": {"passwordless_enabled": true}});
    let style = json!({"login": {"style": "identifier_first"}});
    let server = server(json!({"methods": methods, "flows": style})).await;
    let mut browser = Client::browser(&server);
    let flow = browser.begin("login", "").await;
    let path = format!("/ui/login?flow={}", flow.id);
    assert_eq!(buttons(&browser.page(&path).await), ["method=identifier_first"]);
    browser.submit_form(&flow, &[("method", "identifier_first"), ("identifier", ADA)]).await;
    let page = browser.page(&path).await;
    assert_eq!(buttons(&page), ["method=password", "method=code"]);
    // Each form carries the identifier along.
    assert_eq!(
        page.text.matches(&format!("name=\"identifier\" value=\"{ADA}\"")).count(),
        2,
        "{}",
        page.text
    );
    browser.submit_form(&flow, &[("method", "code"), ("identifier", ADA)]).await;
    let code = mailed_code(&server, ADA).await.unwrap();
    let done = browser.submit_form(&flow, &[("method", "code"), ("identifier", ADA), ("code", &code)]).await;
    assert_eq!((done.status, browser.whoami().await.0), (303, 200));
}

/// The path and the query of a link to this server.
fn path_of(link: &str) -> String {
    let url = url::Url::parse(link).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

#[tokio::test]
async fn links_are_opened_in_a_browser() {
    let flow = json!({"enabled": true, "use": "link"});
    let server = server(json!({"flows": {"recovery": flow, "verification": flow}})).await;
    for (kind, leads_to) in [("verification", "/ui/verification?flow="), ("recovery", "/ui/settings?flow=")] {
        let mut browser = Client::browser(&server);
        let flow = browser.begin(kind, "").await;
        let sent = browser.submit(&flow, json!({"method": "link", "email": ADA})).await;
        assert_eq!((sent.status, &sent.body["state"]), (200, &json!("sent_email")), "{sent:?}");
        let link = path_of(&mailed(&server, ADA).await.unwrap().url);
        let opened = browser.page(&link).await;
        assert_eq!(opened.status, 303, "{opened:?}");
        assert!(opened.header("location").contains(leads_to), "{opened:?}");
        assert_eq!(browser.page(&path_of(opened.header("location"))).await.status, 200);
        let again = Client::browser(&server).page(&link).await;
        assert!(again.header("location").contains(&format!("/ui/{kind}?flow=")), "{again:?}");
        assert!(!again.header("location").contains(&flow.id), "another flow has begun");
    }
}

#[tokio::test]
async fn administrators_give_out_links() {
    let server = server(json!({})).await;
    let ask = async |body: Value| server.admin("POST", "/admin/recovery/link", Some(body)).await;
    let id = server.admin("GET", "/admin/identities", None).await.body[0]["id"].clone();
    for body in [
        json!({}),
        json!({"identity_id": "6f1c6c2e-0000-4000-8000-000000000000"}),
        json!({"identity_id": id, "expires_in": "soon"}),
        json!({"identity_id": id, "expires_in": "721h"}),
    ] {
        assert_eq!(ask(body.clone()).await.status, 400, "{body}");
    }
    let given = ask(json!({"identity_id": id, "expires_in": "1h"})).await;
    assert_eq!(given.status, 200, "{given:?}");
    let link = path_of(given.body["recovery_link"].as_str().unwrap());
    let mut browser = Client::browser(&server);
    assert_eq!(browser.page(&link).await.status, 303);
    let (status, session) = browser.whoami().await;
    assert_eq!((status, &session["authentication_methods"][0]["method"]), (200, &json!("link_recovery")));
    assert_eq!(session["identity"]["verifiable_addresses"][0]["verified"], false, "no mail was read");
}

#[tokio::test]
async fn links_that_are_off_are_not_given_out() {
    let server = server(json!({"methods": {"link": {"enabled": false}}})).await;
    let id = server.admin("GET", "/admin/identities", None).await.body[0]["id"].clone();
    let refused = server.admin("POST", "/admin/recovery/link", Some(json!({"identity_id": id}))).await;
    assert_eq!(refused.status, 404, "{refused:?}");
}
