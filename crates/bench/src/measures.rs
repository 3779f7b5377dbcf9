//! One function for each measurement, which sets up, measures in turn and prints.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sessera_model::{Clock as _, SystemClock};

use crate::limits::{self, EmptyHandler};
use crate::load::{self, Load, Outcome, Request};
use crate::person::{self, identity_id};
use crate::server::{self, Server, TEMPLATES, Workspace};
use crate::table::{self, Figure};
use crate::{Arguments, seed};

/// How long one measurement of a signing rate takes, which nothing that signs can exceed.
const RAW: Duration = Duration::from_secs(1);

/// The password of everybody who signs in.
pub(crate) const PASSWORD: &str = "Zx-long-enough-1234";

pub(crate) fn load_of(arguments: &Arguments, server: &Server) -> Load {
    Load {
        address: server.address,
        connections: arguments.connections,
        time: Duration::from_secs(arguments.seconds),
        rate: None,
        alone: false,
    }
}

/// Starts a server with people in its database, all of whom are in memory after `requests` went through once.
pub(crate) fn started(arguments: &Arguments, more: &Value) -> Result<(Workspace, Server)> {
    let workspace = Workspace::new(arguments, more)?;
    seed::people(&workspace.database, 0, arguments.people)?;
    let (server, _) = workspace.start(arguments.server_cores)?;
    Ok((workspace, server))
}

pub(crate) fn warm(load: Load, requests: &[Request]) -> Result<()> {
    // One pass follows the other until everybody was asked for.
    let mut left = requests;
    while !left.is_empty() {
        let outcome = load::run(Load { time: Duration::from_secs(1), ..load }, left)?;
        left = &left[left.len().min(usize::try_from(outcome.requests)?)..];
    }
    Ok(())
}

/// Measures whoami plain and tokenized, beside what the machine can do.
pub(crate) fn fast(arguments: &Arguments) -> Result<()> {
    let (_place, server) = started(arguments, &json!({}))?;
    let port = server::free_port()?;
    let _empty = EmptyHandler::start(port, arguments.server_cores)?;
    let load = load_of(arguments, &server);
    let nothing = [Request::to_nothing()];
    let people = || 0..arguments.people;
    let plain = server::whoami(people(), None);
    warm(load, &plain)?;
    let tokenized: Vec<_> =
        TEMPLATES.iter().map(|template| (template, server::whoami(people(), Some(template.name)))).collect();
    for (_, requests) in &tokenized {
        warm(load, requests)?;
    }
    let mut rates = vec![Figure::new("empty handler, answers/s"), Figure::new("whoami, answers/s")];
    let mut ratios = vec![Figure::new("whoami / empty handler (goal 0.85)")];
    for (template, _) in &tokenized {
        let goal = template.goal.map(|goal| format!(" (goal {goal})")).unwrap_or_default();
        let (name, algorithm) = (template.name, template.algorithm);
        rates.push(Figure::new(format!("{algorithm} by the library alone, signatures/s")));
        rates.push(Figure::new(format!("whoami?tokenize_as, {name}, answers/s")));
        ratios.push(Figure::new(format!("{name}: whoami?tokenize_as / signatures{goal}")));
    }
    for _ in 0..arguments.runs {
        let address = ([127, 0, 0, 1], port).into();
        rates[0].add(load::run(Load { address, ..load }, &nothing)?.rate());
        rates[1].add(load::run(load, &plain)?.rate());
        ratios[0].add(rates[1].last() / rates[0].last());
        for (at, (template, requests)) in tokenized.iter().enumerate() {
            let (raw, whoami) = (2 + 2 * at, 3 + 2 * at);
            rates[raw].add(limits::signatures(template.algorithm, RAW)?);
            rates[whoami].add(load::run(load, requests)?.rate());
            ratios[1 + at].add(rates[whoami].last() / rates[raw].last());
        }
    }
    table::print("Rates", &rates);
    table::print("Ratios", &ratios);
    Ok(())
}

