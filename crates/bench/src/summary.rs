//! The few lines of README: what one core does in a second, all of it measured in turn.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use sessera_jose::Algorithm;

use crate::limits::{self, EmptyHandler};
use crate::load::{self, Load, Request};
use crate::measures::{load_of, warm};
use crate::table::{self, Figure};
use crate::{Arguments, beside, gateway, server};

/// Measures each line once in each run, and another server at `peer` beside them, which is asked with `headers`.
pub(crate) fn measure(arguments: &Arguments, peer: Option<&str>, headers: &[String]) -> Result<()> {
    let (_place, server, proxies) = gateway::started_with_route(arguments)?;
    let port = server::free_port()?;
    let _empty = EmptyHandler::start(port, arguments.server_cores)?;
    let load = load_of(arguments, &server);
    let to = |address: SocketAddr| Load { address, ..load };
    let people = || 0..arguments.people;
    let (plain, tokenized) = (server::whoami(people(), None), server::whoami(people(), Some("ES256")));
    let (http, grpc) = gateway::questions(arguments);
    warm(load, &tokenized)?;
    let nothing = [Request::to_nothing()];
    let peer = peer.map(|url| beside::request(url, headers).map(|found| (url, found))).transpose()?;
    let mut rates = vec![
        Figure::new("a handler that does nothing, with the same HTTP library"),
        Figure::new("whoami"),
        Figure::new("whoami with a new token, ES256"),
        Figure::new("signatures of ES256 by the cryptographic library alone"),
        Figure::new("decisions for a proxy over HTTP, with a token"),
        Figure::new("decisions for a proxy over gRPC, with a token"),
    ];
    rates.extend(peer.iter().map(|(url, _)| Figure::new(*url)));
    for _ in 0..arguments.runs {
        rates[0].add(load::run(to(([127, 0, 0, 1], port).into()), &nothing)?.rate());
        rates[1].add(load::run(load, &plain)?.rate());
        rates[2].add(load::run(load, &tokenized)?.rate());
        rates[3].add(limits::signatures(Algorithm::Es256, Duration::from_secs(1))?);
        rates[4].add(load::run(to(proxies), &http)?.rate());
        rates[5].add(load::run(to(proxies), &grpc)?.rate());
        if let Some((_, (address, request))) = &peer {
            rates[6].add(load::run(to(*address), std::slice::from_ref(request))?.rate());
        }
    }
    table::print_beside_first("one core, sessions in memory", &rates);
    Ok(())
}
