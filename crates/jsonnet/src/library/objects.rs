//! Functions on objects.

use crate::code::{NodeId, Symbol};
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::memory::{Blocks, List};
use crate::eval::value::{FunctionRef, Handle, Thunk, Value};
use crate::eval::{Machine, Step};
use crate::library::{absent, functions};

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "objectHas"(o, f) => object_has;
    "objectHasAll"(o, f) => object_has_all;
    "objectHasEx"(obj, fname, hidden) => object_has_ex;
    "objectFields"(o) => object_fields;
    "objectFieldsAll"(o) => object_fields_all;
    "objectFieldsEx"(obj, hidden) => object_fields_ex;
    "objectValues"(o) => object_values;
    "objectValuesAll"(o) => object_values_all;
    "objectKeysValues"(o) => object_keys_values;
    "objectKeysValuesAll"(o) => object_keys_values_all;
    "objectRemoveKey"(obj, key) => object_remove_key;
    "get"(o, f, default[?], inc_hidden[?]) => get;
    "mapWithKey"(func, obj) => map_with_key;
    "mergePatch"(target, patch) => merge_patch;
    ".mergeField"(target, patch) => merge_field;
    "prune"(a) => prune;
}

fn has(m: &mut Machine<'_>, object: Value, name: Value, hidden: bool, node: NodeId) -> Step<Value> {
    let object = m.object_argument(object, node)?;
    let name = m.string_argument(name, node)?;
    let name = m.intern(name)?;
    let found = m.find_field(object, name)?;
    Ok(Value::Bool(found.is_some_and(|(_, is_hidden)| hidden || !is_hidden)))
}

fn object_has(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    has(m, a[0], a[1], false, node)
}

fn object_has_all(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    has(m, a[0], a[1], true, node)
}

fn object_has_ex(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let hidden = m.bool_argument(a[2], node)?;
    has(m, a[0], a[1], hidden, node)
}

fn name_value(name: Symbol) -> Value {
    Value::String(crate::eval::value::StringRef::Symbol(name))
}

fn fields(m: &mut Machine<'_>, object: Value, hidden: bool, node: NodeId) -> Step<Value> {
    let object = m.object_argument(object, node)?;
    let fields = m.field_list(object, hidden)?;
    m.array(fields.iter().map(|(name, _)| name_value(*name)))
}

fn object_fields(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    fields(m, a[0], false, node)
}

fn object_fields_all(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    fields(m, a[0], true, node)
}

fn object_fields_ex(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let hidden = m.bool_argument(a[1], node)?;
    fields(m, a[0], hidden, node)
}

fn values(m: &mut Machine<'_>, object: Value, hidden: bool, node: NodeId) -> Step<Value> {
    let object = m.object_argument(object, node)?;
    let fields = m.field_list(object, hidden)?;
    let mut values = m.memory.list(fields.len())?;
    for (_, position) in fields.iter() {
        values.push(m.delayed_field(object, *position)?);
    }
    m.array(values.into_iter())
}

fn object_values(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    values(m, a[0], false, node)
}

fn object_values_all(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    values(m, a[0], true, node)
}

fn keys_values(m: &mut Machine<'_>, object: Value, hidden: bool, node: NodeId) -> Step<Value> {
    let object = m.object_argument(object, node)?;
    let (key, value) = (m.intern_str("key")?, m.intern_str("value")?);
    let fields = m.field_list(object, hidden)?;
    let mut pairs = m.memory.list(fields.len())?;
    for (name, position) in fields.iter().copied() {
        let delayed = m.delayed_field(object, position)?;
        pairs.push(m.made_object(&[(key, name_value(name)), (value, delayed)])?);
    }
    m.array(pairs.into_iter())
}

fn object_keys_values(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    keys_values(m, a[0], false, node)
}

fn object_keys_values_all(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    keys_values(m, a[0], true, node)
}

fn object_remove_key(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let object = m.object_argument(a[0], node)?;
    let key = m.string_argument(a[1], node)?;
    let key = m.intern(key)?;
    m.without_field(object, key)
}

