//! `sessera list projects`

use anyhow::Result;
use clap::Args;

use crate::global::Global;
use crate::output::{Report, Table};

/// List the projects: one, because a deployment is one project
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list projects
  sessera list projects --format jsonpath=0.id")]
pub(crate) struct ListProjects {}

impl ListProjects {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let projects = context.client.projects().await?;
        let mut table = Table::new(&["ID", "SLUG", "NAME"]);
        for project in &projects {
            table.row([&project.id.to_string(), &project.slug, &project.name]);
        }
        let ids = projects.iter().map(|project| project.id.to_string()).collect();
        context.output.print(&Report { json: serde_json::to_value(&projects)?, table, ids })
    }
}
