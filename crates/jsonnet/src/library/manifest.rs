//! Writing other formats.

use crate::code::NodeId;
use crate::eval::output::{Empty, Layout};
use crate::eval::value::{Handle, Value};
use crate::eval::{Machine, Step};
use crate::library::arrays::deep_join;
use crate::library::{MAX_PARAMETERS, absent, functions};
use crate::{number, text};

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

fn ex(indent: &str, newline: &str, key_separator: &str) -> Layout {
    Layout {
        indent: Some(indent.to_owned()),
        separator: ",",
        key_separator: key_separator.to_owned(),
        newline: newline.to_owned(),
        encoding_json: true,
        empty: Empty::Lines,
    }
}

/// As Go's own JSON encoder writes.
fn manifest_json(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let text = m.json_text(value, &ex("    ", "\n", ": "), node)?;
    m.own_string(text)
}

fn manifest_json_minified(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let text = m.json_text(value, &Layout { encoding_json: true, ..Layout::compact() }, node)?;
    m.own_string(text)
}

fn manifest_json_ex(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let indent = m.text_argument(a[1], node)?;
    let newline = if absent(a[2]) { "\n".into() } else { m.text_argument(a[2], node)? };
    let separator = if absent(a[3]) { ": ".into() } else { m.text_argument(a[3], node)? };
    let text = m.json_text(value, &ex(&indent, &newline, &separator), node)?;
    m.own_string(text)
}

/// A text that grows under the memory limit.
struct Writer {
    out: String,
}

impl Writer {
    const fn new() -> Self {
        Self { out: String::new() }
    }

    fn push(&mut self, m: &mut Machine<'_>, text: &str) -> Step<()> {
        m.burn(1 + text.len() / 32)?;
        m.charge(text.len())?;
        self.out.push_str(text);
        Ok(())
    }
}

/// Fields of an object with computed values, asserts checked.
fn fields(m: &mut Machine<'_>, object: Handle, node: NodeId) -> Step<Vec<(std::sync::Arc<str>, Value)>> {
    let mut fields = Vec::new();
    for (name, position) in m.field_list(object, false)? {
        m.check_asserts(object)?;
        let value = m.field_value(object, position as usize, node)?;
        m.charge(size_of::<(std::sync::Arc<str>, Value)>())?;
        fields.push((m.symbol_text(name).text.clone(), value));
    }
    Ok(fields)
}

// Python

fn manifest_python(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let mut writer = Writer::new();
    python(m, value, &mut writer, node)?;
    m.own_string(writer.out)
}

fn python(m: &mut Machine<'_>, value: Value, w: &mut Writer, node: NodeId) -> Step<()> {
    match value {
        Value::Null => w.push(m, "None"),
        Value::Bool(true) => w.push(m, "True"),
        Value::Bool(false) => w.push(m, "False"),
        Value::Array(array) => m.deeper(|m| {
            w.push(m, "[")?;
            for at in 0..m.array_len(array) {
                if at > 0 {
                    w.push(m, ", ")?;
                }
                let element = m.forced_element(array, at)?;
                python(m, element, w, node)?;
            }
            w.push(m, "]")
        }),
        Value::Object(object) => m.deeper(|m| {
            w.push(m, "{")?;
            for (at, (name, value)) in fields(m, object, node)?.into_iter().enumerate() {
                if at > 0 {
                    w.push(m, ", ")?;
                }
                w.push(m, &text::json(&name))?;
                w.push(m, ": ")?;
                python(m, value, w, node)?;
            }
            w.push(m, "}")
        }),
        other => scalar(m, other, w, node),
    }
}

/// A number or a string as in JSON.
fn scalar(m: &mut Machine<'_>, value: Value, w: &mut Writer, node: NodeId) -> Step<()> {
    match value {
        Value::Number(value) => {
            m.burn(number::effort(value))?;
            w.push(m, &number::to_string(value))
        }
        Value::String(value) => {
            let value = m.shared_text(value);
            m.burn(value.len() / 16)?;
            w.push(m, &text::json(&value))
        }
        Value::Null => w.push(m, "null"),
        Value::Bool(value) => w.push(m, if value { "true" } else { "false" }),
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("cannot manifest {found}"))
        }
    }
}

fn manifest_python_vars(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let object = m.object_argument(a[0], node)?;
    let mut w = Writer::new();
    for (name, value) in fields(m, object, node)? {
        w.push(m, &name)?;
        w.push(m, " = ")?;
        python(m, value, &mut w, node)?;
        w.push(m, "\n")?;
    }
    m.own_string(w.out)
}

