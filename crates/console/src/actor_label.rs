//! Who did what the record tells of.

use serde_json::Value;

use crate::page::Frame;
use crate::words::Word;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActorLabel {
    /// A token of the admin API, by its name, or somebody, by their id.
    Named(String),
    /// Whoever has a token of the configuration.
    Configured,
    /// Whoever reaches the admin API of a server that asks for no token.
    Anybody,
    /// Somebody of whom nothing is known.
    Nobody,
    /// The server itself.
    System,
}

impl ActorLabel {
    /// The one whom a revision names; nobody when it names none.
    pub fn of_revision(made_by: Option<&str>) -> Option<Self> {
        Some(Self::of(&serde_json::from_str(made_by?).ok()?))
    }

    /// The one whom the member `actor` of an entry names.
    pub fn of(actor: &Value) -> Self {
        if let Some(name) = ["name", "id"].into_iter().find_map(|member| actor[member].as_str()) {
            return Self::Named(name.to_owned());
        }
        match actor["kind"].as_str() {
            Some("configuration") => Self::Configured,
            Some("anybody") => Self::Anybody,
            Some("nobody") => Self::Nobody,
            _ => Self::System,
        }
    }

    /// How a page calls them.
    pub(crate) fn on(&self, frame: &Frame<'_>) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Configured => frame.word(Word::Configured),
            Self::Anybody => frame.word(Word::ActorAnybody),
            Self::Nobody => frame.word(Word::ActorNobody),
            Self::System => frame.word(Word::ActorSystem),
        }
    }

    /// How a file for programs calls them: by their name or id, or by their kind in the record.
    pub(crate) fn plain(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Configured => "configuration",
            Self::Anybody => "anybody",
            Self::Nobody => "nobody",
            Self::System => "system",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strangers_are_told_from_the_server_itself() {
        for kind in ["configuration", "anybody", "nobody", "system"] {
            assert_eq!(ActorLabel::of(&json!({"kind": kind})).plain(), kind);
        }
        assert_eq!(ActorLabel::of(&json!({"kind": "token", "name": "ci", "role": "owner"})).plain(), "ci");
        assert_eq!(ActorLabel::of(&json!({"kind": "identity", "id": "7"})).plain(), "7");
    }
}
