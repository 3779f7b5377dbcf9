//! Values of `JsonML` as XML.

use super::{Arguments, fields};
use crate::code::NodeId;
use crate::eval::output::Writer;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::arrays::deep_join;

pub(super) fn manifest_xml(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    if !matches!(value, Value::Array(_)) {
        return m.fail(node, "expected a JSONML value (an array)");
    }
    let mut w = m.writer();
    jsonml(m, value, &mut w, node)?;
    m.written(w)
}

fn jsonml(m: &mut Machine<'_>, value: Value, w: &mut Writer, node: NodeId) -> Step<()> {
    let array = match value {
        Value::String(text) => {
            let text = m.shared_text(text);
            // The text is not escaped, as in go-jsonnet.
            return m.put(w, &text);
        }
        Value::Array(array) if m.array_len(array) > 0 => array,
        other => {
            let found = m.type_name(other);
            return m
                .fail(node, format!("expected a JSONML value (a non-empty array or a string), got {found}"));
        }
    };
    m.deeper(|m| {
        let tag = deep_join(m, m.element(array, 0), node)?;
        m.put(w, "<")?;
        m.put(w, tag.text())?;
        let mut first_child = 1;
        if m.array_len(array) > 1
            && let Value::Object(attributes) = m.forced_element(array, 1)?
        {
            first_child = 2;
            for (name, value) in fields(m, attributes, node)?.iter() {
                let value = m.text_of_any(*value, node)?;
                for part in [" ", &**name, "=\"", &value, "\""] {
                    m.put(w, part)?;
                }
            }
        }
        m.put(w, ">")?;
        for at in first_child..m.array_len(array) {
            let child = m.forced_element(array, at)?;
            jsonml(m, child, w, node)?;
        }
        for part in ["</", tag.text(), ">"] {
            m.put(w, part)?;
        }
        tag.free(&mut m.memory);
        Ok(())
    })
}
