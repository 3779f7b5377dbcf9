//! Tokens of recipes before the verifiers of the services that they are for.

use std::process::Command;

use anyhow::Result;

use crate::postgres::Cluster;
use crate::run::{python_path, run, sessera, workspace};
use crate::tools;

/// Shows tokens of recipes, good and bad ones, to the real verifiers that can be had from registries of packages. Those that
/// take minutes to build are among them only when all are asked for.
pub(crate) fn test(all: bool) -> Result<()> {
    let program = sessera()?;
    let python = tools::python("tests/recipes/requirements.txt")?;
    let folder = workspace().join("tests/recipes");
    for packages in [workspace().join("clients/node"), folder.clone()] {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(packages))?;
    }
    let cluster = Cluster::start("recipes", "")?;
    let kubernetes = tools::go("authenticator", "tests/kubernetes", "./authenticator")?;
    let centrifugo = if all {
        tools::go("centrifugo", "tests/recipes/centrifugo", "github.com/centrifugal/centrifugo/v6")?
    } else {
        None
    };
    for file in ["test_recipes.py", "test_servers.py"] {
        run(Command::new(&python)
            .arg(folder.join(file))
            .env("PYTHONPATH", python_path())
            .env("POSTGRES", cluster.dsn("postgres"))
            .env("SESSERA", &program)
            .envs(kubernetes.as_ref().map(|program| ("KUBERNETES", program)))
            .envs(centrifugo.as_ref().map(|program| ("CENTRIFUGO", program))))?;
    }
    Ok(())
}
