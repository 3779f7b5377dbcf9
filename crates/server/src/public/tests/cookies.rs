//! Cookies as browsers, proxies and older programs send them, and the cookies that browsers get.

use std::time::Duration;

use serde_json::{Value, json};
use sessera_model::{AssuranceLevel, Clock as _, Session, TokenHash, Uuid};
use sessera_store::{Change, NewSession, SessionKind};

use super::client::{Client, everything};
use crate::testing::{Answer, PASSWORD, TestServer};

const ADA: &str = "ada@example.org";
const COOKIE: &str = "ory_kratos_session";
const WHOAMI: &str = "/sessions/whoami";

/// What other programs, other versions and nobody may have left in a browser under the name of our cookie.
async fn stale(server: &TestServer) -> Vec<String> {
    let revoked = session_cookie(&server.browser(ADA).await);
    let foreign = "MTcwNDE2NzAyMHxEWDhFQVFMX2dBQUJFQUVRQUFCRV80QUFBUVp6ZEhKcGJtY01Ed0FOYzJWemMybHZibDkw";
    let (native, _) = server.signed_in(ADA).await;
    let (_, session) = native_session(server, &revoked).await;
    assert_eq!(server.admin("DELETE", &format!("/admin/sessions/{session}"), None).await.status, 204);
    vec![revoked, foreign.into(), native, "\u{e9}".into(), "x".into(), "\"\"".into()]
}

/// The status of whoami for a cookie, and the id of its session.
async fn native_session(server: &TestServer, cookie: &str) -> (u16, String) {
    let header = format!("{COOKIE}={cookie}");
    let answer = server.public("GET", WHOAMI, &[("cookie", &header)], None).await;
    (answer.status, answer.body["id"].as_str().unwrap_or_default().to_owned())
}

/// The value of the session cookie in a Cookie header.
fn session_cookie(header: &str) -> String {
    let pair = header.split("; ").find_map(|pair| pair.strip_prefix("ory_kratos_session="));
    pair.unwrap().to_owned()
}

/// The session cookies that an answer sets.
fn set(answer: &Answer) -> Vec<&str> {
    let all = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    all.filter(|cookie| cookie.starts_with(COOKIE)).collect()
}

#[tokio::test]
async fn every_session_cookie_is_tried_until_one_opens() {
    let server = TestServer::configured(everything()).await;
    server.person(ADA).await;
    let stale = stale(&server).await;
    let good = session_cookie(&server.browser(ADA).await);
    let pairs: Vec<String> = stale.iter().chain([&good]).map(|value| format!("{COOKIE}={value}")).collect();
    let one = pairs.join("; ");
    let several: Vec<(&str, &str)> = pairs.iter().map(|pair| ("cookie", pair.as_str())).collect();
    let json = ("accept", "application/json");
    for headers in [vec![("cookie", one.as_str()), json], [several, vec![json]].concat()] {
        // The first answer comes from the store, and the second one from memory.
        for path in
            [WHOAMI, WHOAMI, "/sessions", "/self-service/settings/browser", "/self-service/logout/browser"]
        {
            assert_eq!(server.public("GET", path, &headers, None).await.status, 200, "{path}");
        }
        let already = server.public("GET", "/self-service/login/browser", &headers, None).await;
        assert_eq!(already.body["error"]["id"], "session_already_available");
    }
    for value in &stale {
        assert_eq!(native_session(&server, value).await.0, 401, "{value}");
    }
}

#[tokio::test]
async fn signing_out_leaves_none_of_a_browser_s_sessions() {
    let server = TestServer::configured(everything()).await;
    server.person(ADA).await;
    let (one, other) =
        (session_cookie(&server.browser(ADA).await), session_cookie(&server.browser(ADA).await));
    let cookies = format!("{COOKIE}=stale; {COOKIE}={one}; {COOKIE}={other}");
    let headers = [("cookie", cookies.as_str()), ("accept", "application/json")];
    let begun = server.public("GET", "/self-service/logout/browser", &headers, None).await;
    let path = format!("/self-service/logout?token={}", begun.body["logout_token"].as_str().unwrap());
    assert_eq!(server.public("GET", &path, &headers, None).await.status, 204);
    for cookie in [one, other] {
        assert_eq!(native_session(&server, &cookie).await.0, 401);
    }
}

