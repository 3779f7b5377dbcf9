//! What the upstream is asked, what is made of its answers, and how long they are kept.

use axum::body::Body;
use serde_json::json;

use super::stub::{answer, session};
use super::*;

#[tokio::test]
async fn a_session_goes_to_the_caller_byte_for_byte_and_is_then_in_memory() {
    let (server, stub) = with(json!({})).await;
    stub.knows(CREDENTIAL, session(1));
    for questions in [1, 0] {
        let answer = whoami(&server, &[HEADER]).await;
        assert_eq!((answer.status, answer.text), (200, format!("{}\n", session(1))));
        let identity = answer.headers["x-kratos-authenticated-identity-id"].to_str().unwrap();
        assert_eq!(json!(identity), session(1)["identity"]["id"]);
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("no-store"));
        assert_eq!(stub.asked().len(), questions);
    }
}

#[tokio::test]
async fn only_the_credential_is_sent_and_never_what_else_a_request_has() {
    let (server, stub) = with(json!({"cookie": "sid"})).await;
    let token = ("x-session-token", "a");
    let cookie = ("cookie", "other=1; sid=b; more=2");
    let bearer = ("authorization", "Bearer c");
    let besides =
        [("user-agent", "x"), ("x-forwarded-for", "1.1.1.1"), ("referer", "https://a"), ("x-secret", "1")];
    for (credentials, sent) in [
        (vec![token, cookie, bearer], ("x-session-token", "a")),
        (vec![cookie, bearer], ("cookie", "sid=b")),
        (vec![bearer], ("authorization", "Bearer c")),
    ] {
        let headers = [&credentials[..], &besides[..]].concat();
        let answer = server.public("POST", "/sessions/whoami?tokenize_as=none", &headers, None).await;
        assert_eq!(answer.status, 401);
        let asked = stub.asked();
        let [question] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(
            (question.method.as_str(), question.uri.to_string().as_str()),
            ("GET", "/sessions/whoami")
        );
        let mut names: Vec<&str> = question.headers.keys().map(axum::http::HeaderName::as_str).collect();
        names.sort_unstable();
        let mut expected = vec!["accept", "cache-control", "host", sent.0];
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(question.header(sent.0), Some(sent.1));
        assert_eq!(question.header("cache-control"), Some("max-age=0"));
    }
}

#[tokio::test]
async fn a_credential_of_one_kind_is_never_taken_for_one_of_another() {
    let (server, stub) = with(json!({})).await;
    stub.knows("x-session-token: x", session(1));
    stub.knows("authorization: Bearer x", session(2));
    for _ in 0..2 {
        assert_eq!(whoami(&server, &[("x-session-token", "x")]).await.body["id"], session(1)["id"]);
        assert_eq!(whoami(&server, &[("authorization", "Bearer x")]).await.body["id"], session(2)["id"]);
        assert_eq!(whoami(&server, &[("cookie", "ory_kratos_session=x")]).await.status, 401);
    }
    assert_eq!(stub.asked().len(), 4, "refusals are never kept");
}

#[tokio::test]
async fn a_cookie_that_comes_with_an_answer_is_passed_on_once_and_never_kept() {
    let (server, stub) = with(json!({})).await;
    let cookies = [("set-cookie", "ory_kratos_session=new; Path=/"), ("set-cookie", "other=1")];
    stub.next(answer(200, &cookies, &session(1).to_string()));
    let first = whoami(&server, &[("cookie", "ory_kratos_session=old")]).await;
    let told: Vec<_> =
        first.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(told, cookies.map(|(_, value)| value));
    let second = whoami(&server, &[("cookie", "ory_kratos_session=old")]).await;
    assert_eq!((second.status, second.headers.get("set-cookie")), (200, None));
}

#[tokio::test]
async fn refusals_are_passed_on_in_the_upstream_s_words_and_not_kept() {
    let (server, stub) = with(json!({})).await;
    let aal2 = json!({
        "error": {"id": "session_aal2_required", "code": 403, "details": {"redirect_browser_to": "https://k/aal2"}},
        "redirect_browser_to": "https://k/aal2",
    });
    for (status, body) in [(400, json!({"a": 1})), (401, json!({"b": [1]})), (403, aal2)] {
        for _ in 0..2 {
            stub.next(answer(status, &[("set-cookie", "x=1")], &format!(" {body} ")));
            let answer = whoami(&server, &[HEADER]).await;
            assert_eq!((answer.status, answer.text), (status, format!(" {body} ")));
            assert_eq!(answer.headers["content-type"], "application/json");
            assert_eq!(answer.headers["set-cookie"], "x=1");
        }
        assert_eq!(stub.asked().len(), 2, "{status}");
    }
    stub.knows(CREDENTIAL, session(1));
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
}

#[tokio::test]
async fn a_refusal_without_words_is_told_in_ours() {
    let (server, stub) = with(json!({})).await;
    stub.next(answer(401, &[], ""));
    let answer = whoami(&server, &[HEADER]).await;
    assert_eq!((answer.status, &answer.body["error"]["code"]), (401, &json!(401)));
}

