//! Options that every command takes, and the connection to the admin API that they describe.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sessera_client::{AdminClient, ClientError, Endpoint};
use sessera_model::Secret;

use crate::output::{Format, Output, escaped};

/// The environment variables that may hold the address of the admin API. The first one counts most.
const ENDPOINT_VARIABLES: [&str; 2] = ["SESSERA_ADMIN_URL", "KRATOS_ADMIN_URL"];

/// The environment variable that holds the token of the admin API.
const TOKEN_VARIABLE: &str = "SESSERA_ADMIN_TOKEN";

/// The one project of a deployment.
pub(crate) const DEFAULT_PROJECT: &str = "default";

/// The placeholder that Ory's guide writes for a project.
const PLACEHOLDER: &str = "{}";

/// Options that every command takes.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The address of the admin API [env: SESSERA_ADMIN_URL or KRATOS_ADMIN_URL] [default:
    /// http://127.0.0.1:4434]
    ///
    /// A token that it asks for is taken from SESSERA_ADMIN_TOKEN and sent over https:// or to this machine
    /// only.
    #[arg(short, long, global = true, value_name = "URL")]
    endpoint: Option<String>,

    /// The form of the output: table, json, json-pretty, yaml, jsonpath=EXPRESSION, jsonpointer=POINTER
    ///
    /// jsonpath takes a path with dots, such as keys.0.kid (# stands for every item), or an expression of
    /// RFC 9535, which begins with $. What a path leads to is printed as JSON.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "default", hide_default_value = true)]
    format: Format,

    /// Print only ids, one on each line, and no notes
    #[arg(short, long, global = true)]
    quiet: bool,

    /// Answer yes to every question; without a terminal, commands that end or delete something need it
    #[arg(short, long, global = true)]
    yes: bool,

    /// The project, by its id or slug; a deployment is one project, with the slug "default"
    #[arg(long, global = true, value_name = "PROJECT", hide_short_help = true)]
    project: Option<String>,

    /// Accepted for scripts that were made for Ory's command line; a deployment has no workspaces
    #[arg(long, global = true, value_name = "WORKSPACE", hide_short_help = true)]
    workspace: Option<String>,
}

/// A command's connection to the admin API.
pub(crate) struct Context {
    pub(crate) client: AdminClient,
    /// The project's slug or id, which is known to exist.
    pub(crate) project: String,
    pub(crate) output: Output,
    yes: bool,
}

impl Global {
    /// How to print.
    pub(crate) fn output(&self) -> Output {
        Output::new(self.format.clone(), self.quiet)
    }

    /// A client of the admin API, where somebody has named its address.
    pub(crate) fn named_client(&self) -> Result<Option<AdminClient>, ClientError> {
        named(self.endpoint.as_deref()).map(|endpoint| client(Some(&endpoint))).transpose()
    }

    /// Connects to the admin API.
    pub(crate) async fn connect(&self) -> Result<Context> {
        self.connect_to(None).await
    }

    /// Connects to the admin API; the project may also stand behind the command.
    pub(crate) async fn connect_to(&self, positional: Option<&str>) -> Result<Context> {
        let client = client(self.endpoint.as_deref())?;
        let output = self.output();
        let project = match (self.project.as_deref(), positional) {
            (Some(option), Some(positional)) if option != positional => bail!(
                "two projects are named, {option} and {positional}: name one, or none, because there is only one"
            ),
            (Some(named), _) | (None, Some(named)) => Some(named),
            (None, None) => None,
        };
        let project = match project {
            None | Some(DEFAULT_PROJECT) => DEFAULT_PROJECT.to_owned(),
            Some(PLACEHOLDER) => {
                output.note("{} is a placeholder; the project \"default\" is meant");
                DEFAULT_PROJECT.to_owned()
            }
            Some(named) => existing_project(&client, named).await?,
        };
        Ok(Context { client, project, output, yes: self.yes })
    }
}

/// A client of the admin API at this address, or else where the environment says.
pub(crate) fn client(endpoint: Option<&str>) -> Result<AdminClient, ClientError> {
    let text = named(endpoint);
    let endpoint: Endpoint = text.as_deref().unwrap_or(Endpoint::DEFAULT).parse()?;
    let token = variable(TOKEN_VARIABLE).map(Secret::from);
    AdminClient::new(endpoint, token.as_ref())
}

/// The address that is named, or else the one that the environment names.
fn named(endpoint: Option<&str>) -> Option<String> {
    endpoint.map(str::to_owned).or_else(|| ENDPOINT_VARIABLES.into_iter().find_map(variable))
}

/// Reads an environment variable. An empty one counts as absent.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

async fn existing_project(client: &AdminClient, named: &str) -> Result<String> {
    let projects = client.projects().await?;
    if projects.iter().any(|project| project.slug == named || project.id.to_string() == named) {
        return Ok(named.to_owned());
    }
    let known: Vec<String> =
        projects.iter().map(|project| format!("{} (id {})", project.slug, project.id)).collect();
    bail!(
        "there is no project \"{named}\" at {}. One deployment is one project: {}. Leave the project out, or name that one",
        client.endpoint(),
        known.join(", ")
    )
}

impl Context {
    /// Asks before something is ended or deleted. Where nobody can answer, --yes must have been given.
    pub(crate) fn confirm(&self, question: &str) -> Result<()> {
        let (input, mut screen) = (std::io::stdin(), std::io::stderr());
        if self.yes {
            return Ok(());
        }
        if !input.is_terminal() || !screen.is_terminal() {
            bail!(
                "{question} Nobody can be asked here, so nothing was done. Repeat the command with --yes to do it"
            );
        }
        write!(screen, "{} [y/N] ", escaped(question)).context("the question cannot be shown")?;
        let mut answer = String::new();
        input.read_line(&mut answer).context("the answer cannot be read")?;
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        bail!("nothing was done")
    }
}
