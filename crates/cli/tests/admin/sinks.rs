//! Receivers of events, against the real program.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::receiver::Receiver;
use crate::server::Server;

/// More people than messages are on their way to one receiver at a time.
const PEOPLE: usize = 20;

/// The entries of the record of which the receiver is told, by paths.
type Told = BTreeMap<String, BTreeSet<i64>>;

/// Waits until the receiver is told of all people at a path.
async fn hear_of_all(receiver: &Receiver, path: &str, told: &mut Told) {
    while told.entry(path.to_owned()).or_default().len() < PEOPLE {
        let calls = timeout(Duration::from_secs(60), receiver.calls()).await;
        for call in calls.expect("there is more to be told of") {
            told.entry(call.path).or_default().insert(call.body["data"]["number"].as_i64().unwrap());
        }
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
    for number in 0..PEOPLE {
        let body = json!({"schema_id": "default", "traits": {"email": format!("{number}@example.org")}});
        let made = http.post(format!("{}/admin/identities", server.admin())).json(&body).send().await;
        assert_eq!(made.unwrap().status().as_u16(), 201);
    }
    let mut told = Told::new();
    hear_of_all(&receiver, "/quick", &mut told).await;
    assert!(told.get("/held").is_none_or(|held| held.len() < PEOPLE), "it takes its time");
    receiver.state.held.add_permits(10 * PEOPLE);
    hear_of_all(&receiver, "/held", &mut told).await;
    assert_eq!(told["/held"], told["/quick"], "nothing is lost meanwhile");
}