// INI

fn manifest_ini(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let ini = m.object_argument(a[0], node)?;
    let mut w = Writer::new();
    let members = fields(m, ini, node)?;
    for (name, value) in &members {
        if &**name == "main" {
            let main = m.object_argument(*value, node)?;
            ini_body(m, main, &mut w, node)?;
        }
    }
    let Some((_, sections)) = members.into_iter().find(|(name, _)| &**name == "sections") else {
        return m.fail(node, "field does not exist: sections");
    };
    let sections = m.object_argument(sections, node)?;
    for (name, section) in fields(m, sections, node)? {
        w.push(m, &format!("[{name}]\n"))?;
        let section = m.object_argument(section, node)?;
        ini_body(m, section, &mut w, node)?;
    }
    m.own_string(w.out)
}

fn ini_body(m: &mut Machine<'_>, object: Handle, w: &mut Writer, node: NodeId) -> Step<()> {
    for (name, value) in fields(m, object, node)? {
        let values = match value {
            Value::Array(array) => m.forced_elements(array)?,
            other => vec![other],
        };
        for value in values {
            let value = m.text_of_any(value, node)?;
            w.push(m, &format!("{name} = {value}\n"))?;
        }
    }
    Ok(())
}

// YAML

fn manifest_yaml_doc(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let style = yaml_style(m, a[1], a[2], node)?;
    let mut w = Writer::new();
    yaml(m, value, "", style, &mut w, node)?;
    m.own_string(w.out)
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
    let mut w = Writer::new();
    w.push(m, "---\n")?;
    for at in 0..m.array_len(documents) {
        let style = yaml_style(m, a[1], a[3], node)?;
        if at > 0 {
            w.push(m, "\n---\n")?;
        }
        let document = m.forced_element(documents, at)?;
        yaml(m, document, "", style, &mut w, node)?;
    }
    w.push(m, if end { "\n...\n" } else { "\n" })?;
    m.own_string(w.out)
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
                None => {
                    m.burn(string.len() / 16)?;
                    w.push(m, &text::json(&string))
                }
                Some(lines) => {
                    w.push(m, "|")?;
                    for line in lines.split('\n') {
                        w.push(m, "\n")?;
                        w.push(m, indent)?;
                        w.push(m, "  ")?;
                        w.push(m, line)?;
                    }
                    Ok(())
                }
            }
        }
        Value::Array(array) => m.deeper(|m| yaml_array(m, array, indent, style, w, node)),
        Value::Object(object) => m.deeper(|m| yaml_object(m, object, indent, style, w, node)),
        Value::Number(value) => {
            m.burn(number::effort(value))?;
            w.push(m, &number::shortest(value))
        }
        // Nothing at all, as in go-jsonnet.
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
        return w.push(m, "[]");
    }
    for at in 0..len {
        if at > 0 {
            w.push(m, "\n")?;
            w.push(m, indent)?;
        }
        w.push(m, "-")?;
        let element = m.forced_element(array, at)?;
        let deeper = format!("{indent}  ");
        m.charge(deeper.len())?;
        match element {
            Value::Array(inner) if m.array_len(inner) > 0 => {
                w.push(m, "\n")?;
                w.push(m, &deeper)?;
            }
            _ => w.push(m, " ")?,
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
        return w.push(m, "{}");
    }
    for (at, (name, value)) in members.into_iter().enumerate() {
        if at > 0 {
            w.push(m, "\n")?;
            w.push(m, indent)?;
        }
        if style.quote_keys || !bare_yaml_key(&name) {
            w.push(m, &text::json(&name))?;
        } else {
            w.push(m, &name)?;
        }
        w.push(m, ":")?;
        let deeper = format!("{indent}  ");
        m.charge(deeper.len())?;
        let inner = match value {
            Value::Array(array) if m.array_len(array) > 0 => {
                let inner = if style.indent_arrays { &*deeper } else { indent };
                w.push(m, "\n")?;
                w.push(m, inner)?;
                inner
            }
            Value::Object(inner) if !m.field_list(inner, false)?.is_empty() => {
                w.push(m, "\n")?;
                w.push(m, &deeper)?;
                &*deeper
            }
            _ => {
                w.push(m, " ")?;
                indent
            }
        };
        yaml(m, value, inner, style, w, node)?;
    }
    Ok(())
}

/// Whether a key is written without quotes: made of safe characters, and neither a word, nor a number, nor
/// a date of YAML 1.1.
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

