//! Tokenizer templates for the services that tokens are for.
//!
//! A recipe is a folder beside this crate's sources: `recipe.json` has the members of the template, the key that it signs
//! with, questions and what is left to do, `mapper.jsonnet` the claims. Adding a recipe is adding a folder; README.md says
//! what is in it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Map, Value, json};

/// Name, recipe and mapper of every folder.
const FOLDERS: &[(&str, &str, &str)] = &include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// How the first line of a mapper begins, which has the answers.
const ANSWERS: &str = "local answers = ";

/// Why a recipe makes no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// The folder is not what README.md says.
    #[error("the recipe {recipe} is damaged: {problem}")]
    Damaged {
        /// The recipe.
        recipe: String,
        /// What is wrong.
        problem: String,
    },
    /// A question has neither an answer nor a default.
    #[error("the recipe needs an answer to \"{0}\"")]
    NoAnswer(String),
    /// An answer is to a question that the recipe does not have.
    #[error("the recipe does not ask for \"{0}\"")]
    NoQuestion(String),
    /// An answer has nothing in it.
    #[error("the answer to \"{0}\" is empty: write one, or leave it out where there is a default")]
    Empty(String),
    /// An answer would mean something else to the service.
    #[error("\"{answer}\" is no answer to \"{question}\", which takes {form}")]
    NotOfForm {
        /// The question.
        question: String,
        /// The answer.
        answer: String,
        /// What answers look like, in words.
        form: String,
    },
}

/// How sure it is that a service takes the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The tests show tokens to the real verifier.
    Tested,
    /// The tests check tokens against the rules that the service documents.
    Checked,
}

impl Proof {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tested => "tested",
            Self::Checked => "checked",
        }
    }
}

/// What a recipe signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The algorithm.
    pub algorithm: String,
    /// For how long each key signs. Without it the key stays as it is.
    pub rotate: Option<String>,
    /// Whether the service gives the key, which is then a shared secret.
    pub is_given: bool,
}

/// Something that a recipe cannot know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name of the answer.
    pub name: String,
    /// The question.
    pub ask: String,
    /// The answer unless another one is given.
    pub default: Option<String>,
    /// What answers must look like, where signs in them have a meaning for the service.
    pub form: Option<Form>,
}

/// What answers to a question look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// A pattern of the whole answer.
    pub pattern: String,
    /// The pattern in words.
    pub words: String,
}

impl Form {
    fn read(question: &Value) -> Result<Option<Self>, String> {
        match (question.get("pattern"), question.get("form")) {
            (None, None) => Ok(None),
            (Some(Value::String(pattern)), Some(Value::String(words))) => {
                let form = Self { pattern: pattern.clone(), words: words.clone() };
                form.compiled().map_err(|error| error.to_string())?;
                Ok(Some(form))
            }
            _ => Err("a question with a pattern has a form in words too".to_owned()),
        }
    }

    fn compiled(&self) -> Result<Regex, regex::Error> {
        Regex::new(&format!(r"\A(?:{})\z", self.pattern))
    }

    fn has(&self, answer: &str) -> bool {
        self.compiled().is_ok_and(|pattern| pattern.is_match(answer))
    }
}

/// A template for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Its name, which is that of its folder.
    pub name: String,
    /// The service.
    pub title: String,
    /// What the tokens are for.
    pub about: String,
    /// How sure it is.
    pub proof: Proof,
    /// What it signs with.
    pub keys: Keys,
    /// What it asks for.
    pub questions: Vec<Question>,
    /// What is left to do, in sentences.
    pub next: Vec<String>,
    template: Map<String, Value>,
    mapper: &'static str,
}

/// All recipes in the order of their names.
pub fn all() -> Result<Vec<Recipe>, RecipeError> {
    FOLDERS.iter().map(|(name, recipe, mapper)| Recipe::read(name, recipe, mapper)).collect()
}

/// The names of all recipes.
pub fn names() -> impl Iterator<Item = &'static str> {
    FOLDERS.iter().map(|(name, ..)| *name)
}

/// The recipe with a name.
pub fn find(name: &str) -> Option<Result<Recipe, RecipeError>> {
    let (name, recipe, mapper) = FOLDERS.iter().find(|(known, ..)| *known == name)?;
    Some(Recipe::read(name, recipe, mapper))
}

