//! The rules that hold for all flows: where browsers are sent, whose flow it is, which cookies are set,
//! what replaces them.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, everything, mailed, mailed_code};
use crate::testing::{PASSWORD, TestServer};

const ADA: &str = "ada@example.org";
const COOKIE: &str = "ory_kratos_session";

async fn server() -> TestServer {
    TestServer::configured(everything()).await
}

/// The name and the value of the cookie for forms.
fn form_cookie(client: &Client<'_>) -> (String, String) {
    let (name, value) = client.cookies.iter().find(|(name, _)| name.starts_with("csrf_token_")).unwrap();
    (name.clone(), value.clone())
}

#[tokio::test]
async fn a_browser_is_sent_to_allowed_addresses_only() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    for bad in [
        "https://app.example.org.evil.example/",
        "https://app.example.org@evil.example/",
        "//evil.example",
        "/\\evil.example",
        "http://app.example.org/",
        "javascript:alert(1)",
    ] {
        let query: String = url::form_urlencoded::byte_serialize(bad.as_bytes()).collect();
        for kind in ["login", "registration", "recovery", "verification"] {
            let path = format!("/self-service/{kind}/browser?return_to={query}");
            assert_eq!(Client::browser(&server).get(&path).await.status, 400, "{path}");
        }
        for path in ["settings/browser", "logout/browser", "logout"] {
            let path = format!("/self-service/{path}?return_to={query}");
            assert_eq!(ada.get(&path).await.status, 400, "{path}");
        }
    }
    assert_eq!(ada.whoami().await.0, 200, "nobody was signed out");
}

#[tokio::test]
async fn a_form_leads_to_where_it_was_asked_to() {
    let server = server().await;
    server.person(ADA).await;
    let mut page = Client::browser(&server);
    let flow = page.begin("login", "?return_to=https://app.example.org/in?a=b").await;
    let fields = [("method", "password"), ("identifier", ADA), ("password", PASSWORD)];
    let answer = page.submit_form(&flow, &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, "https://app.example.org/in?a=b"));
}

#[tokio::test]
async fn a_flow_belongs_to_the_browser_that_began_it() {
    let server = server().await;
    server.person(ADA).await;
    for kind in ["login", "registration", "recovery", "verification"] {
        let flow = Client::browser(&server).begin(kind, "").await;
        let mut other = Client::browser(&server);
        other.begin(kind, "").await;
        let read = format!("/self-service/{kind}/flows?id={}", flow.id);
        for answer in [other.get(&read).await, other.submit(&flow, json!({"method": "password"})).await] {
            assert_eq!(answer.status, 403, "{kind}: {answer:?}");
            assert_eq!(answer.body["error"]["id"], "security_csrf_violation");
        }
    }
}

#[tokio::test]
async fn native_flows_take_nothing_from_browsers() {
    let server = server().await;
    server.person(ADA).await;
    let mut native = Client::native(&server);
    for kind in ["login", "registration", "recovery", "verification"] {
        let flow = native.begin(kind, "").await;
        for header in [("cookie", "a=b"), ("origin", "https://app.example.org")] {
            let headers = [("content-type", "application/json"), header];
            let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD}).to_string();
            let answer = native.send("POST", &flow.path(), &headers, body.as_bytes()).await;
            assert_eq!(answer.status, 400, "{kind} {header:?}");
            assert_eq!(answer.body["ui"]["messages"][0]["id"], 4_000_001, "{kind} {header:?}");
        }
    }
}

