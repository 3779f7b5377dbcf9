//! `sessera create recovery-code`

use anyhow::Result;
use clap::Args;

use crate::commands::identities;
use crate::commands::ids::path_part;
use crate::commands::names;
use crate::global::Global;
use crate::output::{Report, Table};

/// Make a code that lets somebody back into their account
///
/// The code is for a person who cannot receive mail. Whoever has the code has the account, so tell it to the
/// account's owner and to nobody else. No mail is sent. The code can be used once.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera create recovery-code ada@example.org
  sessera create recovery-code 6f1c6c2e-8f1b-4a0e-9c3d-2b7e5a4d1f00 \\
    --expires-in 1h")]
pub(crate) struct CreateRecoveryCode {
    /// The id of the identity, or an identifier such as an e-mail address
    #[arg(value_name = "IDENTITY", value_parser = path_part, add = names::identities())]
    who: String,
    /// How long the code is good [default: 15 minutes]
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<String>,
}

impl CreateRecoveryCode {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let owner = identities::find(&context, &self.who).await?;
        let code = context.client.create_recovery_code(owner.id, self.expires_in.as_deref()).await?;
        let mut table = Table::new(&["CODE", "EXPIRES AT", "WHERE TO TYPE IT"]);
        let until = code.expires_at.clone().unwrap_or_default();
        table.row([&code.recovery_code, &until, &code.recovery_link]);
        let json = serde_json::to_value(&code)?;
        context.output.print(&Report { json, table, ids: vec![code.recovery_code] })
    }
}
