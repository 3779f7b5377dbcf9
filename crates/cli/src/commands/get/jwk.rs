//! `sessera get jwk`

use anyhow::Result;
use clap::Args;

use crate::commands::ids::path_part;
use crate::commands::keys::{self, Members, Named};
use crate::commands::managed_sets;
use crate::commands::names;
use crate::global::Global;

/// Show key sets, public members only
///
/// The output of a single set is a JSON Web Key Set, which you can give to whoever verifies tokens. Its first
/// key is the one that signs. Shared secrets have no public form and are left out, with a note. Private keys are read with
/// --private only, for which the role "owner" is needed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera get jwk my-keys --format json-pretty > public.jwks.json
  sessera get jwk my-keys --format jsonpath=keys.0.kid
  sessera get jwk my-keys --states
  sessera get jwk my-keys --private --format json > backup.jwks.json")]
pub(crate) struct GetJwk {
    /// The names of the key sets
    #[arg(required = true, value_name = "SET", value_parser = path_part, add = names::sets())]
    sets: Vec<String>,
    /// Show public members only, which is the default
    #[arg(long, conflicts_with = "private")]
    public: bool,
    /// Show private members too, with which anybody can sign
    #[arg(long)]
    private: bool,
    /// Show the states of the keys of a managed set, and the states to come
    #[arg(long, conflicts_with_all = ["public", "private"])]
    states: bool,
}

impl GetJwk {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        if self.states {
            for set in &self.sets {
                let set = context.client.managed_set(set).await?;
                context.output.print(&managed_sets::report(&set)?)?;
            }
            return Ok(());
        }
        if !self.private {
            let sets = keys::find_public(&context, &self.sets).await?;
            return context.output.print(&keys::report(&sets, Members::Public, &context.output));
        }
        let mut sets = Vec::with_capacity(self.sets.len());
        for set in self.sets {
            sets.push(Named { keys: keys::find(&context, &set).await?, set });
        }
        context.output.print(&keys::report(&sets, Members::Private, &context.output))
    }
}
