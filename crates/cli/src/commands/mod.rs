//! One folder for each verb, and in it one file for each noun: `sessera create jwk` is in
//! `create/jwk.rs`. Commands without a noun have a file here, and so has what the commands on a noun share.

mod admin_tokens;
mod adopt;
mod audit;
mod completions;
mod config;
mod create;
mod delete;
mod demo;
mod events;
mod extend;
mod get;
mod health;
mod identities;
mod identity_config;
mod ids;
mod import;
mod jsonnet;
mod keys;
mod list;
#[cfg(feature = "manual")]
mod man;
mod managed_sets;
mod migrate;
mod names;
mod patch;
mod promote;
mod proxy_config;
mod revoke;
mod rollback;
mod rotate;
mod secrets;
pub(crate) mod serve;
mod sessions;
mod template;
mod tokenize;
mod update;
mod upstream;
mod verify;
mod version;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;
use crate::service_manager::Inherited;

/// Every command.
#[derive(Subcommand)]
pub(crate) enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Health(health::Health),
    /// Make keys, templates, identities, recovery codes, admin tokens
    #[command(subcommand)]
    Create(create::Create),
    /// Show key sets, identities, sessions, the configuration
    #[command(subcommand)]
    Get(get::Get),
    /// List key sets, identities, sessions, templates, recipes, routes of the gateway, revisions of the configuration, the record of
    /// what happened, sinks of events, what is delivered to them, admin tokens
    #[command(subcommand)]
    List(list::List),
    /// Take in keys and identities from files
    #[command(subcommand)]
    Import(import::Import),
    /// Change parts of the configuration or of an identity
    #[command(subcommand)]
    Patch(patch::Patch),
    /// Replace the configuration
    #[command(subcommand)]
    Update(update::Update),
    /// Go back to an older configuration
    #[command(subcommand)]
    Rollback(rollback::Rollback),
    /// Make a key the one that signs
    #[command(subcommand)]
    Promote(promote::Promote),
    /// Let the next key of a managed set sign
    #[command(subcommand)]
    Rotate(rotate::Rotate),
    /// Let the keys of a set rotate by themselves
    #[command(subcommand)]
    Adopt(adopt::Adopt),
    /// End sessions, or take compromised keys out
    #[command(subcommand)]
    Revoke(revoke::Revoke),
    /// Make sessions last longer
    #[command(subcommand)]
    Extend(extend::Extend),
    /// Delete key sets, identities, sessions, admin tokens
    #[command(subcommand)]
    Delete(delete::Delete),
    /// Look at tokenizer templates and try them out
    #[command(subcommand)]
    Template(template::Template),
    Tokenize(tokenize::Tokenize),
    Verify(verify::Verify),
    Jsonnet(jsonnet::Jsonnet),
    ProxyConfig(proxy_config::ProxyConfig),
    /// Check configuration files
    #[command(subcommand)]
    Config(config::Config),
    Migrate(migrate::Migrate),
    /// Change the secrets that stored values are encrypted with
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Look at the Ory Kratos, or the Ory Network project, that keeps the sessions
    #[command(subcommand)]
    Upstream(upstream::Upstream),
    /// Check the record of what happened
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Send events to their receivers once more
    #[command(subcommand)]
    Events(events::Events),
    Completions(completions::Completions),
    #[cfg(feature = "manual")]
    Man(man::Man),
    Version(version::Version),
}

impl Command {
    pub(crate) async fn run(self, global: &Global, inherited: Inherited) -> Result<()> {
        match self {
            Self::Serve(command) => command.run(inherited).await,
            Self::Demo(command) => command.run().await,
            Self::Health(command) => command.run(global).await,
            Self::Create(command) => command.run(global).await,
            Self::Get(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
            Self::Import(command) => command.run(global).await,
            Self::Patch(command) => command.run(global).await,
            Self::Update(command) => command.run(global).await,
            Self::Rollback(command) => command.run(global).await,
            Self::Promote(command) => command.run(global).await,
            Self::Rotate(command) => command.run(global).await,
            Self::Adopt(command) => command.run(global).await,
            Self::Revoke(command) => command.run(global).await,
            Self::Extend(command) => command.run(global).await,
            Self::Delete(command) => command.run(global).await,
            Self::Template(command) => command.run(global).await,
            Self::Tokenize(command) => command.run(global),
            Self::Verify(command) => command.run(global).await,
            Self::Jsonnet(command) => command.run(),
            Self::ProxyConfig(command) => command.run(global).await,
            Self::Config(command) => command.run(global).await,
            Self::Migrate(command) => command.run(global).await,
            Self::Secrets(command) => command.run(global).await,
            Self::Upstream(command) => command.run(global).await,
            Self::Audit(command) => command.run(global).await,
            Self::Events(command) => command.run(global).await,
            Self::Completions(command) => command.run(),
            #[cfg(feature = "manual")]
            Self::Man(command) => command.run(global),
            Self::Version(command) => command.run(global),
        }
    }
}
