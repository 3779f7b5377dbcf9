//! Limits against abuse, from outside. What they count is tested in `accounts`.

use std::time::Duration;

use serde_json::json;

use super::client::{Client, everything, mailed_code};
use crate::testing::{PASSWORD, TestServer};

const ADA: &str = "ada@example.org";

async fn server(limits: serde_json::Value) -> TestServer {
    let mut configuration = everything();
    configuration["selfservice"]["limits"] = limits;
    let server = TestServer::configured(configuration).await;
    server.person(ADA).await;
    server
}

/// How often a limit has refused somebody, as the metrics tell it.
async fn hits(server: &TestServer, limit: &str) -> u32 {
    let line = format!("sessera_limits_hit_total{{limit=\"{limit}\"}} ");
    let text = server.admin_text("/metrics/prometheus").await;
    text.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn one_address_has_its_minute() {
    let server = server(json!({"requests_per_minute": 4})).await;
    for kind in ["login", "registration", "recovery", "verification"] {
        let mut client = Client::native(&server).from("192.0.2.1");
        let flow = client.begin(kind, "").await;
        for _ in 0..3 {
            assert_ne!(client.submit(&flow, json!({})).await.status, 429, "{kind}");
        }
        let refused = client.submit(&flow, json!({})).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "15"), "{kind}");
        let mut other = Client::native(&server).from("192.0.2.2");
        let flow = other.begin(kind, "").await;
        assert_ne!(other.submit(&flow, json!({})).await.status, 429, "{kind}");
        server.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(hits(&server, "requests").await, 4);
}

#[tokio::test]
async fn an_error_that_a_page_would_show_is_kept_as_often_as_requests_are_taken() {
    let server = server(json!({"requests_per_minute": 3})).await;
    let mut client = Client::browser(&server).from("192.0.2.1");
    let mut kept = 0;
    for _ in 0..9 {
        server.recorded().notes();
        client.page("/self-service/login/browser?return_to=https://evil.example/").await;
        kept += server.recorded().notes().iter().filter(|note| *note == "InsertFlow").count();
    }
    assert!((1..=3).contains(&kept), "{kept}");
}

#[tokio::test]
async fn a_page_is_told_on_a_page_that_there_were_too_many_requests() {
    let server = server(json!({"requests_per_minute": 3})).await;
    for kind in ["login", "registration", "recovery", "verification"] {
        let mut browser = Client::browser(&server).from("192.0.2.1");
        let path = path_of(kind);
        for _ in 0..3 {
            assert_eq!(browser.page(&path).await.status, 303, "{path}");
        }
        for path in [path, format!("/self-service/{kind}/browser?return_to=https://evil.example/")] {
            let refused = browser.page(&path).await;
            assert_eq!(refused.status, 429, "{path}: {refused:?}");
            assert!(refused.header("content-type").starts_with("text/html"), "{path}: {refused:?}");
            assert!(refused.text.contains("<h1>") && refused.header("cache-control").contains("no-store"));
            assert_eq!(refused.header("retry-after"), "20", "{path}");
        }
        let refused = browser.get(&path_of(kind)).await;
        assert_eq!((refused.status, refused.body["error"]["code"].as_u64()), (429, Some(429)), "{refused:?}");
        server.clock.advance(Duration::from_secs(60));
    }
}

fn path_of(kind: &str) -> String {
    format!("/self-service/{kind}/browser")
}

#[tokio::test]
async fn the_address_of_a_client_comes_from_trusted_proxies_only() {
    let mut configuration = everything();
    configuration["selfservice"]["limits"] = json!({"requests_per_minute": 3});
    configuration["serve"] = json!({"public": {"trusted_proxies": ["10.0.0.0/8"]}});
    let server = TestServer::configured(configuration).await;
    server.person(ADA).await;
    for (peer, statuses) in [("10.0.0.1", [200, 200]), ("192.0.2.1", [200, 429])] {
        let mut seen = Vec::new();
        for client in ["198.51.100.1", "198.51.100.2"] {
            let mut caller = Client::native(&server).from(peer);
            caller.headers = vec![
                ("x-forwarded-for", client.to_owned()),
                ("x-forwarded-proto", "https".to_owned()),
                ("x-forwarded-host", "id.example.org".to_owned()),
            ];
            let flow = caller.get("/self-service/login/api").await;
            if flow.status == 429 {
                seen.push(flow.status);
                continue;
            }
            let told = if peer == "10.0.0.1" { "https://id.example.org/" } else { "http://127.0.0.1:4433/" };
            let url = flow.body["request_url"].as_str().unwrap();
            assert_eq!(url, format!("{told}self-service/login/api"));
            let answer = caller.login(ADA, PASSWORD).await;
            if answer.status == 200 {
                let shown = &answer.body["session"]["devices"][0]["ip_address"];
                assert_eq!(shown, if peer == "10.0.0.1" { client } else { peer });
            }
            seen.push(answer.status);
        }
        assert_eq!(seen, statuses, "{peer}");
    }
}

#[tokio::test]
async fn guessing_by_links_is_guessing() {
    let server = server(json!({})).await;
    let mut client = Client::browser(&server);
    let flow = client.begin("verification", "").await;
    client.submit(&flow, json!({"method": "code", "email": ADA})).await;
    let code = mailed_code(&server, ADA).await.unwrap();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for typed in [wrong, wrong, wrong, wrong, wrong, &code] {
        let link = format!("/self-service/verification?flow={}&code={typed}", flow.id);
        let mut guesser = Client::browser(&server);
        assert_eq!(guesser.page(&link).await.status, 303);
        let read = guesser.get(&format!("/self-service/verification/flows?id={}", flow.id)).await;
        assert_eq!(read.status, 403, "{typed}");
    }
    let answer = client.submit(&flow, json!({"method": "code", "code": code})).await;
    assert_eq!(answer.body["ui"]["messages"][0]["id"], 4_070_006);
}

#[tokio::test]
async fn the_record_counts_guesses_at_an_account_also_those_that_nobody_looks_at() {
    let server = server(json!({})).await;
    let mut seen = [0, 0];
    for _ in 0..30 {
        // Each in a flow of its own.
        match Client::native(&server).from("192.0.2.1").login(ADA, "a-wrong-guess").await.status {
            400 => seen[0] += 1,
            429 => seen[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert!(seen[0] > 0 && seen[1] > 10, "{seen:?}");
    let entries = async || server.admin("GET", "/admin/audit?action=proof_refused", None).await.body;
    let found = entries().await;
    assert_eq!(found.as_array().unwrap().len(), 10);
    let ada = &found[9]["about"]["identity_id"];
    assert!(ada.is_string(), "{found}");
    server.clock.advance(Duration::from_secs(61));
    let found = entries().await;
    assert_eq!((&found[0]["count"], &found[0]["about"]["identity_id"]), (&json!(20), ada));
}
