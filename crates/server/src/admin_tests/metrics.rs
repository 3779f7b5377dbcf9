//! The numbers of a server, as what happens moves them.

use serde_json::json;

use crate::testing::TestServer;

async fn number(server: &TestServer, line: &str) -> f64 {
    let text = server.admin_text("/metrics/prometheus").await;
    let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{line} is not in {text}")).parse().unwrap()
}

#[tokio::test]
async fn what_happens_is_counted() {
    let key = sessera_jose::generate::key(sessera_jose::Algorithm::Es256, None, 2048).unwrap();
    let keys = sessera_jose::JwkSet::new(vec![key]).unwrap().to_private_json().to_string();
    let base64 = |text: &str| {
        use base64::Engine as _;
        format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(text))
    };
    let template = |mapper: &str| json!({"jwks_url": base64(&keys), "claims_mapper_url": base64(mapper)});
    let templates = json!({
        "good": template("{ claims: {} }"),
        "fails": template("{ claims: { a: error 'no' } }"),
        "endless": template("local f(x) = f(x + 1); { claims: { a: f(0) } }"),
    });
    let session = json!({"whoami": {"tokenizer": {"templates": templates}}});
    let server = TestServer::configured(json!({ "session": session })).await;
    server.person("ada@example.org").await;
    let (token, _) = server.signed_in("ada@example.org").await;
    let whoami = async |query: &str| {
        let path = format!("/sessions/whoami{query}");
        server.public("GET", &path, &[("x-session-token", &token)], None).await.status
    };
    assert_eq!(whoami("").await, 200);
    assert_eq!(whoami("?tokenize_as=good").await, 200);
    assert_eq!(whoami("?tokenize_as=fails").await, 400);
    assert_eq!(whoami("?tokenize_as=endless").await, 400);
    let requests = "sessera_requests_total{api=\"public\",method=\"GET\",route=\"/sessions/whoami\",status=";
    assert!((number(&server, &format!("{requests}\"200\"}}")).await - 2.0).abs() < 0.1);
    assert!((number(&server, &format!("{requests}\"400\"}}")).await - 2.0).abs() < 0.1);
    for (line, least) in [
        ("sessera_session_cache_hits_total", 3.0),
        ("sessera_session_cache_misses_total", 1.0),
        ("sessera_session_cache_entries", 1.0),
        ("sessera_session_cache_bytes", 1_000.0),
        ("sessera_mapper_seconds_count", 1.0),
        ("sessera_mapper_fuel_sum", 1.0),
        ("sessera_signing_seconds_count", 1.0),
        ("sessera_refused_tokens_total{why=\"limit\"}", 1.0),
        ("sessera_refused_tokens_total{why=\"mapper\"}", 1.0),
        ("sessera_store_seconds_count{operation=\"commit\"}", 2.0),
        ("sessera_store_seconds_count{operation=\"session\"}", 1.0),
        ("sessera_sign_ins_total", 1.0),
        ("sessera_passwords_running", 0.0),
        ("sessera_request_seconds_count{api=\"public\",route=\"/sessions/whoami\",status=\"2xx\"}", 2.0),
        ("sessera_request_seconds_count{api=\"public\",route=\"/sessions/whoami\",status=\"4xx\"}", 2.0),
        ("sessera_store_seconds_count{operation=\"identity_by_identifier\"}", 1.0),
        ("sessera_store_seconds_count{operation=\"flow\"}", 1.0),
        ("sessera_store_connections{pool=\"readers\",state=\"idle\"}", 1.0),
        ("sessera_store_connections{pool=\"readers\",state=\"most\"}", 4.0),
        ("sessera_store_connections{pool=\"writer\",state=\"most\"}", 1.0),
        ("sessera_line_trusted", 1.0),
    ] {
        assert!(number(&server, line).await >= least, "{line}");
    }
}

#[tokio::test]
async fn the_store_and_the_lease_are_watched() {
    let server = TestServer::start().await;
    assert!(number(&server, "sessera_lease_held").await.abs() < 0.1, "nobody has confirmed the keys");
    server.maintain().await;
    assert!((number(&server, "sessera_lease_held").await - 1.0).abs() < 0.1);
    let held = server.recorded().hold().await;
    let mut given_up = Box::pin(server.app.store.ping());
    let mut answered = Box::pin(server.app.store.ping());
    assert!(!ends_at_once(&mut given_up).await && !ends_at_once(&mut answered).await);
    assert!((number(&server, "sessera_store_under_way").await - 2.0).abs() < 0.1);
    drop(given_up);
    assert!((number(&server, "sessera_store_under_way").await - 1.0).abs() < 0.1, "given up is over, too");
    drop(held);
    answered.await.unwrap();
    assert!(number(&server, "sessera_store_under_way").await.abs() < 0.1);
    server.app.store.close().await;
    assert!(server.app.store.ping().await.is_err());
    assert!((number(&server, "sessera_store_failures_total{operation=\"ping\"}").await - 1.0).abs() < 0.1);
}

/// Polls once; whether the future has ended.
async fn ends_at_once<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_ready())
    })
    .await
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    let (token, _) = server.signed_in("ada@example.org").await;
    let mut seen = std::collections::HashSet::new();
    for path in ["/sessions/whoami", "/sessions/whoami", "/health/alive", "/nowhere"] {
        let answer = server.public("GET", path, &[("x-session-token", &token)], None).await;
        assert!(seen.insert(answer.header("x-request-id").to_owned()), "{path}");
        let headers = [("x-session-token", token.as_str()), ("x-request-id", "from-the-proxy-1")];
        let answer = server.public("GET", path, &headers, None).await;
        assert_eq!(answer.header("x-request-id"), "from-the-proxy-1");
        let headers = [("x-session-token", token.as_str()), ("x-request-id", "two words")];
        let answer = server.public("GET", path, &headers, None).await;
        assert_ne!(answer.header("x-request-id"), "two words");
    }
}
