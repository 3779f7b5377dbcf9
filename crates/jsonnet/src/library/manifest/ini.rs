//! Values as INI files.

use super::{Arguments, fields};
use crate::code::NodeId;
use crate::eval::output::Writer;
use crate::eval::value::{Handle, Value};
use crate::eval::{Machine, Step};

pub(super) fn manifest_ini(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let ini = m.object_argument(a[0], node)?;
    let mut w = m.writer();
    let members = fields(m, ini, node)?;
    for (name, value) in members.iter() {
        if &**name == "main" {
            let main = m.object_argument(*value, node)?;
            ini_body(m, main, &mut w, node)?;
        }
    }
    let Some((_, sections)) = members.iter().find(|(name, _)| &**name == "sections") else {
        return m.fail(node, "field does not exist: sections");
    };
    let sections = m.object_argument(*sections, node)?;
    for (name, section) in fields(m, sections, node)?.iter() {
        for part in ["[", name, "]\n"] {
            m.put(&mut w, part)?;
        }
        let section = m.object_argument(*section, node)?;
        ini_body(m, section, &mut w, node)?;
    }
    m.written(w)
}

fn ini_body(m: &mut Machine<'_>, object: Handle, w: &mut Writer, node: NodeId) -> Step<()> {
    for (name, value) in fields(m, object, node)?.iter() {
        let values = match *value {
            Value::Array(array) => m.forced_elements(array)?,
            other => vec![other],
        };
        for value in values {
            let value = m.text_of_any(value, node)?;
            for part in [name, " = ", &value, "\n"] {
                m.put(w, part)?;
            }
        }
    }
    Ok(())
}
