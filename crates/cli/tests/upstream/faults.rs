//! An upstream that fails in ways that no answer shows, and too many who ask at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::stub::{session, session_id};
use super::*;

/// Serves every connection with these bytes, and then one byte after the other without an end. Returns the address.
async fn dripping(begin: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked).await;
                let mut all = stream.write_all(begin.as_bytes()).await;
                while all.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    all = stream.write_all(b" ").await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn an_upstream_that_never_comes_to_an_end_is_a_503() {
    for begin in [
        "",
        "HTTP/1.1 200 OK\r\nX-Slow: ",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ] {
        let url = dripping(begin).await;
        let server = Server::configured(json!({"session": {"upstream": {"url": url, "timeout": "200ms"}}}));
        for _ in 0..2 {
            let answer = whoami(&server, &[HEADER]).await;
            assert_eq!(answer.status, 503, "{begin}: {answer:?}");
            // What the first and the last drip is no HTTP.
            let is_http = !begin.is_empty() && !begin.contains("chunked");
            assert!(!is_http || answer.reason().contains("did not answer within"), "{begin}: {answer:?}");
        }
        assert_eq!(server.public("GET", "/health/ready", &[], None).await.status, 200);
    }
}

/// As many requests at once as a herd has.
const HERD: usize = 2000;

/// Waits until the whole herd waits for the upstream, of which so many questions have arrived.
async fn gathered(server: &Server, stub: &Stub, misses_before: f64, under_way: usize) {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let all = misses_before + HERD as f64;
    until(async || {
        stub.under_way() == under_way && server.metric("sessera_session_cache_misses_total").await >= all
    })
    .await;
}

#[tokio::test]
async fn two_thousand_requests_with_one_credential_are_one_question() {
    let (server, stub) = with(json!({"timeout": "60s", "ttl": "10m"})).await;
    let server = Arc::new(server);
    stub.knows(CREDENTIAL, session(1));
    assert_eq!(whoami(&server, &[HEADER]).await.status, 200);
    let body = json!({"session_id": session_id(1)});
    assert_eq!(server.admin("POST", "/admin/upstream/forget", Some(body)).await.status, 204);
    let before = server.metric("sessera_session_cache_misses_total").await;
    stub.asked();
    stub.hold(true);
    let herd: Vec<_> = (0..HERD)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move { whoami(&server, &[HEADER]).await.status })
        })
        .collect();
    gathered(&server, &stub, before, 1).await;
    stub.hold(false);
    for request in herd {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn two_thousand_credentials_are_asked_about_within_the_bound() {
    let (server, stub) = with(json!({"timeout": "60s", "max_in_flight": 64})).await;
    let server = Arc::new(server);
    let before = server.metric("sessera_session_cache_misses_total").await;
    stub.hold(true);
    let herd: Vec<_> = (0..HERD)
        .map(|number| {
            let number = number as u128;
            stub.knows(&format!("x-session-token: {number}"), session(number));
            let server = server.clone();
            tokio::spawn(async move {
                let answer = whoami(&server, &[("x-session-token", &number.to_string())]).await;
                (number, answer)
            })
        })
        .collect();
    gathered(&server, &stub, before, 64).await;
    stub.hold(false);
    for request in herd {
        let (number, answer) = request.await.unwrap();
        assert_eq!((answer.status, &answer.body["id"]), (200, &json!(session_id(number))));
    }
    assert_eq!((stub.asked().len(), stub.most_under_way()), (HERD, 64));
}

#[tokio::test]
async fn memory_stays_within_its_bound() {
    let stub = Stub::start().await;
    let cache = json!({"max_bytes": "1MB"});
    let server = Server::configured(json!({"session": {"upstream": {"url": stub.url}, "cache": cache}}));
    for number in 0..400 {
        let mut large = session(number);
        large["identity"]["traits"]["padding"] = json!("x".repeat(8 * 1024));
        stub.knows(&format!("x-session-token: {number}"), large);
        assert_eq!(whoami(&server, &[("x-session-token", &number.to_string())]).await.status, 200);
    }
    let bytes = server.metric("sessera_session_cache_bytes").await;
    assert!((100_000.0..1_200_000.0).contains(&bytes), "{bytes}");
}

/// Serves every connection with these bytes and closes it. Returns the address.
async fn raw(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_said_and_nobody_is_told_that_the_upstream_is_away() {
    let many = (0..101).map(|number| format!("X-{number}: 1\r\n")).collect::<Vec<_>>().concat();
    for (sent, word) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}".to_owned(), "malformed HTTP"),
        (format!("HTTP/1.1 200 OK\r\n{many}\r\n"), "malformed HTTP"),
        ("HTTP/1.1 099 No\r\n\r\n".to_owned(), "malformed HTTP"),
        ("nonsense\r\n\r\n".to_owned(), "malformed HTTP"),
        (String::new(), "closed the connection"),
        (
            "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(),
            "change of the protocol",
        ),
    ] {
        let url = raw(sent.clone()).await;
        let server = Server::configured(json!({"session": {"upstream": {"url": url}}}));
        for path in ["/sessions/whoami", "/self-service/login/api"] {
            let answer = server.public("GET", path, &[HEADER], None).await;
            assert_eq!(answer.status, 503, "{sent}: {answer:?}");
            assert!(answer.reason().contains(word), "{sent}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_with_a_length_and_chunks_comes_whole() {
    let sent =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let url = raw(sent.to_owned()).await;
    let server = Server::configured(json!({"session": {"upstream": {"url": url}}}));
    let answer = server.public("GET", "/self-service/login/api", &[], None).await;
    assert!(answer.status == 503 || answer.text == "hello", "{answer:?}");
}

/// Answers one question on each connection, keeps the connection, and closes it without an answer when the next request
/// arrives there. Returns the address.
async fn closing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let session = session(1).to_string();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{session}", session.len());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.read(&mut asked).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn what_only_reads_is_asked_again_when_a_kept_connection_is_closed() {
    let upstream = json!({"url": closing().await, "ttl": "0s"});
    let server = Server::configured(json!({"session": {"upstream": upstream}}));
    for _ in 0..4 {
        for path in ["/sessions/whoami", "/self-service/login/api"] {
            let answer = server.public("GET", path, &[HEADER], None).await;
            assert_eq!((answer.status, &answer.body["active"]), (200, &json!(true)), "{answer:?}");
        }
    }
}
