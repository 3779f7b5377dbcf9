//! `sessera health`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde_json::json;
use sessera_client::{AdminClient, ClientError};
use sessera_config::{ConfigFile, load};

use crate::global::Global;
use crate::output;
use crate::upstream_options::UpstreamOptions;

/// How long a server may take to answer. Health checks of containers are usually given less.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ask a server whether it can do its work, as health checks of containers do
///
/// The command ends with 0 when the server can do its work, and with 1 when it cannot, does not answer, or was told to stop. The server
/// is the one that --endpoint or SESSERA_ADMIN_URL names, where the address of its public API will do, too. Where none is
/// named, it is the one on this machine that "sessera serve" runs with the same files, options and variables; it is asked at its
/// public port, which asks for no admin token.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera health
  sessera health -c /etc/sessera/sessera.yml
  sessera health --endpoint https://id.example.org --format json")]
pub(crate) struct Health {
    /// A configuration file of the server; later ones override earlier ones
    #[arg(short, long = "config", value_name = "FILE")]
    config: Vec<ConfigFile>,
    #[command(flatten)]
    upstream: UpstreamOptions,
}

impl Health {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let client = match global.named_client()? {
            Some(named) => named,
            None => AdminClient::new(self.endpoint()?.parse()?, None)?,
        };
        let endpoint = client.endpoint().to_string();
        let Ok(told) = tokio::time::timeout(PATIENCE, client.readiness()).await else {
            bail!("the server at {endpoint} does not answer within {} seconds", PATIENCE.as_secs());
        };
        let warnings = match told {
            Ok(warnings) => warnings,
            // The client knows of admin APIs alone.
            Err(ClientError::Unreachable { problem, .. }) => {
                bail!("the server at {endpoint} cannot be reached: {problem}")
            }
            Err(ClientError::NotUnderstood { problem, .. }) => {
                bail!("{endpoint} does not answer as a server does: {problem}")
            }
            Err(error) => return Err(error.into()),
        };
        for (part, warning) in warnings.iter().filter(|_| !global.output().is_quiet()) {
            output::warn(&format!("{part}: {warning}"));
        }
        let document = json!({ "status": "ok", "endpoint": endpoint, "warnings": warnings });
        global.output().print_text(&format!("the server at {endpoint} is ready\n"), &document, None)
    }

    /// The address of the public API that follows from the configuration. The one of the admin API may ask for a token.
    fn endpoint(self) -> Result<String> {
        let environment = self.upstream.over_process();
        let config = load(&self.config, &environment).and_then(|loaded| loaded.config());
        let config = config.context(
            "where the server listens is not known, because the configuration cannot be used: name the server with --endpoint",
        )?;
        address(&config.public.host, config.public.port)
    }
}

/// Where this machine reaches a server that listens on a host and a port.
fn address(host: &str, port: u16) -> Result<String> {
    ensure!(
        port != 0,
        "the configuration leaves the port of the public API open (serve.public.port is 0): name the server with --endpoint"
    );
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok(match host.parse() {
        // Who listens everywhere is reached here, too.
        Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => format!("http://{}:{port}", Ipv4Addr::LOCALHOST),
        Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => format!("http://[{}]:{port}", Ipv6Addr::LOCALHOST),
        Ok(IpAddr::V6(address)) => format!("http://[{address}]:{port}"),
        Err(_) if host.is_empty() => format!("http://{}:{port}", Ipv4Addr::LOCALHOST),
        _ => format!("http://{host}:{port}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_where_this_machine_reaches_it() {
        for (host, asked) in [
            ("127.0.0.1", "http://127.0.0.1:1"),
            ("0.0.0.0", "http://127.0.0.1:1"),
            ("", "http://127.0.0.1:1"),
            ("::", "http://[::1]:1"),
            ("[::]", "http://[::1]:1"),
            ("::1", "http://[::1]:1"),
            ("[fd00::2]", "http://[fd00::2]:1"),
            ("10.0.0.7", "http://10.0.0.7:1"),
            ("localhost", "http://localhost:1"),
        ] {
            assert_eq!(address(host, 1).unwrap(), asked, "{host}");
        }
        assert!(address("127.0.0.1", 0).unwrap_err().to_string().contains("--endpoint"));
    }
}
