//! The table that all libraries share, played with a server and a clock that do what it says.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_tokens::events::Heard;
use sessera_tokens::hold::TokenHolder;
use sessera_tokens::status::StatusLists;
use sessera_tokens::{Algorithm, Answer, Error, Fetch, Settings, Verifier};
use tokio::sync::Notify;

/// The table, read once.
fn table() -> &'static Value {
    static TABLE: OnceLock<Value> = OnceLock::new();
    TABLE.get_or_init(|| {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/conformance.json");
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    })
}

/// The members of some objects, of which later ones count.
fn layers(member: &str, owners: &[&Value]) -> Map<String, Value> {
    owners
        .iter()
        .filter_map(|owner| owner[member].as_object())
        .flatten()
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn answer(told: &Value, body: String) -> Result<Answer, String> {
    let status = told["status"].as_u64().ok_or("no answer")?;
    let status = u16::try_from(status).unwrap();
    Ok(Answer { status, cache_control: text(&told["cache_control"]), body: body.into_bytes() })
}

/// Whether an error has what the step says in it, and not the token.
fn is_told_as<T>(outcome: &Result<T, Error>, step: &Value) -> bool {
    let (says, token) = (text(&step["says"]), text(&step["token"]));
    let told = outcome.as_ref().err().map(ToString::to_string);
    told.is_none_or(|told| told.contains(&says) && (token.len() < 20 || !told.contains(&token)))
}

fn word<T>(outcome: &Result<T, Error>, good: &str) -> String {
    match outcome {
        Ok(_) => good,
        Err(Error::Refused(_)) => "refused",
        Err(Error::Unavailable(_)) => "unavailable",
        Err(Error::SessionGone(_)) => "gone",
    }
    .to_owned()
}

/// A server whose answers stand in the table by their address.
#[derive(Default)]
struct Described {
    answers: Mutex<Map<String, Value>>,
    asks: Mutex<Vec<Value>>,
    clock: Arc<AtomicI64>,
}

#[async_trait]
impl Fetch for Described {
    async fn get(&self, address: &str, _: Option<&str>) -> Result<Answer, String> {
        self.asks.lock().unwrap().push(address.into());
        // Whoever asks at the same time does so before there is an answer.
        tokio::task::yield_now().await;
        let told = self.answers.lock().unwrap().get(address).cloned().unwrap_or_default();
        self.clock.fetch_add(told["takes"].as_i64().unwrap_or_default(), Ordering::Relaxed);
        let body = text(&table()["bodies"][text(&told["body"])]);
        answer(&told, body)
    }
}

#[tokio::test]
async fn tokens_are_judged_as_the_table_says() {
    for row in list(&table()["verify"]) {
        let chosen = layers("settings", &[table(), &row]);
        let algorithms: Vec<Algorithm> =
            list(&chosen["algorithms"]).iter().map(|name| text(name).parse().unwrap()).collect();
        let settings = Settings {
            issuer: text(&chosen["issuer"]),
            audience: text(&chosen["audience"]),
            algorithms,
            leeway: chosen["leeway"].as_i64().unwrap(),
        };
        let server = Arc::new(Described::default());
        let (clock, now) = (Arc::clone(&server.clock), Arc::clone(&server.clock));
        let mut verifier = Verifier::with(settings, server.clone(), move || clock.load(Ordering::Relaxed));
        if chosen["status_list"] == true {
            verifier = verifier.and(Arc::new(StatusLists::default()));
        }
        let verifier = Arc::new(verifier);
        for step in list(&row["steps"]) {
            now.store(step["at"].as_i64().unwrap(), Ordering::Relaxed);
            *server.answers.lock().unwrap() = layers("answers", &[table(), &row, &step]);
            server.asks.lock().unwrap().clear();
            let asked: Vec<_> = (0..step["at_once"].as_u64().unwrap_or(1))
                .map(|_| {
                    let (verifier, token) = (Arc::clone(&verifier), text(&step["token"]));
                    tokio::spawn(async move { verifier.verify(&token).await })
                })
                .collect();
            let what = format!("{} at {}", row["name"], step["at"]);
            for given in asked {
                let outcome = given.await.unwrap();
                assert_eq!(word(&outcome, "good"), text(&step["verdict"]), "{what}: {outcome:?}");
                assert!(is_told_as(&outcome, &step), "{what}: {outcome:?}");
            }
            assert_eq!(*server.asks.lock().unwrap(), list(&step["asks"]), "{what}");
        }
    }
}

/// A server that answers the second question when it is told to.
#[derive(Default)]
struct Waits {
    asks: AtomicI64,
    began: Notify,
    go_on: Notify,
}

#[async_trait]
impl Fetch for Waits {
    async fn get(&self, address: &str, _: Option<&str>) -> Result<Answer, String> {
        if self.asks.fetch_add(1, Ordering::Relaxed) == 2 {
            self.began.notify_one();
            self.go_on.notified().await;
        }
        let told = &table()["answers"][address];
        answer(told, text(&table()["bodies"][text(&told["body"])]))
    }
}

#[tokio::test]
async fn keys_that_are_still_good_serve_while_an_unknown_one_is_asked_for() {
    let rows = list(&table()["verify"]);
    let row = rows.iter().find(|row| text(&row["name"]).starts_with("an unknown key makes")).unwrap();
    let (known, stranger) = (&row["steps"][0], &row["steps"][1]);
    let (server, now) = (Arc::new(Waits::default()), Arc::new(AtomicI64::new(known["at"].as_i64().unwrap())));
    let clock = Arc::clone(&now);
    let settings =
        Settings::new(text(&table()["settings"]["issuer"]), text(&table()["settings"]["audience"]));
    let verifier = Arc::new(Verifier::with(settings, server.clone(), move || clock.load(Ordering::Relaxed)));
    let known = text(&known["token"]);
    verifier.verify(&known).await.unwrap();
    now.store(stranger["at"].as_i64().unwrap(), Ordering::Relaxed);
    let (asker, stranger) = (Arc::clone(&verifier), text(&stranger["token"]));
    let waiting = tokio::spawn(async move { asker.verify(&stranger).await });
    server.began.notified().await;
    // Whoever waited here would do so for ever.
    tokio::time::timeout(Duration::from_secs(30), verifier.verify(&known)).await.unwrap().unwrap();
    server.go_on.notify_one();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Refused(_))));
}

