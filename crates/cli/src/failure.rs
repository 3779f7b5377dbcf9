//! How failures are told: a sentence for people, an object for programs. Both go to standard error, so that a result that
//! is written into a file never holds a failure.

use std::ffi::OsString;

use anyhow::anyhow;
use serde_json::{Map, Value, json};
use sessera_client::ClientError;

use crate::output::Format;

/// In which form a failure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs, on one line.
    Json,
    /// For programs, on several lines.
    JsonPretty,
}

impl Form {
    /// The form that `--format` asks for. Arguments that cannot be read otherwise count too.
    pub(crate) fn asked_for(arguments: &[OsString]) -> Self {
        let texts: Vec<&str> =
            arguments.iter().map(|argument| argument.to_str().unwrap_or_default()).collect();
        let before = texts.split(|text| *text == "--").next().unwrap_or_default();
        let last =
            before.iter().enumerate().rev().find_map(|(at, text)| match text.strip_prefix("--format") {
                Some("") => before.get(at + 1).copied(),
                Some(value) => value.strip_prefix('='),
                None => None,
            });
        match last.map(str::parse::<Format>) {
            Some(Ok(Format::JsonPretty)) => Self::JsonPretty,
            // YAML can hold JSON, and paths lead to values that are printed as JSON.
            Some(Ok(Format::Json | Format::Yaml | Format::JsonPath(_) | Format::JsonPointer(_))) => {
                Self::Json
            }
            _ => Self::Text,
        }
    }

    /// A failure in this form: `{"error":{"message"}}` with what a server said about it, its `code`, `id` and `details`.
    pub(crate) fn show(self, error: &anyhow::Error) -> String {
        let told = match self {
            Self::Text => return format!("Error: {}", explain(error)),
            Self::Json | Self::JsonPretty => json!({ "error": members(error) }),
        };
        if self == Self::JsonPretty { format!("{told:#}") } else { told.to_string() }
    }
}

/// An error in the command line, without clap's decoration.
pub(crate) fn of_usage(error: &clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let advice = ["\n\nUsage:", "\n\nFor more information, try"];
    let message = advice.into_iter().fold(text, |text, advice| text.split(advice).next().unwrap_or(text));
    anyhow!("{}", message.trim())
}

fn members(error: &anyhow::Error) -> Map<String, Value> {
    let mut members = Map::new();
    let refusal = error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(ClientError::Refused(refusal)) => Some(refusal),
        _ => None,
    });
    if let Some(refusal) = refusal {
        members.insert("code".into(), refusal.code.into());
        members.extend(refusal.id.clone().map(|id| ("id".into(), id.into())));
    }
    members.insert("message".into(), explain(error).into());
    members.extend(
        refusal.and_then(|refusal| refusal.details.clone()).map(|details| ("details".into(), details)),
    );
    members
}

/// An error as a person needs it: with what to do next.
fn explain(error: &anyhow::Error) -> String {
    let hint = match error.downcast_ref::<ClientError>() {
        Some(ClientError::Unreachable { .. }) => {
            "\nStart the server with \"sessera serve\", or say where it is with --endpoint or SESSERA_ADMIN_URL."
        }
        Some(ClientError::PublicApi { .. }) => {
            "\nSay where the admin API is with --endpoint or SESSERA_ADMIN_URL, for example --endpoint http://127.0.0.1:4434."
        }
        _ => "",
    };
    format!("{error:#}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Form {
        Form::asked_for(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn every_form_for_programs_gets_failures_for_programs() {
        for format in ["json", "yaml", "jsonpath=a.b", "jsonpointer=/a"] {
            assert_eq!(asked(&["sessera", "get", "--format", format, "jwk", "x"]), Form::Json, "{format}");
            assert_eq!(asked(&["sessera", "get", "jwk", "x", &format!("--format={format}")]), Form::Json);
        }
        assert_eq!(asked(&["sessera", "--format", "json-pretty"]), Form::JsonPretty);
        for text in
            [&["sessera"][..], &["sessera", "--format"], &["--format", "table"], &["--", "--format", "json"]]
        {
            assert_eq!(asked(text), Form::Text, "{text:?}");
        }
    }

    #[test]
    fn a_failure_for_programs_is_an_object() {
        let failure = anyhow!("the cause").context("it failed");
        let told: Value = serde_json::from_str(&Form::Json.show(&failure)).unwrap();
        assert_eq!(told, json!({"error": {"message": "it failed: the cause"}}));
        assert_eq!(Form::Text.show(&failure), "Error: it failed: the cause");
    }
}
