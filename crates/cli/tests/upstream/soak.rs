//! A soak: people sign in, out and on at the upstream, and through this server, all the time. Whatever is answered is
//! checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::stub::{identity_id, session};
use super::*;

/// How many people there are, each with a token and a cookie.
const PEOPLE: u64 = 12;

/// How many clients there are, and how many steps each takes at the least.
const CLIENTS: u64 = 6;
const STEPS: u64 = 150;

/// The next number of a linear congruential generator with Knuth's constants, whose high bits are the best.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// A session of somebody that nobody had before.
fn new_session(person: u64, numbers: &AtomicU64) -> Value {
    let mut new = session(person.into());
    let number = numbers.fetch_add(1, Ordering::SeqCst);
    new["id"] = json!(sessera_model::Uuid::from_u128(1_000_000 + u128::from(number)));
    new
}

/// The credential of somebody, as the upstream knows it and as a header.
fn credential(person: u64, is_token: bool) -> (String, (&'static str, String)) {
    if is_token {
        let token = format!("t{person}");
        (format!("x-session-token: {token}"), ("x-session-token", token))
    } else {
        let cookie = format!("ory_kratos_session=c{person}");
        (format!("cookie: {cookie}"), ("cookie", cookie))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_never_answers_for_another_whatever_goes_on() {
    let time = std::env::var("SESSERA_SOAK").map_or(0, |seconds| seconds.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(time);
    let (server, stub) = with(json!({"max_in_flight": 3, "ttl": "50ms"})).await;
    let (server, stub, numbers) = (Arc::new(server), Arc::new(stub), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (server, stub, numbers) = (server.clone(), stub.clone(), numbers.clone());
            tokio::spawn(async move {
                let (mut state, mut good, mut steps) = (client + 1, 0, 0);
                while steps < STEPS || Instant::now() < end {
                    steps += 1;
                    // What arrived is noted, and nobody looks at it.
                    stub.asked();
                    let (person, what) = (next(&mut state) % PEOPLE, next(&mut state) % 16);
                    let (known, header) = credential(person, next(&mut state).is_multiple_of(2));
                    let header = [(header.0, header.1.as_str())];
                    match what {
                        0 => stub.ends(&known),
                        1 | 2 => stub.knows(&known, new_session(person, &numbers)),
                        3 => {
                            server.public("POST", "/self-service/settings", &header, None).await;
                        }
                        4 => {
                            let body = json!({"identity_id": identity_id(person.into())});
                            server.admin("POST", "/admin/upstream/forget", Some(body)).await;
                        }
                        _ => {
                            let answer = whoami(&server, &header).await;
                            assert!(matches!(answer.status, 200 | 401), "{answer:?}");
                            if answer.status == 200 {
                                good += 1;
                                let expected = &session(person.into())["identity"];
                                assert_eq!(&answer.body["identity"], expected, "{header:?}");
                            }
                        }
                    }
                }
                good
            })
        })
        .collect();
    let mut good = 0_u64;
    for client in clients {
        good += client.await.unwrap();
    }
    assert!(good > STEPS, "most of them are signed in most of the time: {good}");
}
