//! Functions that write other formats.

mod ini;
mod python;
mod toml;
mod xml;
mod yaml;

use std::sync::Arc;

use crate::code::NodeId;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::memory::List;
use crate::eval::output::{Empty, Layout, Writer};
use crate::eval::value::{Handle, Value};
use crate::eval::{Machine, Step};
use crate::library::{absent, functions};
use crate::number;

use ini::manifest_ini;
use python::{manifest_python, manifest_python_vars};
use toml::{manifest_toml, manifest_toml_ex};
use xml::manifest_xml;
use yaml::{manifest_yaml_doc, manifest_yaml_stream};

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "manifestJson"(value) => manifest_json;
    "manifestJsonMinified"(value) => manifest_json_minified;
    "manifestJsonEx"(value, indent, newline[?], key_val_sep[?]) => manifest_json_ex;
    "manifestPython"(v) => manifest_python;
    "manifestPythonVars"(conf) => manifest_python_vars;
    "manifestIni"(ini) => manifest_ini;
    "manifestYamlDoc"(value, indent_array_in_object[?], quote_keys[?]) => manifest_yaml_doc;
    "manifestYamlStream"(value, indent_array_in_object[?], c_document_end[?], quote_keys[?]) => manifest_yaml_stream;
    "manifestToml"(value) => manifest_toml;
    "manifestTomlEx"(value, indent) => manifest_toml_ex;
    "manifestXmlJsonml"(value) => manifest_xml;
}

const fn ex<'a>(indent: &'a str, newline: &'a str, key_separator: &'a str) -> Layout<'a> {
    Layout {
        indent: Some(indent),
        separator: ",",
        key_separator,
        newline,
        encoding_json: true,
        empty: Empty::Lines,
    }
}

/// The layout of Go's own JSON encoder.
fn manifest_json(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    m.json_text(value, &ex("    ", "\n", ": "), node)
}

fn manifest_json_minified(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    m.json_text(value, &Layout { encoding_json: true, ..Layout::compact() }, node)
}

fn manifest_json_ex(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let indent = m.text_argument(a[1], node)?;
    let newline = if absent(a[2]) { "\n".into() } else { m.text_argument(a[2], node)? };
    let separator = if absent(a[3]) { ": ".into() } else { m.text_argument(a[3], node)? };
    m.json_text(value, &ex(&indent, &newline, &separator), node)
}

impl Machine<'_> {
    fn put(&mut self, w: &mut Writer, text: &str) -> Step<()> {
        self.burn(1 + text.len() / 32)?;
        w.push(text, &mut self.memory)
    }

    /// Writes a text as JSON.
    fn put_json(&mut self, w: &mut Writer, text: &str) -> Step<()> {
        self.burn(1 + text.len() / 16)?;
        w.push_json(text, &mut self.memory)
    }

    /// Writes a text so many times.
    fn put_times(&mut self, w: &mut Writer, text: &str, times: usize) -> Step<()> {
        for _ in 0..times {
            self.put(w, text)?;
        }
        Ok(())
    }
}

/// The fields of an object with computed values, after its asserts were checked.
fn fields(m: &mut Machine<'_>, object: Handle, node: NodeId) -> Step<List<(Arc<str>, Value)>> {
    let names = m.field_list(object, false)?;
    let mut fields = List::with_room(names.len(), &mut m.memory)?;
    for (name, position) in names.iter().copied() {
        m.check_asserts(object)?;
        let value = m.field_value(object, position as usize, node)?;
        fields.push((m.symbol_text(name).text.clone(), value), &mut m.memory)?;
    }
    names.free(&mut m.memory);
    Ok(fields)
}

/// Writes a number or a string as in JSON.
fn scalar(m: &mut Machine<'_>, value: Value, w: &mut Writer, node: NodeId) -> Step<()> {
    match value {
        Value::Number(value) => {
            m.burn(number::effort(value))?;
            m.put(w, &number::to_string(value))
        }
        Value::String(value) => {
            let value = m.shared_text(value);
            m.put_json(w, &value)
        }
        Value::Null => m.put(w, "null"),
        Value::Bool(value) => m.put(w, if value { "true" } else { "false" }),
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("cannot manifest {found}"))
        }
    }
}
