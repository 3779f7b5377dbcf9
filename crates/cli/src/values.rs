//! `PATH=JSON` as `--add` and `--replace` take it, even where the shell has split it.
//!
//! Values of configurations hold `base64://` texts, which come out of variables, and `base64` wraps what it
//! prints. In a quoted variable the line breaks stay, which JSON forbids in texts. They are removed, because
//! they mean nothing there. The shell splits an unquoted variable at them, so the rest of the value follows
//! as arguments of its own. These are joined again where nothing else can be meant.

use std::borrow::Cow;

use anyhow::{Result, anyhow, bail};
use serde_json::Value;
use sessera_client::projects::CONFIG_PREFIX;
use sessera_config::redact::with_placeholders;
use sessera_jose::strict_json;

use crate::input;

const BASE64: &str = "base64://";

/// Options whose values are `PATH=JSON`.
const OPTIONS: [&str; 2] = ["--add", "--replace"];

/// A place in the configuration and what belongs there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    /// A JSON Pointer.
    pub(crate) path: String,
    pub(crate) value: Value,
}

impl Assignment {
    /// Reads `PATH=JSON`, in which the text behind the first `=` is JSON.
    pub(crate) fn parse(option: &str, text: &str) -> Result<Self> {
        let Some((path, json)) = text.split_once('=') else {
            bail!(
                "{option} {text} has no value: write the path, = and the value as JSON, for example {option} '/session/lifespan=\"12h\"'"
            );
        };
        if !path.starts_with('/') {
            bail!("the path \"{path}\" of {option} is not a JSON Pointer: it begins with /");
        }
        let value = strict_json::parse(scan(json).text.as_bytes())
            .map_err(|problem| not_json(option, path, json, &problem))?;
        Ok(Self { path: path.to_owned(), value })
    }
}

fn not_json(option: &str, path: &str, json: &str, problem: &str) -> anyhow::Error {
    let bare = !json.is_empty() && !json.contains(['"', '{', '[', '\'', ' ']);
    let meant = if bare { Some(Value::from(json).to_string()) } else { repaired(json) };
    let meant = meant.map(|meant| without_secrets(path, &meant));
    let shown = show(&meant.unwrap_or_else(|| r#"{"name":"value"}"#.to_owned()));
    let advice = if bare {
        "A text stands in double quotes, and the whole value in single quotes, so that the shell leaves them"
    } else {
        "Names and texts stand in double quotes. Put the value in single quotes, and every variable in it in double quotes between them, as here, so that the shell does not change or split it"
    };
    let place = inside_quotes(path);
    anyhow!(
        "the value of {option} {path} is not JSON: {problem}.\n{advice}:\n\n    {option} '{place}={shown}'"
    )
}

/// JSON without the secrets that the configuration would have there. Contents in base64 are left to [`show`].
fn without_secrets(path: &str, json: &str) -> String {
    let pointer = path.strip_prefix(CONFIG_PREFIX).unwrap_or(path);
    let Ok(value) = strict_json::parse(json.as_bytes()) else { return json.to_owned() };
    let shown = with_placeholders(&value, pointer);
    if shown == value || json.contains(BASE64) { json.to_owned() } else { shown.to_string() }
}

/// The JSON that was probably meant: what reads as YAML, where quotes may be single or left out, or what becomes JSON
/// when open texts, lists and objects are closed.
fn repaired(json: &str) -> Option<String> {
    let is_whole = |value: &Value| value.is_object() || value.is_array();
    // YAML takes a word without a value for a name. Nobody means that who did not write null.
    let is_meant = |value: &Value| json.contains("null") || !has_null(value);
    let read = input::parse(with_blanks(json).as_bytes()).ok();
    if let Some(value) = read.filter(|value| is_whole(value) && is_meant(value)) {
        return Some(value.to_string());
    }
    let (mut open, mut in_text, mut escaped) = (Vec::new(), false, false);
    for character in json.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            '{' if !in_text => open.push('}'),
            '[' if !in_text => open.push(']'),
            '}' | ']' if !in_text => _ = open.pop(),
            _ => {}
        }
    }
    let end: String = open.into_iter().rev().collect();
    let endings = if in_text { ["\"", "\":null"] } else { ["", "null"] };
    let closed = endings.into_iter().map(|ending| format!("{json}{ending}{end}"));
    closed
        .into_iter()
        .find_map(|text| strict_json::parse(text.as_bytes()).ok())
        .map(|value| value.to_string())
}

