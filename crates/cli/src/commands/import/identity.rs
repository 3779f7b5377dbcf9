//! `sessera import identities`

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use sessera_client::identities::{BatchItem, NewIdentity};

use crate::global::{Context, Global};
use crate::input;
use crate::output::{Report, Table};

/// The most identities of one request.
const PART: usize = 100;

/// The most bytes of one request. The server takes 1 MiB, and the members around the identities need some of
/// it.
const PART_BYTES: usize = 768 * 1024;

/// Make many identities from files
///
/// A file holds one identity, a list of them, {"identities":[...]} as "sessera list identities" prints it, or
/// one identity a line (JSON Lines), each as the API takes it. Passwords can be hashes: bcrypt, argon2,
/// pbkdf2, scrypt, md5, SSHA. Each identity is made or refused by itself; when one is refused the exit code
/// is 1, and the output says which and why.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera import identities people.json
  sessera import identities < people.jsonl
  sessera import identities people.json --format json-pretty > outcome.json

  One identity with a hashed password:
  {
    \"schema_id\": \"default\",
    \"traits\": {\"email\": \"ada@example.org\"},
    \"credentials\": {\"password\": {\"config\": {\"hashed_password\": \"$2b$10$...\"}}}
  }")]
pub(crate) struct ImportIdentities {
    /// The files; standard input is read when there is none
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

impl ImportIdentities {
    pub(crate) async fn run(mut self, global: &Global) -> Result<()> {
        if self.files.is_empty() {
            self.files.push("-".into());
        }
        let mut identities = Vec::new();
        for file in &self.files {
            let read = parse(&input::read(file)?);
            identities.extend(read.with_context(|| format!("{} cannot be imported", input::name(file)))?);
        }
        let context = global.connect().await?;
        let mut outcomes = Vec::with_capacity(identities.len());
        let stopped = import(&context, &identities, &mut outcomes).await.err();
        context.output.print(&report(&outcomes))?;
        if let Some(error) = stopped {
            return Err(error.context(format!(
                "of {} identities {} were sent, and what became of the next {PART} at the most is not known",
                identities.len(),
                outcomes.len()
            )));
        }
        match outcomes.iter().filter(|outcome| outcome.identity.is_none()).count() {
            0 => Ok(()),
            refused => bail!("{refused} of {} identities were refused; the others were made", outcomes.len()),
        }
    }
}

async fn import(context: &Context, identities: &[NewIdentity], outcomes: &mut Vec<BatchItem>) -> Result<()> {
    let mut rest = identities;
    while !rest.is_empty() {
        let (mut length, mut bytes) = (0, 0);
        for identity in rest.iter().take(PART) {
            bytes += serde_json::to_vec(identity)?.len();
            if length > 0 && bytes > PART_BYTES {
                break;
            }
            length += 1;
        }
        let (part, behind) = rest.split_at(length);
        outcomes.extend(context.client.import_identities(part).await?);
        rest = behind;
    }
    Ok(())
}

fn report(outcomes: &[BatchItem]) -> Report {
    let mut table = Table::new(&["NUMBER", "ID", "REFUSED BECAUSE"]);
    let mut shown = Vec::with_capacity(outcomes.len());
    for (number, outcome) in (1_usize..).zip(outcomes) {
        let id = outcome.identity.map(|id| id.to_string());
        let reason = outcome.error.as_ref().map(|error| error.reason.clone());
        table.row([number.to_string(), id.clone().unwrap_or_default(), reason.clone().unwrap_or_default()]);
        shown.push(match id {
            Some(id) => json!({ "number": number, "id": id }),
            None => json!({ "number": number, "error": { "reason": reason } }),
        });
    }
    let ids = outcomes.iter().filter_map(|outcome| outcome.identity).map(|id| id.to_string()).collect();
    Report { json: json!({ "identities": shown }), table, ids }
}

fn parse(content: &[u8]) -> Result<Vec<NewIdentity>> {
    let lines = || {
        let text = std::str::from_utf8(content).ok()?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        // A text in which one line is not JSON is not a list of lines.
        if lines.len() < 2 || !lines[0].trim_start().starts_with('{') {
            return None;
        }
        lines.iter().map(|line| serde_json::from_str::<Value>(line)).collect::<Result<Vec<_>, _>>().ok()
    };
    let items = match lines() {
        Some(items) => items,
        None => match input::parse(content)? {
            Value::Array(items) => items,
            Value::Object(mut members) => match members.shift_remove("identities") {
                Some(Value::Array(items)) => items,
                Some(_) => bail!("\"identities\" must be a list"),
                None => vec![Value::Object(members)],
            },
            _ => bail!("an identity, or a list of them, was expected"),
        },
    };
    (1_usize..)
        .zip(items)
        .map(|(number, item)| identity(item).with_context(|| format!("number {number}")))
        .collect()
}

/// An identity as the API takes it, or as its batch has it: `{"create":{...}}`.
fn identity(mut item: Value) -> Result<NewIdentity> {
    let item = match item.get_mut("create") {
        Some(create) => create.take(),
        None => item,
    };
    if item.get("traits").is_none() {
        bail!("it is not an identity: the member \"traits\" is missing");
    }
    Ok(serde_json::from_value(item)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_come_in_several_forms() {
        for content in [
            r#"{"traits": {"email": "a@b"}}"#,
            r#"[{"traits": {"email": "a@b"}}]"#,
            r#"{"identities": [{"create": {"traits": {"email": "a@b"}}}]}"#,
            "traits:\n  email: a@b\n",
        ] {
            let read = parse(content.as_bytes()).unwrap();
            assert_eq!(read.len(), 1, "{content}");
            assert_eq!(read[0].traits, json!({"email": "a@b"}), "{content}");
        }
        let lines = "{\"traits\":{\"email\":\"a@b\"}}\n\n{\"traits\":{\"email\":\"c@d\"}}\n";
        assert_eq!(parse(lines.as_bytes()).unwrap()[1].traits, json!({"email": "c@d"}));
        for content in
            ["", "[1]", "{\"identities\": 1}", "{\"email\": \"a@b\"}", "[{\"traits\": {}, \"state\": 1}]"]
        {
            assert!(parse(content.as_bytes()).is_err(), "{content}");
        }
        let error = parse(br#"[{"traits": {}}, {}]"#).unwrap_err();
        assert!(format!("{error:#}").contains("number 2"), "{error:#}");
    }
}
