//! `cargo xtask test`: one step after the other, each with its name on the screen.

use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};

use crate::postgres::Cluster;
use crate::reproducible::Form;
use crate::run::Urgency::Beside;
use crate::run::{cargo, run};
use crate::{
    browser, circles, clients, fuzz, gateways, instructions, jsonnet, libraries, mail, openapi, packages,
    postgres, recipes, reproducible, rotation, soak, supply, tools, wire,
};

/// How many seconds each fuzz target runs.
const FUZZED: u64 = 5;

/// Runs all steps and stops at the first one that fails.
pub(crate) fn all() -> Result<()> {
    step("compilers", tools::install_compilers)?;
    thread::scope(|scope| {
        // They come over the network while the processors are busy with the lints.
        let installed = scope.spawn(tools::install);
        step("format", || cargo(&["fmt", "--all", "--check"]))?;
        step("circles", || circles::check(&[]))?;
        step("lints", lints)?;
        step("supply chain", supply::check)?;
        step("tools", || installed.join().map_err(|_| anyhow!("installing them panicked"))?)
    })?;
    step("tests", tests)?;
    thread::scope(|scope| {
        // What follows waits for servers, browsers and clocks, which leaves the processors time to build other profiles.
        let built = scope.spawn(|| instructions::build(Beside).and_then(|()| fuzz::build(FUZZED, Beside)));
        step("nodes", postgres::nodes)?;
        step("rotation", || rotation::test(4))?;
        step("soak", soak::check)?;
        step("wire contract", || wire::check(""))?;
        step("OpenAPI", || openapi::check(openapi::FEW))?;
        step("mail", mail::test)?;
        step("gateways", gateways::test)?;
        step("browser", || browser::test(false))?;
        step("real clients", clients::test)?;
        step("libraries", libraries::test)?;
        step("recipes", || recipes::test(false))?;
        step("builds", || built.join().map_err(|_| anyhow!("building panicked"))?)
    })?;
    step("go-jsonnet", || jsonnet::differential(1, 5_000))?;
    step("fuzz targets", || fuzz::run_all(FUZZED))?;
    step("instruction counts", instructions::check)?;
    step("packages", packages::test)?;
    step("reproducible", || reproducible::check(Form::Short))
}

/// Runs the lints, with passkeys and without them.
fn lints() -> Result<()> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked"];
    let strict = ["--", "-D", "warnings"];
    cargo(&[&clippy[..], &strict].concat())?;
    cargo(&[&clippy[..], &["--no-default-features"], &strict].concat())
}

/// Runs the tests of all crates, those of the store on PostgreSQL too, and shows all that fail.
fn tests() -> Result<()> {
    let cluster = Cluster::start("store", "")?;
    run(cluster.offer(Command::new("cargo").args(["test", "--workspace", "--locked", "--no-fail-fast"])))
}

#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let began = Instant::now();
    work().with_context(|| format!("the step \"{name}\" failed"))?;
    println!("== {name}: good, {} s", began.elapsed().as_secs());
    Ok(())
}