/// What was typed, with a blank behind the colon of each name without quotes. Without it YAML takes the name with its value
/// for one word.
fn with_blanks(typed: &str) -> String {
    let mut text = String::with_capacity(typed.len());
    let (mut open, mut quote, mut escaped, mut in_name) = (Vec::new(), None, false, false);
    for character in typed.chars() {
        text.push(character);
        match character {
            _ if escaped => escaped = false,
            '\\' if quote == Some('"') => escaped = true,
            _ if quote.is_some() => _ = quote.take_if(|quote| *quote == character),
            '"' | '\'' => (quote, in_name) = (Some(character), false),
            '{' | '[' => {
                open.push(character);
                in_name = character == '{';
            }
            '}' | ']' => {
                open.pop();
                in_name = false;
            }
            ',' => in_name = open.last() == Some(&'{'),
            ':' if in_name => {
                text.push(' ');
                in_name = false;
            }
            other => in_name &= other.is_alphanumeric() || other.is_whitespace() || "_-.".contains(other),
        }
    }
    text
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}

/// The arguments of the command line, and what was joined in them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rejoined {
    pub(crate) arguments: Vec<String>,
    /// What the person has to be told.
    pub(crate) said: Vec<String>,
}

/// Joins values of `--add` and `--replace` that the shell has split. These end inside a `base64://` text, and
/// the arguments that follow complete them to valid JSON. Any other value that is not JSON is an
/// error, which shows the quoting.
pub(crate) fn rejoin(arguments: Vec<String>) -> Result<Rejoined> {
    let mut rejoined = Rejoined { arguments: Vec::with_capacity(arguments.len()), said: Vec::new() };
    let mut rest = arguments.into_iter().peekable();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            rejoined.arguments.push(argument);
            break;
        }
        let inline = OPTIONS.into_iter().find_map(|option| {
            let value = argument.strip_prefix(option)?.strip_prefix('=')?;
            Some((option, value.to_owned()))
        });
        let (option, text) = match (inline, OPTIONS.into_iter().find(|option| *option == argument)) {
            (Some(inline), _) => inline,
            (None, Some(option)) if rest.peek().is_some() => (option, rest.next().unwrap_or_default()),
            _ => {
                rejoined.arguments.push(argument);
                continue;
            }
        };
        let Some((path, json)) = text.split_once('=') else {
            rejoined.arguments.extend([option.to_owned(), text]);
            continue;
        };
        let mut json = json.to_owned();
        let mut pieces = 1;
        loop {
            let scanned = scan(&json);
            let Err(problem) = strict_json::parse(scanned.text.as_bytes()) else { break };
            if !scanned.inside_base64 {
                return Err(not_json(option, path, &json, &problem));
            }
            match rest.next_if(|next| continues_base64(next)) {
                Some(piece) => json.push_str(&piece),
                None => return Err(not_json(option, path, &json, &problem)),
            }
            pieces += 1;
        }
        if pieces > 1 {
            rejoined.said.push(format!(
                "the shell split the value of {option} {path} into {pieces} arguments, because a variable in it is not quoted. They were joined again. Quote the variable and nothing has to be guessed:\n\n    {option} '{}={}'\n",
                inside_quotes(path),
                show(&json)
            ));
        }
        rejoined.arguments.push(format!("{option}={path}={json}"));
    }
    rejoined.arguments.extend(rest);
    Ok(rejoined)
}

/// Whether an argument can be the next piece of a base64 text, which is base64 and perhaps the text's end.
fn continues_base64(argument: &str) -> bool {
    let content = argument.split('"').next().unwrap_or_default();
    !argument.is_empty()
        && !argument.starts_with("--")
        && content.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_ \t\r\n".contains(&b))
}

/// What was typed as JSON.
struct Scanned<'t> {
    /// The JSON, without white space inside `base64://` texts.
    text: Cow<'t, str>,
    /// Whether it ends inside such a text.
    inside_base64: bool,
}

fn scan(json: &str) -> Scanned<'_> {
    let mut text = String::with_capacity(json.len());
    let (mut begin, mut escaped) = (None, false);
    for character in json.chars() {
        match begin {
            None if character == '"' => begin = Some(text.len() + 1),
            None => {}
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(_) if character == '"' => begin = None,
            Some(begin) if character.is_ascii_whitespace() && text[begin..].starts_with(BASE64) => continue,
            Some(_) => {}
        }
        text.push(character);
    }
    let inside_base64 = begin.is_some_and(|begin| text[begin..].starts_with(BASE64));
    let text = if text == json { Cow::Borrowed(json) } else { Cow::Owned(text) };
    Scanned { text, inside_base64 }
}