#[tokio::test]
async fn what_is_no_answer_is_a_503_that_names_the_upstream() {
    let (server, stub) = with(json!({})).await;
    let huge = Body::from(vec![b' '; 100 * 1024 * 1024]);
    let huge = axum::http::Response::builder().status(200).body(huge).unwrap();
    let mut ended = session(1);
    ended["expires_at"] = json!("2001-01-01T00:00:00Z");
    for (given, word) in [
        (answer(500, &[], "{}"), "status 500"),
        (answer(502, &[], "<html>"), "status 502"),
        (answer(404, &[], "{}"), "status 404"),
        (answer(302, &[("location", "http://evil.example/sessions/whoami")], ""), "status 302"),
        (answer(200, &[], "<html>"), "no session"),
        (answer(200, &[], "garbage"), "no session"),
        (answer(200, &[], ""), "no session"),
        (answer(200, &[], &ended.to_string()), "clock"),
        (huge, "1 MiB"),
    ] {
        stub.next(given);
        let answer = whoami(&server, &[HEADER]).await;
        assert_eq!(answer.status, 503, "{word}: {answer:?}");
        assert!(answer.headers.contains_key("retry-after"));
        let reason = answer.reason();
        assert!(reason.contains("session.upstream.url") && reason.contains(word), "{reason}");
        let health = server.public("GET", "/health/ready", &[], None).await;
        assert_eq!(health.status, 200, "the server itself can do its work");
        assert!(health.body["warnings"]["upstream"].as_str().unwrap().contains(word), "{health:?}");
    }
    stub.knows(CREDENTIAL, session(1));
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
    assert_eq!(server.public("GET", "/health/ready", &[], None).await.body, json!({"status": "ok"}));
}

#[tokio::test]
async fn an_upstream_that_is_away_or_too_slow_is_a_503() {
    let (server, stub) = with(json!({"timeout": "20ms"})).await;
    stub.hold(true);
    let slow = whoami(&server, &[HEADER]).await;
    assert_eq!(slow.status, 503);
    assert!(slow.reason().contains("did not answer within"), "{slow:?}");
    let nobody = json!({"session": {"upstream": {"url": "http://127.0.0.1:1"}}});
    let server = Server::configured(nobody);
    let away = whoami(&server, &[HEADER]).await;
    assert_eq!(away.status, 503);
    assert!(away.reason().contains("cannot be reached"), "{away:?}");
}

#[tokio::test]
async fn when_the_upstream_asks_for_a_pause_its_words_are_passed_on_and_nobody_else_is_sent_there() {
    let (server, stub) = with(json!({})).await;
    stub.next(answer(429, &[("retry-after", "600")], r#"{"slow":"down"}"#));
    let first = whoami(&server, &[HEADER]).await;
    assert_eq!((first.status, first.text.as_str()), (429, r#"{"slow":"down"}"#));
    assert_eq!(first.header("retry-after"), "600");
    stub.knows(CREDENTIAL, session(1));
    stub.asked();
    for other in [TOKEN, "ory_st_bob"] {
        let paused = whoami(&server, &[("x-session-token", other)]).await;
        assert_eq!(paused.status, 429, "{paused:?}");
        assert!(paused.header("retry-after").parse::<u32>().is_ok_and(|left| left > 0), "{paused:?}");
    }
    assert_eq!(stub.asked().len(), 0);
}

#[tokio::test]
async fn what_the_upstream_has_refused_is_not_answered_from_memory_when_it_fails_later() {
    for refused in [
        answer(400, &[], "{}"),
        answer(401, &[], "{}"),
        answer(403, &[], "{}"),
        answer(200, &[], &{
            let mut over = session(1);
            over["active"] = json!(false);
            over.to_string()
        }),
        answer(200, &[], &{
            let mut inactive = session(1);
            inactive["identity"]["state"] = json!("inactive");
            inactive.to_string()
        }),
    ] {
        let (server, stub) = with(json!({"ttl": "0s", "max_stale": "10m"})).await;
        stub.knows(CREDENTIAL, session(1));
        assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
        stub.next(answer(500, &[], ""));
        assert_eq!(whoami(&server, &[HEADER]).await.status, 200, "that is what max_stale is for");
        stub.next(refused);
        assert!((400..404).contains(&whoami(&server, &[HEADER]).await.status));
        stub.next(answer(500, &[], ""));
        assert_eq!(whoami(&server, &[HEADER]).await.status, 503);
    }
}

#[tokio::test]
async fn a_refusal_counts_also_when_its_words_cannot_be_passed_on() {
    let (server, stub) = with(json!({})).await;
    let huge = Body::from(vec![b' '; 3 * 1024 * 1024]);
    let limited = axum::http::Response::builder().status(429).header("retry-after", "7");
    stub.next(limited.body(huge).unwrap());
    let first = whoami(&server, &[HEADER]).await;
    assert_eq!((first.status, first.header("retry-after")), (429, "7"));
    assert!(first.reason().contains("7 s"), "{first:?}");
}

#[tokio::test]
async fn everybody_is_told_the_same_pause() {
    for (said, told) in [("3600", "600"), ("99999999999999999999", "600"), ("60", "60")] {
        let (server, stub) = with(json!({})).await;
        stub.next(answer(429, &[("retry-after", said)], "{}"));
        assert_eq!(whoami(&server, &[HEADER]).await.header("retry-after"), told);
        let left: u64 = whoami(&server, &[HEADER]).await.header("retry-after").parse().unwrap();
        assert!(left <= told.parse().unwrap() && left + 30 > told.parse().unwrap(), "{said}: {left}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_encoding() {
    let (server, stub) = with(json!({})).await;
    stub.next(answer(403, &[("content-encoding", "gzip")], "packed"));
    let refused = whoami(&server, &[HEADER]).await;
    assert_eq!((refused.status, refused.header("content-encoding")), (403, "gzip"));
}

#[tokio::test]
async fn a_signed_token_is_no_session_token_of_an_upstream() {
    let (server, stub) = with(json!({})).await;
    for (path, header) in [
        ("/sessions/whoami?tokenize_as=t", ("authorization", "Bearer a.b.c")),
        ("/sessions/whoami?tokenize_as=t", ("x-session-token", "a.b.c")),
        ("/sessions/whoami", ("authorization", "Bearer a.b.c")),
    ] {
        assert_eq!(server.public("GET", path, &[header], None).await.status, 401);
    }
    assert_eq!(stub.asked().len(), 0);
}
