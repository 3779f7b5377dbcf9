//! The console as a browser asks it, and as those ask who must not get in.

mod keys;
mod routes;
mod settings;
mod templates;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use sessera_admin::console::CHANGES;
use sessera_model::{Clock as _, Role};
use sessera_store::Ended;
use tower::ServiceExt as _;

use crate::testing::{Answer, TestServer, received};

const HOST: &str = "127.0.0.1:4434";
const ORIGIN: &str = "http://127.0.0.1:4434";

/// A browser at the console.
struct Browser<'a> {
    server: &'a TestServer,
    cookie: String,
}

impl<'a> Browser<'a> {
    const fn new(server: &'a TestServer) -> Self {
        Self { server, cookie: String::new() }
    }

    /// A browser of somebody who has signed in with a new token.
    async fn signed_in(server: &'a TestServer, name: &str, role: Role) -> Self {
        let made = server.app.admin_tokens.create(name, role, Some(Duration::from_hours(4))).await.unwrap();
        let mut browser = Self::new(server);
        let answer = browser.sign_in(made.token.expose()).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/console"), "{answer:?}");
        browser
    }

    async fn sign_in(&mut self, token: &str) -> Answer {
        let page = self.get("/console/sign-in").await;
        let form = format!("csrf_token={}&to=/console&token={token}", csrf(&page));
        self.post("/console/sign-in", &form).await
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", HOST);
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let answer = received(self.server.admin_router().clone().oneshot(request).await.unwrap()).await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            cookie.clone_into(&mut self.cookie);
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[("sec-fetch-site", "same-origin")], "").await
    }

    async fn post(&mut self, path: &str, form: &str) -> Answer {
        self.ask("POST", path, &[("sec-fetch-site", "same-origin"), ("origin", ORIGIN)], form).await
    }

    /// Sends a form as a page of the console would, with the token of that page.
    async fn send(&mut self, path: &str, form: &str) -> Answer {
        let page = self.get("/console/new-template").await;
        assert_eq!(page.status, 200, "{page:?}");
        self.post(path, &format!("csrf_token={}&{form}", csrf(&page))).await
    }
}

/// The token of the forms of a page.
fn csrf(page: &Answer) -> &str {
    let (_, rest) = page.text.split_once("name=\"csrf_token\" value=\"").expect("the page has a form");
    rest.split_once('"').unwrap().0
}

