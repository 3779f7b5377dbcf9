//! Tokenizer templates for the services that tokens are for.
//!
//! A recipe is a folder beside this crate's sources: `recipe.json` has the members of the template, the key that it signs
//! with, questions and what is left to do, `mapper.jsonnet` the claims. Adding a recipe is adding a folder; README.md says
//! what is in it.

mod fill;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::fill::{fill, filled};

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
    #[error("the answer to \"{question}\" is empty: write one{}", instead(default.as_deref()))]
    Empty {
        /// The question.
        question: String,
        /// What holds where it is left out.
        default: Option<String>,
    },
    /// An answer has a line break in it, or what a key writes that is no letter.
    #[error(
        "the answer to \"{0}\" has a control character in it, such as a line break or what an arrow key writes: write it without"
    )]
    Control(String),
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

fn instead(default: Option<&str>) -> String {
    default.map_or_else(String::new, |default| format!(", or leave it out to have \"{default}\""))
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

impl Question {
    /// Whether this answers it. Nothing empty does, since that may mean everything to a service, and nothing with control
    /// characters, which nobody means to write.
    pub fn judge(&self, answer: &str) -> Result<(), RecipeError> {
        if answer.trim().is_empty() {
            return Err(RecipeError::Empty { question: self.name.clone(), default: self.default.clone() });
        }
        if answer.chars().any(char::is_control) {
            return Err(RecipeError::Control(self.name.clone()));
        }
        match &self.form {
            Some(form) if !form.has(answer) => Err(RecipeError::NotOfForm {
                question: self.name.clone(),
                answer: answer.to_owned(),
                form: form.words.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// What a server says of itself to whoever is to trust its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment<'a> {
    /// The issuer exactly as tokens name it: services compare it as a text.
    pub issuer: &'a str,
    /// The public address, to which paths are added.
    pub public_url: &'a str,
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
    /// To what the tests show tokens, where that is not the service itself.
    pub verifier: Option<String>,
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
            verifier: text(&value, "verifier").ok(),
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

    /// All answers: those that are given, and the defaults of the other questions.
    pub fn answers(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, RecipeError> {
        self.judge(given)?;
        let answer = |question: &Question| {
            let answer = given.get(&question.name).or(question.default.as_ref());
            let answer = answer.ok_or_else(|| RecipeError::NoAnswer(question.name.clone()))?;
            Ok((question.name.clone(), answer.clone()))
        };
        self.questions.iter().map(answer).collect()
    }

    /// Whether each of these answers is one to a question of the recipe. Others may be missing.
    pub fn judge(&self, given: &BTreeMap<String, String>) -> Result<(), RecipeError> {
        given.iter().try_for_each(|(name, answer)| {
            let question = self.questions.iter().find(|question| question.name == *name);
            question.ok_or_else(|| RecipeError::NoQuestion(name.clone()))?.judge(answer)
        })
    }

    /// The questions that nobody has answered and that have no default.
    pub fn open(&self, given: &BTreeMap<String, String>) -> Vec<&Question> {
        let is_open =
            |question: &&Question| question.default.is_none() && !given.contains_key(&question.name);
        self.questions.iter().filter(is_open).collect()
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
/// the deployment.
pub fn words(
    answers: BTreeMap<String, String>,
    template: &str,
    deployment: Deployment<'_>,
) -> BTreeMap<String, String> {
    let below = |path: String| format!("{}/.well-known/{path}", deployment.public_url.trim_end_matches('/'));
    let mut words = answers;
    words.extend([
        ("template".to_owned(), template.to_owned()),
        ("keys".to_owned(), below(format!("jwks/{template}.json"))),
        ("discovery".to_owned(), below("openid-configuration".to_owned())),
        ("issuer".to_owned(), deployment.issuer.to_owned()),
    ]);
    words
}
