//! Text and actions, and the words of an action.

use super::TemplateError;

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text as it is.
    Text(&'a str),
    /// What stands between `{{` and `}}`, and the line on which it begins.
    Action(&'a str, usize),
}

/// Cuts a template into text and actions. Comments are left out, and blanks that are to be trimmed.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let (mut rest, mut line, mut trims) = (source, 1, false);
    while let Some(start) = rest.find("{{") {
        let mut text = &rest[..start];
        let after = &rest[start + 2..];
        line += newlines(text);
        let inner = after.strip_prefix('-').filter(|inner| inner.starts_with(is_blank));
        if trims {
            text = text.trim_start_matches(is_blank);
        }
        if inner.is_some() {
            text = text.trim_end_matches(is_blank);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let inner = inner.unwrap_or(after);
        let skipped = after.len() - inner.len();
        let open = || TemplateError::new(line, "{{ has no }}");
        let (action, length) = if inner.trim_start_matches(is_blank).starts_with("/*") {
            let end = inner.find("*/").ok_or_else(open)? + 2;
            let close = inner[end..].find("}}").ok_or_else(open)?;
            if !matches!(inner[end..end + close].trim_matches(is_blank), "" | "-") {
                return Err(TemplateError::new(line, "a comment has nothing beside it: write {{/* ... */}}"));
            }
            (None, end + close)
        } else {
            let end = action_end(inner).ok_or_else(open)?;
            (Some(&inner[..end]), end)
        };
        trims = inner[..length].strip_suffix('-').is_some_and(|before| before.ends_with(is_blank));
        if let Some(action) = action {
            let action = if trims { &action[..action.len() - 1] } else { action };
            pieces.push(Piece::Action(action, line));
        }
        line += newlines(&inner[..length]);
        rest = &after[skipped + length + 2..];
    }
    let text = if trims { rest.trim_start_matches(is_blank) } else { rest };
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// What Go trims.
const fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n')
}

/// Where an action ends: at the first `}}` that does not stand in a text.
fn action_end(inner: &str) -> Option<usize> {
    let bytes = inner.as_bytes();
    let (mut at, mut quote) = (0, None);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, byte @ (b'"' | b'`')) => quote = Some(byte),
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// A word of an action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A name: a keyword, a function, `true`.
    Name(String),
    /// `.name`
    Field(String),
    /// `.`
    Dot,
    /// `$`
    Root,
    /// A text.
    Text(String),
    /// A number.
    Number(serde_json::Number),
    /// `|`
    Pipe,
    /// `(`
    Open,
    /// `)`
    Close,
}

/// A word with whether it follows the one before without a blank.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) is_joined: bool,
}

/// The words of an action. The error says what is wrong.
pub(super) fn words(action: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = action;
    while let Some(first) = rest.chars().next() {
        if is_blank(first) {
            rest = rest.trim_start_matches(is_blank);
            continue;
        }
        let is_joined = rest.len() < action.len() && !action[..action.len() - rest.len()].ends_with(is_blank);
        let (word, length) = word(first, rest)?;
        tokens.push(Token { word, is_joined });
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn is_of_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn name_length(text: &str) -> usize {
    text.find(|char| !is_of_name(char)).unwrap_or(text.len())
}

/// The first word of a text and its length.
fn word(first: char, rest: &str) -> Result<(Word, usize), String> {
    let one = |word| Ok((word, 1));
    match first {
        '|' => one(Word::Pipe),
        '(' => one(Word::Open),
        ')' => one(Word::Close),
        '.' => match name_length(&rest[1..]) {
            0 => one(Word::Dot),
            length => Ok((Word::Field(rest[1..=length].to_owned()), length + 1)),
        },
        '$' if name_length(&rest[1..]) == 0 => one(Word::Root),
        '$' => Err("variables are not supported: use with, or write the value again".into()),
        '"' => quoted(rest),
        '`' => {
            let end = rest[1..].find('`').ok_or("a text has no end")?;
            Ok((Word::Text(rest[1..=end].to_owned()), end + 2))
        }
        '0'..='9' | '-' | '+' => number(rest),
        _ if is_of_name(first) => {
            let length = name_length(rest);
            Ok((Word::Name(rest[..length].to_owned()), length))
        }
        ',' | ':' | '=' => Err("variables are not supported: use with, or write the value again".into()),
        other => Err(format!("\"{other}\" is not expected here")),
    }
}

fn number(rest: &str) -> Result<(Word, usize), String> {
    let is_of_number = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '+' | '_');
    let length = rest.find(|char| !is_of_number(char)).unwrap_or(rest.len());
    let text = &rest[..length];
    let number = match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => text.parse::<f64>().ok().and_then(serde_json::Number::from_f64),
    };
    let number = number.ok_or_else(|| {
        let is_part_of_name =
            text.starts_with(['-', '+']) && text[1..].starts_with(|char: char| char.is_alphabetic());
        let hint = if is_part_of_name {
            ": a name in which this stands is written in quotes, as in \"af-ZA\""
        } else {
            ""
        };
        format!("\"{text}\" is no number{hint}")
    })?;
    Ok((Word::Number(number), length))
}

/// A text in quotation marks.
fn quoted(rest: &str) -> Result<(Word, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((Word::Text(text), at + 1)),
            '\n' => break,
            '\\' => text.push(match chars.next() {
                Some((_, 'n')) => '\n',
                Some((_, 't')) => '\t',
                Some((_, 'r')) => '\r',
                Some((_, char @ ('"' | '\\' | '\''))) => char,
                _ => return Err("a text has an escape that is not known: \\n, \\t, \\r, \\\" and \\\\ are, and texts between ` have none".into()),
            }),
            _ => text.push(char),
        }
    }
    Err("a text has no end".into())
}
