//! `sessera list recipes`

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::global::Global;
use crate::output::{Report, Table};

/// List the services that there is a template for
///
/// "tested" means that the service takes the tokens in the tests of Sessera, or what is named in brackets: a library of the
/// service, or the part of it that verifies. "checked" means that they keep the rules that the service documents. "sessera create template" makes a template of a recipe.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list recipes
  sessera create template my-hasura --recipe hasura")]
pub(crate) struct ListRecipes {}

impl ListRecipes {
    pub(crate) fn run(global: &Global) -> Result<()> {
        let recipes = sessera_recipes::all()?;
        let mut table = Table::with_wrapped_last(&["NAME", "PROOF", "SERVICE AND WHAT FOR"]);
        for recipe in &recipes {
            let verifier = recipe.verifier.as_ref();
            let verifier = verifier.map_or_else(String::new, |verifier| format!(" (tested: {verifier})"));
            let what = format!("{}: {}{verifier}", recipe.title, recipe.about);
            table.row([recipe.name.as_str(), recipe.proof.as_str(), &what]);
        }
        let json = recipes.iter().map(|recipe| {
            json!({
                "name": recipe.name,
                "title": recipe.title,
                "about": recipe.about,
                "proof": recipe.proof.as_str(),
                "verifier": recipe.verifier,
                "algorithm": recipe.keys.algorithm,
                "questions": recipe.questions.iter().map(|question| {
                    json!({ "name": question.name, "ask": question.ask, "default": question.default })
                }).collect::<Vec<_>>(),
            })
        });
        let ids = recipes.iter().map(|recipe| recipe.name.clone()).collect();
        global.output().print(&Report { json: json.collect(), table, ids })
    }
}
