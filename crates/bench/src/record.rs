//! What the record of what happened adds to signing in.
//!
//! No server can be told to keep no record, so the same changes are committed here by turns without and with it, to a
//! database like the server's, and what that differs by is held against signing in at a server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use sessera_model::{Clock as _, Identity, Session, SystemClock, SystemRandom, TokenHash, Uuid};
use sessera_store::{Asked, Change, Committer, Flow, FlowKind, NewSession, SessionKind};

use crate::Arguments;
use crate::measures::{PASSWORD, sign_in};
use crate::person::scattered;
use crate::server::{self, Workspace, processor_time_of};
use crate::table::{self, Figure};

/// How often somebody signs in, and how often changes are committed, in each run.
const TIMES: u32 = 300;

/// The person who signs in.
const WHO: &str = "signs-in@example.org";

/// Measures signing in with the cheapest and with the usual hashes, and what the record adds to it.
pub(crate) fn measure(arguments: &Arguments) -> Result<()> {
    let cheapest = json!({"hashers": {"argon2": {"memory": "8KiB", "iterations": 1, "parallelism": 1}}});
    let mut figures = Vec::new();
    let mut ratios = Vec::new();
    let (added, own) = added(arguments)?;
    for (name, hashers) in [("the cheapest hash", cheapest), ("the usual hash", json!({}))] {
        let (waits, works) = signing_in(arguments, &hashers)?;
        let name = |what: &str| format!("{name}: {what}");
        let mut of_time = Figure::new(name("the record's part of the time (goal 0.05)"));
        let mut of_work = Figure::new(name("the record's part of the processor's time"));
        for run in 0..arguments.runs {
            of_time.add(added.0.at(run) / (waits.at(run) - added.0.at(run)));
            of_work.add(added.1.at(run) / (works.at(run) - added.1.at(run)));
        }
        figures.extend([
            waits.named(name("signing in, us")),
            works.named(name("signing in, us of the processor")),
        ]);
        ratios.extend([of_time, of_work]);
    }
    figures.extend(own);
    table::print("Signing in, and its changes without and with the record", &figures);
    table::print("What the record adds, beside signing in without it", &ratios);
    Ok(())
}

/// The time that signing in takes, and the processor's, in microseconds.
fn signing_in(arguments: &Arguments, hashers: &Value) -> Result<(Figure, Figure)> {
    let workspace = Workspace::new(arguments, hashers)?;
    let (server, _) = workspace.start(arguments.server_cores)?;
    let person = json!({
        "traits": {"email": WHO},
        "credentials": {"password": {"config": {"password": PASSWORD}}},
    });
    server::call(workspace.admin_port, "POST", "/admin/identities", Some(&person))?;
    sign_in(workspace.port, WHO)?;
    let (mut waits, mut works) = (Figure::new("time"), Figure::new("work"));
    for _ in 0..arguments.runs {
        let (begin, before) = (Instant::now(), server.processor_time()?);
        for _ in 0..TIMES {
            sign_in(workspace.port, WHO)?;
        }
        waits.add(micros(begin.elapsed()));
        works.add(micros(server.processor_time()?.saturating_sub(before)));
    }
    Ok((waits, works))
}

/// What the record adds to the changes of signing in, in time and in the processor's time, in microseconds; and the
/// figures of which that follows.
fn added(arguments: &Arguments) -> Result<((Figure, Figure), Vec<Figure>)> {
    let workspace = Workspace::new(arguments, &json!({}))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = workspace.database.open().await?;
        let now = SystemClock.now();
        let person = Identity::new(person(), "default", json!({"email": WHO}), now);
        store.commit(&[Change::InsertIdentity(person)]).await?;
        let plain = Committer::new(store.clone(), vec![]);
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom::default()));
        let recorded = plain.clone().with_record(clock, random);
        let names = ["without the record", "with the record", "entries put in order"];
        let mut own: Vec<Figure> = names
            .iter()
            .flat_map(|name| [format!("changes {name}, us"), format!("changes {name}, us of the processor")])
            .map(Figure::new)
            .collect();
        let mut added = (Figure::new("time"), Figure::new("work"));
        let mut number = 0;
        // What is done for the first time takes longer.
        commit(&recorded, &mut number).await?;
        for _ in 0..arguments.runs {
            for (committer, at) in [(&plain, 0), (&recorded, 2)] {
                let (begin, before) = (Instant::now(), processor_time_of("self")?);
                commit(committer, &mut number).await?;
                own[at].add(micros(begin.elapsed()));
                own[at + 1].add(micros(processor_time_of("self")?.saturating_sub(before)));
            }
            // Nobody who signs in waits for this.
            let (begin, before) = (Instant::now(), processor_time_of("self")?);
            store.chain_audit(2 * TIMES).await?;
            own[4].add(micros(begin.elapsed()));
            own[5].add(micros(processor_time_of("self")?.saturating_sub(before)));
            added.0.add(own[2].last() - own[0].last());
            added.1.add(own[3].last() - own[1].last() + own[5].last());
        }
        store.close().await;
        Ok((added, own))
    })
}

/// Commits the changes of signing in again and again: a flow begins, and it ends with a session.
async fn commit(committer: &Committer, number: &mut u64) -> Result<()> {
    for _ in 0..TIMES {
        *number += 1;
        let now = SystemClock.now();
        let flow = Flow {
            id: scattered("flow", *number),
            kind: FlowKind::Login,
            body: "x".repeat(600),
            expires_at: now + Duration::from_secs(3600),
            version: 1,
        };
        let session =
            Session::new(scattered("session", *number), person(), now, now + Duration::from_secs(86_400));
        let token = TokenHash::of(&number.to_string());
        let stored = NewSession { session, kind: SessionKind::Native, token };
        let asked = || Asked {
            request_id: format!("{number:016x}-0000000000000001"),
            address: Some([203, 0, 113, 7].into()),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
            ..Asked::default()
        };
        asked().during(committer.commit(&[Change::InsertFlow(flow.clone())])).await?;
        asked().during(committer.commit(&[Change::UpdateFlow(flow), Change::InsertSession(stored)])).await?;
    }
    Ok(())
}

fn person() -> Uuid {
    scattered("identity", 0)
}

/// A time for each of those that were done in a run.
fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0 / f64::from(TIMES)
}
