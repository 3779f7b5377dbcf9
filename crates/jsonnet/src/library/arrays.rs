//! Functions on arrays.

use crate::ast::BinaryOperator;
use crate::code::NodeId;
use crate::error::EvalError;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::memory::{Blocks, List};
use crate::eval::output::Writer;
use crate::eval::value::{FunctionRef, Handle, StringRef, Thunk, Value};
use crate::eval::{Machine, Step};
use crate::library::types::length_of;
use crate::library::{absent, functions};

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    ".element"(target, index) => element;
    "makeArray"(sz, func) => make_array;
    "range"(from, to) => range;
    "repeat"(what, count) => repeat;
    "map"(func, arr) => map;
    "mapWithIndex"(func, arr) => map_with_index;
    "flatMap"(func, arr) => flat_map;
    "filter"(func, arr) => filter;
    "filterMap"(filter_func, map_func, arr) => filter_map;
    "foldl"(func, arr, init) => foldl;
    "foldr"(func, arr, init) => foldr;
    "join"(sep, arr) => join;
    "lines"(arr) => lines;
    "deepJoin"(arr) => deep_joined;
    "flattenArrays"(arrs) => flatten_arrays;
    "flattenDeepArray"(value) => flatten_deep;
    "reverse"(arrs) => reverse;
    "sort"(arr, keyF[?]) => sort;
    "uniq"(arr, keyF[?]) => uniq;
    "slice"(indexable, index, end, step) => slice;
    "member"(arr, x) => member;
    "contains"(arr, elem) => contains;
    "count"(arr, x) => count;
    "find"(value, arr) => find;
    "all"(arr) => all;
    "any"(arr) => any;
    "remove"(arr, elem) => remove;
    "removeAt"(arr, at) => remove_at;
}

#[expect(clippy::cast_precision_loss, reason = "indexes are bounded by the memory limit")]
fn make_array(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    // A size below zero makes an empty array, as in go-jsonnet.
    let size = usize::try_from(m.integer_argument(a[0], node)?).unwrap_or(0);
    let function = m.function_argument(a[1], node)?;
    let mut elements = Blocks::default();
    for at in 0..size {
        m.burn(1)?;
        let first = Value::Number(at as f64);
        let element = m.thunk(Thunk::Call { function, first, second: Value::Absent, node })?;
        elements.push(element, &mut m.memory)?;
    }
    m.array_of(elements)
}

#[expect(clippy::cast_precision_loss, reason = "numbers beyond 2^53 are doubles anyway")]
fn range(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (from, to) = (m.integer_argument(a[0], node)?, m.integer_argument(a[1], node)?);
    let count = usize::try_from(i128::from(to) - i128::from(from) + 1).unwrap_or(0);
    m.burn(count / 4)?;
    m.array((0..count).map(|at| Value::Number((i128::from(from) + at as i128) as f64)))
}

fn repeat(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let what = m.force(a[0])?;
    let count = m.integer_argument(a[1], node)?;
    // A negative number counts as zero, as in go-jsonnet.
    let count = usize::try_from(count).unwrap_or(0);
    match what {
        Value::String(text) => {
            let text = m.shared_text(text);
            let length = text.len().saturating_mul(count);
            m.charge(length)?;
            m.burn(length / 16)?;
            let repeated = text.repeat(count);
            let value = m.string(&repeated)?;
            drop(repeated);
            m.memory.give_back(length);
            Ok(value)
        }
        Value::Array(array) => {
            let len = m.array_len(array);
            let total = len.saturating_mul(count);
            let mut elements = Blocks::default();
            m.burn(total / 4 + count / 4)?;
            for at in 0..total {
                elements.push(m.element(array, at % len), &mut m.memory)?;
            }
            m.array_of(elements)
        }
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("std.repeat first argument must be an array or a string, got {found}"))
        }
    }
}

/// The elements of an array, or the characters of a string as strings.
pub(super) fn items(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Handle> {
    match m.force(value)? {
        Value::Array(array) => Ok(array),
        Value::String(text) => {
            let text = m.shared_text(text);
            m.burn(text.len())?;
            let mut characters = m.memory.list(text.chars().count())?;
            for character in text.chars() {
                characters.push(m.string(character.encode_utf8(&mut [0; 4]))?);
            }
            m.array_handle(characters.into_iter())
        }
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("unexpected type {found}, expected array or string"))
        }
    }
}