/// Whether a text is a decimal number without sign, underscores between its digits allowed.
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
    // What is too large for a double counts as a number only when it is whole with underscores.
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
    let mut w = Writer::new();
    toml_table(m, object, indent, &mut Vec::new(), &mut w, node)?;
    m.own_string(w.out)
}

/// Whether a value gets a table of its own: an object, or an array of nothing but objects.
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
    path: &mut Vec<String>,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    let current = indent.repeat(path.len());
    m.charge(current.len())?;
    let mut sections = Vec::new();
    let mut first = true;
    for (name, value) in fields(m, object, node)? {
        if is_section(m, value)? {
            sections.push((name, value));
            continue;
        }
        if !std::mem::take(&mut first) {
            w.push(m, "\n")?;
        }
        w.push(m, &format!("{current}{} = ", toml_key(&name)))?;
        toml_value(m, value, indent, &current, true, w, node)?;
    }
    for (name, value) in sections {
        path.push(toml_key(&name));
        let result = toml_section(m, value, indent, path, w, node);
        path.pop();
        result?;
    }
    Ok(())
}

/// A section, with an empty line before each of its tables even where nothing stands before it.
fn toml_section(
    m: &mut Machine<'_>,
    value: Value,
    indent: &str,
    path: &mut Vec<String>,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    let current = indent.repeat(path.len() - 1);
    let title = path.join(".");
    m.charge(title.len() + current.len())?;
    let (open, close, tables) = match value {
        Value::Array(array) => ("[[", "]]", m.forced_elements(array)?),
        other => ("[", "]", vec![other]),
    };
    for table in tables {
        let table = m.object_argument(table, node)?;
        w.push(m, &format!("\n\n{current}{open}{title}{close}"))?;
        if !m.field_list(table, false)?.is_empty() {
            w.push(m, "\n")?;
        }
        m.deeper(|m| toml_table(m, table, indent, path, w, node))?;
    }
    Ok(())
}

fn toml_key(name: &str) -> String {
    let bare =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if bare { name.to_owned() } else { text::json(name) }
}

fn toml_value(
    m: &mut Machine<'_>,
    value: Value,
    indent: &str,
    current: &str,
    top: bool,
    w: &mut Writer,
    node: NodeId,
) -> Step<()> {
    match value {
        Value::Null => m.fail(node, "Tried to manifest \"null\""),
        Value::Array(array) if m.array_len(array) == 0 => w.push(m, "[]"),
        Value::Array(array) => m.deeper(|m| {
            let (open, between, close) = if top {
                (format!("[\n{current}{indent}"), format!(",\n{current}{indent}"), format!("\n{current}]"))
            } else {
                ("[ ".to_owned(), ", ".to_owned(), " ]".to_owned())
            };
            w.push(m, &open)?;
            for at in 0..m.array_len(array) {
                if at > 0 {
                    w.push(m, &between)?;
                }
                let element = m.forced_element(array, at)?;
                toml_value(m, element, indent, current, false, w, node)?;
            }
            w.push(m, &close)
        }),
        Value::Object(object) => m.deeper(|m| {
            let members = fields(m, object, node)?;
            w.push(m, "{ ")?;
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    w.push(m, ", ")?;
                }
                w.push(m, &format!("{} = ", toml_key(&name)))?;
                toml_value(m, value, indent, current, false, w, node)?;
            }
            w.push(m, " }")
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
    let mut w = Writer::new();
    jsonml(m, value, &mut w, node)?;
    m.own_string(w.out)
}

fn jsonml(m: &mut Machine<'_>, value: Value, w: &mut Writer, node: NodeId) -> Step<()> {
    let array = match value {
        Value::String(text) => {
            let text = m.shared_text(text);
            // Not escaped, as in go-jsonnet.
            return w.push(m, &text);
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
        w.push(m, &format!("<{tag}"))?;
        let mut first_child = 1;
        if m.array_len(array) > 1
            && let Value::Object(attributes) = m.forced_element(array, 1)?
        {
            first_child = 2;
            for (name, value) in fields(m, attributes, node)? {
                let value = m.text_of_any(value, node)?;
                w.push(m, &format!(" {name}=\"{value}\""))?;
            }
        }
        w.push(m, ">")?;
        for at in first_child..m.array_len(array) {
            let child = m.forced_element(array, at)?;
            jsonml(m, child, w, node)?;
        }
        w.push(m, &format!("</{tag}>"))
    })
}
