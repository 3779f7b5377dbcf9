//! Requests that go on to the upstream, and what is forgotten with them.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;

use super::stub::{UpstreamRequest, answer, identity_id, session, session_id};
use super::*;

/// The one request that arrived.
fn only(stub: &Stub) -> UpstreamRequest {
    let asked = stub.asked();
    let [one] = asked.as_slice() else { panic!("{asked:?}") };
    one.clone()
}

#[tokio::test]
async fn what_this_server_does_not_answer_itself_is_the_upstream_s() {
    let (server, stub) = with(json!({})).await;
    let flow = json!({"method": "password"});
    let path = "/self-service/login?flow=1&a=%20b";
    let headers =
        [("cookie", "csrf=1; ory_kratos_session=x"), ("x-csrf-token", "y"), ("origin", "https://a.example")];
    let answer = server.public("POST", path, &headers, Some(flow.clone())).await;
    assert_eq!((answer.status, answer.header("x-stub")), (200, "1"));
    let asked = stub.asked().pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.uri.to_string().as_str()), ("POST", path));
    assert_eq!(asked.body, flow.to_string().as_bytes());
    for (name, value) in headers {
        assert_eq!(asked.header(name), Some(value));
    }
    assert_eq!(asked.header("host").unwrap(), stub.url.strip_prefix("http://").unwrap());
    for path in
        ["/", "/version", "/schemas/default", "/sessions", "/ui/login", "/.well-known/ory/webauthn.js"]
    {
        assert_eq!(server.public("GET", path, &[], None).await.header("x-stub"), "1", "{path}");
        assert_eq!(only(&stub).uri.path(), path);
    }
    for path in ["/admin/identities", "/admin/sessions", "/admin/version", "/admin/courier/messages"] {
        assert_eq!(server.admin("GET", path, None).await.header("x-stub"), "1", "{path}");
        assert_eq!(only(&stub).uri.path(), path);
    }
}

#[tokio::test]
async fn what_is_about_tokens_is_ours() {
    let (server, stub) = with(json!({})).await;
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/jwks/t.json",
        "/.well-known/openid-configuration",
        "/.well-known/status/t/0",
        "/health/alive",
        "/health/ready",
        "/openapi.json",
        "/oauth2/token",
        "/self-service/exchange/browser",
    ] {
        assert_eq!(server.public("GET", path, &[], None).await.header("x-stub"), "", "{path}");
    }
    for path in [
        "/admin/keys",
        "/admin/keys/k",
        "/projects",
        "/projects/default",
        "/admin/health/ready",
        "/metrics/prometheus",
        "/oauth2/introspect",
        "/openapi.json",
    ] {
        assert_eq!(server.admin("GET", path, None).await.header("x-stub"), "", "{path}");
    }
    // The console has no people, because they are there.
    for (path, status) in
        [("/console", 200), ("/console/keys", 200), ("/console/people", 404), ("/console/everybody", 404)]
    {
        assert_eq!(server.admin("GET", path, None).await.status, status, "{path}");
    }
    assert_eq!(stub.asked().len(), 0);
}

#[tokio::test]
async fn where_nothing_is_passed_on_the_answer_says_where_to_ask() {
    let (server, stub) = with(json!({"forward": false})).await;
    stub.knows(CREDENTIAL, session(1));
    for answer in [
        server.public("GET", "/self-service/login/browser", &[], None).await,
        server.admin("GET", "/admin/identities", None).await,
    ] {
        assert_eq!(answer.status, 404);
        assert!(answer.reason().contains(&stub.url), "{answer:?}");
    }
    assert_eq!(stub.asked().len(), 0);
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
    let without = json!({"session": {"upstream": {"url": stub.url}}});
    let server = Server::configured(without);
    let answer = server.admin("GET", "/admin/identities", None).await;
    assert!(answer.status == 404 && answer.reason().contains("session.upstream.admin_url"), "{answer:?}");
}