#[tokio::test]
async fn cookies_are_made_as_configured() {
    let mut configuration = everything();
    configuration["serve"] = json!({"public": {"base_url": "https://id.example.org/"}});
    configuration["session"] = json!({"lifespan": "1h", "cookie": {
        "name": "sid", "domain": "example.org", "path": "/in", "same_site": "Strict", "persistent": false,
    }});
    let server = TestServer::configured(configuration).await;
    server.person(ADA).await;
    let mut browser = Client::browser(&server);
    let answer = browser.login(ADA, PASSWORD).await;
    let lines: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let session = lines.iter().find(|line| line.starts_with("sid=")).unwrap();
    let attributes = session.split_once("; ").unwrap().1;
    assert_eq!(attributes, "Path=/in; Domain=example.org; HttpOnly; Secure; SameSite=Strict");
    // The cookie of forms needs no other host, so no other one can set it.
    let form = lines.iter().find(|line| line.starts_with("__Host-csrf_token_")).unwrap();
    let attributes = form.split_once("; ").unwrap().1;
    assert_eq!(attributes, "Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax");

    let mut configuration = everything();
    configuration["serve"] = json!({"public": {"base_url": "https://id.example.org/"}});
    configuration["cookies"] = json!({"domain": "example.org", "path": "/in", "same_site": "Strict"});
    let server = TestServer::configured(configuration).await;
    server.person(ADA).await;
    let answer = Client::browser(&server).login(ADA, PASSWORD).await;
    for (name, age) in [(COOKIE, 86_400), ("csrf_token_", 31_536_000)] {
        let mut lines = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        let attributes = lines.find(|line| line.starts_with(name)).unwrap().split_once("; ").unwrap().1;
        let expected =
            format!("Path=/in; Domain=example.org; Max-Age={age}; HttpOnly; Secure; SameSite=Strict");
        assert_eq!(attributes, expected, "{name}");
    }

    let server = TestServer::configured(everything()).await;
    server.person(ADA).await;
    let answer = Client::browser(&server).login(ADA, PASSWORD).await;
    let lines: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let session = lines.iter().find(|line| line.starts_with(COOKIE)).unwrap();
    assert_eq!(session.split_once("; ").unwrap().1, "Path=/; Max-Age=86400; HttpOnly; SameSite=Lax");
}

#[tokio::test]
async fn a_sign_in_replaces_what_somebody_may_have_planted() {
    let server = server().await;
    server.person("eve@example.org").await;
    let mut eve = Client::browser(&server);
    eve.login("eve@example.org", PASSWORD).await;
    let planted = eve.cookies.clone();
    server.person(ADA).await;
    let mut ada = Client::browser(&server);
    ada.cookies.insert(form_cookie(&eve).0, form_cookie(&eve).1);
    assert_eq!(ada.login(ADA, PASSWORD).await.status, 200);
    assert_ne!(ada.cookies[COOKIE], planted[COOKIE]);
    assert_ne!(form_cookie(&ada), form_cookie(&eve), "the cookie for forms is a new one, too");
}

#[tokio::test]
async fn a_refresh_keeps_the_session_and_replaces_its_secret() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let (before, old) = (ada.whoami().await.1, ada.cookies.clone());
    server.clock.advance(Duration::from_secs(60));
    let flow = ada.begin("login", "?refresh=true").await;
    let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
    assert_eq!(ada.submit(&flow, body.clone()).await.status, 200);
    let after = ada.whoami().await.1;
    assert_eq!(after["id"], before["id"]);
    assert_ne!(after["authenticated_at"], before["authenticated_at"]);
    assert_ne!(ada.cookies[COOKIE], old[COOKIE]);
    let mut thief = Client::browser(&server);
    thief.cookies = old;
    assert_eq!(thief.whoami().await.0, 401, "the old secret opens nothing");

    let mut native = Client::native(&server);
    let token = native.login(ADA, PASSWORD).await.body["session_token"].clone();
    native.token = token.as_str().map(ToOwned::to_owned);
    let flow = native.begin("login", "?refresh=true").await;
    let answer = native.submit(&flow, body).await;
    assert_eq!(answer.body["session_token"], token, "a native token keeps its value");
}

#[tokio::test]
async fn nobody_is_signed_out_by_another_site() {
    let server = server().await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let mut eve = Client::browser(&server).signed_in("eve@example.org").await;
    let eves = eve.get("/self-service/logout/browser").await.body["logout_token"].clone();
    for token in ["", "ory_lo_", "ory_lo_00", eves.as_str().unwrap()] {
        let answer = ada.get(&format!("/self-service/logout?token={token}")).await;
        assert_eq!(answer.status, 403, "{token}");
    }
    let begun = ada.get("/self-service/logout/browser").await.body;
    let again = ada.get("/self-service/logout/browser").await.body;
    assert_eq!(begun["logout_token"], again["logout_token"], "it is made of the cookie, and nothing is kept");
    let before = ada.cookies.clone();
    let path = format!("/self-service/logout?token={}", begun["logout_token"].as_str().unwrap());
    assert_eq!(ada.get(&path).await.status, 204);
    ada.cookies = before;
    assert_eq!(ada.whoami().await.0, 401);
    assert_eq!(Client::browser(&server).get("/self-service/logout/browser").await.status, 401);
}

