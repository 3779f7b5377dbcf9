//! `sessera audit verify`

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use sessera_client::audit::AuditQuery;

use crate::global::{Context, Global};
use crate::output::{Report, Table};

/// Check that nobody changed or removed an entry of the record
///
/// Each entry has a hash of itself and of all before it. The last number and hash are printed: whoever notes them elsewhere
/// can prove later that everything up to there is as it was, by giving them back with --known.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera audit verify
  sessera audit verify --known 4711:6f3c...")]
pub(crate) struct VerifyAudit {
    /// The number and the hash of an entry as they were printed before
    #[arg(long, value_name = "NUMBER:HASH")]
    known: Option<String>,
}

impl VerifyAudit {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        if let Some(known) = &self.known {
            check_known(&context, known).await?;
        }
        let (mut entries, mut after) = (0, None);
        let last = loop {
            let part = context.client.verify_audit(after).await?;
            entries += part.entries;
            if let Some(broken) = &part.broken {
                bail!(
                    "the record was changed: {broken}. Everything up to the entry {} is as it was written. Look for who could write to the database, and compare with a backup",
                    part.number
                );
            }
            if part.is_end {
                break part;
            }
            after = Some(part.number);
        };
        let mut table = Table::new(&["ENTRIES", "LAST NUMBER AND HASH"]);
        let known = format!("{}:{}", last.number, last.hash);
        table.row([entries.to_string(), known.clone()]);
        let json = json!({ "entries": entries, "number": last.number, "hash": last.hash });
        context.output.print(&Report { json, table, ids: vec![known] })
    }
}

/// Makes sure that the entry that was noted before has the same hash still.
async fn check_known(context: &Context, known: &str) -> Result<()> {
    let parsed = known.split_once(':').and_then(|(number, hash)| Some((number.parse::<i64>().ok()?, hash)));
    let Some((number, hash)) = parsed else {
        bail!("--known takes a number, a colon and a hash, as this command prints them");
    };
    let query = AuditQuery { after: Some(number - 1), ..AuditQuery::default() };
    let found = context.client.audit(&query, Some(1), None).await?.items.into_iter().next();
    match found {
        Some(entry) if entry.number == number && entry.hash == hash => Ok(()),
        Some(entry) if entry.number > number => bail!(
            "the entry {number} is not kept any more, so it proves nothing. Note the number and the hash again before audit.retention is over"
        ),
        _ => bail!("the entry {number} has another hash than it had: the record was changed"),
    }
}
