//! `sessera list`

mod admin_tokens;
mod audit;
mod deliveries;
mod identity;
mod jwk;
mod paging;
mod projects;
mod recipes;
mod revisions;
mod routes;
mod session;
mod sinks;

use anyhow::Result;
use clap::Subcommand;

use crate::commands::template::ListTemplates;
use crate::global::Global;

pub(super) use routes::routes;

/// What can be listed.
#[derive(Subcommand)]
pub(crate) enum List {
    #[command(visible_alias = "jwk")]
    Jwks(jwk::ListJwks),
    #[command(visible_alias = "identity")]
    Identities(identity::ListIdentities),
    #[command(visible_alias = "session")]
    Sessions(session::ListSessions),
    #[command(visible_alias = "admin-token")]
    AdminTokens(admin_tokens::ListAdminTokens),
    Audit(audit::ListAudit),
    #[command(visible_alias = "sink")]
    Sinks(sinks::ListSinks),
    #[command(visible_alias = "delivery")]
    Deliveries(deliveries::ListDeliveries),
    #[command(visible_alias = "revision")]
    Revisions(revisions::ListRevisions),
    #[command(visible_alias = "route")]
    Routes(routes::ListRoutes),
    #[command(visible_alias = "template")]
    Templates(ListTemplates),
    #[command(visible_alias = "project")]
    Projects(projects::ListProjects),
    #[command(visible_alias = "recipe")]
    Recipes(recipes::ListRecipes),
}

impl List {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwks(command) => command.run(global).await,
            Self::Identities(command) => command.run(global).await,
            Self::Sessions(command) => command.run(global).await,
            Self::AdminTokens(command) => command.run(global).await,
            Self::Audit(command) => command.run(global).await,
            Self::Sinks(_) => sinks::ListSinks::run(global).await,
            Self::Deliveries(command) => command.run(global).await,
            Self::Revisions(command) => command.run(global).await,
            Self::Routes(command) => command.run(global).await,
            Self::Templates(command) => command.run(global).await,
            Self::Projects(command) => command.run(global).await,
            Self::Recipes(_) => recipes::ListRecipes::run(global),
        }
    }
}