impl Recipe {
    fn read(name: &str, recipe: &str, mapper: &'static str) -> Result<Self, RecipeError> {
        let damaged = |problem: String| RecipeError::Damaged { recipe: name.to_owned(), problem };
        let value: Value = serde_json::from_str(recipe).map_err(|error| damaged(error.to_string()))?;
        let missing = |member: &str| damaged(format!("\"{member}\" is missing"));
        let text = |value: &Value, member: &str| {
            value.get(member).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| missing(member))
        };
        let list = |member: &str| value.get(member).and_then(Value::as_array).ok_or_else(|| missing(member));
        let questions = list("questions")?.iter().map(|question| {
            let default = text(question, "default").ok();
            let form = Form::read(question).map_err(damaged)?;
            Ok(Question { name: text(question, "name")?, ask: text(question, "ask")?, default, form })
        });
        let keys = value.get("keys").ok_or_else(|| missing("keys"))?;
        let rotate = text(keys, "rotate").ok();
        let is_given = keys.get("given").and_then(Value::as_bool).unwrap_or_default();
        if !mapper.starts_with(ANSWERS) {
            return Err(damaged(format!("its mapper does not begin with \"{ANSWERS}\"")));
        }
        Ok(Self {
            name: name.to_owned(),
            title: text(&value, "title")?,
            about: text(&value, "about")?,
            proof: match text(&value, "proof")?.as_str() {
                "tested" => Proof::Tested,
                "checked" => Proof::Checked,
                other => return Err(damaged(format!("\"{other}\" is no proof"))),
            },
            keys: Keys { algorithm: text(keys, "algorithm")?, rotate, is_given },
            questions: questions.collect::<Result<_, _>>()?,
            next: list("next")?.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            template: value
                .get("template")
                .and_then(Value::as_object)
                .cloned()
                .ok_or_else(|| missing("template"))?,
            mapper,
        })
    }

    /// All answers: those that are given, and the defaults of the other questions. None is empty, since what is empty may
    /// mean everything to a service, and each has the form that its question asks for.
    pub fn answers(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, RecipeError> {
        let is_asked = |name: &&String| self.questions.iter().any(|question| question.name == **name);
        if let Some(other) = given.keys().find(|name| !is_asked(name)) {
            return Err(RecipeError::NoQuestion(other.clone()));
        }
        let answer = |question: &Question| {
            let answer = given.get(&question.name).or(question.default.as_ref());
            let answer = answer.ok_or_else(|| RecipeError::NoAnswer(question.name.clone()))?;
            if answer.trim().is_empty() {
                return Err(RecipeError::Empty(question.name.clone()));
            }
            match &question.form {
                Some(form) if !form.has(answer) => Err(RecipeError::NotOfForm {
                    question: question.name.clone(),
                    answer: answer.clone(),
                    form: form.words.clone(),
                }),
                _ => Ok((question.name.clone(), answer.clone())),
            }
        };
        self.questions.iter().map(answer).collect()
    }

    /// The template, which signs with a stored key set, for some answers.
    pub fn template(&self, set: &str, answers: &BTreeMap<String, String>) -> Value {
        let mapper = STANDARD.encode(self.mapper(answers));
        let mut template = json!({
            "jwks_url": format!("set://{set}"),
            "claims_mapper_url": format!("base64://{mapper}"),
            "algorithm": self.keys.algorithm,
        });
        for (name, value) in &self.template {
            template[name] = filled(value, answers);
        }
        template
    }

    /// The mapper with the answers in its first line.
    pub fn mapper(&self, answers: &BTreeMap<String, String>) -> String {
        let rest = self.mapper.split_once('\n').map_or("", |(_, rest)| rest);
        format!("{ANSWERS}{};\n{rest}", json!(answers))
    }

    /// What is left to do, with the answers and other words in their places.
    pub fn next_with(&self, words: &BTreeMap<String, String>) -> Vec<String> {
        self.next.iter().map(|sentence| fill(sentence, words)).collect()
    }
}

/// What stands in the sentences about what is left to do: the answers, and what follows from the name of the template and
/// the public address.
pub fn words(
    answers: BTreeMap<String, String>,
    template: &str,
    public_url: &str,
) -> BTreeMap<String, String> {
    let below = |path: String| format!("{}/.well-known/{path}", public_url.trim_end_matches('/'));
    let mut words = answers;
    words.extend([
        ("template".to_owned(), template.to_owned()),
        ("keys".to_owned(), below(format!("jwks/{template}.json"))),
        ("discovery".to_owned(), below("openid-configuration".to_owned())),
        ("issuer".to_owned(), public_url.to_owned()),
    ]);
    words
}

/// A value in whose texts answers stand for their names in braces.
fn filled(value: &Value, answers: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, answers)),
        Value::Array(values) => values.iter().map(|value| filled(value, answers)).collect(),
        other => other.clone(),
    }
}

fn fill(text: &str, words: &BTreeMap<String, String>) -> String {
    let mut rest = text;
    let mut filled = String::new();
    // What an answer has in braces is not looked at again.
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, behind)| Some((before, behind.split_once("}}")?)))
    {
        filled.push_str(before);
        filled.push_str(words.get(name).map_or("", String::as_str));
        rest = after;
    }
    filled + rest
}