/// Measures what a core gives when the server has one, and when it has as many as asked for and at least two. The rate
/// is that by the processor's time which the server takes, so that it does not matter whether the client shares a core.
pub(crate) fn cores(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::new(arguments, &json!({}))?;
    seed::people(&workspace.database, 0, arguments.people)?;
    let several = arguments.server_cores.max(2);
    let asked = [None, Some("ES256")].map(|template| server::whoami(0..arguments.people, template));
    let names = ["whoami", "whoami?tokenize_as, ES256"];
    let mut figures = Vec::new();
    for name in names {
        for cores in [1, several] {
            figures.push(Figure::new(format!("{name}, {cores} cores: answers/s of a core")));
        }
    }
    let mut ratios = names.map(|name| Figure::new(format!("{name}: {several} cores beside one (goal 0.9)")));
    for _ in 0..arguments.runs {
        for (at, cores) in [1, several].into_iter().enumerate() {
            let (server, _) = workspace.start(cores)?;
            let load = load_of(arguments, &server);
            for requests in &asked {
                warm(load, requests)?;
            }
            for (what, requests) in asked.iter().enumerate() {
                let before = server.processor_time()?;
                let outcome = load::run(load, requests)?;
                #[expect(clippy::cast_precision_loss, reason = "counts of minutes fit")]
                let answers = outcome.requests as f64;
                let took = server.processor_time()?.saturating_sub(before);
                figures[2 * what + at].add(answers / took.as_secs_f64());
            }
        }
        for (what, ratio) in ratios.iter_mut().enumerate() {
            ratio.add(figures[2 * what + 1].last() / figures[2 * what].last());
        }
    }
    table::print("Answers by the time of a core", &figures);
    table::print("Ratios", &ratios);
    Ok(())
}

/// Measures times at 80 percent of the greatest rate.
pub(crate) fn latency(arguments: &Arguments) -> Result<()> {
    let (_place, server) = started(arguments, &json!({}))?;
    let load = load_of(arguments, &server);
    let requests = server::whoami(0..arguments.people, Some("ES256"));
    warm(load, &requests)?;
    let mut figures = Percentiles::new();
    let mut rate = Figure::new("greatest rate, answers/s");
    for _ in 0..arguments.runs {
        rate.add(load::run(load, &requests)?.rate());
        figures.add(&load::run(Load { rate: Some(rate.last() * 0.8), ..load }, &requests)?);
    }
    table::print("whoami?tokenize_as, ES256, at 80 % of its greatest rate", &figures.with(rate));
    Ok(())
}

/// Measures with nothing in memory, so that every request asks the store.
pub(crate) fn uncached(arguments: &Arguments) -> Result<()> {
    let (_place, server) = started(arguments, &json!({"session": {"cache": {"max_bytes": 0}}}))?;
    let load = load_of(arguments, &server);
    let requests = server::whoami(0..arguments.people, Some("ES256"));
    let mut rate = Figure::new("answers/s (goal 6000 with SQLite, 3000 with PostgreSQL)");
    for _ in 0..arguments.runs {
        rate.add(load::run(load, &requests)?.rate());
    }
    table::print("whoami?tokenize_as, ES256, no session in memory", &[rate]);
    Ok(())
}

/// The percentiles of several runs.
struct Percentiles(Vec<(f64, Figure)>);

impl Percentiles {
    fn new() -> Self {
        let figure = |percent: f64| (percent, Figure::new(format!("p{percent}, ms")));
        Self([50.0, 99.0, 99.9].map(figure).into())
    }

    fn add(&mut self, outcome: &Outcome) {
        for (percent, figure) in &mut self.0 {
            figure.add(outcome.percentile(*percent));
        }
    }

    fn with(self, first: Figure) -> Vec<Figure> {
        std::iter::once(first).chain(self.0.into_iter().map(|(_, figure)| figure)).collect()
    }
}

/// Measures whoami while many people sign in.
pub(crate) fn sign_ins(arguments: &Arguments) -> Result<()> {
    const CONCURRENT: usize = 50;
    let (workspace, server) = started(arguments, &json!({}))?;
    let load = load_of(arguments, &server);
    let requests = server::whoami(0..arguments.people, Some("ES256"));
    warm(load, &requests)?;
    let greatest = load::run(load, &requests)?.rate();
    for number in 0..CONCURRENT {
        let person = json!({
            "traits": {"email": format!("signs-in-{number}@example.org")},
            "credentials": {"password": {"config": {"password": PASSWORD}}},
        });
        server::call(workspace.admin_port, "POST", "/admin/identities", Some(&person))?;
    }
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let threads: Vec<_> = (0..CONCURRENT)
        .map(|number| {
            let (stop, count, port) = (stop.clone(), count.clone(), workspace.port);
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    sign_in(port, &format!("signs-in-{number}@example.org"))?;
                    count.fetch_add(1, Ordering::SeqCst);
                }
                anyhow::Ok(())
            })
        })
        .collect();
    let mut figures = Percentiles::new();
    let mut rate = Figure::new("sign-ins/s");
    for _ in 0..arguments.runs {
        let before = count.load(Ordering::SeqCst);
        let outcome = load::run(Load { rate: Some(greatest * 0.2), ..load }, &requests)?;
        let signed_in = u32::try_from(count.load(Ordering::SeqCst) - before)?;
        rate.add(f64::from(signed_in) / outcome.elapsed.as_secs_f64());
        figures.add(&outcome);
    }
    stop.store(true, Ordering::SeqCst);
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
    }
    let mut memory = Figure::new("most memory, MiB");
    #[expect(clippy::cast_precision_loss, reason = "MiB")]
    memory.add(server.memory("VmHWM")? as f64);
    let mut figures = figures.with(rate);
    figures.push(memory);
    table::print("whoami?tokenize_as at 20 % while 50 people sign in (goal: p99 under 20 ms)", &figures);
    Ok(())
}

