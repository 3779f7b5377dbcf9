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
use sessera_issuer::key_sets::check_name;
use sessera_jose::{Algorithm, JwkSet};
use sessera_model::shell;
use sessera_recipes::{Deployment, Question, Recipe};
use sessera_tokenizer::TemplateName;
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
  sessera create template calls --recipe livekit --set api_key=APIabc \\
    --secret livekit-secret.txt
  sessera create template files --recipe gcp \\
    --set audience=//iam.googleapis.com/... --print")]
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
    /// Take a template that makes no token of any session that it is tried on
    #[arg(long)]
    force: bool,
    /// Only print the template
    #[arg(long)]
    print: bool,
}

fn answer(text: &str) -> Result<(String, String), String> {
    let (question, answer) = text.split_once('=').ok_or("expected is QUESTION=ANSWER")?;
    Ok((question.to_owned(), answer.to_owned()))
}

/// How often somebody at a terminal is asked the same question.
const ATTEMPTS: usize = 3;

/// The keys that are made for a template.
enum NewKeys {
    /// A set of the secret that a service gave.
    Given(JwkSet),
    /// A set as the recipe wants it.
    Fresh(Algorithm),
}

impl CreateTemplate {
    /// Whatever can be judged is judged before somebody is asked anything, and keys are made at last.
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let recipe = sessera_recipes::find(&self.recipe).context("there is no such recipe")??;
        TemplateName::parse(&self.name)?;
        let set = self.keys.as_ref().unwrap_or(&self.name);
        check_name(set).with_context(|| format!("\"{set}\" cannot be the key set"))?;
        let given = self.given(&recipe)?;
        if self.secret.is_some() && !recipe.keys.is_given {
            bail!("{} takes public keys, so there is no secret to give", recipe.title);
        }
        if self.print {
            return global.output().print_document(&recipe.template(set, &answered(&recipe, given)?));
        }
        let context = global.connect().await?;
        let path = format!("/session/whoami/tokenizer/templates/{}", escape(&self.name));
        let config = context.client.config(&context.project).await?;
        if config.pointer(&path).is_some() && !self.replace {
            bail!("there is a template \"{}\" already; --replace takes its place", self.name);
        }
        let keys = self.lacking_keys(&context, &recipe, set).await?;
        let answers = answered(&recipe, given)?;
        let template = recipe.template(set, &answers);
        let makes_keys = keys.is_some();
        if let Some(keys) = keys {
            make_keys(&context, &recipe, set, keys).await?;
        }
        let patch =
            [json!({ "op": "add", "path": format!("{CONFIG_PREFIX}{path}"), "value": template.clone() })];
        let changed = match context.client.patch_config(&context.project, &patch, self.force).await {
            Ok(changed) => changed,
            Err(error) => {
                if makes_keys && error.status().is_some() {
                    take_back(&context, set).await;
                }
                return Err(error.into());
            }
        };
        changed.warnings.iter().for_each(|warning| warn(warning));
        let mut table = Table::new(&["TEMPLATE", "SERVICE", "KEYS", "ALGORITHM"]);
        table.row([&self.name, &recipe.title, set, &recipe.keys.algorithm]);
        context.output.print(&Report { json: template, table, ids: vec![self.name.clone()] })?;
        // Servers of older versions do not say all of it.
        let public_url = changed.public_url.as_deref().unwrap_or("https://YOUR-SESSERA/");
        let issuer = changed.issuer.as_deref().unwrap_or(public_url);
        let words = sessera_recipes::words(answers, &self.name, Deployment { issuer, public_url });
        for sentence in recipe.next_with(&words) {
            context.output.done(&sentence);
        }
        Ok(())
    }

    /// The answers of the command line, of which none may be wrong.
    fn given(&self, recipe: &Recipe) -> Result<BTreeMap<String, String>> {
        let mut given = BTreeMap::new();
        for (question, answer) in &self.answers {
            if given.insert(question.clone(), answer.clone()).is_some() {
                bail!("--set {question} stands there twice: give one answer");
            }
        }
        recipe.judge(&given)?;
        Ok(given)
    }

    /// The keys that are to be made; nothing where the key set is there.
    async fn lacking_keys(&self, context: &Context, recipe: &Recipe, set: &str) -> Result<Option<NewKeys>> {
        let algorithm: Algorithm = recipe.keys.algorithm.parse().map_err(|error| anyhow!("{error}"))?;
        match context.client.key_set(set).await {
            Ok(_) if self.secret.is_some() => {
                bail!(
                    "the key set \"{set}\" is there already. Leave --secret out, or name another set with --keys"
                )
            }
            Ok(_) => return Ok(None),
            Err(error) if !error.is_not_found() => return Err(error.into()),
            Err(_) => {}
        }
        if !recipe.keys.is_given {
            return Ok(Some(NewKeys::Fresh(algorithm)));
        }
        let file = self.secret.as_ref().with_context(|| {
            format!("{} gives you a secret: write it to a file, and name that with --secret", recipe.title)
        })?;
        let content = Zeroizing::new(input::bytes(file)?);
        let key = import::secret(&content, algorithm, &context.output)
            .with_context(|| format!("{} cannot be the secret", input::name(file)))?;
        Ok(Some(NewKeys::Given(JwkSet::new(vec![key.with_use(KeyUse::Sig.as_str())])?)))
    }
}