/// An argument of functions that only ask for a length and elements. Anything with a length will do, and
/// asking for an element is an error if there are none.
#[expect(clippy::cast_precision_loss, reason = "lengths are bounded by the memory limit")]
pub(super) fn sequence(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Handle> {
    let value = m.force(value)?;
    if !matches!(value, Value::Object(_) | Value::Function(_)) {
        return items(m, value, node);
    }
    let function = FunctionRef::Builtin(crate::library::find(ELEMENT).unwrap_or(0));
    let length = length_of(m, value, node)?;
    let mut elements = m.memory.list(length)?;
    for at in 0..length {
        m.burn(1)?;
        let second = Value::Number(at as f64);
        elements.push(m.thunk(Thunk::Call { function, first: value, second, node })?);
    }
    m.array_handle(elements.into_iter())
}

/// The name of the function below, which no program can write.
const ELEMENT: &str = ".element";

fn element(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let (target, index) = (m.force(a[0])?, m.force(a[1])?);
    m.index(target, index, node)
}

fn map(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let function = m.function_argument(a[0], node)?;
    let array = items(m, a[1], node)?;
    let mut elements = Blocks::default();
    for at in 0..m.array_len(array) {
        m.burn(1)?;
        let first = m.element(array, at);
        let element = m.thunk(Thunk::Call { function, first, second: Value::Absent, node })?;
        elements.push(element, &mut m.memory)?;
    }
    m.array_of(elements)
}

#[expect(clippy::cast_precision_loss, reason = "indexes are bounded by the memory limit")]
fn map_with_index(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let function = m.function_argument(a[0], node)?;
    let array = items(m, a[1], node)?;
    let mut elements = Blocks::default();
    for at in 0..m.array_len(array) {
        m.burn(1)?;
        let (first, second) = (Value::Number(at as f64), m.element(array, at));
        let element = m.thunk(Thunk::Call { function, first, second, node })?;
        elements.push(element, &mut m.memory)?;
    }
    m.array_of(elements)
}

fn flat_map(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let function = m.function_argument(a[0], node)?;
    let source = m.force(a[1])?;
    let array = items(m, source, node)?;
    if matches!(source, Value::String(_)) {
        let mut joined = m.writer();
        for at in 0..m.array_len(array) {
            let element = m.element(array, at);
            let part = m.call1(function, element, node)?;
            let part = m.text_argument(part, node)?;
            joined.push(&part, &mut m.memory)?;
        }
        return m.written(joined);
    }
    let mut arrays = m.memory.list(m.array_len(array))?;
    for at in 0..m.array_len(array) {
        let element = m.element(array, at);
        let part = m.call1(function, element, node)?;
        arrays.push(m.array_argument(part, node)?);
    }
    m.concat(&arrays)
}

/// Calls a function that must answer with a boolean.
pub(super) fn holds(m: &mut Machine<'_>, function: FunctionRef, value: Value, node: NodeId) -> Step<bool> {
    match m.call1(function, value, node)? {
        Value::Bool(answer) => Ok(answer),
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("the function must return a boolean, got {found}"))
        }
    }
}

fn kept(m: &mut Machine<'_>, function: FunctionRef, array: Handle, node: NodeId) -> Step<Blocks<Value>> {
    let mut kept = Blocks::default();
    for at in 0..m.array_len(array) {
        let element = m.element(array, at);
        m.burn(1)?;
        if holds(m, function, element, node)? {
            kept.push(element, &mut m.memory)?;
        }
    }
    Ok(kept)
}

fn filter(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let function = m.function_argument(a[0], node)?;
    let array = m.array_argument(a[1], node)?;
    let kept = kept(m, function, array, node)?;
    m.array_of(kept)
}

fn filter_map(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let filter = m.function_argument(a[0], node)?;
    let function = m.function_argument(a[1], node)?;
    let array = m.array_argument(a[2], node)?;
    let mut elements = kept(m, filter, array, node)?;
    for at in 0..elements.len() {
        let first = elements[at];
        elements[at] = m.thunk(Thunk::Call { function, first, second: Value::Absent, node })?;
    }
    m.array_of(elements)
}

fn foldl(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let function = m.function_argument(a[0], node)?;
    let array = items(m, a[1], node)?;
    let mut folded = m.force(a[2])?;
    for at in 0..m.array_len(array) {
        let element = m.element(array, at);
        folded = m.call_values(function, &[folded, element], node)?;
    }
    m.force(folded)
}

fn foldr(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let function = m.function_argument(a[0], node)?;
    let array = items(m, a[1], node)?;
    let mut folded = m.force(a[2])?;
    for at in (0..m.array_len(array)).rev() {
        let element = m.element(array, at);
        folded = m.call_values(function, &[element, folded], node)?;
    }
    m.force(folded)
}

fn join(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let separator = m.force(a[0])?;
    let array = m.array_argument(a[1], node)?;
    match separator {
        Value::String(separator) => join_strings(m, separator, array, node),
        Value::Array(separator) => join_arrays(m, separator, array, node),
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("join needs a string or an array to join with, got {found}"))
        }
    }
}