/// Signs in and returns the session token. It waits when the server asks for that.
pub(crate) fn sign_in(port: u16, email: &str) -> Result<String> {
    loop {
        let flow: Value = serde_json::from_str(&server::get(port, "/self-service/login/api")?)?;
        let path = format!("/self-service/login?flow={}", flow["id"].as_str().context("no flow")?);
        let body = json!({"method": "password", "identifier": email, "password": PASSWORD});
        match server::call(port, "POST", &path, Some(&body)) {
            Ok(answer) => {
                let answer: Value = serde_json::from_str(&answer)?;
                return Ok(answer["session_token"].as_str().context("no token")?.to_owned());
            }
            Err(error) if matches!(server::status_of(&error), Some(429 | 503)) => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Measures the time from start to ready.
pub(crate) fn start(arguments: &Arguments) -> Result<()> {
    let (workspace, server) = started(arguments, &json!({}))?;
    drop(server);
    let mut time = Figure::new("start to ready, ms (goal 50)");
    for _ in 0..arguments.runs {
        let (_server, took) = workspace.start(arguments.server_cores)?;
        time.add(took.as_secs_f64() * 1_000.0);
    }
    table::print(&format!("Start with {} people in the database", arguments.people), &[time]);
    Ok(())
}

/// Measures memory by the number of sessions in it.
pub(crate) fn memory(arguments: &Arguments) -> Result<()> {
    let mut figures = Vec::new();
    for (people, goal) in [(1_000, 100), (100_000, 700)] {
        let workspace = Workspace::new(arguments, &json!({"session": {"cache": {"max_bytes": "1GB"}}}))?;
        seed::people(&workspace.database, 0, people)?;
        let (server, _) = workspace.start(arguments.server_cores)?;
        warm(load_of(arguments, &server), &server::whoami(0..people, Some("ES256")))?;
        let mut figure = Figure::new(format!("{people} sessions, MiB (goal {goal})"));
        #[expect(clippy::cast_precision_loss, reason = "MiB")]
        figure.add(server.memory("VmRSS")? as f64);
        figures.push(figure);
    }
    table::print("Memory of the process (VmRSS)", &figures);
    Ok(())
}

/// Measures uncached whoami with more and more sessions in the database.
pub(crate) fn scale(arguments: &Arguments, sessions: &[u64]) -> Result<()> {
    let workspace = Workspace::new(arguments, &json!({"session": {"cache": {"max_bytes": 0}}}))?;
    let mut figures = Vec::new();
    let mut there = 0;
    for &wanted in sessions {
        if wanted < there {
            bail!("the numbers of sessions must rise");
        }
        let begin = Instant::now();
        // Nobody's last use is noted soon after they signed in, and seeding takes long, so only reading is
        // measured.
        let signed_in = SystemClock.now() + Duration::from_secs(3600);
        seed::people_of(&workspace.database, there, wanted, signed_in)?;
        // What is not on the disk yet would otherwise be written during the measurement.
        std::process::Command::new("sync").status().context("sync cannot be run")?;
        let mut seeded = Figure::new(format!("{wanted}: seeded in, s"));
        seeded.add(begin.elapsed().as_secs_f64());
        there = wanted;
        let (server, _) = workspace.start(arguments.server_cores)?;
        let load = load_of(arguments, &server);
        // At most 50,000 different people are asked for, spread over all. More would not fit the client's
        // memory.
        let step = wanted.div_ceil(50_000).max(1);
        let mut people: Vec<u64> = (0..wanted).step_by(usize::try_from(step)?).collect();
        // They come in an order that has nothing to do with the one in which they were made.
        people.sort_by_cached_key(|number| identity_id(*number));
        let requests = server::whoami(people.into_iter(), Some("ES256"));
        warm(load, &requests)?;
        let mut rate = Figure::new(format!("{wanted}: answers/s"));
        let mut percentiles = Percentiles::new();
        for _ in 0..arguments.runs {
            rate.add(load::run(load, &requests)?.rate());
            percentiles.add(&load::run(Load { rate: Some(rate.last() * 0.5), ..load }, &requests)?);
        }
        figures.push(seeded);
        figures.extend(percentiles.with(rate));
        let mut size = Figure::new(format!("{wanted}: bytes on disk a session with its person"));
        #[expect(clippy::cast_precision_loss, reason = "bytes of a disk")]
        size.add(workspace.database.size()? as f64 / wanted as f64);
        figures.push(size);
    }
    table::print("Uncached whoami?tokenize_as, times at half the rate", &figures);
    Ok(())
}

/// Runs at half the greatest rate for a long time, with changes going on and every answer checked.
pub(crate) fn soak(arguments: &Arguments, time: Duration) -> Result<()> {
    let (workspace, server) = started(arguments, &json!({}))?;
    let load = load_of(arguments, &server);
    let requests = server::whoami(0..arguments.people, Some("ES256"));
    warm(load, &requests)?;
    let greatest = load::run(load, &requests)?.rate();
    let person = json!({
        "traits": {"email": PASSER_BY},
        "credentials": {"password": {"config": {"password": PASSWORD}}},
    });
    server::call(workspace.admin_port, "POST", "/admin/identities", Some(&person))?;
    let stop = Arc::new(AtomicBool::new(false));
    let changes = {
        let (stop, port, admin_port, people) =
            (stop.clone(), workspace.port, workspace.admin_port, arguments.people);
        std::thread::spawn(move || {
            let mut rounds = 0_u64;
            while !stop.load(Ordering::SeqCst) {
                change_something(port, admin_port, rounds % people, rounds)?;
                rounds += 1;
            }
            anyhow::Ok(rounds)
        })
    };
    let mut memory = Figure::new("memory, MiB, from the first minute on");
    let mut percentiles = Percentiles::new();
    let mut rate = Figure::new("answers/s, each one checked");
    let begin = Instant::now();
    while begin.elapsed() < time && !changes.is_finished() {
        let outcome = load::run(Load { rate: Some(greatest * 0.5), ..load }, &requests)?;
        rate.add(outcome.rate());
        percentiles.add(&outcome);
        #[expect(clippy::cast_precision_loss, reason = "MiB")]
        if begin.elapsed() > time.min(Duration::from_secs(60)) {
            memory.add(server.memory("VmRSS")? as f64);
        }
    }
    stop.store(true, Ordering::SeqCst);
    let rounds = changes.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
    let mut figures = percentiles.with(rate);
    figures.push(memory);
    table::print(
        &format!("{time:?} at half the rate; {rounds} sign-ins, sign-outs and patches meanwhile"),
        &figures,
    );
    Ok(())
}

/// The person who signs in and out again and again.
const PASSER_BY: &str = "comes-and-goes@example.org";

/// Signs one person in and out and changes another one. The next answers must reflect that.
fn change_something(port: u16, admin_port: u16, person: u64, round: u64) -> Result<()> {
    let token = sign_in(port, PASSER_BY)?;
    let passer_by = server::whoami_of(port, &token, None)?;
    if !passer_by.contains(PASSER_BY) {
        bail!("the session of {PASSER_BY} is answered with {passer_by}");
    }
    server::call(port, "DELETE", "/self-service/logout/api", Some(&json!({"session_token": token})))?;
    match server::whoami_of(port, &token, None) {
        Err(error) if server::status_of(&error) == Some(401) => {}
        other => bail!("a session that was revoked is answered with {other:?}"),
    }
    let id = identity_id(person).to_string();
    let plan = json!([{"op": "add", "path": "/metadata_public", "value": {"plan": round}}]);
    server::call(admin_port, "PATCH", &format!("/admin/identities/{id}"), Some(&plan))?;
    let answer: Value =
        serde_json::from_str(&server::whoami_of(port, &person::token(person), Some("ES256"))?)?;
    let claims = answer["tokenized"].as_str().and_then(|token| token.split('.').nth(1));
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims.context("no token")?)?)?;
    let identity = &claims["session"]["identity"];
    if claims["sub"] != *id || identity["id"] != *id || identity["metadata_public"]["plan"] != round {
        bail!("the token of person {person} in round {round} has the claims {claims}");
    }
    Ok(())
}
