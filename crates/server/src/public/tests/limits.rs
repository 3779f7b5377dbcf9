//! Limits against abuse, from outside.

use std::time::Duration;

use serde_json::json;

use super::client::{Client, everything, mailed_code};
use crate::testing::{Answer, PASSWORD, TestServer, at_once};

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
async fn to_begin_a_flow_is_a_request() {
    let server = server(json!({"requests_per_minute": 6})).await;
    for way in [Client::native, Client::browser] {
        let mut client = way(&server);
        let answer = client.login(ADA, PASSWORD).await;
        client.token = answer.body["session_token"].as_str().map(ToOwned::to_owned);
        client = client.from("192.0.2.1");
        for kind in ["settings", "login", "registration", "recovery", "verification"] {
            if kind != "settings" {
                client = way(&server).from("192.0.2.1");
            }
            let path = format!("/self-service/{kind}/{}", client.way());
            for _ in 0..6 {
                assert_eq!(client.get(&path).await.status, 200, "{path}");
            }
            let refused = client.get(&path).await;
            assert_eq!((refused.status, refused.header("retry-after")), (429, "10"), "{path}");
            server.clock.advance(Duration::from_secs(60));
        }
    }
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

/// How many answers say that what was tried is wrong, and how many that it is too soon.
fn looked_at(answers: &[Answer], wrong: u32) -> (usize, usize) {
    let says = |answer: &&Answer| answer.body["ui"]["messages"][0]["id"] == wrong;
    let looked_at = answers.iter().filter(says).count();
    let too_soon = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!(looked_at + too_soon, answers.len(), "{answers:?}");
    (looked_at, too_soon)
}

#[tokio::test]
async fn wrong_codes_count_for_the_account_and_the_client_from_flow_to_flow() {
    for (kind, wrong) in [("recovery", 4_060_006), ("verification", 4_070_006)] {
        let server = server(json!({"requests_per_minute": 0})).await;
        let guess = async |client: &str, address: &str| {
            let mut client = Client::native(&server).from(client);
            let flow = client.begin(kind, "").await;
            client.submit(&flow, json!({"method": "code", "email": address})).await;
            let mut answers = Vec::new();
            for code in 0..5 {
                let code = format!("00000{code}");
                answers.push(client.submit(&flow, json!({"method": "code", "code": code})).await);
            }
            looked_at(&answers, wrong)
        };
        // Known or not: both are counted, and nobody learns which is which.
        for address in [ADA, "nobody@example.org"] {
            assert_eq!(guess("192.0.2.1", address).await, (5, 0), "{kind} {address}");
            assert_eq!(guess("192.0.2.1", address).await, (0, 5), "{kind} {address}: another flow");
            assert_eq!(guess("192.0.2.2", address).await, (0, 5), "{kind} {address}: another client");
        }
        for account in 2..4 {
            let address = format!("p{account}@example.org");
            assert_eq!(guess("192.0.2.1", &address).await, (5, 0), "{kind}");
        }
        assert_eq!(
            guess("192.0.2.1", "p4@example.org").await,
            (0, 5),
            "{kind}: four accounts' worth of codes"
        );
        assert_eq!(guess("192.0.2.3", "p4@example.org").await, (5, 0), "{kind}: others are not slowed down");
        server.clock.advance(Duration::from_secs(1));
        assert_eq!(guess("192.0.2.3", ADA).await, (1, 4), "{kind}: one after a pause");
    }
}

#[tokio::test]
async fn at_once_no_more_passwords_are_looked_at_than_one_after_the_other() {
    let server = server(json!({"requests_per_minute": 0})).await;
    for who in [ADA, "nobody@example.org"] {
        let guesses = (0..40).map(async |guess| {
            let mut client = Client::native(&server).from("192.0.2.1");
            client.login(who, &format!("guess-number-{guess}")).await
        });
        assert_eq!(looked_at(&at_once(guesses).await, 4_000_006), (5, 35), "{who}");
    }
    let sign_ins = (0..3).map(async |_| Client::native(&server).from("192.0.2.9").login(ADA, PASSWORD).await);
    assert!(at_once(sign_ins).await.iter().all(|answer| answer.status == 200), "right ones are no guesses");
}

#[tokio::test]
async fn at_once_no_more_codes_are_looked_at_than_one_after_the_other() {
    for (kind, wrong) in [("recovery", 4_060_006), ("verification", 4_070_006)] {
        let server = server(json!({"requests_per_minute": 0})).await;
        let mut flows = Vec::new();
        for _ in 0..10 {
            let mut client = Client::native(&server).from("192.0.2.1");
            let flow = client.begin(kind, "").await;
            client.submit(&flow, json!({"method": "code", "email": ADA})).await;
            flows.push(flow);
        }
        let guesses = flows.iter().map(async |flow| {
            let mut client = Client::native(&server).from("192.0.2.1");
            client.submit(flow, json!({"method": "code", "code": "000000"})).await
        });
        assert_eq!(looked_at(&at_once(guesses).await, wrong), (5, 5), "{kind}");
    }
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
    for (kind, wrong_id) in [("recovery", 4_060_006), ("verification", 4_070_006)] {
        let server = server(json!({})).await;
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
