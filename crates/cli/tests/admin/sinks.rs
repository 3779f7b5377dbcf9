//! Receivers of events, against the real program.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::receiver::{Call, Receiver};
use crate::server::Server;

/// More people than messages are on their way to one receiver at a time.
const PEOPLE: usize = 20;

/// The entries of the record of which calls to a path tell.
fn told(calls: &[Call], path: &str) -> BTreeSet<i64> {
    let calls = calls.iter().filter(|call| call.path == path);
    calls.map(|call| call.body["data"]["number"].as_i64().unwrap()).collect()
}

/// Waits until the receiver is told of so many entries at a path, and keeps all calls.
async fn hear(receiver: &Receiver, calls: &mut Vec<Call>, path: &str, entries: usize) {
    while told(calls, path).len() < entries {
        let more = timeout(Duration::from_secs(60), receiver.calls()).await;
        calls.extend(more.expect("there is more to be told of"));
    }
}

#[tokio::test]
async fn a_receiver_that_takes_its_time_holds_up_neither_others_nor_what_it_is_told_of() {
    let receiver = Receiver::start().await;
    let sink = |path: &str| {
        json!({
            "url": receiver.url(path), "secret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            "events": ["identity_added"],
        })
    };
    // The receiver answers nothing at /held before it is let go.
    let events = json!({"sinks": {"slow": sink("/held"), "quick": sink("/quick")}});
    let server = Server::start_with(&[("EVENTS", &events.to_string())]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let create = async |number: usize| {
        let body = json!({"schema_id": "default", "traits": {"email": format!("{number}@example.org")}});
        let made = http.post(format!("{}/admin/identities", server.admin())).json(&body).send().await;
        assert_eq!(made.unwrap().status().as_u16(), 201);
    };
    let mut calls = Vec::new();
    create(0).await;
    hear(&receiver, &mut calls, "/held", 1).await;
    for number in 1..PEOPLE {
        create(number).await;
    }
    hear(&receiver, &mut calls, "/quick", PEOPLE).await;
    let mut quick = calls.iter().filter(|call| call.path == "/quick");
    assert!(quick.any(|call| call.beside_held > 0), "one is told while the other takes its time");
    receiver.state.held.add_permits(10 * PEOPLE);
    hear(&receiver, &mut calls, "/held", PEOPLE).await;
    assert_eq!(told(&calls, "/held"), told(&calls, "/quick"), "nothing is lost meanwhile");
}
