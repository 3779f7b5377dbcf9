//! Values as literals of Python.

use super::{Arguments, fields, scalar};
use crate::code::NodeId;
use crate::eval::output::Writer;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};

pub(super) fn manifest_python(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let mut writer = m.writer();
    python(m, value, &mut writer, node)?;
    m.written(writer)
}

fn python(m: &mut Machine<'_>, value: Value, w: &mut Writer, node: NodeId) -> Step<()> {
    match value {
        Value::Null => m.put(w, "None"),
        Value::Bool(true) => m.put(w, "True"),
        Value::Bool(false) => m.put(w, "False"),
        Value::Array(array) => m.deeper(|m| {
            m.put(w, "[")?;
            for at in 0..m.array_len(array) {
                if at > 0 {
                    m.put(w, ", ")?;
                }
                let element = m.forced_element(array, at)?;
                python(m, element, w, node)?;
            }
            m.put(w, "]")
        }),
        Value::Object(object) => m.deeper(|m| {
            m.put(w, "{")?;
            for (at, (name, value)) in fields(m, object, node)?.iter().enumerate() {
                if at > 0 {
                    m.put(w, ", ")?;
                }
                m.put_json(w, name)?;
                m.put(w, ": ")?;
                python(m, *value, w, node)?;
            }
            m.put(w, "}")
        }),
        other => scalar(m, other, w, node),
    }
}

pub(super) fn manifest_python_vars(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let object = m.object_argument(a[0], node)?;
    let mut w = m.writer();
    for (name, value) in fields(m, object, node)?.iter() {
        m.put(&mut w, name)?;
        m.put(&mut w, " = ")?;
        python(m, *value, &mut w, node)?;
        m.put(&mut w, "\n")?;
    }
    m.written(w)
}
