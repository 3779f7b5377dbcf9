//! `sessera config schema`

use anyhow::Result;
use clap::Args;
use sessera_config::json_schema;

use crate::global::Global;

/// Print the JSON Schema of configuration files, for editors
///
/// Editors that know the YAML language server complete and check a file whose first line names the schema:
///   # yaml-language-server: $schema=./sessera.schema.json
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  sessera config schema > sessera.schema.json"
)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(global: &Global) -> Result<()> {
        let schema = json_schema();
        let text = serde_json::to_string_pretty(&schema)?;
        global.output().print_text(&format!("{text}\n"), &schema, None)
    }
}