fn get(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let object = m.object_argument(a[0], node)?;
    let name = m.string_argument(a[1], node)?;
    let name = m.intern(name)?;
    let hidden = if absent(a[3]) { true } else { m.bool_argument(a[3], node)? };
    match m.find_field(object, name)? {
        Some((_, is_hidden)) if hidden || !is_hidden => m.field(Value::Object(object), name, node),
        _ if absent(a[2]) => Ok(Value::Null),
        _ => m.force(a[2]),
    }
}

fn map_with_key(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let function = m.function_argument(a[0], node)?;
    let object = m.object_argument(a[1], node)?;
    let fields = m.field_list(object, false)?;
    let mut mapped = m.memory.list(fields.len())?;
    for (name, position) in fields.iter().copied() {
        let second = m.delayed_field(object, position)?;
        let thunk = Thunk::Call { function, first: name_value(name), second, node };
        mapped.push((name, m.thunk(thunk)?));
    }
    m.made_object(&mapped)
}

/// Merges a patch into a value (RFC 7396).
fn merge_patch(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let patch = match m.force(a[1])? {
        Value::Object(patch) => patch,
        other => return Ok(other),
    };
    let target = match m.force(a[0])? {
        Value::Object(target) => Some(target),
        _ => None,
    };
    let changes = m.field_list(patch, false)?;
    let mut merged = List::default();
    if let Some(target) = target {
        let fields = m.field_list(target, false)?;
        for (name, position) in fields.iter().copied() {
            if changes.binary_search_by(|(other, _)| cmp(m, *other, name)).is_err() {
                merged.push((name, m.delayed_field(target, position)?), &mut m.memory)?;
            }
        }
    }
    for (name, position) in changes.iter().copied() {
        m.check_asserts(patch)?;
        let change = m.field_value(patch, position as usize, node)?;
        if matches!(change, Value::Null) {
            continue;
        }
        let old = match target {
            Some(target) => match m.find_field(target, name)? {
                Some((at, false)) => m.delayed_field(target, u32::try_from(at).unwrap_or(0))?,
                _ => Value::Null,
            },
            None => Value::Null,
        };
        // Fields are merged only when they are needed.
        let function = FunctionRef::Builtin(crate::library::find(MERGE_FIELD).unwrap_or(0));
        let merge = m.thunk(Thunk::Call { function, first: old, second: change, node })?;
        merged.push((name, merge), &mut m.memory)?;
    }
    m.made_object(&merged)
}

/// The name of the function below, which no program can write.
const MERGE_FIELD: &str = ".mergeField";

/// Merges one field. Both sides are computed, even where the old one does not count.
fn merge_field(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    m.force(a[0])?;
    merge_patch(m, a, node)
}

fn cmp(m: &Machine<'_>, a: Symbol, b: Symbol) -> std::cmp::Ordering {
    m.symbol_text(a).text.cmp(&m.symbol_text(b).text)
}

/// Removes nulls, empty arrays and empty objects from a value.
fn prune(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let value = m.force(a[0])?;
    pruned(m, value, node)
}

fn pruned(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Value> {
    match value {
        Value::Array(array) => m.deeper(|m| prune_array(m, array, node)),
        Value::Object(object) => m.deeper(|m| prune_object(m, object, node)),
        other => Ok(other),
    }
}

fn is_content(m: &mut Machine<'_>, value: Value) -> Step<bool> {
    Ok(match value {
        Value::Null => false,
        Value::Array(array) => m.array_len(array) > 0,
        Value::Object(object) => m.field_count(object, false)? > 0,
        _ => true,
    })
}

fn prune_array(m: &mut Machine<'_>, array: Handle, node: NodeId) -> Step<Value> {
    let mut kept = Blocks::default();
    for at in 0..m.array_len(array) {
        let element = m.forced_element(array, at)?;
        let element = pruned(m, element, node)?;
        if is_content(m, element)? {
            kept.push(element, &mut m.memory)?;
        }
    }
    m.array_of(kept)
}

fn prune_object(m: &mut Machine<'_>, object: Handle, node: NodeId) -> Step<Value> {
    let fields = m.field_list(object, false)?;
    let mut kept = m.memory.list(fields.len())?;
    for (name, position) in fields.iter().copied() {
        m.check_asserts(object)?;
        let value = m.field_value(object, position as usize, node)?;
        let value = pruned(m, value, node)?;
        if is_content(m, value)? {
            kept.push((name, value));
        }
    }
    m.made_object(&kept)
}
