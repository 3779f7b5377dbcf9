//! Addresses that act when they are opened.

use serde_json::json;

use super::client::{Client, everything, mailed_code};
use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";

/// A server whose messages hold links.
async fn server() -> TestServer {
    let mut configuration = everything();
    let flow = json!({"enabled": true, "use": "link"});
    configuration["selfservice"]["flows"]["recovery"] = flow.clone();
    configuration["selfservice"]["flows"]["verification"] = flow;
    let server = TestServer::configured(configuration).await;
    server.person(ADA).await;
    server
}

/// The path of a link that was sent to Ada.
async fn link(server: &TestServer, kind: &'static str) -> String {
    let mut client = Client::native(server);
    let flow = client.begin(kind, "").await;
    client.submit(&flow, json!({"method": "link", "email": ADA})).await;
    let token = mailed_code(server, ADA).await.expect("was sent");
    format!("{}&token={token}", flow.path())
}

fn is_done(kind: &str, answer: &Answer) -> bool {
    let leads_to = if kind == "recovery" { "/ui/settings" } else { "/ui/verification" };
    answer.status == 303 && answer.header("location").contains(leads_to)
}

const PAGE: (&str, &str) = ("accept", "text/html");

#[tokio::test]
async fn what_acts_on_get_does_nothing_on_head() {
    let server = server().await;
    for kind in ["recovery", "verification"] {
        let path = link(&server, kind).await;
        let mut browser = Client::browser(&server);
        let head = browser.send("HEAD", &path, &[PAGE], b"").await;
        assert_eq!((head.status, browser.cookies.len()), (204, 0), "{head:?}");
        let opened = browser.send("GET", &path, &[PAGE], b"").await;
        assert!(is_done(kind, &opened), "the link is still good: {opened:?}");
    }
    let mut browser = Client::browser(&server);
    assert_eq!(browser.login(ADA, crate::testing::PASSWORD).await.status, 200);
    let out = browser.get("/self-service/logout/browser").await;
    let out = format!("/self-service/logout?token={}", out.body["logout_token"].as_str().unwrap());
    assert_eq!(browser.send("HEAD", &out, &[PAGE], b"").await.status, 204);
    assert_eq!(browser.whoami().await.0, 200);
    let cookies = browser.cookies.clone();
    for path in [
        "/self-service/login/browser",
        "/self-service/registration/browser",
        "/self-service/recovery/browser",
        "/self-service/verification/browser",
        "/self-service/settings/browser",
        "/self-service/login/api",
        "/self-service/methods/oidc/callback/none?state=x&code=y",
        "/sessions/token-exchange?init_code=a&return_to_code=b",
        "/ui/recovery",
        "/ui/logout",
    ] {
        assert_eq!(browser.send("HEAD", path, &[PAGE], b"").await.status, 204, "{path}");
        assert_eq!(browser.cookies, cookies, "{path}");
    }
    for path in ["/sessions/whoami", "/health/alive", "/.well-known/jwks.json"] {
        assert_eq!(browser.send("HEAD", path, &[], b"").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_link_acts_only_when_a_person_sees_it() {
    let server = server().await;
    let navigation = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    // Node's fetch says so, also for browsers whose requests it passes on.
    let passed_on = [("sec-fetch-mode", "cors")];
    for (kind, shown) in [("recovery", &navigation[..]), ("verification", &passed_on)] {
        let path = link(&server, kind).await;
        let mut browser = Client::browser(&server);
        for hidden in [
            &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")][..],
            &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")],
            &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
            &[("sec-fetch-dest", "object")],
            &[navigation[0], navigation[1], ("sec-purpose", "prefetch;prerender")],
            &[("purpose", "prefetch")],
        ] {
            let refused = browser.send("GET", &path, &[&[PAGE], hidden].concat(), b"").await;
            assert_eq!(refused.status, 403, "{hidden:?}: {refused:?}");
            assert!(browser.cookies.is_empty(), "{hidden:?}");
        }
        let seen = browser.send("GET", &path, &[&[PAGE], shown].concat(), b"").await;
        assert!(is_done(kind, &seen), "{seen:?}");
    }
    let back = "/self-service/methods/oidc/callback/none?state=x&code=y";
    let hidden = Client::browser(&server).send("GET", back, &[("sec-fetch-dest", "image")], b"").await;
    assert_eq!(hidden.body["error"]["id"], "security_csrf_violation");
}

#[tokio::test]
async fn a_link_of_another_site_ends_nobody_elses_session() {
    let server = server().await;
    let path = link(&server, "recovery").await;
    let mut victim = Client::browser(&server).signed_in("bob@example.org").await;
    let foreign = [("sec-fetch-site", "cross-site"), ("accept", "application/json")];
    let refused = victim.send("GET", &path, &foreign, b"").await;
    assert_eq!((refused.status, &refused.body["error"]["id"]), (400, &json!("session_already_available")));
    let (status, session) = victim.whoami().await;
    assert_eq!((status, &session["identity"]["traits"]["email"]), (200, &json!("bob@example.org")));
    // Its owner, who came by a page that shows mails, gets in.
    let opened = Client::browser(&server).send("GET", &path, &[foreign[0], PAGE], b"").await;
    assert!(is_done("recovery", &opened), "{opened:?}");
}

#[tokio::test]
async fn bodies_without_room_are_counted_by_whose_room_it_was() {
    let server = server().await;
    let metrics = server.admin_text("/metrics/prometheus").await;
    for room in ["share", "whole"] {
        let expected = format!("sessera_bodies_refused_total{{api=\"public\",room=\"{room}\"}} 0");
        assert!(metrics.contains(&expected), "{expected}");
    }
}
