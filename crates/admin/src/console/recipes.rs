//! `/console/recipes`: templates for services to begin with.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use maud::Markup;
use serde::Deserialize;
use sessera_console::Section;
use sessera_console::templates::editor::For;
use sessera_console::templates::fields::Fields;
use sessera_console::templates::recipes::{self, ANSWER, Lacking};
use sessera_recipes::{Deployment, Recipe, RecipeError};
use sessera_tokenizer::TemplateName;

use super::here::{Failed, PageContext, Sent, ok, shown};
use super::keys::Sets;
use super::templates::{self, TemplatePages};
use sessera_contract::answer::ApiError;
use sessera_contract::answer::Status;
use sessera_contract::request::Segment;

pub(super) async fn list(here: PageContext) -> Result<Response, Failed> {
    let all = sessera_recipes::all().map_err(damaged)?;
    Ok(ok(recipes::list(&here.frame(Some(Section::Templates)), &all)))
}

pub(super) async fn get(here: PageContext, Segment(name): Segment) -> Result<Response, Failed> {
    let recipe = find(&name)?;
    let page = recipes::page(&here.frame(Some(Section::Templates)), &recipe, &name, &BTreeMap::new(), None);
    Ok(ok(page))
}

pub(super) async fn fill(
    State(desk): State<TemplatePages>,
    here: PageContext,
    Segment(name): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    let recipe = find(&name)?;
    match Filled::read(&recipe, &sent, &desk, &here).await {
        Ok(filled) => Ok(ok(filled.editor(&desk, &here, &recipe, None).await?)),
        Err(response) => Ok(response),
    }
}

/// Makes the key set that the template of a recipe signs with, and goes on with the editor.
pub(super) async fn make_keys(
    State(desk): State<TemplatePages>,
    State(sets): State<Sets>,
    here: PageContext,
    Segment(name): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    let recipe = find(&name)?;
    let Period { period } = sent.read()?;
    let filled = match Filled::read(&recipe, &sent, &desk, &here).await {
        Ok(filled) => filled,
        Err(response) => return Ok(response),
    };
    match sets.make(&filled.template, &recipe.keys.algorithm, &period).await {
        Ok(()) => Ok(ok(filled.editor(&desk, &here, &recipe, None).await?)),
        Err(error) => {
            let page = filled.editor(&desk, &here, &recipe, Some(error.reason())).await?;
            Ok(shown(page, error.status()))
        }
    }
}

/// What the form for a key set says besides the answers.
#[derive(Deserialize)]
struct Period {
    #[serde(default)]
    period: String,
}

/// A recipe as it was filled in.
struct Filled {
    /// The name of the template, and of its key set, as the command line has it.
    template: String,
    answers: BTreeMap<String, String>,
}

impl Filled {
    /// Reads what was typed. Else it is the page that asks again, with what is wrong.
    async fn read(
        recipe: &Recipe,
        sent: &Sent,
        desk: &TemplatePages,
        here: &PageContext,
    ) -> Result<Self, Response> {
        let mut template = String::new();
        let mut given = BTreeMap::new();
        for (field, value) in sent.fields() {
            match field.strip_prefix(ANSWER) {
                Some(question) if !value.trim().is_empty() => {
                    given.insert(question.to_owned(), value.trim().to_owned());
                }
                None if field == "name" => value.trim().clone_into(&mut template),
                _ => {}
            }
        }
        let name = TemplateName::parse(&template).map_err(|problem| format!("{problem}."));
        let answers = recipe.answers(&given).map_err(|problem| format!("{problem}."));
        let (problem, status) = match name.and(answers) {
            Err(problem) => (problem, Status::MALFORMED),
            Ok(_) if desk.known(&here.snapshot, &template).await.is_there() => {
                let taken = templates::taken(&template);
                (taken.reason().to_owned(), taken.status())
            }
            Ok(answers) => return Ok(Self { template, answers }),
        };
        let frame = here.frame(Some(Section::Templates));
        Err(shown(recipes::page(&frame, recipe, &template, &given, Some(&problem)), status))
    }

    /// The editor with the template. `problem` is why its key set was not made.
    async fn editor(
        &self,
        desk: &TemplatePages,
        here: &PageContext,
        recipe: &Recipe,
        problem: Option<&str>,
    ) -> Result<Markup, ApiError> {
        let Self { template: name, answers } = self;
        let template = recipe.template(name, answers);
        let fields = Fields::of(&template, &recipe.mapper(answers));
        let known = desk.known(&here.snapshot, name).await;
        let mut editor = desk.editor(here, name, true, fields, &known, For::default()).await?;
        let public = &here.snapshot.config.public;
        let deployment = Deployment { issuer: &public.issuer, public_url: &public.base_url };
        let words = sessera_recipes::words(answers.clone(), name, deployment);
        editor.next = recipe.next_with(&words);
        let is_there = editor.sets.contains(name);
        editor.lacks = (!is_there).then(|| Lacking {
            recipe: recipe.name.clone(),
            service: recipe.title.clone(),
            template: name.clone(),
            set: name.clone(),
            algorithm: recipe.keys.algorithm.clone(),
            period: recipe.keys.rotate.clone(),
            is_given: recipe.keys.is_given,
            answers: answers.clone().into_iter().collect(),
            problem: problem.map(str::to_owned),
            may_make: here.may_own(),
        });
        Ok(editor.page(&here.frame(Some(Section::Templates))))
    }
}

fn find(name: &str) -> Result<Recipe, ApiError> {
    let found = sessera_recipes::find(name).ok_or_else(|| ApiError::not_found("There is no such recipe."))?;
    found.map_err(damaged)
}

fn damaged(error: RecipeError) -> ApiError {
    ApiError::internal(error)
}