fn join_strings(m: &mut Machine<'_>, separator: StringRef, array: Handle, node: NodeId) -> Step<Value> {
    let separator = m.shared_text(separator);
    let mut joined = m.writer();
    let mut first = true;
    for at in 0..m.array_len(array) {
        let part = match m.forced_element(array, at)? {
            Value::Null => continue,
            Value::String(part) => m.shared_text(part),
            other => {
                let found = m.type_name(other);
                return m.fail(node, format!("unexpected type {found}, expected string"));
            }
        };
        m.burn((part.len() + separator.len()) / 32)?;
        if !std::mem::take(&mut first) {
            joined.push(&separator, &mut m.memory)?;
        }
        joined.push(&part, &mut m.memory)?;
    }
    m.written(joined)
}

fn join_arrays(m: &mut Machine<'_>, separator: Handle, array: Handle, node: NodeId) -> Step<Value> {
    let mut arrays = List::default();
    for at in 0..m.array_len(array) {
        match m.forced_element(array, at)? {
            Value::Null => {}
            other => {
                let part = m.array_argument(other, node)?;
                if !arrays.is_empty() {
                    arrays.push(separator, &mut m.memory)?;
                }
                arrays.push(part, &mut m.memory)?;
            }
        }
    }
    m.concat(&arrays)
}

fn lines(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    let mut joined = m.writer();
    for at in 0..m.array_len(array) {
        let element = m.forced_element(array, at)?;
        if matches!(element, Value::Null) {
            continue;
        }
        let line = m.text_argument(element, node)?;
        joined.push(&line, &mut m.memory)?;
        joined.push("\n", &mut m.memory)?;
    }
    m.written(joined)
}

fn deep_joined(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let joined = deep_join(m, a[0], node)?;
    m.written(joined)
}

