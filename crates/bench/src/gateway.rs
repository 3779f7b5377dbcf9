//! Decisions of the gateway, over HTTP as nginx and others ask and over gRPC as Envoy does.

use std::net::SocketAddr;

use anyhow::Result;
use serde_json::json;

use crate::Arguments;
use crate::grpc::Questions;
use crate::limits::EmptyHandler;
use crate::load::{self, Load, Protocol, Request};
use crate::measures::{load_of, started, warm};
use crate::person::{identity_id, token};
use crate::server::{self, Server, Workspace};
use crate::table::{self, Figure};

/// The route that is asked about: a token of the template `ES256`, and whose it is in a header.
const ROUTE: &str = "bench";

/// A server with a gateway that knows the route, with everybody in memory; and where proxies ask it.
pub(crate) fn started_with_route(arguments: &Arguments) -> Result<(Workspace, Server, SocketAddr)> {
    let port = server::free_port()?;
    let (workspace, server) = started(
        arguments,
        &json!({
            "serve": {"gateway": {"enabled": true, "port": port}},
            "gateway": {"routes": {ROUTE: {"template": "ES256", "headers": {"X-User-Id": "sub"}}}},
        }),
    )?;
    warm(load_of(arguments, &server), &server::whoami(0..arguments.people, None))?;
    Ok((workspace, server, SocketAddr::from(([127, 0, 0, 1], port))))
}

/// Questions about everybody, over HTTP and over gRPC.
pub(crate) fn questions(arguments: &Arguments) -> (Vec<Request>, Questions) {
    ((0..arguments.people).map(over_http).collect(), Questions::new(ROUTE, 0..arguments.people))
}

/// Measures decisions, the most of them and their times at 80 percent of that.
pub(crate) fn measure(arguments: &Arguments) -> Result<()> {
    let (_place, server, address) = started_with_route(arguments)?;
    let empty_port = server::free_port()?;
    let _empty = EmptyHandler::start(empty_port, arguments.server_cores)?;
    let load = Load { address, ..load_of(arguments, &server) };
    let empty = Load { address: SocketAddr::from(([127, 0, 0, 1], empty_port)), ..load };
    let (http, grpc) = questions(arguments);
    let mut rate = Figure::new("empty handler, answers/s");
    let mut over = [Decisions::new("HTTP", 0.5), Decisions::new("gRPC", 0.25)];
    for _ in 0..arguments.runs {
        rate.add(load::run(empty, &[Request::to_nothing()])?.rate());
        over[0].add(load, &http, &rate)?;
        over[1].add(load, &grpc, &rate)?;
    }
    let title = format!("Decisions with a token about {} people", arguments.people);
    let [http, grpc] = over.map(Decisions::into_figures);
    table::print(&title, &[vec![rate], http, grpc].concat());
    Ok(())
}

fn over_http(person: u64) -> Request {
    let text = format!(
        "GET /forward-auth?route={ROUTE} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Method: GET\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example.org\r\nX-Forwarded-Uri: /orders\r\n\
         X-Session-Token: {}\r\n\r\n",
        token(person)
    );
    Request { bytes: text.into_bytes(), expected: identity_id(person).to_string() }
}

/// The figures of one way to ask.
struct Decisions {
    rate: Figure,
    ratio: Figure,
    times: [(f64, Figure); 2],
    held_up: Figure,
}

impl Decisions {
    fn new(way: &str, goal: f64) -> Self {
        Self {
            rate: Figure::new(format!("{way}, decisions/s")),
            ratio: Figure::new(format!("{way}: decisions / empty handler (goal {goal})")),
            times: [(50.0, ""), (99.0, " (goal 2)")].map(|(percent, goal)| {
                (percent, Figure::new(format!("{way}: p{percent} at 80 %, ms{goal}")))
            }),
            held_up: Figure::new(format!("{way}: the client was held up, ms in all")),
        }
    }

    fn add<S: Protocol + ?Sized>(&mut self, load: Load, questions: &S, empty: &Figure) -> Result<()> {
        self.rate.add(load::run(load, questions)?.rate());
        self.ratio.add(self.rate.last() / empty.last());
        let outcome = load::run(Load { rate: Some(self.rate.last() * 0.8), alone: true, ..load }, questions)?;
        for (percent, figure) in &mut self.times {
            figure.add(outcome.percentile(*percent));
        }
        self.held_up.add(outcome.held_up.as_secs_f64() * 1_000.0);
        Ok(())
    }

    fn into_figures(self) -> Vec<Figure> {
        let [(_, half), (_, most)] = self.times;
        vec![self.rate, self.ratio, half, most, self.held_up]
    }
}
