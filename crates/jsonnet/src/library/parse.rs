//! Reading other formats.

use crate::code::NodeId;
use crate::document::Document;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::{MAX_PARAMETERS, functions};

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "parseJson"(str) => parse_json;
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