#[tokio::test]
async fn statuses_headers_and_bodies_of_the_upstream_come_back_as_they_are() {
    let (server, stub) = with(json!({})).await;
    let headers = [
        ("location", "http://k.example/self-service/login/browser?flow=1"),
        ("set-cookie", "csrf=1"),
        ("set-cookie", "b=2"),
        ("x-other", "3"),
        ("connection", "x-mine"),
        ("x-mine", "4"),
        ("keep-alive", "timeout=5"),
    ];
    stub.next(answer(303, &headers, "not json"));
    let answer = server.public("GET", "/self-service/login/browser", &[], None).await;
    assert_eq!((answer.status, answer.text.as_str()), (303, "not json"), "no redirection is followed");
    assert_eq!(answer.header("location"), headers[0].1);
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    assert_eq!(
        (answer.header("x-other"), answer.header("x-mine"), answer.header("keep-alive")),
        ("3", "", "")
    );
}

#[tokio::test]
async fn an_operator_s_proof_for_this_server_is_none_for_the_upstream() {
    const OURS: &str = "Kp3-a-token-of-ours-0a9f8e7d6c5b4";
    const BEARER: &str = "Bearer Kp3-a-token-of-ours-0a9f8e7d6c5b4";
    let stub = Stub::start().await;
    let ask = async |own: Option<&str>, theirs: Option<&str>| {
        let mut upstream = json!({"url": stub.url, "admin_url": stub.url});
        if let Some(token) = theirs {
            upstream["admin_token"] = json!(token);
        }
        let admin = own.map_or_else(|| json!({}), |token| json!({"token": token}));
        let configuration = json!({"session": {"upstream": upstream}, "serve": {"admin": admin}});
        let server = Server::configured(configuration);
        let headers = [("authorization", BEARER)];
        assert_eq!(server.admin_with("GET", "/admin/identities", &headers, None).await.status, 200);
        if own.is_some() {
            assert_eq!(server.admin("GET", "/admin/identities", None).await.status, 401);
        }
        only(&stub).header("authorization").map(str::to_owned)
    };
    assert_eq!(ask(Some(OURS), None).await, None);
    assert_eq!(ask(Some(OURS), Some("theirs")).await.as_deref(), Some("Bearer theirs"));
    assert_eq!(ask(None, Some("theirs")).await.as_deref(), Some("Bearer theirs"));
    assert_eq!(ask(None, None).await.as_deref(), Some(BEARER), "it may be the upstream's");
}

#[tokio::test]
async fn a_request_that_leads_elsewhere_is_refused() {
    let (server, stub) = with(json!({})).await;
    for (path, headers) in [
        ("/a/../../admin/identities", "Connection: close"),
        ("/%2e%2e/admin", "Connection: close"),
        ("/self-service/login", "Upgrade: websocket\r\nConnection: upgrade, close"),
    ] {
        let heard = server.spoken(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n")).await;
        assert!(heard.starts_with("HTTP/1.1 400 "), "{path}: {heard}");
    }
    assert_eq!(stub.asked().len(), 0);
}

#[tokio::test]
async fn no_request_is_passed_off_as_a_part_of_another() {
    let (server, stub) = with(json!({})).await;
    let inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for head in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}", inner.len() + 5),
        format!(
            "Transfer-Encoding: chunked\r\nConnection: transfer-encoding, close\r\n\r\n5\r\nhello\r\n0\r\n\r\n{inner}"
        ),
        format!("Content-Length: 5\r\nConnection: content-length, close\r\n\r\nhello{inner}"),
        format!("Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello{inner}"),
        format!(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n{inner}"
        ),
        format!("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\nhello{inner}"),
    ] {
        let heard = server.spoken(&format!("POST /first HTTP/1.1\r\nHost: x\r\n{head}")).await;
        assert!(heard.starts_with("HTTP/1.1 "), "{head}: {heard}");
        let arrived = stub.asked();
        assert!(!arrived.is_empty() || heard.starts_with("HTTP/1.1 4"), "{head}: {heard}");
        for asked in arrived {
            // A second request on the connection may arrive as one of its own; it is never the body of the first.
            let body = String::from_utf8_lossy(&asked.body).into_owned();
            assert!(!body.contains("smuggled"), "{head}: {asked:?}");
            assert!(asked.headers.get_all("content-length").iter().count() <= 1);
            let both = asked.headers.contains_key("content-length")
                && asked.headers.contains_key("transfer-encoding");
            assert!(!both, "{asked:?}");
            assert!(asked.header("connection").is_none(), "{asked:?}");
        }
    }
}

