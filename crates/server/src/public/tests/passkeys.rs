//! Where passkeys are on, forms ask for them and pages have a script. What becomes of a passkey is tested with
//! the method.

use serde_json::{Value, json};

use super::client::{Begun, Client, everything};
use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";

/// The method as it is configured.
pub(super) fn configuration() -> Value {
    let rp = json!({"id": "example.org", "display_name": "Example", "origins": ["https://id.example.org"]});
    json!({"enabled": true, "config": {"rp": rp}})
}

async fn server() -> TestServer {
    let mut tree = everything();
    tree["selfservice"]["methods"]["passkey"] = configuration();
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
        client.cookies.remove("ory_kratos_session");
        let login = begin(&mut client, "login").await;
        let nodes = [node(&login.1, "passkey_login"), node(&settings.1, "passkey_create_data")];
        assert!(nodes.iter().all(|node| node.is_null() != is_on), "{nodes:?}");
        let page = client.page(&format!("/ui/login?flow={}", login.0.id)).await;
        assert_eq!(page.text.contains("<script src="), is_on, "{}", page.text);
        assert_eq!(page.header("content-security-policy").contains("script-src 'self'"), is_on);
        let page = client.page("/ui/logout").await;
        assert!(!page.text.contains("<script"), "{}", page.text);
        let answer = client.submit(&login.0, json!({"method": "passkey", "passkey_login": "{}"})).await;
        let expected = if is_on { 4_000_015 } else { 4_010_002 };
        assert_eq!((answer.status, &answer.body["ui"]["messages"][0]["id"]), (400, &json!(expected)));
    }
}