#[tokio::test]
async fn a_page_for_settings_asks_to_sign_in_first() {
    let server = server().await;
    let mut nobody = Client::browser(&server);
    let answer = nobody.page("/self-service/settings/browser").await;
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").contains("/self-service/login/browser"), "{answer:?}");
    let answer = nobody.get("/self-service/settings/browser").await;
    assert_eq!((answer.status, &answer.body["error"]["id"]), (401, &json!("session_inactive")));
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let mut eve = Client::browser(&server).signed_in("eve@example.org").await;
    let flow = ada.begin("settings", "").await;
    assert_eq!(eve.get(&format!("/self-service/settings/flows?id={}", flow.id)).await.status, 403);
    assert_eq!(
        eve.submit(&flow, json!({"method": "password", "password": "Zx-other-enough-1"})).await.status,
        403
    );
}

#[tokio::test]
async fn a_flow_that_has_ended_is_replaced() {
    let server = server().await;
    server.person(ADA).await;
    for kind in ["login", "registration", "recovery", "verification"] {
        let (mut browser, mut native) = (Client::browser(&server), Client::native(&server));
        let (on_page, in_app) = (browser.begin(kind, "").await, native.begin(kind, "").await);
        server.clock.advance(Duration::from_secs(3600));
        let read = native.get(&format!("/self-service/{kind}/flows?id={}", in_app.id)).await;
        assert_eq!(
            (read.status, &read.body["error"]["id"]),
            (410, &json!("self_service_flow_expired")),
            "{kind}"
        );
        let answer = native.submit(&in_app, json!({"method": "password"})).await;
        assert_eq!(answer.status, 410, "{kind}");
        let next = answer.body["use_flow_id"].as_str().unwrap();
        let shown = native.get(&format!("/self-service/{kind}/flows?id={next}")).await;
        assert_eq!(shown.status, 200, "{kind}");
        assert!(shown.body["ui"]["messages"][0]["text"].is_string(), "{kind}: it says why");
        let answer = browser.submit_form(&on_page, &[("method", "password")]).await;
        assert_eq!(answer.status, 303, "{kind}");
        assert!(!answer.header("location").contains(&on_page.id), "{kind}");
    }
}

#[tokio::test]
async fn a_verification_that_was_completed_is_replaced_and_called_so() {
    let server = server().await;
    server.person(ADA).await;
    let mut native = Client::native(&server);
    let flow = native.begin("verification", "").await;
    native.submit(&flow, json!({"method": "code", "email": ADA})).await;
    let code = json!({"method": "code", "code": mailed_code(&server, ADA).await.unwrap()});
    assert_eq!(native.submit(&flow, code.clone()).await.body["state"], "passed_challenge");
    for again in [code, json!({"method": "code", "email": ADA})] {
        let answer = native.submit(&flow, again).await;
        assert_eq!(answer.status, 410, "{answer:?}");
        assert_eq!(answer.body["error"]["id"], "self_service_flow_replaced", "{answer:?}");
        assert!(answer.body.get("expired_at").is_none() && answer.body.get("since").is_none(), "{answer:?}");
        let next = answer.body["use_flow_id"].as_str().unwrap();
        let shown = native.get(&format!("/self-service/verification/flows?id={next}")).await;
        assert_eq!(shown.body["ui"]["messages"][0]["id"], 4_070_002, "{shown:?}");
    }
}