#[tokio::test]
async fn the_upstream_hears_who_asks_and_clients_cannot_say_that_of_themselves() {
    let (server, stub) = with(json!({})).await;
    let lies = "X-Forwarded-For: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n";
    let about = "Host: id.example.org\r\nConnection: close, x-forwarded-for";
    server.spoken(&format!("GET /x HTTP/1.1\r\n{about}\r\n{lies}\r\n")).await;
    let asked = only(&stub);
    assert_eq!(asked.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(asked.header("x-forwarded-host"), Some("id.example.org"));
    assert_eq!((asked.header("x-forwarded-proto"), asked.header("forwarded")), (Some("http"), None));
    let lies = "X-Real-IP: 6.6.6.6\r\nTrue-Client-IP: 6.6.6.6\r\nCF-Connecting-IP: 6.6.6.6\r\n";
    server.spoken(&format!("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lies}\r\n")).await;
    let asked = only(&stub);
    assert_eq!(asked.header("x-real-ip"), Some("127.0.0.1"));
    assert_eq!((asked.header("true-client-ip"), asked.header("cf-connecting-ip")), (None, None));
    let trusting = json!({
        "session": {"upstream": {"url": stub.url}},
        "serve": {"public": {"trusted_proxies": ["127.0.0.1"], "base_url": "https://id.example.org"}},
    });
    let server = Server::configured(trusting);
    // What the proxy was told itself, before it added who asked, is not believed.
    let about = "Host: x\r\nConnection: close\r\nX-Forwarded-For: 6.6.6.6, 9.9.9.9\r\nX-Real-IP: 6.6.6.6";
    server.spoken(&format!("GET /x HTTP/1.1\r\n{about}\r\n\r\n")).await;
    let asked = only(&stub);
    assert_eq!(asked.header("x-real-ip"), Some("9.9.9.9"));
    assert_eq!(asked.header("x-forwarded-for"), Some("6.6.6.6, 9.9.9.9, 127.0.0.1"));
    assert_eq!(asked.header("x-forwarded-proto"), Some("https"));
}

#[tokio::test]
async fn a_sign_out_through_this_server_is_seen_at_once() {
    let cookie = ("cookie", "ory_kratos_session=c");
    for (method, path, headers, body) in [
        ("GET", "/self-service/logout?token=x", &[cookie][..], None),
        ("POST", "/self-service/settings?flow=x", &[HEADER], Some(json!({}))),
        ("DELETE", "/self-service/logout/api", &[], Some(json!({"session_token": TOKEN}))),
        ("DELETE", "/sessions", &[("authorization", "Bearer b")], None),
    ] {
        let (server, stub) = with(json!({})).await;
        let credentials = [CREDENTIAL, "cookie: ory_kratos_session=c", "authorization: Bearer b"];
        for credential in credentials {
            stub.knows(credential, session(1));
        }
        stub.knows("x-session-token: other", session(2));
        let all = [&[HEADER][..], &[cookie], &[("authorization", "Bearer b")]];
        for headers in all {
            assert_eq!(whoami(&server, headers).await.status, 200);
        }
        assert_eq!(whoami(&server, &[("x-session-token", "other")]).await.status, 200);
        assert_eq!(server.public(method, path, headers, body).await.status, 200);
        for credential in credentials {
            stub.ends(credential);
        }
        stub.asked();
        for headers in all {
            assert_eq!(whoami(&server, headers).await.status, 401, "{method} {path}: {headers:?}");
        }
        assert_eq!(whoami(&server, &[("x-session-token", "other")]).await.status, 200);
        assert_eq!(stub.asked().len(), 3, "the other's session is still in memory");
    }
}

#[tokio::test]
async fn who_signs_out_with_a_credential_that_is_not_in_memory_is_asked_about_first() {
    let (server, stub) = with(json!({})).await;
    stub.knows(CREDENTIAL, session(1));
    stub.knows("cookie: ory_kratos_session=c", session(1));
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
    stub.asked();
    let cookie = [("cookie", "ory_kratos_session=c")];
    assert_eq!(server.public("GET", "/self-service/logout?token=x", &cookie, None).await.status, 200);
    let paths: Vec<_> = stub.asked().iter().map(|asked| asked.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/sessions/whoami", "/self-service/logout"]);
    stub.ends(CREDENTIAL);
    assert_eq!(whoami(&server, &[HEADER]).await.status, 401, "it is another credential of the same person");
}

#[tokio::test]
async fn what_reads_forgets_nothing_and_asks_nothing() {
    let (server, stub) = with(json!({})).await;
    stub.knows(CREDENTIAL, session(1));
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
    stub.asked();
    assert_eq!(server.public("GET", "/self-service/settings/browser", &[HEADER], None).await.status, 200);
    assert_eq!(stub.asked().len(), 1);
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
    assert_eq!(stub.asked().len(), 0);
}

#[tokio::test]
async fn an_operator_s_call_forgets_what_its_path_names_or_all() {
    for (path, forgotten) in [
        (format!("/admin/sessions/{}", session_id(1)), vec![1]),
        (format!("/admin/identities/{}/sessions", identity_id(2)), vec![2]),
        ("/admin/identities".to_owned(), vec![1, 2]),
    ] {
        let (server, stub) = with(json!({})).await;
        let token = |number: u128| format!("t{number}");
        for number in [1, 2] {
            stub.knows(&format!("x-session-token: {}", token(number)), session(number));
            assert_eq!(whoami(&server, &[("x-session-token", &token(number))]).await.status, 200);
        }
        assert!(server.admin("DELETE", &path, None).await.status < 300);
        for number in [1, 2] {
            stub.asked();
            assert_eq!(whoami(&server, &[("x-session-token", &token(number))]).await.status, 200);
            assert_eq!(stub.asked().len(), usize::from(forgotten.contains(&number)), "{path} {number}");
        }
    }
}

#[tokio::test]
async fn what_is_forgotten_is_forgotten_also_when_the_client_or_the_upstream_is_gone_in_the_middle() {
    let (server, stub) = with(json!({"ttl": "10m"})).await;
    let server = Arc::new(server);
    stub.knows(CREDENTIAL, session(1));
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
    stub.hold(true);
    let signing_out = {
        let server = server.clone();
        tokio::spawn(async move { server.public("DELETE", "/sessions", &[HEADER], None).await.status })
    };
    until(async || stub.under_way() == 1).await;
    signing_out.abort();
    assert!(signing_out.await.is_err());
    // The upstream acts when the client has gone, and when others have asked in the meantime.
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
    stub.ends(CREDENTIAL);
    stub.hold(false);
    until(async || whoami(&server, &[HEADER]).await.status == 401).await;
}

#[tokio::test]
async fn a_back_end_that_ends_sessions_itself_says_so() {
    let (server, stub) = with(json!({})).await;
    for body in [json!({"session_id": session_id(1)}), json!({"identity_id": identity_id(1)})] {
        stub.knows(CREDENTIAL, session(1));
        assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
        stub.ends(CREDENTIAL);
        assert_eq!(whoami(&server, &[HEADER]).await.status, 200, "nobody has said so yet");
        assert_eq!(server.admin("POST", "/admin/upstream/forget", Some(body)).await.status, 204);
        assert_eq!(whoami(&server, &[HEADER]).await.status, 401);
    }
    for body in [
        json!({}),
        json!({"session_id": session_id(1), "identity_id": identity_id(1)}),
        json!({"session_id": "x"}),
        json!({"sesion_id": session_id(1)}),
    ] {
        assert_eq!(
            server.admin("POST", "/admin/upstream/forget", Some(body.clone())).await.status,
            400,
            "{body}"
        );
    }
    let own = Server::configured(json!({}));
    let body = json!({"session_id": session_id(1)});
    assert_eq!(own.admin("POST", "/admin/upstream/forget", Some(body)).await.status, 404);
}

/// A server with two people in memory: the first by a session token, the second by a cookie.
async fn with_two(more: Value) -> (Server, Stub) {
    let (server, stub) = with(more).await;
    stub.knows(CREDENTIAL, session(1));
    stub.knows("cookie: ory_kratos_session=c", session(2));
    for headers in [HEADER, COOKIE] {
        assert_eq!(whoami(&server, &[headers]).await.status, 200);
    }
    stub.asked();
    (server, stub)
}

const COOKIE: (&str, &str) = ("cookie", "ory_kratos_session=c");

#[tokio::test]
async fn a_credential_of_nobody_knows_whom_makes_nobody_be_forgotten() {
    for (unsaid, changed) in [
        (answer(500, &[], ""), 200),
        (answer(500, &[], ""), 500),
        (answer(429, &[("retry-after", "1")], "{}"), 303),
        (answer(403, &[], "{}"), 303),
        (answer(400, &[], "{}"), 200),
        (answer(401, &[], "{}"), 200),
    ] {
        let told = format!("{} {changed}", unsaid.status());
        let (server, stub) = with_two(json!({})).await;
        stub.next(unsaid);
        stub.next(answer(changed, &[], "{}"));
        let other = [("x-session-token", "another_credential")];
        assert_eq!(server.public("DELETE", "/sessions", &other, None).await.status, changed, "{told}");
        stub.asked();
        for headers in [HEADER, COOKIE] {
            assert_eq!(whoami(&server, &[headers]).await.status, 200, "{told}");
        }
        assert_eq!(stub.asked().len(), 0, "{told}");
    }
}

#[tokio::test]
async fn a_change_forgets_by_every_credential_of_the_request() {
    let (server, stub) = with_two(json!({})).await;
    stub.knows("authorization: Bearer b", session(1));
    let both = [("cookie", "ory_kratos_session=undecodable"), ("authorization", "Bearer b")];
    assert_eq!(server.public("DELETE", "/sessions", &both, None).await.status, 200);
    stub.ends(CREDENTIAL);
    assert_eq!(whoami(&server, &[HEADER]).await.status, 401, "the upstream falls back to the bearer");
    stub.asked();
    assert_eq!(whoami(&server, &[COOKIE]).await.status, 200);
    assert_eq!(stub.asked().len(), 0, "the other's session is still in memory");
}

#[tokio::test]
async fn a_path_that_is_spelled_otherwise_forgets_and_leads_nowhere_else() {
    for path in ["/self-service/log%6fut", "//self-service/logout", "/self-service%2flogout"] {
        let (server, stub) = with_two(json!({})).await;
        let request = format!(
            "GET {path}?token=x HTTP/1.1\r\nHost: x\r\nX-Session-Token: {TOKEN}\r\nConnection: close\r\n\r\n"
        );
        assert!(server.spoken(&request).await.starts_with("HTTP/1.1 200 "), "{path}");
        stub.ends(CREDENTIAL);
        assert_eq!(whoami(&server, &[HEADER]).await.status, 401, "{path}");
    }
    let (server, stub) = with(json!({})).await;
    for path in ["/admin/identities/..%2fcourier/messages", "/a/%252e%252e/b", "/sessions%2f..%2fadmin"] {
        for port in [server.public, server.admin] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {port}\r\nConnection: close\r\n\r\n");
            let heard = server.spoken_to(port, &request).await;
            assert!(heard.starts_with("HTTP/1.1 400 "), "{path}: {heard}");
        }
    }
    assert_eq!(stub.asked().len(), 0);
}

#[tokio::test]
async fn what_begins_as_our_paths_do_is_never_the_upstream_s() {
    let (server, stub) = with(json!({})).await;
    for path in [
        "/metrics",
        "/health/foo",
        "/.well-known/jwks",
        "/.well-known/openid-configuration/x",
        "/self-service/exchange/foo",
        "/sessions/who%61mi",
    ] {
        assert_eq!(server.public("GET", path, &[], None).await.status, 404, "{path}");
    }
    for path in [
        "/metrics",
        "/admin/keys/ks/x/y/z",
        "/projects/default/foo",
        "/admin/audit/x",
        "/admin/sinks/x/y",
        "/admin/rotation",
        "/console/x/y/z",
        "/consoles",
    ] {
        assert_eq!(server.admin("GET", path, None).await.status, 404, "{path}");
    }
    assert_eq!(stub.asked().len(), 0);
}

#[tokio::test]
async fn a_body_that_its_client_breaks_is_no_trouble_of_the_upstream() {
    let (server, _stub) = with(json!({})).await;
    let about =
        "POST /self-service/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked";
    let heard = server.spoken(&format!("{about}\r\n\r\n5\r\nhello\r\nzz\r\n")).await;
    assert!(heard.starts_with("HTTP/1.1 400 "), "{heard}");
    let heard =
        server.spoken(&format!("{}\r\n\r\n0\r\n\r\n", about.replace("chunked", "gzip, chunked"))).await;
    assert!(heard.starts_with("HTTP/1.1 400 ") && heard.contains("Transfer-Encoding"), "{heard}");
}

#[tokio::test]
async fn a_host_is_passed_on_only_when_it_is_one() {
    let (server, stub) = with(json!({})).await;
    let heard =
        server.spoken("GET /x HTTP/1.1\r\nHost: evil.example/path?x\r\nConnection: close\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 400 "), "{heard}");
    server.spoken("GET /x HTTP/1.1\r\nHost: id.example\r\nConnection: close, Host\r\n\r\n").await;
    assert_eq!(only(&stub).header("x-forwarded-host"), Some("id.example"));
}

