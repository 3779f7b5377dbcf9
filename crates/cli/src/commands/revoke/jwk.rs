//! `sessera revoke jwk`

use anyhow::{Result, bail};
use clap::Args;
use sessera_model::shell;

use crate::commands::ids::path_part;
use crate::commands::managed_sets;
use crate::commands::names;
use crate::global::Global;
use crate::offline::times::about;

/// Take a compromised key of a managed set out at once
///
/// The prepared key signs from now on. Verifiers that fetched the set before may go on accepting tokens of
/// the revoked key, and the command says until when.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera get jwk my-keys --states
  sessera revoke jwk my-keys yUxm1dQMAGkTcGIl6UXxX2Jgqn2FBjTm_Jy0GQAJbmU --yes")]
pub(crate) struct RevokeJwk {
    /// The name of the key set
    #[arg(value_parser = path_part, add = names::sets())]
    set: String,
    /// The id of the key
    #[arg(value_parser = path_part, add = names::keys())]
    kid: String,
}

impl RevokeJwk {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let known = context.client.managed_set(&self.set).await?;
        if !known.keys.iter().any(|key| key.kid == self.kid) {
            bail!(
                "the key set {} has no key \"{}\", so nothing was done. Its keys: {}",
                self.set,
                self.kid,
                shell::command("get jwk", &[&self.set], &[("--states", "")])
            );
        }
        context.confirm(&format!(
            "Take the key {} of {} out? Tokens that it signed are refused as soon as verifiers read the set again.",
            self.kid, self.set
        ))?;
        let revoked = context.client.revoke_key(&self.set, &self.kid).await?;
        let set = context.client.managed_set(&self.set).await?;
        context.output.note(&format!(
            "{} is out, {} signs now; others may accept tokens of the old key until {} ({} from now)",
            revoked.kid,
            revoked.signer,
            managed_sets::second(revoked.accepted_until),
            about(revoked.accepted_until.since(set.now))
        ));
        if let Some(signer) = set.keys.iter().find(|key| key.kid == revoked.signer) {
            context.output.note(&format!(
                "verifiers with a copy of the set from before {} ({} ago), when {} was published, refuse its tokens until they fetch the set again",
                managed_sets::second(signer.published_at),
                about(set.now.since(signer.published_at)),
                signer.kid
            ));
        }
        context.output.print(&managed_sets::report(&set)?)
    }
}
