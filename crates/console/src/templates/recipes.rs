//! Recipes to begin with.

use std::collections::BTreeMap;

use maud::{Markup, html};
use sessera_recipes::{Proof, Recipe};

use crate::page::{Frame, segment};
use crate::words::Word;

/// The address of the list.
pub const PATH: &str = "/console/recipes";

/// The list.
pub fn list(frame: &Frame<'_>, recipes: &[Recipe]) -> Markup {
    let title = frame.word(Word::Recipes);
    let content = html! {
        h1 { (title) }
        p.soft { (frame.word(Word::RecipesLead)) }
        section.sheet {
            table {
                (frame.head(&[Word::Name, Word::What, Word::State]))
                tbody {
                    @for recipe in recipes {
                        tr {
                            th scope="row" {
                                a href=(format!("{PATH}/{}", segment(&recipe.name))) { (recipe.title) }
                            }
                            td { (recipe.about) }
                            td { (proof(frame, recipe.proof)) }
                        }
                    }
                }
            }
        }
    };
    frame.document(title, content)
}

fn proof(frame: &Frame<'_>, proof: Proof) -> Markup {
    match proof {
        Proof::Tested => html! { span.tag.good { (frame.word(Word::RecipeTested)) } },
        Proof::Checked => html! { span.tag { (frame.word(Word::RecipeChecked)) } },
    }
}

/// The page that asks for what a recipe cannot know. `given` was typed before, and `problem` is what is wrong with it.
pub fn page(
    frame: &Frame<'_>,
    recipe: &Recipe,
    name: &str,
    given: &BTreeMap<String, String>,
    problem: Option<&str>,
) -> Markup {
    let questions = html! {
        div.field {
            label for="name" { (frame.word(Word::RecipeName)) }
            input id="name" name="name" value=(name) required autocomplete="off";
        }
        @for question in &recipe.questions {
            @let id = format!("answer-{}", question.name);
            @let value = given.get(&question.name).or(question.default.as_ref());
            div.field {
                label for=(id) { (question.ask) }
                input id=(id) name=(id) value=[value] required autocomplete="off";
            }
        }
        div.buttons { button type="submit" { (frame.word(Word::RecipeGo)) } }
    };
    let content = html! {
        p.soft { a href=(PATH) { (frame.word(Word::Recipes)) } }
        header { h1 { (recipe.title) } (proof(frame, recipe.proof)) }
        p { (recipe.about) }
        section.sheet {
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            p.soft { (frame.filled(Word::RecipeSigns, &[("algorithm", &recipe.keys.algorithm)])) }
            (frame.form(&format!("{PATH}/{}", segment(&recipe.name)), questions))
        }
    };
    frame.document(&recipe.title, content)
}
