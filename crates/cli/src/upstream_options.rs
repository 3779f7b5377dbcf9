//! The options that name an upstream, as "sessera serve" has them. Commands that read the same files take the same ones: what counts of
//! a file follows from whether there is an upstream.

use clap::Args;
use sessera_config::environment::{self, Environment};

use crate::upstream_address;

/// The options that name an upstream.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct UpstreamOptions {
    /// The public API of an Ory Kratos or an Ory Network project that keeps the sessions; see session.upstream.url
    #[arg(long, value_name = "URL", value_parser = upstream_address::parse)]
    pub(crate) upstream: Option<String>,
    /// The admin API of that upstream; see session.upstream.admin_url
    #[arg(long, value_name = "URL", value_parser = upstream_address::parse)]
    pub(crate) upstream_admin: Option<String>,
}

impl UpstreamOptions {
    /// The environment of the process, with the options over it.
    pub(crate) fn over_process(&self) -> Environment {
        let mut environment = environment::of_process();
        for (option, value) in [("--upstream", &self.upstream), ("--upstream-admin", &self.upstream_admin)] {
            environment.extend(value.clone().map(|value| (option.to_owned(), value)));
        }
        environment
    }
}