/// All answers: those that are given, those of the person who is asked for the others, and defaults.
fn answered(recipe: &Recipe, given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let mut answers = given;
    for question in recipe.open(&answers.clone()) {
        if !std::io::stdin().is_terminal() {
            bail!("{}? Give it with --set {}=ANSWER", question.ask, question.name);
        }
        let answer = asked(question, || {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line).context("the answer cannot be read")?;
            Ok((read > 0).then_some(line))
        })?;
        answers.insert(question.name.clone(), answer);
    }
    Ok(recipe.answers(&answers)?)
}

/// The answer of somebody who types lines, who may try again a few times.
fn asked(question: &Question, mut next: impl FnMut() -> Result<Option<String>>) -> Result<String> {
    let form = question.form.as_ref().map_or_else(String::new, |form| format!(" ({})", form.words));
    let mut attempt = 1;
    loop {
        say(&format!("{}{form}?", question.ask));
        let Some(line) = next()? else {
            bail!("nothing was answered. Give it with --set {}=ANSWER", question.name);
        };
        let answer = line.trim();
        match question.judge(answer) {
            Ok(()) => return Ok(answer.to_owned()),
            Err(problem) if attempt == ATTEMPTS => return Err(problem.into()),
            Err(problem) => say(&format!("{problem}. Try again.")),
        }
        attempt += 1;
    }
}

async fn make_keys(context: &Context, recipe: &Recipe, set: &str, keys: NewKeys) -> Result<()> {
    match (keys, &recipe.keys.rotate) {
        (NewKeys::Given(keys), _) => import::add(context, set, &keys).await?,
        (NewKeys::Fresh(algorithm), Some(period)) => {
            let period = period.parse().map_err(|error| anyhow!("{error}"))?;
            context.client.create_managed_set(set, algorithm, period).await?;
        }
        (NewKeys::Fresh(algorithm), None) => {
            let key_use = KeyUse::Sig.as_str().to_owned();
            context.client.create_key(set, &NewKey { algorithm, kid: None, key_use, bits: None }).await?;
        }
    }
    Ok(())
}

/// Deletes the key set that was made for a template which the server does not take. One that others use by now stays.
async fn take_back(context: &Context, set: &str) {
    if let Err(error) = context.client.delete_key_set(set).await {
        let delete = shell::command("delete jwks", &[set], &[]);
        warn(&format!("the key set \"{set}\" was made and stays: {error} \"{delete}\" deletes it."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_in(lines: &[&str]) -> Result<String> {
        let recipe = sessera_recipes::find("centrifugo-channel").unwrap().unwrap();
        let question = recipe.questions.iter().find(|question| question.name == "channel").unwrap();
        let mut lines = lines.iter();
        asked(question, || Ok(lines.next().map(|line| format!("{line}\n"))))
    }

    #[test]
    fn somebody_who_mistypes_is_asked_again() {
        assert_eq!(type_in(&["", "a b", " chat:index "]).unwrap(), "chat:index");
        assert_eq!(type_in(&["a\u{1b}[Db", "chat"]).unwrap(), "chat");
        let never = type_in(&["", "", "", "chat"]).unwrap_err().to_string();
        assert!(never.contains("is empty") && !never.contains("leave it out"), "{never}");
        let ended = type_in(&["a b"]).unwrap_err().to_string();
        assert!(ended.contains("--set channel="), "{ended}");
    }
}
