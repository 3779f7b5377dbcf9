//! Functions that write other formats.

use std::sync::Arc;

use crate::code::NodeId;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::memory::List;
use crate::eval::output::{Empty, Layout, Writer};
use crate::eval::value::{Handle, Value};
use crate::eval::{Machine, Step};
use crate::library::arrays::deep_join;
use crate::library::{absent, functions};
use crate::number;

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

// Python

fn manifest_python(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
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

fn manifest_python_vars(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
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

// INI

fn manifest_ini(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
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

// YAML

fn manifest_yaml_doc(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let style = yaml_style(m, a[1], a[2], node)?;
    let mut w = m.writer();
    yaml(m, value, "", style, &mut w, node)?;
    m.written(w)
}

#[derive(Clone, Copy)]
struct YamlStyle {
    indent_arrays: bool,
    quote_keys: bool,
}

fn yaml_style(m: &mut Machine<'_>, indent: Value, quote: Value, node: NodeId) -> Step<YamlStyle> {
    let indent_arrays = !absent(indent) && m.bool_argument(indent, node)?;
    let quote_keys = absent(quote) || m.bool_argument(quote, node)?;
    Ok(YamlStyle { indent_arrays, quote_keys })
}

fn manifest_yaml_stream(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let documents = m.array_argument(a[0], node)?;
    let end = absent(a[2]) || m.bool_argument(a[2], node)?;
    let mut w = m.writer();
    m.put(&mut w, "---\n")?;
    for at in 0..m.array_len(documents) {
        let style = yaml_style(m, a[1], a[3], node)?;
        if at > 0 {
            m.put(&mut w, "\n---\n")?;
        }
        let document = m.forced_element(documents, at)?;
        yaml(m, document, "", style, &mut w, node)?;
    }
    m.put(&mut w, if end { "\n...\n" } else { "\n" })?;
    m.written(w)
}

fn yaml(
    m: &mut Machine<'_>,
    value: Value,
    indent: &str,
    style: YamlStyle,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    match value {
        Value::String(string) => {
            let string = m.shared_text(string);
            match string.strip_suffix('\n') {
                None => m.put_json(w, &string),
                Some(lines) => {
                    m.put(w, "|")?;
                    for line in lines.split('\n') {
                        m.put(w, "\n")?;
                        m.put(w, indent)?;
                        m.put(w, "  ")?;
                        m.put(w, line)?;
                    }
                    Ok(())
                }
            }
        }
        Value::Array(array) => m.deeper(|m| yaml_array(m, array, indent, style, w, node)),
        Value::Object(object) => m.deeper(|m| yaml_object(m, object, indent, style, w, node)),
        Value::Number(value) => {
            m.burn(number::effort(value))?;
            m.put(w, &number::shortest(value))
        }
        // Nothing at all is written, as in go-jsonnet.
        Value::Function(_) => Ok(()),
        other => scalar(m, other, w, node),
    }
}

fn yaml_array(
    m: &mut Machine<'_>,
    array: Handle,
    indent: &str,
    style: YamlStyle,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    let len = m.array_len(array);
    if len == 0 {
        return m.put(w, "[]");
    }
    for at in 0..len {
        if at > 0 {
            m.put(w, "\n")?;
            m.put(w, indent)?;
        }
        m.put(w, "-")?;
        let element = m.forced_element(array, at)?;
        m.charge(indent.len() + 2)?;
        let deeper = format!("{indent}  ");
        match element {
            Value::Array(inner) if m.array_len(inner) > 0 => {
                m.put(w, "\n")?;
                m.put(w, &deeper)?;
            }
            _ => m.put(w, " ")?,
        }
        let inner = if matches!(element, Value::Array(_) | Value::Object(_)) { &*deeper } else { indent };
        yaml(m, element, inner, style, w, node)?;
    }
    Ok(())
}

fn yaml_object(
    m: &mut Machine<'_>,
    object: Handle,
    indent: &str,
    style: YamlStyle,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    let members = fields(m, object, node)?;
    if members.is_empty() {
        return m.put(w, "{}");
    }
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            m.put(w, "\n")?;
            m.put(w, indent)?;
        }
        if style.quote_keys || !bare_yaml_key(name) {
            m.put_json(w, name)?;
        } else {
            m.put(w, name)?;
        }
        m.put(w, ":")?;
        m.charge(indent.len() + 2)?;
        let deeper = format!("{indent}  ");
        let inner = match *value {
            Value::Array(array) if m.array_len(array) > 0 => {
                let inner = if style.indent_arrays { &*deeper } else { indent };
                m.put(w, "\n")?;
                m.put(w, inner)?;
                inner
            }
            Value::Object(inner) if m.field_count(inner, false)? > 0 => {
                m.put(w, "\n")?;
                m.put(w, &deeper)?;
                &*deeper
            }
            _ => {
                m.put(w, " ")?;
                indent
            }
        };
        yaml(m, *value, inner, style, w, node)?;
    }
    Ok(())
}

/// Whether a key is written without quotes, which needs safe characters only, and neither a word, nor a
/// number, nor a date of YAML 1.1.
fn bare_yaml_key(key: &str) -> bool {
    const WORDS: [&str; 19] = [
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "null",
        "~",
        "nan",
        "inf",
        "-inf",
        "infinity",
        "-infinity",
        ".nan",
        ".inf",
        "-.inf",
        "---",
    ];
    let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/');
    if key.is_empty() || key == "-" || !key.bytes().all(safe) {
        return false;
    }
    let date = key.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && key.bytes().filter(|b| *b == b'-').count() == 2;
    let hexadecimal = key
        .match_indices("0x")
        .any(|(at, _)| key[at + 2..].starts_with(|next: char| next.is_ascii_hexdigit() || next == '_'));
    let unsigned = key.strip_prefix('-').unwrap_or(key);
    let binary = unsigned
        .strip_prefix("0b")
        .is_some_and(|bits| !bits.is_empty() && bits.bytes().all(|b| matches!(b, b'0' | b'1' | b'_')));
    let word = WORDS.iter().any(|word| key.eq_ignore_ascii_case(word));
    !(word || date || hexadecimal || binary || yaml_decimal(unsigned))
}

/// Whether a text is a decimal number without a sign, perhaps with underscores between its digits.
fn yaml_decimal(text: &str) -> bool {
    let digits =
        |part: &str| part.split('_').all(|run| !run.is_empty() && run.bytes().all(|b| b.is_ascii_digit()));
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        None => digits(mantissa),
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
    };
    let exponent_fits =
        exponent.is_none_or(|exponent| digits(exponent.strip_prefix('-').unwrap_or(exponent)));
    if !mantissa_fits || !exponent_fits {
        return false;
    }
    // A number that is too large for a double counts only when it is whole and has underscores.
    let grouped = exponent.is_none() && !mantissa.contains('.') && mantissa.contains('_');
    grouped || text.replace('_', "").parse().is_ok_and(f64::is_finite)
}

// TOML

fn manifest_toml(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let object = m.object_argument(a[0], node)?;
    toml_document(m, object, "  ", node)
}

fn manifest_toml_ex(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
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

// XML

fn manifest_xml(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
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
