//! What the commands on the identity configuration share.

use anyhow::Result;
use sessera_client::projects::ChangedConfig;

use crate::global::Context;

/// Prints the configuration that a change resulted in, and warns of what its author should know.
pub(super) fn print_changed(context: &Context, changed: &ChangedConfig) -> Result<()> {
    for warning in &changed.warnings {
        crate::output::warn(warning);
    }
    if context.output.is_quiet() {
        return Ok(());
    }
    context.output.print_document(&changed.config)
}
