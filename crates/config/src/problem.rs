//! What there is to say about a configuration, and about which of its values.

use std::fmt;

use sessera_model::json_pointer::unescape;

pub use sessera_model::json_pointer::escape;

/// Something about a value of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The JSON Pointer of the value (RFC 6901); empty where it is about no value.
    pub pointer: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl Problem {
    /// A problem with the value at a pointer.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }

    /// Whether it is about the value at a pointer, or about something in it.
    pub(crate) fn is_about(&self, pointer: &str) -> bool {
        self.pointer.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "{pointer}: {}", self.message),
        }
    }
}

/// What reading a tree found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Values that cannot be used.
    pub wrong: Vec<Problem>,
    /// Keys that are not known.
    pub unknown: Vec<Problem>,
    /// Keys that are not known and were most likely meant to restrict something.
    pub mistaken: Vec<Problem>,
    /// Keys of Kratos that add something which is not there.
    pub without_effect: Vec<Problem>,
    /// Secrets that can be guessed.
    pub weak: Vec<Problem>,
    /// Keys of Kratos that restrict something which is not restricted here.
    pub restricting: Vec<Problem>,
}

impl Findings {
    /// Notes a value that cannot be used.
    pub fn wrong(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.wrong.push(Problem::new(pointer, message));
    }

    /// Whether the value at a pointer cannot be used, or something in it.
    pub(crate) fn is_wrong(&self, pointer: &str) -> bool {
        self.wrong.iter().any(|problem| problem.is_about(pointer))
    }
}

/// The names in a JSON Pointer.
pub fn names(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(unescape).collect()
}

/// Key of a value as people write it: `session.lifespan`. Places in lists are left out.
pub fn dotted(pointer: &str) -> String {
    let names = names(pointer);
    let shown = names.iter().filter(|name| name.parse::<usize>().is_err());
    shown.map(String::as_str).collect::<Vec<_>>().join(".")
}