/// The revision that a page was made from.
fn revision(page: &Answer) -> &str {
    let (_, rest) = page.text.split_once("name=\"revision\" value=\"").expect("the page is an editor");
    rest.split_once('"').unwrap().0
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A server whose admin API asks for tokens.
async fn closed() -> TestServer {
    closed_at(None).await
}

/// One that has this public address too.
async fn closed_at(base_url: Option<&str>) -> TestServer {
    let mut serve = json!({"admin": {"token": ["a-token-of-the-configuration-1"]}});
    if let Some(base_url) = base_url {
        serve["public"] = json!({"base_url": base_url});
    }
    TestServer::configured(json!({ "serve": serve })).await
}

/// An address that stands for all of its kind.
fn example(path: &str) -> String {
    let nil = "00000000-0000-4000-8000-000000000000";
    path.replace("{name}", "api")
        .replace("{revision}", nil)
        .replace("{set}", "keys")
        .replace("{kid}", "k")
        .replace("{id}", nil)
}

/// A server with a template and its keys.
async fn with_template(server: &TestServer) {
    let turn = server.app.configuration.turn().await;
    let algorithm = Some("ES256".parse().unwrap());
    let period = "720h".parse().unwrap();
    server.app.managed_keys.create(&turn.snapshot().issuer, "keys", algorithm, period).await.unwrap();
    turn.recompile().await.unwrap();
    drop(turn);
    put(server, "api", &json!({"jwks_url": "set://keys", "ttl": "5m"})).await;
}

/// Makes an identity whose name has markup in it, and returns its id.
async fn ada(server: &TestServer) -> String {
    let token = [("authorization", "Bearer a-token-of-the-configuration-1")];
    let body = json!({"traits": {"email": "ada@example.org", "name": {"first": "<script>x"}}, "credentials": {"password": {"config": {"password": crate::testing::PASSWORD}}}});
    let made = server.admin_with("POST", "/admin/identities", &token, Some(body)).await;
    made.body["id"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned()
}

/// Puts a template into its place, as the command line does.
async fn put(server: &TestServer, name: &str, template: &Value) {
    use sessera_node::configuration::{Hopeless, Terms, template_pointer};
    let path = format!("/services/identity/config{}", template_pointer(name));
    let patch = json!([{"op": "add", "path": path, "value": template}]);
    let terms = Terms { hopeless: Hopeless::Allowed, role: Role::Owner };
    server.app.configuration.patch(&patch, None, terms).await.unwrap();
}

#[tokio::test]
async fn whoever_has_a_good_token_gets_in_and_nobody_else() {
    let server = closed().await;
    let mut browser = Browser::new(&server);
    let sent_away = browser.get("/console/templates?x=1").await;
    let to = "/console/sign-in?to=%2Fconsole%2Ftemplates%3Fx%3D1";
    assert_eq!((sent_away.status, sent_away.header("location")), (303, to));
    assert_eq!(browser.sign_in("sessera_admin_wrong").await.status, 401);
    assert_eq!(browser.get("/console").await.status, 303);
    let inside = browser.sign_in("a-token-of-the-configuration-1").await;
    assert_eq!(inside.status, 303);
    let cookie = inside.header("set-cookie");
    for part in ["sessera_console=", "; Path=/;", "; HttpOnly", "; SameSite=Strict", "; Max-Age=28800"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("a-token-of"), "{cookie}");
    assert_eq!(browser.get("/console").await.status, 200);
    // What is changed in the cookie, or taken from another one, opens nothing.
    let good = browser.cookie.clone();
    for bad in [good.replace("configured", "anybody"), good.replace('.', ".x"), format!("{good}x")] {
        browser.cookie = bad;
        assert_eq!(browser.get("/console").await.status, 303);
    }
    browser.cookie = good;
    let page = browser.get("/console").await;
    let out = browser.post("/console/sign-out", &format!("csrf_token={}", csrf(&page))).await;
    assert_eq!((out.status, out.header("location")), (303, "/console/sign-in"));
    assert_eq!(browser.get("/console").await.status, 303);
}

#[tokio::test]
async fn a_copied_cookie_is_good_until_its_owner_signs_out_at_any_node() {
    let server = closed().await;
    let token = server.app.admin_tokens.create("ops", Role::Operator, None).await.unwrap().token;
    for token in ["a-token-of-the-configuration-1", token.expose()] {
        let (mut owner, mut thief, mut other) =
            (Browser::new(&server), Browser::new(&server), Browser::new(&server));
        owner.sign_in(token).await;
        other.sign_in(token).await;
        let copy = owner.cookie.clone();
        let shown = async |browser: &mut Browser<'_>, cookie: &str| {
            cookie.clone_into(&mut browser.cookie);
            browser.get("/console").await.status
        };
        assert_eq!(shown(&mut thief, &copy).await, 200);
        let page = owner.get("/console").await;
        let form = format!("csrf_token={}", csrf(&page));
        assert_eq!(owner.post("/console/sign-out", &form).await.status, 303);
        assert_eq!(shown(&mut thief, &copy).await, 303);
        // The last sign of a hash has bits that say nothing.
        let (hash, rest) = copy.split_once('.').unwrap();
        for last in ('A'..='Z').chain('a'..='z').chain('0'..='9') {
            let written = format!("{}{last}.{rest}", &hash[..hash.len() - 1]);
            assert_eq!(shown(&mut thief, &written).await, 303, "{written}");
        }
        // Nodes know it from the database, which forgets it no sooner than the cookie would have ended.
        let now = server.clock.now();
        let sweep = Ended { sessions: now, messages: now, others: now };
        server.app.store.sweep(sweep, 100).await.unwrap();
        assert_eq!(shown(&mut thief, &copy).await, 303);
        thief.cookie.clone_from(&copy);
        assert_eq!(
            thief.post("/console/sign-out", &form).await.status,
            403,
            "it is somebody else's form now"
        );
        assert_eq!(other.get("/console").await.status, 200, "only that stay is over");
        // Whoever signs in once more leaves nothing behind, either.
        let (copy, page) = (other.cookie.clone(), other.get("/console").await);
        let form = format!("csrf_token={}&to=/console&token={token}", csrf(&page));
        assert_eq!(other.post("/console/sign-in", &form).await.status, 303);
        assert_eq!(other.get("/console").await.status, 200);
        assert_eq!(shown(&mut thief, &copy).await, 303);
    }
}

#[tokio::test]
async fn while_nobody_knows_who_has_signed_out_the_console_says_only_how_the_server_is() {
    let server = closed().await;
    let mut owner = Browser::new(&server);
    owner.sign_in("a-token-of-the-configuration-1").await;
    let (copy, page) = (owner.cookie.clone(), owner.get("/console").await);
    server.app.store.close().await;
    let overview = owner.get("/console").await;
    assert!(overview.status == 200 && overview.text.contains("does not answer"), "{overview:?}");
    for path in ["/console/templates", "/console/record", "/console/token", "/console/settings"] {
        let refused = owner.get(path).await;
        assert!(refused.status == 503 && refused.text.contains("does not answer"), "{path}: {refused:?}");
    }
    // The browser forgets its cookie all the same.
    let out = owner.post("/console/sign-out", &format!("csrf_token={}", csrf(&page))).await;
    assert_eq!(out.status, 503, "{out:?}");
    assert_ne!(owner.cookie, copy);
    assert_eq!(owner.get("/console").await.status, 303);
}

#[tokio::test]
async fn a_token_that_ends_or_is_deleted_ends_what_was_begun_with_it() {
    let server = closed().await;
    let mut short = Browser::signed_in(&server, "short", Role::Viewer).await;
    let mut gone = Browser::signed_in(&server, "gone", Role::Owner).await;
    let mut owner = Browser::new(&server);
    owner.sign_in("a-token-of-the-configuration-1").await;
    assert_eq!(short.get("/console").await.status, 200);
    assert_eq!(gone.get("/console").await.status, 200);
    server.app.admin_tokens.delete("gone").await.unwrap();
    let kept = gone.cookie.clone();
    assert_eq!(gone.get("/console").await.status, 303);
    // Another token of that name is another token.
    server.app.admin_tokens.create("gone", Role::Owner, None).await.unwrap();
    gone.cookie = kept;
    assert_eq!(gone.get("/console").await.status, 303);
    server.clock.advance(Duration::from_hours(4));
    assert_eq!(short.get("/console").await.status, 303);
    assert_eq!(owner.get("/console").await.status, 200);
    server.clock.advance(Duration::from_hours(4));
    assert_eq!(owner.get("/console").await.status, 303, "nobody stays for more than eight hours");
}

#[tokio::test]
async fn over_https_the_cookie_is_of_one_host() {
    let admin = json!({"token": ["a-token-of-the-configuration-1"], "base_url": "https://admin.example.org"});
    let server = TestServer::configured(json!({"serve": {"admin": admin}})).await;
    let mut browser = Browser::new(&server);
    let page = browser.get("/console/sign-in").await;
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-sessera_console=") && cookie.contains("; Secure"), "{cookie}");
    // A proxy may ask by another host.
    let form = format!("csrf_token={}&token=a-token-of-the-configuration-1", csrf(&page));
    let headers = [("origin", "https://admin.example.org")];
    assert_eq!(browser.ask("POST", "/console/sign-in", &headers, &form).await.status, 303);
}

#[tokio::test]
async fn where_nobody_is_asked_for_a_token_the_console_is_open_to_its_own_pages_only() {
    let server = TestServer::start().await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.get("/console").await.status, 200);
    for headers in [
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
        [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")],
        [("origin", "http://evil.example"), ("sec-fetch-site", "none")],
    ] {
        let answer = browser.ask("GET", "/console", &headers, "").await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    // A name that somebody made point here.
    let request = Request::get("/console").header("host", "evil.example").body(Body::empty()).unwrap();
    let answer = received(server.admin_router().clone().oneshot(request).await.unwrap()).await;
    assert_eq!(answer.status, 403);
    assert!(!answer.text.contains("csrf_token"), "{answer:?}");
}

#[tokio::test]
async fn no_form_of_another_page_changes_anything() {
    let server = closed().await;
    let mut browser = Browser::signed_in(&server, "owner", Role::Owner).await;
    let page = browser.get("/console/new-template").await;
    let form = format!("csrf_token={}&name=x", csrf(&page));
    let own = [("origin", ORIGIN), ("sec-fetch-site", "same-origin")];
    for (path, _) in CHANGES {
        let path = example(path);
        for headers in [
            vec![("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")],
            vec![("origin", "http://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "http://127.0.0.1:4433")],
            vec![("sec-fetch-site", "same-origin")],
            vec![],
        ] {
            let answer = browser.ask("POST", &path, &headers, &form).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
        for bad in ["", "csrf_token=", "csrf_token=AAAA&name=x"] {
            let answer = browser.ask("POST", &path, &own, bad).await;
            assert_eq!(answer.status, 403, "{path} {bad}");
            assert!(answer.text.contains("Load the page again"), "{answer:?}");
        }
    }
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.ask("POST", "/console/token", &own, "csrf_token=AAAA").await.status, 403);
    let newest = server.admin_with(
        "GET",
        "/admin/audit?action=admin_refused&page_size=1",
        &[("authorization", "Bearer a-token-of-the-configuration-1")],
        None,
    );
    let newest = newest.await.body[0].clone();
    assert_eq!(newest["about"]["what"], "POST /console/token", "{newest}");
    assert_eq!(newest["actor"]["name"], "owner", "{newest}");
    // The token of somebody else's page is not that of one's own.
    let mut other = Browser::signed_in(&server, "other", Role::Owner).await;
    assert_eq!(other.post("/console/new-template/preview", &form).await.status, 403);
    assert_eq!(browser.post("/console/new-template/preview", &form).await.status, 200);
}

#[tokio::test]
async fn a_viewer_changes_nothing_at_any_address() {
    let server = closed().await;
    with_template(&server).await;
    let mut viewer = Browser::signed_in(&server, "viewer", Role::Viewer).await;
    for path in [
        "/console",
        "/console/templates",
        "/console/templates/api",
        "/console/recipes",
        "/console/recipes/hasura",
        "/console/settings",
        "/console/settings/revisions",
        "/console/settings/new-token",
    ] {
        assert_eq!(viewer.get(path).await.status, 200, "{path}");
    }
    for (path, needed) in CHANGES {
        let path = example(path);
        let answer = viewer.send(&path, "name=api").await;
        assert_eq!(answer.status == 403, *needed > Role::Viewer, "{path}: {answer:?}");
    }
    // An address that nobody has given a role is left to owners.
    let mut operator = Browser::signed_in(&server, "operator", Role::Operator).await;
    assert_eq!(operator.send("/console/anything", "").await.status, 403);
}

#[tokio::test]
async fn what_does_not_reach_a_receiver_and_keys_that_are_due_need_somebody() {
    let server = settings::with_sink().await;
    server.maintain().await;
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    let made = owner.send("/console/new-keys", "name=signing&algorithm=ES256&period=720h").await;
    assert_eq!(made.status, 303, "{made:?}");
    server.maintain().await;
    assert!(owner.get("/console").await.text.contains("All is well"));
    settings::fails(&server, Some(server.app.clock.now())).await;
    let page = owner.get("/console").await;
    assert!(page.text.contains("Events do not reach siem.") && page.text.contains("it refused &lt;b&gt;"));
    assert!(page.text.contains("One thing needs somebody"), "{page:?}");
    settings::fails(&server, None).await;
    let page = owner.get("/console").await;
    assert!(page.text.contains("Events for siem were given up: 1."), "{page:?}");
    assert!(!page.text.contains("The keys of signing are due"), "{page:?}");
    server.clock.advance(Duration::from_hours(721));
    let mut owner = Browser::signed_in(&server, "again", Role::Owner).await;
    let page = owner.get("/console").await;
    assert!(page.text.contains("The keys of signing are due."), "{page:?}");
}

#[tokio::test]
async fn pages_are_framed_by_nobody_and_load_nothing_of_others() {
    let server = closed().await;
    with_template(&server).await;
    let mut browser = Browser::signed_in(&server, "me", Role::Viewer).await;
    let paths =
        ["/console", "/console/sign-in", "/console/templates", "/console/templates/api", "/console/nothing"];
    for path in paths {
        let page = browser.get(path).await;
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        if page.status == 303 {
            continue;
        }
        let policy = page.header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert!(page.header("cache-control").contains("no-store"), "{path}");
        assert!(!page.text.contains(" style=") && !page.text.contains("=\"http"), "{path}: {}", page.text);
    }
    let (_, rest) = browser
        .get("/console")
        .await
        .text
        .split_once("href=\"/console/assets/console.")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let style = browser.get(&format!("/console/assets/console.{}", rest.split_once('"').unwrap().0)).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(browser.get("/console/assets/x.css").await.status, 404);
}

#[tokio::test]
async fn what_happened_in_the_last_hour_is_drawn() {
    let server = TestServer::start().await;
    let mut browser = Browser::new(&server);
    assert!(!browser.get("/console").await.text.contains("<polyline"));
    server.app.samples.take(&server.app.metrics, server.app.clock.now());
    server.person("ada@example.org").await;
    server.login("ada@example.org", crate::testing::PASSWORD).await;
    server.clock.advance(Duration::from_secs(60));
    server.app.samples.take(&server.app.metrics, server.app.clock.now());
    let page = browser.get("/console").await;
    assert_eq!(page.text.matches("<polyline").count(), 3, "{page:?}");
    assert!(page.text.contains("Sign-ins a minute in the last hour: 1.0 now"), "{page:?}");
    assert!(page.text.contains("session began"), "{page:?}");
}

#[tokio::test]
async fn people_are_found_disabled_and_their_sessions_ended() {
    let server = closed().await;
    with_template(&server).await;
    let ada = ada(&server).await;
    let (opens, session) = server.signed_in("ada@example.org").await;
    let is_live = async || {
        server.public("GET", "/sessions/whoami", &[("x-session-token", &opens)], None).await.status == 200
    };
    let mut ops = Browser::signed_in(&server, "ops", Role::Operator).await;
    let found = ops.get("/console/people?whom=ADA@").await;
    assert!(found.text.contains(&ada) && !found.text.contains("<script>x"), "{found:?}");
    assert!(ops.get("/console/people?whom=nobody").await.text.contains("Nobody was found"));
    let by_session = ops.get(&format!("/console/people?whom={session}")).await;
    let path = format!("/console/sessions/{session}");
    assert_eq!((by_session.status, by_session.header("location")), (303, path.as_str()));
    let page = ops.get(&path).await;
    assert!(page.text.contains(">api</summary>") && page.text.contains(&session), "{page:?}");
    let own = format!("/console/people/{ada}");
    for (what, before, live) in
        [("disable", "can no longer sign in", false), ("enable", "can sign in again", true)]
    {
        assert!(ops.get(&format!("{own}/{what}")).await.text.contains(before), "{what}");
        assert_eq!(ops.send(&format!("{own}/{what}"), "").await.status, 303, "{what}");
        assert_eq!(is_live().await, live, "{what}");
    }
    let code = ops.send(&format!("{own}/recovery"), "").await;
    assert!(code.text.contains("Typed at this address"), "{code:?}");
    assert_eq!(ops.send(&format!("{path}/end"), "").await.status, 303);
    assert!(!is_live().await);
    let (_, second) = server.signed_in("ada@example.org").await;
    assert_eq!(ops.send(&format!("{own}/end"), "").await.status, 303);
    assert!(ops.get(&format!("/console/sessions/{second}")).await.text.contains(">over<"));
    server.signed_in("ada@example.org").await;
    assert_eq!(ops.send("/console/everybody", "typed=x").await.status, 400);
    let ended = ops.send("/console/everybody", "typed=everybody").await;
    assert!(ended.text.contains("Sessions ended: 1."), "{ended:?}");
    assert_eq!(ops.get("/console/people/none").await.status, 404);
}

#[tokio::test]
async fn a_token_is_read_and_judged() {
    let server = TestServer::start().await;
    with_template(&server).await;
    server.maintain().await;
    server.person("ada@example.org").await;
    let (opens, session) = server.signed_in("ada@example.org").await;
    let answer =
        server.public("GET", "/sessions/whoami?tokenize_as=api", &[("x-session-token", &opens)], None).await;
    let token = answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}"));
    let mut browser = Browser::new(&server);
    let form = format!("token={token}");
    let good = browser.send("/console/token", &form).await;
    assert!(good.text.contains("It is good now") && good.text.contains(&session), "{good:?}");
    let damaged = browser.send("/console/token", &format!("token={}", crate::testing::damaged(token))).await;
    assert!(damaged.text.contains("no key that is published here has made it"), "{damaged:?}");
    assert_eq!(browser.send(&format!("/console/sessions/{session}/end"), "").await.status, 303);
    assert!(browser.send("/console/token", &form).await.text.contains("its session is over"));
    server.clock.advance(Duration::from_secs(301));
    assert!(browser.send("/console/token", &form).await.text.contains("it ended "));
}

#[tokio::test]
async fn a_slash_at_the_end_leads_to_the_overview() {
    let server = closed().await;
    let mut browser = Browser::new(&server);
    let stranger = browser.get("/console/").await;
    assert_eq!((stranger.status, stranger.header("location")), (303, "/console/sign-in?to=%2Fconsole%2F"));
    let mut viewer = Browser::signed_in(&server, "viewer", Role::Viewer).await;
    let led = viewer.get("/console/").await;
    assert_eq!((led.status, led.header("location")), (303, "/console"), "{led:?}");
}

#[tokio::test]
async fn the_record_is_filtered_and_handed_out() {
    let server = closed().await;
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    Browser::new(&server).sign_in("sessera_admin_<b>").await;
    let page = owner.get("/console/record").await;
    assert!(page.text.contains("admin token made") && page.text.contains("admin refused"), "{page:?}");
    let refused = owner.get("/console/record?outcome=refused").await;
    assert!(!refused.text.contains("<td>admin token made"), "{refused:?}");
    let wrong = owner.get("/console/record?since=yesterday").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("The parameter since is no time."), "{wrong:?}");
    let csv = owner.get("/console/record.csv?action=admin_token_made").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.text.lines().nth(1).unwrap().contains("admin_token_made"), "{csv:?}");
    // Twelve alike are ten entries and one that stands for two.
    for _ in 0..12 {
        let headers = [("user-agent", "=cmd|' /C calc'!A0"), ("authorization", "Bearer sessera_admin_x")];
        server.admin_with("GET", "/admin/keys", &headers, None).await;
    }
    server.clock.advance(Duration::from_secs(61));
    server.app.record.keep().await.unwrap();
    let csv = owner.get("/console/record.csv?action=admin_refused&page_size=1").await;
    let (head, row) = csv.text.split_once("\r\n").unwrap();
    assert!(head.ends_with("user_agent,request_id,count,actor,hash"), "{csv:?}");
    let hash =
        owner.get("/console/record.json?action=admin_refused&page_size=1").await.body[0]["hash"].clone();
    let counted = format!(",\"2\",\"{{\"\"kind\"\":\"\"nobody\"\"}}\",\"{}\"\r\n", hash.as_str().unwrap());
    assert!(row.ends_with(&counted) && row.contains(",\"'=cmd|' /C calc'!A0\","), "{csv:?}");
    let page = owner.get("/console/record?action=admin_refused&page_size=1").await;
    for text in ["2 alike", hash.as_str().unwrap(), "&quot;user_agent&quot;: &quot;=cmd"] {
        assert!(page.text.contains(text), "{text}: {page:?}");
    }
    let json = owner.get("/console/record.json?action=admin_token_made&page_size=1").await;
    assert_eq!(
        (json.body.as_array().unwrap().len(), &json.body[0]["action"]),
        (1, &json!("admin_token_made"))
    );
    let part = owner.get("/console/record?page_size=1").await;
    assert!(part.text.contains("page_token="), "{part:?}");
}
