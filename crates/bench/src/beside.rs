//! Any server that answers a GET, measured beside the handler that does nothing.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::Arguments;
use crate::limits::EmptyHandler;
use crate::load::{self, Load, Request};
use crate::server;
use crate::table::{self, Figure};

/// Loads the server at `url`, which must be on this machine and answer 200. `headers` are sent with every request.
pub(crate) fn run(arguments: &Arguments, url: &str, headers: &[String]) -> Result<()> {
    let (address, request) = request(url, headers)?;
    let port = server::free_port()?;
    let _empty = EmptyHandler::start(port, arguments.server_cores)?;
    let load = Load {
        address,
        connections: arguments.connections,
        time: Duration::from_secs(arguments.seconds),
        rate: None,
        alone: false,
    };
    let empty = Load { address: ([127, 0, 0, 1], port).into(), ..load };
    let mut rates = [Figure::new("empty handler, answers/s"), Figure::new(format!("{url}, answers/s"))];
    let mut ratio = Figure::new("beside the empty handler");
    for _ in 0..arguments.runs {
        rates[0].add(load::run(empty, &[Request::to_nothing()])?.rate());
        rates[1].add(load::run(load, std::slice::from_ref(&request))?.rate());
        ratio.add(rates[1].last() / rates[0].last());
    }
    table::print("Rates", &rates);
    table::print("Ratio", &[ratio]);
    Ok(())
}

/// Where the request goes, and the request itself.
pub(crate) fn request(url: &str, headers: &[String]) -> Result<(SocketAddr, Request)> {
    let rest = url.strip_prefix("http://").context("the URL must begin with http://")?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let address = with_port
        .to_socket_addrs()
        .with_context(|| format!("{host} is not known"))?
        .next()
        .with_context(|| format!("{host} has no address"))?;
    if !address.ip().is_loopback() {
        bail!("{host} is not on this machine: only servers on the loopback address are loaded");
    }
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n");
    for header in headers {
        let (name, value) = header.split_once(':').with_context(|| format!("{header:?} has no colon"))?;
        if header.contains(['\r', '\n']) {
            bail!("{header:?} is more than one header");
        }
        text.extend([name.trim(), ": ", value.trim(), "\r\n"]);
    }
    text.push_str("\r\n");
    Ok((address, Request { bytes: text.into_bytes(), expected: String::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_made_of_a_url_and_headers() {
        let (address, made) =
            request("http://127.0.0.1:4455/decisions/api?x=1", &["X-Session-Token: ory".into()]).unwrap();
        assert_eq!(address, ([127, 0, 0, 1], 4455).into());
        let text = "GET /decisions/api?x=1 HTTP/1.1\r\nHost: 127.0.0.1:4455\r\nX-Session-Token: ory\r\n\r\n";
        assert_eq!(made.bytes, text.as_bytes());
        assert_eq!(request("http://127.0.0.1", &[]).unwrap().0, ([127, 0, 0, 1], 80).into());
    }

    #[test]
    fn only_this_machine_is_loaded() {
        for (url, headers) in [
            ("http://192.0.2.1/", vec![]),
            ("https://127.0.0.1/", vec![]),
            ("http://127.0.0.1/", vec!["no colon".to_owned()]),
            ("http://127.0.0.1/", vec!["a: b\r\nc: d".to_owned()]),
        ] {
            assert!(request(url, &headers).is_err(), "{url} {headers:?}");
        }
    }
}