/// A server whose answers come one after the other, and the seconds that are over.
#[derive(Default)]
struct InTurn(Mutex<VecDeque<Value>>, Arc<AtomicI64>);

#[async_trait]
impl Fetch for InTurn {
    async fn get(&self, _: &str, session_token: Option<&str>) -> Result<Answer, String> {
        assert_eq!(session_token, Some("session"));
        let told = self.0.lock().unwrap().pop_front().expect("a question too many");
        self.1.fetch_add(told["takes"].as_i64().unwrap_or_default(), Ordering::Relaxed);
        answer(&told, text(&told["body"]))
    }
}

#[tokio::test]
async fn tokens_are_held_as_the_table_says() {
    for row in list(&table()["hold"]) {
        let server = Arc::new(InTurn::default());
        let (clock, now) = (Arc::clone(&server.1), Arc::clone(&server.1));
        let elapsed = move || Duration::from_secs(clock.load(Ordering::Relaxed).unsigned_abs());
        let holder =
            Arc::new(TokenHolder::with("https://id.example.org/", "api", "session", server.clone(), elapsed));
        for step in list(&row["steps"]) {
            let what = format!("{} after {}", row["name"], step["after"]);
            now.store(step["after"].as_i64().unwrap(), Ordering::Relaxed);
            server.0.lock().unwrap().extend(list(&step["server"]));
            if step["do"] == "request" {
                let (sent, resource) =
                    (Mutex::new(Vec::new()), Mutex::new(VecDeque::from(list(&step["resource"]))));
                let outcome =
                    holder
                        .send(|token| {
                            sent.lock().unwrap().push(Value::from(token));
                            let status = resource.lock().unwrap().pop_front().unwrap().as_u64().unwrap();
                            let status = u16::try_from(status).unwrap();
                            async move {
                                Ok::<_, Error>(http::Response::builder().status(status).body(()).unwrap())
                            }
                        })
                        .await;
                let gives = match &outcome {
                    Ok(answer) => Value::from(answer.status().as_u16()),
                    other => Value::from(word(other, "")),
                };
                assert_eq!(gives, step["gives"], "{what}");
                assert_eq!(sent.into_inner().unwrap(), list(&step["sent"]), "{what}");
            }
            let asked: Vec<_> = (0..step["at_once"].as_u64().unwrap_or_default())
                .map(|_| {
                    let holder = Arc::clone(&holder);
                    tokio::spawn(async move { holder.token().await })
                })
                .collect();
            for given in asked {
                let outcome = given.await.unwrap();
                assert_eq!(word(&outcome, "token"), text(&step["gives"]), "{what}");
                assert!(is_told_as(&outcome, &step), "{what}: {outcome:?}");
                assert_eq!(outcome.unwrap_or_default(), text(&step["token"]), "{what}");
            }
            assert!(server.0.lock().unwrap().is_empty(), "{what}: too few questions");
        }
    }
}

#[test]
fn events_are_followed_as_the_table_says() {
    for row in list(&table()["follow"]) {
        let mut heard = Heard::new(Duration::from_secs(row["longest"].as_u64().unwrap()));
        heard.begin_after(row["begins_after"].as_i64().unwrap());
        for step in list(&row["steps"]) {
            let now = step["at"].as_i64().unwrap();
            let what = format!("{}: {step}", row["name"]);
            match step["do"].as_str().unwrap() {
                "connect" => assert_eq!(heard.connected(), step["after"].as_i64(), "{what}"),
                "hear" => {
                    let texts = list(&step["texts"]);
                    let is_good = texts.iter().all(|part| heard.hear(text(part).as_bytes(), now).is_ok());
                    assert_eq!(is_good, step["is_good"], "{what}");
                }
                _ => {
                    let outcome = heard.check(step["claims"].as_object().unwrap(), now);
                    assert_eq!(word(&outcome, "good"), text(&step["verdict"]), "{what}");
                }
            }
        }
    }
}
