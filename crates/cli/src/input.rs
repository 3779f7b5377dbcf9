//! Files that commands read, and values that name files.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sessera_config::yaml;
use sessera_jose::{strict_json, without_byte_order_mark_in};
use sessera_model::files;
use sessera_tokenizer::source::decode_base64;

/// The largest file that a value names which is sent to a server.
const MAX_NAMED: u64 = 16 * 1024 * 1024;

/// Reads a text that a command was given, without a byte order mark: see [`bytes`].
pub(crate) fn read(source: &str) -> Result<Vec<u8>> {
    Ok(without_byte_order_mark_in(&bytes(source)?).to_vec())
}

/// Reads what a command was given: a path, `file://PATH`, `base64://CONTENT`, or `-` for standard input.
pub(crate) fn bytes(source: &str) -> Result<Vec<u8>> {
    if source == "-" {
        let mut content = Vec::new();
        std::io::stdin().read_to_end(&mut content).context("standard input cannot be read")?;
        return Ok(content);
    }
    if let Some(content) = source.strip_prefix("base64://") {
        return decode_base64(content).context("the text behind base64:// is not base64");
    }
    let path = source.strip_prefix("file://").unwrap_or(source);
    std::fs::read(path).with_context(|| format!("the file {path} cannot be read"))
}

/// Reads a text.
pub(crate) fn text(source: &str) -> Result<String> {
    String::from_utf8(read(source)?).map_err(|_| anyhow!("{} is not UTF-8 text", name(source)))
}

/// The name of a source as it stands in the places of a program's errors.
pub(crate) fn program_name(source: &str) -> &str {
    match source {
        "-" => "<stdin>",
        _ if source.starts_with("base64://") => "<base64>",
        path => path.strip_prefix("file://").unwrap_or(path),
    }
}

/// Reads a JSON or YAML document.
pub(crate) fn document(source: &str) -> Result<Value> {
    parse(&read(source)?).with_context(|| format!("{} cannot be used", name(source)))
}

/// The name of a source as it stands in messages.
pub(crate) fn name(source: &str) -> &str {
    match source {
        "-" => "standard input",
        _ if source.starts_with("base64://") => "the text behind base64://",
        path => path,
    }
}

/// Reads JSON or YAML.
pub(crate) fn parse(content: &[u8]) -> Result<Value> {
    let text = std::str::from_utf8(content).context("it is not UTF-8 text")?;
    let json = strict_json::parse(content);
    match (json, yaml::parse(text)) {
        (Ok(value), _) => Ok(value),
        (Err(_), Ok(document)) => Ok(document.value),
        // A text with braces is meant to be JSON.
        (Err(problem), Err(_)) if text.trim_start().starts_with(['{', '[']) => {
            Err(anyhow!("it is not JSON: {problem}"))
        }
        (Err(_), Err(error)) => match error.line {
            Some(line) => Err(anyhow!("line {line}: {}", error.message)),
            None => Err(anyhow!(error.message)),
        },
    }
}

/// Replaces every text `file://PATH` by the content of the file as `base64://`, except those that stand at
/// the same place in `known`, because they name files of the server's machine.
pub(crate) fn read_files(value: &mut Value, known: Option<&Value>) -> Result<()> {
    match value {
        Value::String(text) if known.and_then(Value::as_str) != Some(text) => {
            if let Some(path) = text.strip_prefix("file://") {
                let content = files::read_once(Path::new(path), MAX_NAMED).with_context(|| {
                    format!("the file {path} cannot be read; file:// names a file of the machine where this command runs")
                })?;
                *text = format!("base64://{}", STANDARD.encode(content));
            }
            Ok(())
        }
        Value::Object(members) => members
            .iter_mut()
            .try_for_each(|(name, member)| read_files(member, known.and_then(|known| known.get(name)))),
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(at, item)| read_files(item, known.and_then(|known| known.get(at)))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_byte_order_mark_is_read_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text");
        std::fs::write(&file, "\u{FEFF}{\"op\": \"add\"}").unwrap();
        let path = file.to_str().unwrap();
        assert_eq!(document(path).unwrap(), json!({"op": "add"}));
        assert_eq!(text(path).unwrap(), "{\"op\": \"add\"}");
        assert_eq!(bytes(path).unwrap().len(), 16);
        assert_eq!(text("base64://77u/eA==").unwrap(), "x");
    }

    #[test]
    fn documents_are_json_or_yaml() {
        assert_eq!(parse(b"[{\"op\": \"add\"}]").unwrap(), json!([{"op": "add"}]));
        assert_eq!(parse(b"- op: add\n  value: 1\n").unwrap(), json!([{"op": "add", "value": 1}]));
        assert_eq!(parse(b"{op: add}").unwrap(), json!({"op": "add"}));
        assert!(parse(b"{\"a\": 1, \"a\": 2}").unwrap_err().to_string().contains("not JSON"));
        assert!(parse(b"a: [").is_err() && parse(b"\xff").is_err());
    }

    #[test]
    fn files_become_base64_where_they_are_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonnet");
        std::fs::write(&path, "{}").unwrap();
        let url = format!("file://{}", path.display());
        let mut value = json!({"a": [url], "kept": "file:///on/the/server", "n": 1});
        read_files(&mut value, Some(&json!({"kept": "file:///on/the/server"}))).unwrap();
        assert_eq!(value, json!({"a": ["base64://e30="], "kept": "file:///on/the/server", "n": 1}));
        let error = read_files(&mut json!("file:///not/there"), None).unwrap_err();
        assert!(error.to_string().contains("/not/there"));
    }

    #[test]
    fn sources_are_paths_urls_or_content() {
        assert_eq!(read("base64://e30").unwrap(), b"{}");
        assert!(read("base64://!").is_err());
        assert!(read("/not/there").unwrap_err().to_string().contains("/not/there"));
    }
}
