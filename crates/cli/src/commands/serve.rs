//! `sessera serve`

use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use sessera_config::{ConfigFile, environment, load_all};
use sessera_server::serve::StartError;
use sessera_server::{ConfigOrigin, Server};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::log;
use crate::offline::check::with_all_errors;
use crate::service_manager::{Inherited, ServiceManager, watchdog};
use crate::upstream_options::UpstreamOptions;

/// Run the server
///
/// Without any configuration the server keeps its data in sessera.sqlite in the working directory, serves the
/// public API on 127.0.0.1:4433 and the admin API on 127.0.0.1:4434. With --upstream an Ory Kratos that is there already
/// keeps the sessions, and the ports are 4533 and 4534. The configuration file has the keys of
/// kratos.yml. Environment variables such as `SERVE_PUBLIC_PORT` override it, and what was changed with
/// "sessera patch identity-config" overrides both. SIGHUP makes the server read its files again, and SIGTERM
/// makes it finish what it is doing and stop. A service manager such as systemd is told how the server is (Type=notify,
/// WatchdogSec=), and may hand over sockets that listen already, by the names public, admin and gateway.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera serve
  sessera serve -c kratos.yml -c production.yml
  SERVE_PUBLIC_PORT=4533 SERVE_ADMIN_PORT=4534 sessera serve --dev")]
pub(crate) struct Serve {
    /// A configuration file; later ones override earlier ones
    #[arg(short, long = "config", value_name = "FILE")]
    config: Vec<ConfigFile>,
    /// Start although the configuration asks for a restriction that Sessera does not have; the option can be given
    /// once for each key
    #[arg(long, value_name = "KEY")]
    accept_unsupported: Vec<String>,
    /// Development mode, in which a server without a mail server shows mails and the codes in them in its log
    #[arg(long)]
    dev: bool,
    #[command(flatten)]
    upstream: UpstreamOptions,
}

impl Serve {
    pub(crate) async fn run(self, inherited: Inherited) -> Result<()> {
        let mut environment = self.upstream.over_process();
        environment::accept_unsupported(&mut environment, &self.accept_unsupported);
        if self.dev {
            environment.insert("DEV".into(), "true".into());
        }
        let origin = ConfigOrigin { files: self.config, environment };
        let files = origin.files.clone();
        let loaded = load_all(&files, &origin.environment);
        let refused = |error: StartError| with_all_errors(error, &files, &loaded);
        let config = loaded.config().map_err(|error| refused(error.into()))?;
        log::init(&config.log);
        if let Some(upstream) = &config.upstream {
            // No user stands in it, which is refused.
            tracing::info!(url = %upstream.url, "sessera runs in upstream mode: sessions are those of the upstream");
        }
        // This comes before anybody can know that the server is there, so that no signal can end it abruptly.
        let mut hangup = signal(SignalKind::hangup())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let manager = Arc::new(ServiceManager::of(&origin.environment));
        let watchdog = watchdog(&origin.environment);
        let server = Box::pin(Server::start_on(inherited.sockets()?, origin)).await.map_err(refused)?;
        let mut status = "serves".to_owned();
        if let (Some(public), Some(admin)) = (server.public_address(), server.admin_address()) {
            // A field without a value is left out.
            let gateway = server.gateway_address().map(tracing::field::display);
            tracing::info!(%public, %admin, gateway, version = env!("CARGO_PKG_VERSION"), "sessera serves");
            status = format!("serves the public API on {public} and the admin API on {admin}");
        }
        let stop = CancellationToken::new();
        let (configuration, told, check) = (server.configuration(), stop.clone(), server.self_check());
        let fed = manager.clone();
        tokio::spawn(async move {
            manager.ready(&status).await;
            loop {
                tokio::select! {
                    _ = hangup.recv() => {
                        manager.reloading().await;
                        let used = sessera_node::chores::reload(&configuration).await;
                        let outcome = if used { "" } else { "; the configuration cannot be used, see the log" };
                        manager.ready(&format!("{status}{outcome}")).await;
                    }
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                }
            }
            tracing::info!("told to stop: requests in flight finish");
            manager.stopping("requests in flight finish").await;
            told.cancel();
        });
        if let Some(period) = watchdog {
            tokio::spawn(async move { fed.feed(period, || check.answered()).await });
        }
        server.run(stop).await;
        Ok(())
    }
}
