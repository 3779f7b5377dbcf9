//! Cookies that another host of the domain has planted in somebody's browser: they name nobody, and a sign-in ends what
//! they open.

use serde_json::json;

use super::client::{Client, everything};
use crate::testing::{PASSWORD, TestServer};

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";
const COOKIE: &str = "ory_kratos_session";

/// A browser with the cookies of several sessions, in the order in which it sends them.
fn with_sessions<'a>(server: &'a TestServer, sessions: &[&str]) -> Client<'a> {
    let mut client = Client::browser(server);
    client.cookies.insert(COOKIE.to_owned(), sessions.join(&format!("; {COOKIE}=")));
    client
}

#[tokio::test]
async fn while_cookies_open_sessions_of_different_people_a_browser_acts_for_nobody() {
    let server = TestServer::configured(everything()).await;
    let ada = Client::browser(&server).signed_in(ADA).await.cookies[COOKIE].clone();
    let eve = Client::browser(&server).signed_in(EVE).await.cookies[COOKIE].clone();
    for order in [[&*eve, &*ada], [&*ada, &*eve]] {
        let mut client = with_sessions(&server, &order);
        for (method, path) in [
            ("GET", "/self-service/settings/browser"),
            ("GET", "/sessions"),
            ("DELETE", "/sessions"),
            ("GET", "/self-service/login/browser?aal=aal2"),
        ] {
            let answer = client.send(method, path, &[("accept", "application/json")], b"").await;
            assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
        }
    }
    let mut client = with_sessions(&server, &[&eve, &ada]);
    assert_eq!(client.login(ADA, PASSWORD).await.status, 200, "nobody is signed in already");
    let new = client.cookies[COOKIE].clone();
    for (session, status) in [(&eve, 401), (&ada, 401), (&new, 200)] {
        assert_eq!(with_sessions(&server, &[session]).whoami().await.0, status);
    }
    let mut client = with_sessions(&server, &[&eve, &new]);
    assert_eq!(client.whoami().await.1["identity"]["traits"]["email"], ADA);
    client.begin("settings", "").await;
}

#[tokio::test]
async fn a_planted_cookie_never_takes_the_place_of_the_right_one() {
    let server = TestServer::configured(everything()).await;
    let ada = Client::browser(&server).signed_in(ADA).await.cookies[COOKIE].clone();
    let eve = Client::browser(&server).signed_in(EVE).await.cookies[COOKIE].clone();
    // Without its end a cookie is given again, as after its session was made longer.
    let (eve, _) = eve.split_once('.').unwrap();
    for (sessions, is_given) in [(&[eve][..], true), (&[eve, "stale"], true), (&[eve, &ada], false)] {
        let answer = with_sessions(&server, sessions).get("/sessions/whoami").await;
        assert_eq!((answer.status, answer.headers.contains_key("set-cookie")), (200, is_given));
    }
}

#[tokio::test]
async fn who_signs_up_ends_what_others_have_planted() {
    let server = TestServer::configured(everything()).await;
    let eve = Client::browser(&server).signed_in(EVE).await.cookies[COOKIE].clone();
    let mallory = Client::browser(&server).signed_in("mallory@example.org").await.cookies[COOKIE].clone();
    let mut client = with_sessions(&server, &[&eve, &mallory]);
    let flow = client.begin("registration", "").await;
    let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
    let answer = client.submit(&flow, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for planted in [&eve, &mallory] {
        assert_eq!(with_sessions(&server, &[planted]).whoami().await.0, 401);
    }
    assert_eq!(client.whoami().await.1["identity"]["traits"]["email"], ADA);
}

#[tokio::test]
async fn several_sessions_of_one_person_are_theirs() {
    let server = TestServer::configured(everything()).await;
    let first = Client::browser(&server).signed_in(ADA).await.cookies[COOKIE].clone();
    let mut again = Client::browser(&server);
    again.login(ADA, PASSWORD).await;
    let second = again.cookies[COOKIE].clone();
    let mut client = with_sessions(&server, &[&first, "stale", &second]);
    client.begin("settings", "").await;
    let flow = client.begin("login", "?refresh=true").await;
    let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
    assert_eq!(client.submit(&flow, body).await.status, 200);
    assert_eq!(client.whoami().await.0, 200);
    assert_eq!(with_sessions(&server, &[&second]).whoami().await.0, 401, "the browser has one session");
}

#[tokio::test]
async fn a_proxy_that_tells_of_https_gives_the_cookie_of_forms_the_name_of_one_host() {
    let mut configuration = everything();
    configuration["serve"] = json!({"public": {"trusted_proxies": ["10.0.0.0/8"]}});
    let server = TestServer::configured(configuration).await;
    server.person(ADA).await;
    for (peer, scheme, prefix) in
        [("10.0.0.1", "https", "__Host-"), ("10.0.0.1", "http", ""), ("192.0.2.1", "https", "")]
    {
        let mut client = Client::browser(&server).from(peer);
        client.headers =
            vec![("x-forwarded-for", "198.51.100.1".into()), ("x-forwarded-proto", scheme.into())];
        let flow = client.begin("login", "").await;
        let name = client.cookies.keys().find(|name| name.contains("csrf_token_")).unwrap().clone();
        assert!(name.starts_with(&format!("{prefix}csrf_token_")), "{name} of {peer} over {scheme}");
        let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
        // Under the other name it may come from another host.
        let value = client.cookies.remove(&name).unwrap();
        let other = name.strip_prefix("__Host-").map_or(format!("__Host-{name}"), str::to_owned);
        client.cookies.insert(other.clone(), value.clone());
        assert_eq!(client.submit(&flow, body.clone()).await.status, 403);
        client.cookies.remove(&other);
        client.cookies.insert(name, value);
        assert_eq!(client.submit(&flow, body).await.status, 200);
    }
}
