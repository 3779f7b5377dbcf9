//! Recipes to begin with.

use std::collections::BTreeMap;

use maud::{Markup, html};
use sessera_model::shell;
use sessera_recipes::{Proof, Recipe};

use crate::page::{Frame, segment};
use crate::words::Word;

/// The address of the list.
pub const PATH: &str = "/console/recipes";

/// What the name of a field begins with that answers a question.
pub const ANSWER: &str = "answer-";

/// The key set of a recipe that is not there yet.
#[derive(Clone, Debug)]
pub struct Lacking {
    /// The name of the recipe.
    pub recipe: String,
    /// The service.
    pub service: String,
    /// The name of the template that comes of it.
    pub template: String,
    /// The set.
    pub set: String,
    /// The algorithm that its keys must have.
    pub algorithm: String,
    /// For how long a key signs; nothing where one stays.
    pub period: Option<String>,
    /// Whether the service gives the key.
    pub is_given: bool,
    /// The answers, by their questions.
    pub answers: Vec<(String, String)>,
    /// Why it was not made.
    pub problem: Option<String>,
    /// Whether whoever looks at it may make it.
    pub may_make: bool,
}

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
                            td { (proof(frame, recipe)) }
                        }
                    }
                }
            }
        }
    };
    frame.document(title, content)
}

fn proof(frame: &Frame<'_>, recipe: &Recipe) -> Markup {
    match (recipe.proof, &recipe.verifier) {
        (Proof::Tested, None) => html! { span.tag.good { (frame.word(Word::RecipeTested)) } },
        (Proof::Tested, Some(verifier)) => html! {
            span.tag.good { (frame.filled(Word::RecipeTestedBy, &[("verifier", verifier)])) }
        },
        (Proof::Checked, _) => html! { span.tag { (frame.word(Word::RecipeChecked)) } },
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
            @let id = format!("{ANSWER}{}", question.name);
            @let value = given.get(&question.name).or(question.default.as_ref());
            @let hint = question.form.as_ref().map(|form| (format!("{id}-hint"), &form.words));
            div.field {
                label for=(id) { (question.ask) }
                input id=(id) name=(id) value=[value] required autocomplete="off"
                    aria-describedby=[hint.as_ref().map(|(hint, _)| hint)];
                @if let Some((hint, words)) = &hint { p.hint id=(hint) { (words) } }
            }
        }
        div.buttons { button type="submit" { (frame.word(Word::RecipeGo)) } }
    };
    let content = html! {
        p.soft { a href=(PATH) { (frame.word(Word::Recipes)) } }
        header { h1 { (recipe.title) } (proof(frame, recipe)) }
        p { (recipe.about) }
        section.sheet {
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            p.soft { (frame.filled(Word::RecipeSigns, &[("algorithm", &recipe.keys.algorithm)])) }
            (frame.form(&format!("{PATH}/{}", segment(&recipe.name)), questions))
        }
    };
    frame.document(&recipe.title, content)
}

/// The command that makes the template together with its key set, for a shell.
fn given_keys(lacking: &Lacking) -> String {
    let answers: Vec<String> =
        lacking.answers.iter().map(|(question, answer)| format!("{question}={answer}")).collect();
    let mut options = vec![("--recipe", lacking.recipe.as_str()), ("--secret", "FILE")];
    options.extend(answers.iter().map(|answer| ("--set", answer.as_str())));
    shell::command("create template", &[&lacking.template], &options)
}

/// What is done about a key set that is not there yet.
pub(super) fn lacking(frame: &Frame<'_>, lacking: &Lacking) -> Markup {
    let form = html! {
        input type="hidden" name="name" value=(lacking.template);
        @for (question, answer) in &lacking.answers {
            input type="hidden" name=(format!("{ANSWER}{question}")) value=(answer);
        }
        div.field {
            label for="period" { (frame.word(Word::Period)) }
            input id="period" name="period" value=[lacking.period.as_deref()] autocomplete="off"
                aria-describedby="period-hint";
            p.hint id="period-hint" { (frame.word(Word::PeriodHint)) }
        }
        div.buttons { button type="submit" disabled[!lacking.may_make] { (frame.word(Word::Create)) } }
    };
    html! {
        section.sheet aria-labelledby="lacks" {
            h2 id="lacks" { (frame.filled(Word::LacksKeys, &[("set", &lacking.set)])) }
            @if let Some(problem) = &lacking.problem { p.problem role="alert" { (problem) } }
            @if lacking.is_given {
                p { (frame.filled(Word::LacksGivenKeys, &[("service", &lacking.service)])) }
                p.mono { (given_keys(lacking)) }
            } @else {
                p {
                    (frame.filled(Word::RecipeSigns, &[("algorithm", &lacking.algorithm)])) " "
                    (frame.word(Word::CreateLead))
                }
                @if !lacking.may_make { p.soft { (frame.word(Word::OwnersOnly)) } }
                (frame.form(&format!("{PATH}/{}/keys", segment(&lacking.recipe)), form))
            }
        }
    }
}
