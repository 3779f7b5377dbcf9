//! `sessera create template`

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;
use sessera_client::keys::NewKey;
use sessera_client::projects::CONFIG_PREFIX;
use sessera_config::escape;
use sessera_jose::{Algorithm, JwkSet};
use sessera_recipes::{Question, Recipe};
use zeroize::Zeroizing;

use crate::commands::keys::KeyUse;
use crate::commands::{import, names};
use crate::global::{Context, Global};
use crate::input;
use crate::output::{Report, Table, say, warn};

/// Make a tokenizer template for a service, by a recipe
///
/// A recipe has the claims, the algorithm and the lifetime that a service asks for. What it cannot know is asked for, or
/// given with --set. The key set is made when it is not there. At last the command says what is left to do.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera create template my-hasura --recipe hasura
  sessera create template calls --recipe livekit --set api_key=APIabc --secret livekit-secret.txt
  sessera create template files --recipe gcp --set audience=//iam.googleapis.com/... --print")]
pub(crate) struct CreateTemplate {
    /// The name of the template
    name: String,
    /// The recipe; "sessera list recipes" says what there is
    #[arg(long, value_parser = PossibleValuesParser::new(sessera_recipes::names()), hide_possible_values = true)]
    recipe: String,
    /// An answer to a question of the recipe; the other questions are asked, or have their defaults
    #[arg(long = "set", value_name = "QUESTION=ANSWER", value_parser = answer)]
    answers: Vec<(String, String)>,
    /// The key set that signs [default: the name of the template]
    #[arg(long, value_name = "SET", add = names::sets())]
    keys: Option<String>,
    /// The secret that the service gave you, exactly as it is; - reads standard input
    #[arg(long, value_name = "FILE")]
    secret: Option<String>,
    /// Take the place of a template that is there
    #[arg(long)]
    replace: bool,
    /// Only print the template
    #[arg(long)]
    print: bool,
}

fn answer(text: &str) -> Result<(String, String), String> {
    let (question, answer) = text.split_once('=').ok_or("expected is QUESTION=ANSWER")?;
    Ok((question.to_owned(), answer.to_owned()))
}

impl CreateTemplate {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let recipe = sessera_recipes::find(&self.recipe).context("there is no such recipe")??;
        let answers = recipe.answers(&self.answered(&recipe)?)?;
        let set = self.keys.clone().unwrap_or_else(|| self.name.clone());
        let template = recipe.template(&set, &answers);
        if self.print {
            return global.output().print_document(&template);
        }
        let context = global.connect().await?;
        let path = format!("/session/whoami/tokenizer/templates/{}", escape(&self.name));
        let config = context.client.config(&context.project).await?;
        if config.pointer(&path).is_some() && !self.replace {
            bail!("there is a template \"{}\" already; --replace takes its place", self.name);
        }
        self.provide_keys(&context, &recipe, &set).await?;
        let patch =
            [json!({ "op": "add", "path": format!("{CONFIG_PREFIX}{path}"), "value": template.clone() })];
        let changed = context.client.patch_config(&context.project, &patch, false).await?;
        // That a shared secret signs is what the service asks for.
        for warning in changed.warnings.iter().filter(|_| !recipe.keys.is_given) {
            warn(warning);
        }
        let mut table = Table::new(&["TEMPLATE", "SERVICE", "KEYS", "ALGORITHM"]);
        table.row([&self.name, &recipe.title, &set, &recipe.keys.algorithm]);
        context.output.print(&Report { json: template, table, ids: vec![self.name.clone()] })?;
        for sentence in recipe.next_with(&self.words(answers, changed.public_url.as_deref())) {
            context.output.done(&sentence);
        }
        Ok(())
    }

    /// The answers of the command line, and those of the person where somebody can be asked.
    fn answered(&self, recipe: &Recipe) -> Result<BTreeMap<String, String>> {
        let mut answers: BTreeMap<String, String> = self.answers.iter().cloned().collect();
        let open = |question: &&Question| question.default.is_none() && !answers.contains_key(&question.name);
        for question in recipe.questions.iter().filter(open).collect::<Vec<_>>() {
            if !std::io::stdin().is_terminal() {
                bail!("{}? Give it with --set {}=ANSWER", question.ask, question.name);
            }
            say(&format!("{}?", question.ask));
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).context("the answer cannot be read")?;
            answers.insert(question.name.clone(), line.trim().to_owned());
        }
        Ok(answers)
    }

    /// Makes the key set unless it is there.
    async fn provide_keys(&self, context: &Context, recipe: &Recipe, set: &str) -> Result<()> {
        let known = context.client.key_set(set).await;
        let algorithm: Algorithm = recipe.keys.algorithm.parse().map_err(|error| anyhow!("{error}"))?;
        match known {
            Ok(_) if self.secret.is_some() => {
                bail!(
                    "the key set \"{set}\" is there already. Leave --secret out, or name another set with --keys"
                )
            }
            Ok(_) => return Ok(()),
            Err(error) if !error.is_not_found() => return Err(error.into()),
            Err(_) => {}
        }
        if recipe.keys.is_given {
            let file = self.secret.as_ref().with_context(|| {
                format!(
                    "{} gives you a secret: write it to a file, and name that with --secret",
                    recipe.title
                )
            })?;
            let content = Zeroizing::new(input::bytes(file)?);
            let key = import::secret(&content, algorithm, &context.output)?.with_use(KeyUse::Sig.as_str());
            return import::add(context, set, &JwkSet::new(vec![key])?).await;
        }
        if self.secret.is_some() {
            bail!("{} takes public keys, so there is no secret to give", recipe.title);
        }
        if let Some(period) = &recipe.keys.rotate {
            let period = period.parse().map_err(|error| anyhow!("{error}"))?;
            context.client.create_managed_set(set, algorithm, period).await?;
        } else {
            let key_use = KeyUse::Sig.as_str().to_owned();
            context.client.create_key(set, &NewKey { algorithm, kid: None, key_use, bits: None }).await?;
        }
        Ok(())
    }

    /// What stands in the sentences about what is left to do.
    fn words(&self, answers: BTreeMap<String, String>, public_url: Option<&str>) -> BTreeMap<String, String> {
        // Servers of older versions do not say it.
        sessera_recipes::words(answers, &self.name, public_url.unwrap_or("https://YOUR-SESSERA/"))
    }
}
