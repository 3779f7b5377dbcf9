//! Functions on types, external variables, traces and other things of the evaluation itself.

use std::cmp::Ordering;

use crate::code::NodeId;
use crate::error::ErrorKind;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::value::Value;
use crate::eval::{Machine, Step};
use crate::library::functions;
use crate::text::shortened;

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "type"(x) => type_;
    "isString"(v) => is_string;
    "isNumber"(v) => is_number;
    "isBoolean"(v) => is_boolean;
    "isObject"(v) => is_object;
    "isArray"(v) => is_array;
    "isFunction"(v) => is_function;
    "isNull"(v) => is_null;
    "extVar"(x) => ext_var;
    "toString"(a) => to_string;
    "trace"(str, rest) => trace;
    "equals"(a, b) => equals;
    "primitiveEquals"(a, b) => primitive_equals;
    "assertEqual"(a, b) => assert_equal;
    "length"(x) => length;
    "native"(x) => native;
    "xor"(x, y) => xor;
    "xnor"(x, y) => xnor;
    "id"(x) => id;
    "resolvePath"(f, r) => resolve_path;
    "__compare"(v1, v2) => compare;
    "__compare_array"(arr1, arr2) => compare_array;
    "__array_less"(arr1, arr2) => array_less;
    "__array_greater"(arr1, arr2) => array_greater;
    "__array_less_or_equal"(arr1, arr2) => array_less_or_equal;
    "__array_greater_or_equal"(arr1, arr2) => array_greater_or_equal;
}

fn type_(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    let name = m.type_name(value);
    m.string(name)
}

fn is_string(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    Ok(Value::Bool(matches!(m.force(a[0])?, Value::String(_))))
}

fn is_number(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    Ok(Value::Bool(matches!(m.force(a[0])?, Value::Number(_))))
}

fn is_boolean(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    Ok(Value::Bool(matches!(m.force(a[0])?, Value::Bool(_))))
}

fn is_object(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    Ok(Value::Bool(matches!(m.force(a[0])?, Value::Object(_))))
}

fn is_array(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    Ok(Value::Bool(matches!(m.force(a[0])?, Value::Array(_))))
}

fn is_function(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    Ok(Value::Bool(matches!(m.force(a[0])?, Value::Function(_))))
}

fn is_null(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    Ok(Value::Bool(matches!(m.force(a[0])?, Value::Null)))
}

fn ext_var(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let name = m.text_argument(a[0], node)?;
    let value = m.variable(&name, node)?;
    m.force(value)
}

fn to_string(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    match m.force(a[0])? {
        text @ Value::String(_) => Ok(text),
        other => m.one_line(other, node).map(Value::String),
    }
}

fn trace(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let message = m.text_argument(a[0], node)?;
    m.burn(message.len() / 16)?;
    let line = m.location(node).map_or(0, |location| location.line);
    m.charge(m.code.name.len() + 32 + message.len())?;
    let text = format!("TRACE: {}:{line} {message}", m.code.name);
    (m.trace)(&text);
    m.force(a[1])
}

fn equals(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (left, right) = (m.force(a[0])?, m.force(a[1])?);
    Ok(Value::Bool(m.equal(left, right, node)?))
}

fn primitive_equals(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (left, right) = (m.force(a[0])?, m.force(a[1])?);
    match (left, right) {
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => {
            let found = m.type_name(left);
            m.fail(node, format!("primitiveEquals operates on primitive types, got {found}"))
        }
        _ => Ok(Value::Bool(m.equal(left, right, node)?)),
    }
}

fn assert_equal(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (left, right) = (m.force(a[0])?, m.force(a[1])?);
    if m.equal(left, right, node)? {
        return Ok(Value::Bool(true));
    }
    let (left, right) = (m.one_line(left, node)?, m.one_line(right, node)?);
    let (left, right) = (m.shared_text(left), m.shared_text(right));
    let (left, right) = (shortened(&left), shortened(&right));
    Err(m.error(ErrorKind::Program, node, format!("Assertion failed. {left} != {right}")))
}

#[expect(clippy::cast_precision_loss, reason = "lengths are bounded by the memory limit")]
fn length(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    Ok(Value::Number(length_of(m, value, node)? as f64))
}

/// The length of a value, which counts characters of a string, elements of an array, visible fields of an
/// object or required arguments of a function.
pub(super) fn length_of(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<usize> {
    match value {
        Value::String(text) => Ok(m.text(text).chars as usize),
        Value::Array(array) => Ok(m.array_len(array)),
        Value::Object(object) => m.field_count(object, false),
        Value::Function(function) => Ok(m.required_parameters(function)),
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("length operates on strings, objects, functions and arrays, got {found}"))
        }
    }
}

/// Returns the value itself.
fn id(m: &mut Machine<'_>, a: &Arguments, _: NodeId) -> Step<Value> {
    m.force(a[0])
}

/// The path of a file beside another one, which is the folder of the first argument with the second one in
/// it.
fn resolve_path(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let file = m.text_argument(a[0], node)?;
    let beside = m.force(a[1])?;
    let folder = file.rfind('/').map_or("", |at| &file[..=at]);
    match beside {
        Value::String(_) => {
            let name = m.text_argument(beside, node)?;
            let mut path = m.writer();
            path.push(folder, &mut m.memory)?;
            path.push(&name, &mut m.memory)?;
            m.written(path)
        }
        Value::Null => m.string(folder.strip_suffix('/').unwrap_or(folder)),
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("unexpected type {found}, expected string"))
        }
    }
}

fn native(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    m.text_argument(a[0], node)?;
    // There are no native functions here; an unknown one is null.
    Ok(Value::Null)
}

fn xor(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    Ok(Value::Bool(m.bool_argument(a[0], node)? != m.bool_argument(a[1], node)?))
}

fn xnor(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    Ok(Value::Bool(m.bool_argument(a[0], node)? == m.bool_argument(a[1], node)?))
}

fn compare(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (left, right) = (m.force(a[0])?, m.force(a[1])?);
    let order = m.compare(left, right, node)?;
    Ok(Value::Number(f64::from(order as i8)))
}

/// The order of two values that have a length and elements.
fn order_of_arrays(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Ordering> {
    let (left, right) = (m.force(a[0])?, m.force(a[1])?);
    let (left_len, right_len) = (length_of(m, left, node)?, length_of(m, right, node)?);
    for at in 0..left_len.min(right_len) {
        #[expect(clippy::cast_precision_loss, reason = "lengths are bounded by the memory limit")]
        let at = Value::Number(at as f64);
        let (x, y) = (m.index(left, at, node)?, m.index(right, at, node)?);
        let order = m.compare(x, y, node)?;
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(left_len.cmp(&right_len))
}

fn compare_array(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let order = order_of_arrays(m, a, node)?;
    Ok(Value::Number(f64::from(order as i8)))
}

fn array_less(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    Ok(Value::Bool(order_of_arrays(m, a, node)?.is_lt()))
}

fn array_greater(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    Ok(Value::Bool(order_of_arrays(m, a, node)?.is_gt()))
}

fn array_less_or_equal(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    Ok(Value::Bool(order_of_arrays(m, a, node)?.is_le()))
}

fn array_greater_or_equal(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    Ok(Value::Bool(order_of_arrays(m, a, node)?.is_ge()))
}
