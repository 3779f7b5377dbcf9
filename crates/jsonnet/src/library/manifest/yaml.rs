//! Values as YAML.

use super::{Arguments, fields, scalar};
use crate::code::NodeId;
use crate::eval::output::Writer;
use crate::eval::value::{Handle, Value};
use crate::eval::{Machine, Step};
use crate::library::absent;
use crate::number;

pub(super) fn manifest_yaml_doc(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
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

pub(super) fn manifest_yaml_stream(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
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
