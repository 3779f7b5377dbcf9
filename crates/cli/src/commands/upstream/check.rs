//! `sessera upstream check`

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use sessera_config::{ConfigFile, load};

use super::probe::{Finding, Given, Probe, Verdict};
use crate::global::Global;
use crate::output::{Report, Table};
use crate::upstream_options::UpstreamOptions;

/// Ask an upstream what Sessera needs of it, and say what is wrong and what to do
///
/// The upstream is that of the configuration, as "sessera serve" would read it, or the one that --upstream names. It is
/// asked for its version, whether whoami works as an Ory Kratos' does, how long its answers may be kept, under which
/// address it believes to be reached, whether its admin API answers, and what its clock shows. With a session token or
/// the value of a session cookie, whoami is asked about that session, and with both the name of the cookie is proven.
/// Nothing is changed. The command fails when something is wrong.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera upstream check --upstream http://127.0.0.1:4433 \\
    --upstream-admin http://127.0.0.1:4434
  sessera upstream check -c sessera.yml --token \"$SESSION_TOKEN\"")]
pub(crate) struct Check {
    /// A configuration file; later ones override earlier ones
    #[arg(short, long = "config", value_name = "FILE")]
    config: Vec<ConfigFile>,
    #[command(flatten)]
    upstream: UpstreamOptions,
    /// The bearer token of that admin API, such as an API key of Ory Network; see session.upstream.admin_token
    #[arg(long, env = "SESSION_UPSTREAM_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    upstream_admin_token: Option<String>,
    /// A session token of the upstream, to ask whoami with
    #[arg(long, env = "SESSION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// The value of a session cookie of the upstream, to ask whoami with
    #[arg(long, env = "SESSION_COOKIE", hide_env_values = true, value_name = "VALUE")]
    cookie: Option<String>,
}

impl Check {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let mut environment = self.upstream.over_process();
        let token = self.upstream_admin_token;
        environment.extend(token.map(|token| ("SESSION_UPSTREAM_ADMIN_TOKEN".to_owned(), token)));
        let config = load(&self.config, &environment)?.config()?;
        let upstream = config
            .upstream
            .context("there is no upstream: name its public API by --upstream URL or session.upstream.url")?;
        let given = Given { token: self.token, cookie: self.cookie, own_url: config.public.base_url };
        let findings = Probe::new(&upstream)?.findings(&given).await;
        global.output().print(&report(&findings))?;
        let wrong = findings.iter().filter(|finding| finding.verdict == Verdict::Wrong).count();
        match wrong {
            0 => Ok(()),
            1 => bail!("one thing is wrong with the upstream"),
            several => bail!("{several} things are wrong with the upstream"),
        }
    }
}

/// A row for each finding. What to do stands below it, as a row of its own, because it is a sentence.
fn report(findings: &[Finding]) -> Report {
    let mut table = Table::new(&["CHECK", "RESULT", "FOUND"]);
    for finding in findings {
        table.row([finding.what, finding.verdict.word(), &finding.found]);
        if !finding.to_do.is_empty() {
            table.row(["", "", &finding.to_do]);
        }
    }
    let json = findings.iter().map(|finding| {
        json!({
            "check": finding.what, "result": finding.verdict.word(),
            "found": finding.found, "to_do": finding.to_do,
        })
    });
    let wrong = findings.iter().filter(|finding| finding.verdict == Verdict::Wrong);
    Report { json: json.collect(), table, ids: wrong.map(|finding| finding.what.to_owned()).collect() }
}
