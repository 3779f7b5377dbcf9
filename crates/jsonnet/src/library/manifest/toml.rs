//! Values as TOML.

use std::sync::Arc;

use super::{Arguments, fields, scalar};
use crate::code::NodeId;
use crate::eval::memory::List;
use crate::eval::output::Writer;
use crate::eval::value::{Handle, Value};
use crate::eval::{Machine, Step};

pub(super) fn manifest_toml(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let object = m.object_argument(a[0], node)?;
    toml_document(m, object, "  ", node)
}

pub(super) fn manifest_toml_ex(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let object = m.object_argument(a[0], node)?;
    let indent = m.text_argument(a[1], node)?;
    toml_document(m, object, &indent, node)
}

fn toml_document(m: &mut Machine<'_>, object: Handle, indent: &str, node: NodeId) -> Step<Value> {
    let mut w = m.writer();
    toml_table(m, object, indent, &mut Vec::new(), &mut w, node)?;
    m.written(w)
}

/// Whether a value gets a table of its own, as an object or an array of nothing but objects does.
fn is_section(m: &mut Machine<'_>, value: Value) -> Step<bool> {
    Ok(match value {
        Value::Object(_) => true,
        Value::Array(array) => {
            let mut all = m.array_len(array) > 0;
            for at in 0..m.array_len(array) {
                all = all && matches!(m.forced_element(array, at)?, Value::Object(_));
            }
            all
        }
        _ => false,
    })
}

fn toml_table(
    m: &mut Machine<'_>,
    object: Handle,
    indent: &str,
    path: &mut Vec<Arc<str>>,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    let level = path.len();
    let mut sections = List::default();
    let mut first = true;
    for (name, value) in fields(m, object, node)?.iter() {
        if is_section(m, *value)? {
            sections.push((name.clone(), *value), &mut m.memory)?;
            continue;
        }
        if !std::mem::take(&mut first) {
            m.put(w, "\n")?;
        }
        m.put_times(w, indent, level)?;
        toml_key(m, w, name)?;
        m.put(w, " = ")?;
        toml_value(m, *value, indent, level, true, w, node)?;
    }
    for (name, value) in sections.iter() {
        path.push(name.clone());
        let result = toml_section(m, *value, indent, path, w, node);
        path.pop();
        result?;
    }
    Ok(())
}

/// Writes a section, with an empty line before each of its tables even where nothing stands before it.
fn toml_section(
    m: &mut Machine<'_>,
    value: Value,
    indent: &str,
    path: &mut Vec<Arc<str>>,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    let (open, close, tables) = match value {
        Value::Array(array) => ("[[", "]]", m.forced_elements(array)?),
        other => ("[", "]", vec![other]),
    };
    for table in tables {
        let table = m.object_argument(table, node)?;
        m.put(w, "\n\n")?;
        m.put_times(w, indent, path.len() - 1)?;
        m.put(w, open)?;
        for (at, name) in path.iter().enumerate() {
            if at > 0 {
                m.put(w, ".")?;
            }
            toml_key(m, w, name)?;
        }
        m.put(w, close)?;
        if m.field_count(table, false)? > 0 {
            m.put(w, "\n")?;
        }
        m.deeper(|m| toml_table(m, table, indent, path, w, node))?;
    }
    Ok(())
}

fn toml_key(m: &mut Machine<'_>, w: &mut Writer, name: &str) -> Step<()> {
    let bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    match name {
        // These are two single quotes, as in go-jsonnet.
        "" => m.put(w, "''"),
        _ if bare => m.put(w, name),
        _ => m.put_json(w, name),
    }
}

fn toml_value(
    m: &mut Machine<'_>,
    value: Value,
    indent: &str,
    level: usize,
    top: bool,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    match value {
        Value::Null => m.fail(node, "Tried to manifest \"null\""),
        Value::Array(array) if m.array_len(array) == 0 => m.put(w, "[]"),
        Value::Array(array) => m.deeper(|m| {
            // At the top each element has a line of its own.
            let (open, between, close) = if top { ("[\n", ",\n", "\n") } else { ("[ ", ", ", " ") };
            for at in 0..m.array_len(array) {
                m.put(w, if at == 0 { open } else { between })?;
                if top {
                    // go-jsonnet indents what it has made line by line, and an indent may hold ends of lines.
                    for (at, line) in indent.split('\n').enumerate() {
                        m.put(w, if at == 0 { "" } else { "\n" })?;
                        m.put_times(w, indent, level)?;
                        m.put(w, line)?;
                    }
                }
                let element = m.forced_element(array, at)?;
                toml_value(m, element, indent, level, false, w, node)?;
            }
            m.put(w, close)?;
            m.put_times(w, indent, if top { level } else { 0 })?;
            m.put(w, "]")
        }),
        Value::Object(object) => m.deeper(|m| {
            let members = fields(m, object, node)?;
            m.put(w, "{ ")?;
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    m.put(w, ", ")?;
                }
                toml_key(m, w, name)?;
                m.put(w, " = ")?;
                toml_value(m, *value, indent, level, false, w, node)?;
            }
            m.put(w, " }")
        }),
        other => scalar(m, other, w, node),
    }
}
