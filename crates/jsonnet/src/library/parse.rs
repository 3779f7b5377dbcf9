//! Functions that read other formats.

use crate::code::NodeId;
use crate::document::Document;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::functions;
use crate::library::yaml::{self, Stream};
use crate::number;
use crate::text::most_escaped;

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "parseJson"(str) => parse_json;
    "parseYaml"(str) => parse_yaml;
}

fn parse_json(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    m.burn(text.len())?;
    m.charge(document_size(&text))?;
    match Document::shared(text.as_bytes()) {
        Ok(document) => {
            let value = m.document(document)?;
            m.force(value)
        }
        Err(error) => m.fail(node, format!("failed to parse JSON: {error}")),
    }
}

/// How many bytes a text of JSON takes at the most while it is read. These are its values, its strings and
/// its canonical text, each with the room for growing.
fn document_size(text: &str) -> usize {
    /// The bytes of a value, as it is read and as it is kept.
    const VALUE: usize = 256;
    /// The bytes of a number that is written with an exponent, and without it in the canonical text.
    const EXPONENT: usize = 3 * number::LONGEST;
    let bytes = text.as_bytes();
    let values = bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() + 1;
    let exponents =
        bytes.windows(2).filter(|pair| pair[0].is_ascii_digit() && matches!(pair[1], b'e' | b'E'));
    3 * (bytes.len() + most_escaped(text)) + VALUE * values + EXPONENT * exponents.count()
}

/// How many bytes the tokens of a text of YAML take at the most. Everything in brackets might be a key, so it
/// is kept until the brackets end.
fn tokens_size(text: &str) -> usize {
    /// The bytes of a sign and a word behind it, with the room for growing.
    const TOKEN: usize = 700;
    let Some(bracket) = text.find(['[', '{']) else { return 0 };
    let begins = |byte: &u8| byte.is_ascii_whitespace() || b",[]{}:?&*!\"'-|>%@`#".contains(byte);
    text.as_bytes()[bracket..].iter().filter(|byte| begins(byte)).count() * TOKEN
}

/// Reads a document, or an array of all documents when one of them begins with `---`.
fn parse_yaml(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    m.burn(text.len())?;
    m.charge(8 * text.len() + tokens_size(&text))?;
    match yaml::read(m, &text, node)? {
        Stream::Single(document) => Ok(document.unwrap_or(Value::Null)),
        Stream::Many(documents) => m.array_of(documents),
    }
}