#[tokio::test]
async fn every_cookie_of_a_form_is_tried_until_one_fits() {
    let server = TestServer::configured(everything()).await;
    server.person(ADA).await;
    for before in [true, false] {
        let mut browser = Client::browser(&server);
        let flow = browser.begin("login", "").await;
        let (name, value) = browser.cookies.pop_first().unwrap();
        let values = [format!("{name}=stale"), format!("{name}=\u{e9}"), format!("{name}={value}")];
        let mut line = values.to_vec();
        if !before {
            line.reverse();
        }
        browser.headers.push(("cookie", line.join("; ")));
        let shown = browser.get(&format!("/self-service/login/flows?id={}", flow.id)).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        // The form that is shown is one of the browser that began it.
        let flow = Client::begun("login", &shown);
        let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
        assert_eq!(browser.submit(&flow, body).await.status, 200);
    }
}

#[tokio::test]
async fn what_others_keep_in_cookies_and_headers_voids_nothing() {
    let server = TestServer::configured(everything()).await;
    let mut ada = Client::browser(&server).signed_in(ADA).await;
    let odd = "n=\u{e9}; =; ;; \u{1f600}=\u{1f600}; a b=c; x={\"a\":[1,2]}; y=%; z=\"";
    for name in ["cookie", "x-other", "referer", "user-agent", "accept-language", "dnt"] {
        ada.headers.push((name, odd.to_owned()));
    }
    assert_eq!(ada.whoami().await.0, 200);
    assert_eq!(ada.get("/sessions").await.status, 200);
    let settings = ada.begin("settings", "").await;
    let saved = ada.submit(&settings, json!({"method": "profile", "traits": {"email": ADA}})).await;
    assert_eq!(saved.status, 200, "{saved:?}");
    let out = ada.get("/self-service/logout/browser").await;
    let path = format!("/self-service/logout?token={}", out.body["logout_token"].as_str().unwrap());
    assert_eq!(ada.get(&path).await.status, 204);
    for kind in ["registration", "recovery", "verification", "login"] {
        let flow = ada.begin(kind, "").await;
        let shown = ada.get(&format!("/self-service/{kind}/flows?id={}", flow.id)).await;
        assert_eq!(shown.status, 200, "{kind}");
    }
    assert_eq!(ada.login(ADA, PASSWORD).await.status, 200);
    assert_eq!(ada.whoami().await.0, 200);
}

#[tokio::test]
async fn the_value_of_a_cookie_is_no_token_and_a_token_no_cookie() {
    let server = TestServer::configured(everything()).await;
    server.person(ADA).await;
    let cookie = session_cookie(&server.browser(ADA).await);
    let (token, _) = server.signed_in(ADA).await;
    for _ in 0..2 {
        for (name, value, status) in [
            ("x-session-cookie", &cookie, 200),
            ("x-session-cookie", &token, 401),
            ("cookie", &format!("{COOKIE}={cookie}"), 200),
            ("cookie", &format!("{COOKIE}={token}"), 401),
            ("x-session-token", &token, 200),
            ("x-session-token", &cookie, 401),
            ("authorization", &format!("Bearer {token}"), 200),
            ("authorization", &format!("Bearer {cookie}"), 401),
        ] {
            let answer = server.public("GET", WHOAMI, &[(name, value)], None).await;
            assert_eq!(answer.status, status, "{name}: {value}");
        }
    }
}

