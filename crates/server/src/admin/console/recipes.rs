//! `/console/recipes`: templates for services to begin with.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use sessera_console::Place;
use sessera_console::templates::editor::For;
use sessera_console::templates::fields::Fields;
use sessera_console::templates::recipes;
use sessera_recipes::{Recipe, RecipeError};

use super::here::{Failed, Here, Sent, ok, shown};
use super::templates::Desk;
use sessera_contract::answer::ApiError;
use sessera_contract::answer::Status;
use sessera_contract::request::Segment;

/// What the name of a field begins with that answers a question.
const ANSWER: &str = "answer-";

pub(super) async fn list(here: Here) -> Result<Response, Failed> {
    let all = sessera_recipes::all().map_err(damaged)?;
    Ok(ok(recipes::list(&here.frame(Some(Place::Templates)), &all)))
}

pub(super) async fn get(here: Here, Segment(name): Segment) -> Result<Response, Failed> {
    let recipe = find(&name)?;
    let page = recipes::page(&here.frame(Some(Place::Templates)), &recipe, &name, &BTreeMap::new(), None);
    Ok(ok(page))
}

pub(super) async fn fill(
    State(desk): State<Desk>,
    here: Here,
    Segment(name): Segment,
    sent: Sent,
) -> Result<Response, Failed> {
    let recipe = find(&name)?;
    let frame = here.frame(Some(Place::Templates));
    let mut template_name = String::new();
    let mut given = BTreeMap::new();
    for (field, value) in sent.fields() {
        match field.strip_prefix(ANSWER) {
            Some(question) if !value.trim().is_empty() => {
                given.insert(question.to_owned(), value.trim().to_owned());
            }
            None if field == "name" => value.trim().clone_into(&mut template_name),
            _ => {}
        }
    }
    let answers = match recipe.answers(&given) {
        Ok(answers) => answers,
        Err(problem) => {
            let problem = format!("{problem}.");
            let page = recipes::page(&frame, &recipe, &template_name, &given, Some(&problem));
            return Ok(shown(page, Status::MALFORMED));
        }
    };
    // The key set of a recipe is called like its template, as the command line has it.
    let template = recipe.template(&template_name, &answers);
    let fields = Fields::of(&template, &recipe.mapper(&answers));
    let known = desk.known(&here.snapshot, &template_name).await;
    let mut editor = desk.editor(&here, &template_name, true, fields, &known, For::default()).await?;
    let words = sessera_recipes::words(answers, &template_name, &here.snapshot.config.public.base_url);
    editor.next = recipe.next_with(&words);
    Ok(ok(editor.page(&frame)))
}

fn find(name: &str) -> Result<Recipe, ApiError> {
    let found = sessera_recipes::find(name).ok_or_else(|| ApiError::not_found("There is no such recipe."))?;
    found.map_err(damaged)
}

fn damaged(error: RecipeError) -> ApiError {
    ApiError::internal(error)
}
