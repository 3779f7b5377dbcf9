//! `sessera adopt jwk`

use anyhow::Result;
use clap::Args;
use sessera_model::GoDuration;

use crate::commands::ids::path_part;
use crate::commands::managed_sets;
use crate::commands::names;
use crate::global::Global;

/// Turn an existing key set into a managed one, whose keys rotate by themselves
///
/// Its first key goes on signing, and the next one is published now. From then on no private key of the set
/// leaves the server. Verifiers should fetch the keys from /.well-known/jwks.json before the first rotation.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera adopt jwk my-keys --rotate 30d
  sessera get jwk my-keys --states")]
pub(crate) struct AdoptJwk {
    /// The name of the key set
    #[arg(value_parser = path_part, add = names::sets())]
    set: String,
    /// How long each key signs, for example 30d or 720h
    #[arg(long, value_name = "PERIOD")]
    rotate: GoDuration,
}

impl AdoptJwk {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let set = context.client.adopt_key_set(&self.set, self.rotate).await?;
        context.output.print(&managed_sets::report(&set)?)
    }
}
