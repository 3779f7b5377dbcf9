//! Reading other formats.

use crate::code::NodeId;
use crate::document::Document;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::yaml::{self, Stream};
use crate::library::{MAX_PARAMETERS, functions};

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "parseJson"(str) => parse_json;
    "parseYaml"(str) => parse_yaml;
}

fn parse_json(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    m.burn(text.len())?;
    // Nodes, strings and the canonical text take up to this much together.
    m.charge(text.len().saturating_mul(24))?;
    match Document::shared(text.as_bytes()) {
        Ok(document) => {
            let value = m.document(document)?;
            m.force(value)
        }
        Err(error) => m.fail(node, format!("failed to parse JSON: {error}")),
    }
}

/// A document; an array of all documents when one of them begins with `---`.
fn parse_yaml(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let text = m.text_argument(a[0], node)?;
    m.burn(text.len())?;
    m.charge(text.len().saturating_mul(8))?;
    match yaml::read(m, &text, node)? {
        Stream::Single(document) => Ok(document.unwrap_or(Value::Null)),
        Stream::Many(documents) => m.array(documents.into_iter()),
    }
}
