//! Limits against abuse, from outside.

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
    let server = server(json!({"requests_per_minute": 3})).await;
    for kind in ["login", "registration", "recovery", "verification"] {
        let mut client = Client::native(&server).from("192.0.2.1");
        let flow = client.begin(kind, "").await;
        for _ in 0..3 {
            assert_ne!(client.submit(&flow, json!({})).await.status, 429, "{kind}");
        }
        let refused = client.submit(&flow, json!({})).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "20"), "{kind}");
        let mut other = Client::native(&server).from("192.0.2.2");
        let flow = other.begin(kind, "").await;
        assert_ne!(other.submit(&flow, json!({})).await.status, 429, "{kind}");
        server.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(hits(&server, "requests").await, 4);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_owner_elsewhere_is_not() {
    let server = server(json!({"free_failures": 2})).await;
    let mut guesser = Client::native(&server).from("192.0.2.1");
    for _ in 0..2 {
        assert_eq!(guesser.login(ADA, "Zx-wrong-enough-1").await.status, 400);
    }
    let refused = guesser.login(ADA, PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(hits(&server, "failures").await, 1);
    assert_eq!(guesser.login("nobody@example.org", "Zx-wrong-enough-1").await.status, 400, "another account");
    assert_eq!(Client::native(&server).from("192.0.2.2").login(ADA, PASSWORD).await.status, 200);
    let mut page = Client::browser(&server).from("192.0.2.1");
    let flow = page.begin("login", "").await;
    let fields = [("method", "password"), ("identifier", ADA), ("password", PASSWORD)];
    assert_eq!(page.submit_form(&flow, &fields).await.status, 303, "a page says it in its form");
    let shown = page.get(&format!("/self-service/login/flows?id={}", flow.id)).await;
    assert_eq!(shown.body["ui"]["messages"][0]["id"], 4_000_900);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(guesser.login(ADA, "Zx-wrong-enough-1").await.status, 400);
    assert_eq!(guesser.login(ADA, PASSWORD).await.header("retry-after"), "2");
    server.clock.advance(Duration::from_secs(2));
    assert_eq!(guesser.login(ADA, PASSWORD).await.status, 200);
    assert_eq!(guesser.login(ADA, "Zx-wrong-enough-1").await.status, 400, "a right password begins anew");
}

#[tokio::test]
async fn an_unknown_account_is_slowed_down_alike() {
    let server = server(json!({"free_failures": 2})).await;
    for name in [ADA, "nobody@example.org"] {
        let mut guesser = Client::native(&server).from("192.0.2.1");
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(guesser.login(name, "Zx-wrong-enough-1").await.status);
        }
        assert_eq!(statuses, [400, 400, 429], "{name}");
    }
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let server = server(json!({"requests_per_minute": 0, "free_failures": 0})).await;
    let mut client = Client::native(&server).from("192.0.2.1");
    for _ in 0..20 {
        assert_eq!(client.login(ADA, "Zx-wrong-enough-1").await.status, 400);
    }
}

#[tokio::test]
async fn the_address_of_a_client_comes_from_trusted_proxies_only() {
    let mut configuration = everything();
    configuration["selfservice"]["limits"] = json!({"requests_per_minute": 1});
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
async fn a_code_takes_few_attempts_however_often_it_is_asked_for() {
    let server = server(json!({})).await;
    let mut client = Client::native(&server);
    let flow = client.begin("recovery", "").await;
    let ask = json!({"method": "code", "email": ADA});
    for _ in 0..5 {
        assert_eq!(client.submit(&flow, ask.clone()).await.status, 200);
        let code = mailed_code(&server, ADA).await.unwrap();
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let answer = client.submit(&flow, json!({"method": "code", "code": wrong})).await;
        assert_eq!(answer.body["ui"]["messages"][0]["id"], 4_060_006);
    }
    assert_eq!(client.submit(&flow, ask).await.status, 400, "five codes are enough for one form");
    assert!(mailed_code(&server, ADA).await.is_none());
}

#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_worth_nothing() {
    let server = server(json!({})).await;
    for (kind, wrong_id) in [("recovery", 4_060_006), ("verification", 4_070_006)] {
        let mut client = Client::native(&server);
        let flow = client.begin(kind, "").await;
        client.submit(&flow, json!({"method": "code", "email": ADA})).await;
        let code = mailed_code(&server, ADA).await.unwrap();
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for typed in [wrong, wrong, wrong, wrong, wrong, &code] {
            let answer = client.submit(&flow, json!({"method": "code", "code": typed})).await;
            assert_eq!(answer.body["ui"]["messages"][0]["id"], wrong_id, "{kind}");
        }
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
async fn a_person_is_sent_few_codes_in_an_hour() {
    let server = server(json!({"codes_per_hour": 2})).await;
    for expected in [true, true, false] {
        let mut client = Client::native(&server);
        let flow = client.begin("recovery", "").await;
        assert_eq!(client.submit(&flow, json!({"method": "code", "email": ADA})).await.status, 200);
        assert_eq!(mailed_code(&server, ADA).await.is_some(), expected);
    }
    assert_eq!(hits(&server, "codes").await, 1);
    let mut client = Client::native(&server);
    let flow = client.begin("verification", "").await;
    client.submit(&flow, json!({"method": "code", "email": ADA})).await;
    assert!(mailed_code(&server, ADA).await.is_some(), "verification has its own count");
    server.clock.advance(Duration::from_secs(3600));
    let flow = client.begin("recovery", "").await;
    client.submit(&flow, json!({"method": "code", "email": ADA})).await;
    assert!(mailed_code(&server, ADA).await.is_some());
}