#[tokio::test]
async fn a_cookie_that_is_renewed_when_its_owner_is_asked_about_reaches_the_browser() {
    let (server, stub) = with(json!({})).await;
    let browser = ("cookie", "ory_kratos_session=x");
    let renewed = "ory_kratos_session=renewed; Path=/";
    let told = || answer(200, &[("set-cookie", renewed)], &session(1).to_string());
    let cookies = |answer: &Answer| -> Vec<String> {
        let all = answer.headers.get_all("set-cookie").iter();
        all.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    stub.next(told());
    let changed = server.public("POST", "/self-service/settings?flow=1", &[browser], Some(json!({}))).await;
    assert_eq!((changed.header("x-stub"), cookies(&changed)), ("1", vec![renewed.to_owned()]));
    // What ends with the request is not given back.
    stub.next(told());
    let gone = "ory_kratos_session=; Max-Age=0";
    stub.next(answer(303, &[("set-cookie", gone)], ""));
    let signed_out = server.public("GET", "/self-service/logout?token=t", &[browser], None).await;
    assert_eq!((signed_out.status, cookies(&signed_out)), (303, vec![gone.to_owned()]));
}

#[tokio::test]
async fn a_client_may_offer_another_version_of_http_and_speak_it() {
    let (server, stub) = with(json!({})).await;
    let offered = server.public("GET", "/version", &[("upgrade", "h2c")], None).await;
    assert_eq!((offered.status, only(&stub).header("upgrade")), (200, None));
    let stream = TokioIo::new(TcpStream::connect(server.public).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let asked = Request::get(format!("http://{}/version", server.public)).body(Body::empty()).unwrap();
    assert_eq!(client.send_request(asked).await.unwrap().status(), 200);
    let host = server.public.to_string();
    assert_eq!(only(&stub).header("x-forwarded-host"), Some(host.as_str()));
}

#[tokio::test]
async fn trouble_with_the_admin_api_names_its_address() {
    let (server, _stub) = with(json!({"admin_url": "http://127.0.0.1:9/"})).await;
    let answer = server.admin("GET", "/admin/identities", None).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.reason().contains("session.upstream.admin_url"), "{answer:?}");
}

#[tokio::test]
async fn a_body_reaches_the_upstream_whatever_the_method_and_however_it_comes() {
    let (server, stub) = with(json!({})).await;
    for method in ["GET", "POST", "DELETE"] {
        for framing in
            ["Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
        {
            let head = format!("{method} /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n{framing}");
            server.spoken(&head).await;
            assert_eq!(only(&stub).body, "abc", "{method} {framing}");
        }
    }
}