#[tokio::test]
async fn a_verification_that_follows_leads_where_the_flow_before_it_says() {
    let server = server().await;
    let verified = "https://app.example.org/verified";
    let encoded =
        |address: &str| url::form_urlencoded::byte_serialize(address.as_bytes()).collect::<String>();
    let after = |address: &str| format!("after_verification_return_to={}", encoded(address));
    let to_start = format!("return_to={}", encoded("https://app.example.org/start"));
    for (number, (query, expected)) in [
        (format!("?{}", after(verified)), Some(verified)),
        (format!("?{to_start}&{}", after(verified)), Some(verified)),
        (format!("?{to_start}"), Some("https://app.example.org/start")),
        (format!("?{to_start}&{}", after("")), Some("https://app.example.org/start")),
        (format!("?{}", after("https://evil.example/")), None),
        // What was cut from the end might have made another address of it.
        (format!("?x={}&{}", "y".repeat(1024 - 130), after(&format!("{verified}.not/really"))), None),
        (String::new(), None),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("a{number}@example.org");
        let mut browser = Client::browser(&server);
        let flow = browser.begin("registration", &query).await;
        let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": email}});
        assert_eq!(browser.submit(&flow, body).await.status, 200);
        let mail = mailed(&server, &email).await.unwrap();
        let id = mail.url.split("flow=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
        let path = format!("/self-service/verification/flows?id={id}");
        let shown = browser.get(&path).await;
        assert_eq!(shown.body["return_to"].as_str(), expected, "{query}: {shown:?}");
        let form = Client::begun("verification", &shown);
        let done = browser.submit(&form, json!({"method": "code", "code": mail.code.expose()})).await;
        assert_eq!(done.body["state"], "passed_challenge", "{query}: {done:?}");
        let continued = done.body["ui"]["action"].as_str().unwrap();
        assert_eq!(continued, expected.unwrap_or("http://127.0.0.1:4433/"), "{query}");
    }
}

#[tokio::test]
async fn a_recovered_account_asks_for_a_new_password() {
    let server = server().await;
    server.person(ADA).await;
    let mut browser = Client::browser(&server);
    let flow = browser.begin("recovery", "").await;
    browser.submit(&flow, json!({"method": "code", "email": ADA})).await;
    let code = mailed_code(&server, ADA).await.unwrap();
    let answer = browser.submit(&flow, json!({"method": "code", "code": code})).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.body["error"]["id"], "browser_location_change_required");
    let page = url::Url::parse(answer.body["redirect_browser_to"].as_str().unwrap()).unwrap();
    let id = page.query_pairs().find(|(name, _)| name == "flow").unwrap().1.into_owned();
    let settings = browser.get(&format!("/self-service/settings/flows?id={id}")).await;
    assert_eq!(settings.status, 200, "{settings:?}");
    let next = Client::begun("settings", &settings);
    let body = json!({"method": "password", "password": "Zx-other-enough-1234"});
    assert_eq!(browser.submit(&next, body).await.status, 200);
    assert_eq!(Client::native(&server).login(ADA, "Zx-other-enough-1234").await.status, 200);
    assert_eq!(browser.submit(&flow, json!({"method": "code", "code": code})).await.status, 404, "used once");
}

#[tokio::test]
async fn a_mailed_link_fills_the_form_of_whoever_opens_it() {
    let server = server().await;
    let verified = |body: &Value| body["identity"]["verifiable_addresses"][0]["verified"].clone();
    for way in [Client::browser, Client::native] {
        let email = if way(&server).way() == "api" { "n@example.org" } else { ADA };
        let mut owner = way(&server).signed_in(email).await;
        let flow = owner.begin("verification", "").await;
        owner.submit(&flow, json!({"method": "code", "email": email})).await;
        let code = mailed_code(&server, email).await.unwrap();
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let link = |code: &str| format!("/self-service/verification?flow={}&code={code}", flow.id);
        let read = format!("/self-service/verification/flows?id={}", flow.id);
        let filled = |answer: &crate::testing::Answer| {
            let nodes = answer.body["ui"]["nodes"].as_array().cloned().unwrap_or_default();
            let field = nodes.into_iter().find(|node| node["attributes"]["name"] == "code");
            field.is_some_and(|node| node["attributes"]["value"] == code.as_str())
        };

        let mut stranger = Client::browser(&server);
        assert_eq!(stranger.page(&link(wrong)).await.status, 303);
        assert!(!filled(&stranger.get(&read).await), "the id of a flow is not enough");

        let mut program = Client::browser(&server);
        assert_eq!(program.page(&link(&code)).await.status, 303, "a program that looks at links");
        assert_eq!(verified(&owner.whoami().await.1), false, "it verifies nothing");
        let seen = owner.get(&read).await;
        assert_eq!(seen.status, 200, "who began the flow can go on");
        assert!(!filled(&seen), "and is not told the code: it is the message that proves the address");

        let mut reader = Client::browser(&server);
        assert_eq!(reader.page(&link(&code)).await.status, 303);
        let shown = reader.get(&read).await;
        assert!(filled(&shown), "{shown:?}");
        assert_eq!(reader.page(&format!("/ui/verification?flow={}", flow.id)).await.status, 200);
        assert_eq!(program.page(&format!("/ui/verification?flow={}", flow.id)).await.status, 200);
        // Flows of native clients are read by their id; they hold the code only where the link was opened.
        let strange = if owner.way() == "api" { 200 } else { 403 };
        assert_eq!(stranger.page(&format!("/ui/verification?flow={}", flow.id)).await.status, strange);
        let form = Client::begun("verification", &shown);
        let answer = reader.submit_form(&form, &[("method", "code"), ("code", &code)]).await;
        assert_eq!(answer.status, 303);
        assert_eq!(verified(&owner.whoami().await.1), true);
    }
}