/// A server whose sessions live for an hour, with somebody's Cookie header and the session's id.
async fn with_session(more: Value) -> (TestServer, String, String) {
    let mut configuration = json!({"session": {"lifespan": "1h"}});
    configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let server = TestServer::configured(configuration).await;
    server.person(ADA).await;
    let cookies = server.browser(ADA).await;
    let answer = server.public("GET", WHOAMI, &[("cookie", &cookies)], None).await;
    assert_eq!(set(&answer), [""; 0], "it is good until the session ends");
    (server, cookies, answer.body["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn whoami_gives_a_browser_its_cookie_again_once_when_the_session_ends_later() {
    let (server, cookies, id) = with_session(json!({})).await;
    let whoami = async |name: &str, value: &str, query: &str| {
        server.public("GET", &format!("{WHOAMI}{query}"), &[(name, value)], None).await
    };
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(server.admin("PATCH", &format!("/admin/sessions/{id}/extend"), None).await.status, 200);
    let alone = session_cookie(&cookies);
    for (name, value) in [("cookie", &cookies), ("x-session-cookie", &alone)] {
        let answer = whoami(name, value, "").await;
        let [cookie] = set(&answer)[..] else { panic!("{answer:?}") };
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; Max-Age=3600; HttpOnly; SameSite=Lax");
        assert_ne!(pair, format!("{COOKIE}={alone}"));
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
        for _ in 0..2 {
            let answer = whoami("cookie", pair, "").await;
            assert_eq!((answer.status, set(&answer).len()), (200, 0), "once");
        }
    }
    // A session that was made longer while its owner signed in again.
    let mut ada = Client::browser(&server);
    for pair in cookies.split("; ") {
        let (name, value) = pair.split_once('=').unwrap();
        ada.cookies.insert(name.into(), value.into());
    }
    server.clock.advance(Duration::from_secs(60));
    let flow = ada.begin("login", "?refresh=true").await;
    let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
    assert_eq!(ada.submit(&flow, body).await.status, 200);
    let answer = ada.get(WHOAMI).await;
    assert_eq!((answer.status, set(&answer).len()), (200, 0), "the sign-in has set it");
}

#[tokio::test]
async fn a_cookie_that_does_not_say_when_it_ends_is_given_again() {
    let (server, cookies, _) = with_session(json!({})).await;
    let old = session_cookie(&cookies);
    let old = format!("{COOKIE}={}", old.split('.').next().unwrap());
    let answer = server.public("GET", WHOAMI, &[("cookie", &old)], None).await;
    assert_eq!((answer.status, set(&answer).len()), (200, 1));
}

#[tokio::test]
async fn native_clients_get_no_cookie() {
    let server = TestServer::start().await;
    server.person(ADA).await;
    let (token, id) = server.signed_in(ADA).await;
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(server.admin("PATCH", &format!("/admin/sessions/{id}/extend"), None).await.status, 200);
    let answer = server.public("GET", WHOAMI, &[("x-session-token", &token)], None).await;
    assert_eq!((answer.status, answer.headers.get("set-cookie")), (200, None));
}

#[tokio::test]
async fn a_proxy_is_told_how_long_it_may_keep_a_session_where_that_is_configured() {
    let flags =
        |age: &str| json!({"feature_flags": {"cacheable_sessions": true, "cacheable_sessions_max_age": age}});
    let age = async |server: &TestServer, query: &str, cookies: &str| {
        let answer = server.public("GET", &format!("{WHOAMI}{query}"), &[("cookie", cookies)], None).await;
        answer.header("ory-session-cache-for").to_owned()
    };
    for (configuration, begun, later) in
        [(flags("10m"), "600", "300"), (flags("0s"), "3600", "300"), (json!({}), "", "")]
    {
        let (server, cookies, _) = with_session(configuration).await;
        assert_eq!(age(&server, "", &cookies).await, begun);
        server.clock.advance(Duration::from_mins(55));
        assert_eq!(age(&server, "", &cookies).await, later, "never longer than the session lives");
        assert_eq!(age(&server, "", &format!("{COOKIE}=nonsense")).await, "");
        let nobody = server.public("GET", WHOAMI, &[], None).await;
        let expected = if begun.is_empty() { "" } else { "60" };
        assert_eq!((nobody.status, nobody.header("ory-session-cache-for")), (401, expected));
    }
}

#[tokio::test]
async fn tokens_are_kept_by_no_proxy() {
    let (server, cookies, _) = with_session(json!({"feature_flags": {"cacheable_sessions": true}})).await;
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let path = "/services/identity/config/session/whoami/tokenizer/templates";
    let patch = json!([{"op": "add", "path": path, "value": {"t": {"jwks_url": "set://k"}}}]);
    assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
    let path = format!("{WHOAMI}?tokenize_as=t");
    let answer = server.public("GET", &path, &[("cookie", &cookies)], None).await;
    assert_eq!((answer.status, answer.header("ory-session-cache-for")), (200, ""));
}

#[tokio::test]
async fn native_flows_take_the_cookies_of_proxies() {
    let server = TestServer::configured(everything()).await;
    server.person(ADA).await;
    for cookies in ["", ";", "__cf_bm=x", "AWSALB=a; AWSALBCORS=b; __cf_bm=\u{e9}"] {
        let mut native = Client::native(&server);
        native.headers.push(("cookie", cookies.to_owned()));
        let answer = native.login(ADA, PASSWORD).await;
        assert_eq!(answer.status, 200, "{cookies}: {answer:?}");
        native.token = answer.body["session_token"].as_str().map(str::to_owned);
        let flow = native.begin("settings", "").await;
        let saved = native.submit(&flow, json!({"method": "profile", "traits": {"email": ADA}})).await;
        assert_eq!(saved.status, 200, "{cookies}: {saved:?}");
        native.token = None;
        for kind in ["recovery", "verification"] {
            let flow = native.begin(kind, "").await;
            let sent = native.submit(&flow, json!({"method": "code", "email": "nobody@example.org"})).await;
            assert_eq!((sent.status, &sent.body["state"]), (200, &json!("sent_email")), "{cookies}: {kind}");
        }
        let flow = native.begin("registration", "").await;
        let typed =
            native.submit(&flow, json!({"method": "profile", "traits": {"email": "b@example.org"}})).await;
        assert_ne!(typed.body["ui"]["messages"][0]["id"], 4_000_001, "{cookies}: {typed:?}");
    }
}

#[tokio::test]
async fn a_browser_is_recognised_after_a_refusal_too() {
    let mut off = everything();
    off["selfservice"]["flows"]["registration"] = json!({"enabled": false});
    let server = TestServer::configured(off).await;
    let evil = "return_to=https%3A%2F%2Fevil.example%2F";
    for path in [
        format!("login/browser?{evil}"),
        "login/browser?aal=aal2".into(),
        "registration/browser".into(),
        "settings/browser".into(),
        format!("recovery/browser?{evil}"),
        format!("verification/browser?{evil}"),
        "logout/browser".into(),
        "exchange/browser".into(),
    ] {
        let path = format!("/self-service/{path}");
        for accept in ["application/json", "text/html"] {
            let mut browser = Client::browser(&server);
            let refused = browser.send("GET", &path, &[("accept", accept)], b"").await;
            assert!(refused.status >= 300, "{path}: {refused:?}");
            let (name, value) = browser.cookies.first_key_value().expect("a cookie");
            assert!(name.starts_with("csrf_token_") && browser.cookies.len() == 1, "{path}: {name}");
            let known = value.clone();
            let again = browser.send("GET", &path, &[("accept", accept)], b"").await;
            assert_eq!((again.headers.get("set-cookie"), again.status), (None, refused.status), "{path}");
            assert_eq!(browser.cookies.values().next(), Some(&known));
        }
    }
    // Native clients and answers that are nobody's begin nothing in a browser.
    for path in ["/self-service/login/api", WHOAMI, "/self-service/nothing/browser/x", "/browser"] {
        let answer = server.public("GET", path, &[], None).await;
        assert_eq!(answer.headers.get("set-cookie"), None, "{path}");
    }
}

/// Made with gorilla/securecookie under `cookie-secret-for-tests-only-0001`, as an Ory Kratos does, for the session whose token is
/// [`TOKEN_OF_KRATOS`].
const COOKIE_OF_KRATOS: &str = "MTc5NjA2NDc0MnxqU01ZMEFJMWJXWEVJbkdSYkxEVFRJUkxXZFkteWNaU3ZXZ3YxLVBGYkEyM3MxSFQyTEhBUkU3Rm1fME5oMmVPQUhwbDBKbWU4Z3Y5SnRrNThnTTlzTTR0M18xNmVFLWxCMDlmSXZ2WmRKRmQtbEIzQ3lEVENtcGVDcWhDMEhScmhDQjdVeUtZNWhnV0lkU1NIcURFZHduMU1BS0tITEJrZTluOXpJOTQ2bV9UWmNkd0FuZEtQQTctTlBBSFZMV3Jkc0F0SkxkNnlYSEU0ZHVDU01Wck14RUc1VmRZZkZfekxkUE5peUdNZ25IRVhYY2t6Nm5mRUlFWFo1WlpucUxnN2dJQTk1eF82X3lJZXVDSk9uaFZ8QQwO1mULxogqXdjneV-R8fJKkX6MtuZUk-biz8yMRYk=";
/// A cookie for that session as the `cookiex` of Ory Kratos' source of July 2026 makes it.
const NEWER_COOKIE_OF_KRATOS: &str = "v1.EAlYJnyr5_EpUCecwaRAGZkaV9MpgivJnSvgX6Y6WVgjcfX7dJFFSKkI9vVtwbeP95jpciL0qhRAEkDN6UJkDQokstG_aYrhLUEpYN7LmdHWs9UlzsBpOKl2o_ca_KHAN9afbzhxYyolTLuBh-Zvx7HPubPJ7zxSSBNhiPKhx5Q4L_KWCKPcU27QMvEdbetBUXXsgu98SnHKdhcwLjFtAg2iHEfSLvYkye_RlqxlrZ9AF71rXRm8ZwdCDQ";
const TOKEN_OF_KRATOS: &str = "ory_st_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

#[tokio::test]
async fn a_browser_that_comes_from_a_kratos_stays_signed_in_and_gets_a_cookie_of_ours() {
    let secrets = ["a-newer-secret-of-some-length-0000", "cookie-secret-for-tests-only-0001"];
    let secrets = json!({"cookie": secrets, "cipher": [sessera_testing::CIPHER_SECRET]});
    let mut configuration = everything();
    configuration["secrets"] = secrets;
    let server = TestServer::configured(configuration).await;
    let ada = server.person(ADA).await;
    let session = came_over(&server, ada.parse().unwrap());
    server.app.commit(&[session]).await.unwrap();
    let cookie = format!("theme=dark; {COOKIE}={COOKIE_OF_KRATOS}");
    let json = ("accept", "application/json");
    for path in ["/sessions", "/self-service/settings/browser"] {
        let answer = server.public("GET", path, &[("cookie", &cookie), json], None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    let first = server.public("GET", WHOAMI, &[("cookie", &cookie)], None).await;
    assert_eq!(first.status, 200, "{first:?}");
    let [own] = set(&first)[..] else { panic!("no cookie: {first:?}") };
    assert!(own.starts_with(&format!("{COOKIE}={TOKEN_OF_KRATOS}.")), "{own}");
    let counted =
        |server: &TestServer, form| server.app.metrics.kratos_cookies.with_label_values(&[form]).get();
    assert_eq!((counted(&server, "securecookie"), counted(&server, "v1")), (3, 0));
    let own = own.split(';').next().unwrap();
    let second = server.public("GET", WHOAMI, &[("cookie", own)], None).await;
    assert_eq!((second.status, set(&second).len()), (200, 0), "ours is not given again");
    let alone = server.public("GET", WHOAMI, &[("x-session-cookie", COOKIE_OF_KRATOS)], None).await;
    assert_eq!(alone.status, 200);
    assert_eq!(counted(&server, "securecookie"), 4);

    let newer = format!("{COOKIE}={NEWER_COOKIE_OF_KRATOS}");
    let first = server.public("GET", WHOAMI, &[("cookie", &newer)], None).await;
    assert_eq!(first.status, 200, "{first:?}");
    let [own] = set(&first)[..] else { panic!("no cookie: {first:?}") };
    assert!(own.starts_with(&format!("{COOKIE}={TOKEN_OF_KRATOS}.")), "{own}");
    assert_eq!((counted(&server, "securecookie"), counted(&server, "v1")), (4, 1));

    let other = TestServer::start().await;
    other.person(ADA).await;
    assert_eq!(other.public("GET", WHOAMI, &[("cookie", &cookie)], None).await.status, 401);
    assert_eq!(counted(&other, "securecookie"), 0, "its secrets open none");
}

/// A session as it comes over from a Kratos.
fn came_over(server: &TestServer, identity_id: Uuid) -> Change {
    let now = server.clock.now();
    let session = Session {
        id: Uuid::from_u128(7),
        identity_id,
        active: true,
        issued_at: now,
        expires_at: now + Duration::from_hours(24),
        authenticated_at: now,
        last_used_at: None,
        assurance_level: AssuranceLevel::Aal1,
        methods: vec![],
        devices: vec![],
    };
    let token = TokenHash::of(TOKEN_OF_KRATOS);
    Change::InsertSession(NewSession { session, kind: SessionKind::Browser, token })
}
