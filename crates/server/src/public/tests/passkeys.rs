//! Where passkeys and security keys are on, forms ask for them and pages have a script. What becomes of a key is tested
//! with its method.

use serde_json::{Value, json};

use super::client::{Begun, Client, everything};
use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";

/// Either method as it is configured.
pub(super) fn configuration() -> Value {
    let rp = json!({"id": "example.org", "display_name": "Example", "origins": ["https://id.example.org"]});
    json!({"enabled": true, "config": {"rp": rp}})
}

async fn server() -> TestServer {
    let mut tree = everything();
    tree["selfservice"]["methods"]["passkey"] = configuration();
    tree["selfservice"]["methods"]["webauthn"] = configuration();
    TestServer::configured(tree).await
}

fn node<'a>(answer: &'a Answer, name: &str) -> &'a Value {
    let nodes = answer.body["ui"]["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["attributes"]["name"] == name).unwrap_or(&Value::Null)
}

async fn begin(client: &mut Client<'_>, kind: &'static str) -> (Begun, Answer) {
    let answer = client.get(&format!("/self-service/{kind}/browser")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (Client::begun(kind, &answer), answer)
}

#[tokio::test]
async fn pages_have_a_script_only_where_passkeys_are_on() {
    const SCRIPT: &str = "/.well-known/ory/webauthn.js";
    let off = TestServer::configured(everything()).await;
    for (server, is_on) in [(server().await, true), (off, false)] {
        let mut client = Client::browser(&server).signed_in(ADA).await;
        let script = client.get(SCRIPT).await;
        assert_eq!(script.status, if is_on { 200 } else { 404 });
        let settings = begin(&mut client, "settings").await;
        let page = client.page(&format!("/ui/settings?flow={}", settings.0.id)).await;
        for text in [
            "webauthn_register_displayname",
            "data-passkey=\"oryWebAuthnRegistration\"",
            "<h2 id=\"section-security-keys\">",
        ] {
            assert_eq!(page.text.contains(text), is_on, "{text}: {}", page.text);
        }
        client.cookies.remove("ory_kratos_session");
        let login = begin(&mut client, "login").await;
        let nodes = ["passkey_create_data", "webauthn_register"].map(|name| node(&settings.1, name));
        let nodes = [node(&login.1, "passkey_login"), nodes[0], nodes[1]];
        assert!(nodes.iter().all(|node| node.is_null() != is_on), "{nodes:?}");
        let page = client.page(&format!("/ui/login?flow={}", login.0.id)).await;
        assert_eq!(page.text.contains("<script src="), is_on, "{}", page.text);
        assert_eq!(page.header("content-security-policy").contains("script-src 'self'"), is_on);
        assert_eq!(page.text.contains("autocomplete=\"username webauthn\""), is_on, "{}", page.text);
        assert_eq!(page.text.contains("data-passkey=\"oryPasskeyLoginAutocompleteInit\""), is_on);
        let page = client.page("/ui/logout").await;
        assert!(!page.text.contains("<script"), "{}", page.text);
        let answer = client.submit(&login.0, json!({"method": "passkey", "passkey_login": "{}"})).await;
        let told = &answer.body["ui"]["messages"][0]["id"];
        let expected = if is_on { (400, &json!(4_000_001)) } else { (404, &Value::Null) };
        assert_eq!((answer.status, told), expected);
    }
}

#[tokio::test]
async fn whoever_chooses_a_passkey_without_one_is_led_to_the_form() {
    let server = server().await;
    for mut client in [Client::browser(&server), Client::native(&server)] {
        let flow = client.begin("login", "").await;
        let answer = client.submit(&flow, json!({"method": "passkey"})).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["id"]),
            (422, &json!("browser_location_change_required"))
        );
        let to = answer.body["redirect_browser_to"].as_str().unwrap();
        assert!(to.ends_with(&format!("/ui/login?flow={}", flow.id)), "{to}");
    }
}

#[tokio::test]
async fn the_page_for_signing_up_offers_a_passkey() {
    let server = server().await;
    let mut client = Client::browser(&server);
    let (flow, _) = begin(&mut client, "registration").await;
    client.submit(&flow, json!({"method": "profile", "traits": {"email": ADA}})).await;
    let page = client.page(&format!("/ui/registration?flow={}", flow.id)).await;
    for text in [
        "data-passkey=\"oryPasskeyRegistration\"",
        "passkey_create_data",
        "Choose how to sign in",
        "<script src=",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}