#[tokio::test]
async fn a_way_back_that_is_not_allowed_is_refused_with_the_id_of_that_error() {
    let ways = json!({"selfservice": {"allowed_return_urls": ["https://app.example.org/"]}});
    let server = TestServer::configured(ways).await;
    for kind in ["login", "registration"] {
        for client in ["browser", "api"] {
            let path = format!("/self-service/{kind}/{client}?return_to=https%3A%2F%2Fevil.example%2F");
            let refused = server.public("GET", &path, &[("accept", "application/json")], None).await;
            let id = &refused.body["error"]["id"];
            assert_eq!(
                (refused.status, id),
                (400, &json!("self_service_flow_return_to_forbidden")),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn pages_without_a_host_are_those_of_this_server() {
    let page = |kind: &str| json!({"enabled": true, "ui_url": format!("/ui/{kind}?x=1")});
    let server = TestServer::configured(json!({"selfservice": {
        "default_browser_return_url": "/home",
        "allowed_return_urls": ["/relative"],
        "flows": {
            "login": page("login"), "registration": page("registration"), "settings": page("settings"),
            "recovery": page("recovery"), "verification": page("verification"),
            "error": {"ui_url": "/ui/error"},
            "logout": {"after": {"default_browser_return_url": "/bye"}},
        },
    }}))
    .await;
    server.person(ADA).await;
    let mut ada = Client::browser(&server);
    for kind in ["login", "registration", "recovery", "verification"] {
        let answer = ada.page(&format!("/self-service/{kind}/browser")).await;
        let location = answer.header("location");
        assert!(location.starts_with(&format!("/ui/{kind}?x=1&flow=")), "{location}");
    }
    let evil = "/self-service/login/browser?return_to=https://evil.example/";
    let error = ada.page(evil).await;
    assert!(error.header("location").starts_with("/ui/error?id="), "{error:?}");
    let refused = ada.get(evil).await;
    assert_eq!(refused.body["error"]["id"], "self_service_flow_return_to_forbidden");
    let asked = ada.get("/self-service/login/browser?return_to=/relative/x").await;
    assert_eq!(asked.body["return_to"], "/relative/x");
    assert_eq!(ada.get("/self-service/login/browser?return_to=/other").await.status, 400);
    let fields = [("method", "password"), ("identifier", ADA), ("password", PASSWORD)];
    let flow = Client::begun("login", &asked);
    assert_eq!(ada.submit_form(&flow, &fields).await.header("location"), "/relative/x");
    assert_eq!(ada.page("/self-service/login/browser").await.header("location"), "/home");
    let settings = ada.page("/self-service/settings/browser").await;
    assert!(settings.header("location").starts_with("/ui/settings?x=1&flow="), "{settings:?}");
    let out = ada.get("/self-service/logout/browser").await;
    let path = format!("/self-service/logout?token={}", out.body["logout_token"].as_str().unwrap());
    assert_eq!(ada.page(&path).await.header("location"), "/bye");

    let mut reader = Client::browser(&server);
    let flow = reader.begin("recovery", "").await;
    reader.submit(&flow, json!({"method": "code", "email": ADA})).await;
    let code = mailed_code(&server, ADA).await.unwrap();
    let recovered = reader.submit(&flow, json!({"method": "code", "code": code})).await;
    let target = recovered.body["redirect_browser_to"].as_str().unwrap();
    assert!(target.starts_with("/ui/settings?x=1&flow="), "{recovered:?}");
    // Who is given a link reads it elsewhere.
    let given = server
        .admin(
            "POST",
            "/admin/recovery/code",
            Some(json!({"identity_id": server.person("b@example.org").await})),
        )
        .await;
    let link = given.body["recovery_link"].as_str().unwrap();
    assert!(link.starts_with("http://127.0.0.1:4433/ui/recovery?x=1&flow="), "{link}");
}