/// Joins all strings in arrays of arrays.
pub(super) fn deep_join(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Writer> {
    fn append(m: &mut Machine<'_>, value: Value, joined: &mut Writer, node: NodeId) -> Step<()> {
        match m.force(value)? {
            Value::String(text) => {
                let text = m.shared_text(text);
                m.burn(text.len() / 32)?;
                joined.push(&text, &mut m.memory)
            }
            Value::Array(array) => m.deeper(|m| {
                for at in 0..m.array_len(array) {
                    let element = m.element(array, at);
                    m.burn(1)?;
                    append(m, element, joined, node)?;
                }
                Ok(())
            }),
            other => {
                let found = m.type_name(other);
                m.fail(node, format!("expected string or array, got {found}"))
            }
        }
    }
    let mut joined = m.writer();
    append(m, value, &mut joined, node)?;
    Ok(joined)
}

fn flatten_arrays(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = items(m, a[0], node)?;
    let mut arrays = m.memory.list(m.array_len(array))?;
    let mut elements = m.forced_elements(array)?.into_iter();
    for element in elements.by_ref() {
        if let Value::Array(part) = element {
            arrays.push(part);
            continue;
        }
        // A value that is not an array is added to the arrays before it, as + does.
        let mut sum = m.concat(&arrays)?;
        sum = m.binary(BinaryOperator::Add, sum, element, node)?;
        for element in elements {
            sum = m.binary(BinaryOperator::Add, sum, element, node)?;
        }
        return Ok(sum);
    }
    m.concat(&arrays)
}

fn flatten_deep(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    fn append(m: &mut Machine<'_>, value: Value, flat: &mut Blocks<Value>) -> Step<()> {
        match m.force(value)? {
            Value::Array(array) => m.deeper(|m| {
                for at in 0..m.array_len(array) {
                    let element = m.element(array, at);
                    m.burn(1)?;
                    append(m, element, flat)?;
                }
                Ok(())
            }),
            other => flat.push(other, &mut m.memory),
        }
    }
    let _ = node;
    let mut flat = Blocks::default();
    append(m, a[0], &mut flat)?;
    m.array_of(flat)
}

fn reverse(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    let len = m.array_len(array);
    let mut elements = m.memory.list(len)?;
    elements.extend((0..len).rev().map(|at| m.element(array, at)));
    m.array(elements.into_iter())
}

/// The key function of an argument, if there is one.
pub(super) fn key_function(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Option<FunctionRef>> {
    if absent(value) { Ok(None) } else { m.function_argument(value, node).map(Some) }
}

/// Sorts elements by their keys. Equal ones keep their order.
pub(super) fn sorted(
    m: &mut Machine<'_>,
    array: Handle,
    key: Option<FunctionRef>,
    node: NodeId,
) -> Step<Vec<(Value, Value)>> {
    let mut elements = m.memory.list(m.array_len(array))?;
    // The sort takes as much again.
    m.charge(m.array_len(array) * size_of::<(Value, Value)>())?;
    for at in 0..m.array_len(array) {
        let element = m.element(array, at);
        let compared = match key {
            None => m.forced_element(array, at)?,
            Some(key) => m.call1(key, element, node)?,
        };
        elements.push((element, compared));
    }
    // Comparing may fail. The first failure is kept, and the rest of the sort costs little.
    let mut failure: Option<EvalError> = None;
    elements.sort_by(|a, b| {
        if failure.is_some() {
            return std::cmp::Ordering::Equal;
        }
        m.compare(a.1, b.1, node).unwrap_or_else(|error| {
            failure = Some(error);
            std::cmp::Ordering::Equal
        })
    });
    failure.map_or(Ok(elements), Err)
}

fn sort(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    let key = key_function(m, a[1], node)?;
    let elements = sorted(m, array, key, node)?;
    m.array(elements.into_iter().map(|(element, _)| element))
}

fn uniq(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = items(m, a[0], node)?;
    if m.array_len(array) < 2 {
        // Nothing is compared, so neither the element nor its key matters.
        return Ok(Value::Array(array));
    }
    let key = key_function(m, a[1], node)?;
    let mut elements = Blocks::default();
    let mut last: Option<Value> = None;
    for at in 0..m.array_len(array) {
        let element = m.element(array, at);
        let compared = match key {
            None => m.forced_element(array, at)?,
            Some(key) => m.call1(key, element, node)?,
        };
        let same = match last {
            None => false,
            Some(last) => m.equal(last, compared, node)?,
        };
        if !same {
            elements.push(element, &mut m.memory)?;
            last = Some(compared);
        }
    }
    m.array_of(elements)
}

fn slice(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let target = m.force(a[0])?;
    let (from, to, step) = (m.force(a[1])?, m.force(a[2])?, m.force(a[3])?);
    m.slice(target, from, to, step, node)
}

fn member(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    match m.force(a[0])? {
        Value::String(text) => {
            let (text, part) = (m.shared_text(text), m.text_argument(a[1], node)?);
            m.burn(text.len() / 4)?;
            Ok(Value::Bool(text.contains(&*part)))
        }
        Value::Array(array) => {
            let wanted = m.force(a[1])?;
            is_element(m, wanted, array, node).map(Value::Bool)
        }
        other => {
            let found = m.type_name(other);
            m.fail(node, format!("std.member first argument must be an array or a string, got {found}"))
        }
    }
}

fn contains(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    let wanted = m.force(a[1])?;
    is_element(m, wanted, array, node).map(Value::Bool)
}

fn is_element(m: &mut Machine<'_>, wanted: Value, array: Handle, node: NodeId) -> Step<bool> {
    for at in 0..m.array_len(array) {
        let element = m.forced_element(array, at)?;
        if m.equal(element, wanted, node)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The places at which an array has a value.
fn places(m: &mut Machine<'_>, array: Handle, wanted: Value, node: NodeId) -> Step<Blocks<usize>> {
    let mut places = Blocks::default();
    for at in 0..m.array_len(array) {
        let (element, wanted) = (m.forced_element(array, at)?, m.force(wanted)?);
        if m.equal(element, wanted, node)? {
            places.push(at, &mut m.memory)?;
        }
    }
    Ok(places)
}

#[expect(clippy::cast_precision_loss, reason = "counts are bounded by the memory limit")]
fn count(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    Ok(Value::Number(places(m, array, a[1], node)?.len() as f64))
}

#[expect(clippy::cast_precision_loss, reason = "indexes are bounded by the memory limit")]
fn find(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[1], node)?;
    let places = places(m, array, a[0], node)?;
    m.array(places.iter().map(|at| Value::Number(*at as f64)))
}

fn all(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    decide(m, a[0], false, node)
}

fn any(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    decide(m, a[0], true, node)
}

/// Goes through booleans until one equals `deciding`.
fn decide(m: &mut Machine<'_>, value: Value, deciding: bool, node: NodeId) -> Step<Value> {
    let array = m.array_argument(value, node)?;
    for at in 0..m.array_len(array) {
        let element = m.element(array, at);
        m.burn(1)?;
        if m.bool_argument(element, node)? == deciding {
            return Ok(Value::Bool(deciding));
        }
    }
    Ok(Value::Bool(!deciding))
}

fn without(m: &mut Machine<'_>, array: Handle, gone: Option<usize>) -> Step<Value> {
    let len = m.array_len(array);
    let mut elements = m.memory.list(len)?;
    elements.extend((0..len).filter(|at| Some(*at) != gone).map(|at| m.element(array, at)));
    m.array(elements.into_iter())
}

fn remove(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    let wanted = m.force(a[1])?;
    let first = places(m, array, wanted, node)?.iter().next().copied();
    without(m, array, first)
}

fn remove_at(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    let at = m.integer_argument(a[1], node)?;
    let len = m.array_len(array);
    match usize::try_from(at) {
        Ok(at) if at < len => without(m, array, Some(at)),
        _ => m.fail(node, format!("index {at} out of bounds, not within [0, {len})")),
    }
}