/// A text as it stands between single quotes.
fn inside_quotes(text: &str) -> String {
    text.replace('\'', r"'\''")
}

/// A value as it should be typed. The content of `base64://` texts, which may hold keys, becomes a quoted
/// variable between single-quoted parts.
fn show(json: &str) -> String {
    let (mut shown, mut member) = (String::new(), String::new());
    let mut rest = json;
    while let Some(begin) = rest.find('"') {
        let (before, behind) = rest.split_at(begin + 1);
        shown.push_str(before);
        let end = end_of_text(behind).unwrap_or(behind.len());
        let content = &behind[..end];
        if content.starts_with(BASE64) {
            let variable = match member.as_str() {
                "jwks_url" => "JWKS_B64_ENCODED",
                "claims_mapper_url" => "JSONNET_B64_ENCODED",
                _ => "VARIABLE",
            };
            shown.extend([BASE64, "'\"$", variable, "\"'"]);
        } else {
            shown.push_str(&inside_quotes(content));
        }
        content.clone_into(&mut member);
        let closing = usize::from(end < behind.len());
        shown.push_str(&behind[end..end + closing]);
        rest = &behind[end + closing..];
    }
    shown + rest
}

/// Where a text ends, counted from behind its opening quote.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_value_is_json_behind_the_first_equals_sign() {
        let assignment = Assignment::parse("--add", r#"/a/b={"c":"d=e"}"#).unwrap();
        assert_eq!(assignment, Assignment { path: "/a/b".into(), value: json!({"c": "d=e"}) });
        let wrapped = Assignment::parse("--add", "/a={\"x\":\"base64://AA\nBB\r\nCC \"}").unwrap();
        assert_eq!(wrapped.value, json!({"x": "base64://AABBCC"}));
        let error = |text: &str| Assignment::parse("--add", text).unwrap_err().to_string();
        assert!(error("/a=12h").contains("--add '/a=\"12h\"'"));
        assert!(error("a=1").contains("begins with /"));
        assert!(error("/a").contains("has no value"));
        assert!(error("/a={\"b\":1,\"b\":2}").contains("not JSON"), "a member that stands twice is refused");
        assert!(Assignment::parse("--add", "/a=\"line\nbreak\"").is_err(), "only base64 may be wrapped");
    }

    #[test]
    fn what_the_shell_split_inside_base64_is_joined() {
        let split = words(&[
            "sessera",
            "patch",
            "identity-config",
            "{}",
            "--add",
            r#"/t/x={"jwks_url":"base64://AAAA"#,
            "BBBB",
            r#"CC==","claims_mapper_url":"base64://DDDD"#,
            r#"EE==","ttl":"10m"}"#,
            "--format",
            "yaml",
        ]);
        let rejoined = rejoin(split).unwrap();
        assert_eq!(
            rejoined.arguments,
            words(&[
                "sessera",
                "patch",
                "identity-config",
                "{}",
                r#"--add=/t/x={"jwks_url":"base64://AAAABBBBCC==","claims_mapper_url":"base64://DDDDEE==","ttl":"10m"}"#,
                "--format",
                "yaml",
            ])
        );
        let said = &rejoined.said[0];
        assert!(said.contains(r#"'/t/x={"jwks_url":"base64://'"$JWKS_B64_ENCODED"'","claims_mapper_url":"base64://'"$JSONNET_B64_ENCODED"'","ttl":"10m"}'"#), "{said}");
        assert!(said.contains("4 arguments") && !said.contains("AAAA"), "{said}");
    }

    #[test]
    fn whole_values_and_other_arguments_stay() {
        for arguments in [
            words(&["sessera", "patch", "identity-config", "--add=/a=1", "default"]),
            words(&["sessera", "patch", "identity-config", "--replace", "/a"]),
            words(&["sessera", "patch", "identity-config", "--add"]),
            words(&["sessera", "get", "jwk", "x", "--", "--add", "/a=nonsense"]),
        ] {
            assert_eq!(rejoin(arguments.clone()).unwrap(), Rejoined { arguments, said: vec![] });
        }
        let inline = rejoin(words(&["--replace", "/a=\"base64://AA\"", "BB"])).unwrap();
        assert_eq!(inline.arguments, words(&["--replace=/a=\"base64://AA\"", "BB"]));
    }

    #[test]
    fn what_an_error_shows_works_when_it_is_pasted() {
        for (typed, meant) in [
            ("{'jwks_url':'set://k'}", json!({"jwks_url": "set://k"})),
            ("{jwks_url: set://k, ttl: 10m}", json!({"jwks_url": "set://k", "ttl": "10m"})),
            (r#"{jwks_url:"set://own"}"#, json!({"jwks_url": "set://own"})),
            ("{jwks_url:set://own,ttl:10m}", json!({"jwks_url": "set://own", "ttl": "10m"})),
            (
                r#"{a:{b:'c:d,e:f'},"g:h":[i:j, "k\",l:m"]}"#,
                json!({"a": {"b": "c:d,e:f"}, "g:h": ["i:j", "k\",l:m"]}),
            ),
            ("{a:null,b: [c]}", json!({"a": null, "b": ["c"]})),
            ("{jwks_url}", json!({"name": "value"})),
            ("{jwks_url;set://own}", json!({"name": "value"})),
            (r#"{"ttl":"10m"#, json!({"ttl": "10m"})),
            (r#"{"a":["b","#, json!({"a": ["b", null]})),
            (r#"{"a":"#, json!({"a": null})),
            ("12h", json!("12h")),
            ("{'a':'it''s'}", json!({"a": "it's"})),
            (r#"{"a" "b"}"#, json!({"name": "value"})),
        ] {
            for path in ["/x", "/it's/here", "/$HOME"] {
                let error = Assignment::parse("--add", &format!("{path}={typed}")).unwrap_err().to_string();
                let command = error.lines().last().unwrap().trim();
                let script = format!("set -- {command}; printf %s \"$2\"");
                let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
                let pasted =
                    Assignment::parse("--add", std::str::from_utf8(&output.stdout).unwrap()).unwrap();
                assert_eq!((pasted.path.as_str(), &pasted.value), (path, &meant), "{typed}: {error}");
            }
        }
    }

    #[test]
    fn secrets_in_a_broken_value_are_not_repeated() {
        for (path, typed) in [
            ("/courier/smtp/connection_uri", "smtp://u:SECRET@h/"),
            ("/services/identity/config/courier/smtp/connection_uri", "smtp://u:SECRET@h/"),
            ("/events/sinks/a", "{'url':'https://r.example','secret':['whsec_SECRET']}"),
            ("/selfservice/methods/oidc/config/providers/-", "{id: g, client_secret: SECRET}"),
            ("/session/upstream", "{admin_token: SECRET, url: 'http://k'}"),
        ] {
            let error = Assignment::parse("--add", &format!("{path}={typed}")).unwrap_err().to_string();
            assert!(!error.contains("SECRET") && error.contains("VALUE"), "{error}");
        }
    }

    #[test]
    fn keys_in_a_broken_value_are_not_repeated() {
        for typed in [
            "{'jwks_url':'base64://c2VjcmV0a2V5'}",
            "{jwks_url: base64://c2VjcmV0a2V5}",
            r#"{"a":"base64://c2VjcmV0a2V5"#,
        ] {
            let error = Assignment::parse("--add", &format!("/x={typed}")).unwrap_err().to_string();
            assert!(!error.contains("c2Vjc"), "{error}");
        }
    }

    #[test]
    fn anything_else_is_an_error_that_shows_the_quoting() {
        for split in [
            // The split is not inside a base64 text.
            &["--add", r#"/a={"b":"some"#, r#"words"}"#][..],
            &["--add", r#"/a={"b":"#, "1}"],
            // What follows is not base64, another option, or nothing.
            &["--add", r#"/a={"b":"base64://AA"#, r#"not base64!"}"#],
            &["--add", r#"/a={"b":"base64://AA"#, "--format", "yaml"],
            &["--add", r#"/a={"b":"base64://AA"#],
            // It completes the text, but the result is not JSON.
            &["--add", r#"/a={"b":"base64://AA"#, r#"BB","c":oops}"#],
        ] {
            let error = rejoin(words(split)).unwrap_err().to_string();
            assert!(error.contains("single quotes") && error.contains("--add '/a={"), "{split:?}: {error}");
            assert!(!error.contains("base64://AA"), "{error}");
        }
    }
}
