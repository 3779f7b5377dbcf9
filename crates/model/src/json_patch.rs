//! JSON Patch (RFC 6902) with two liberties that Ory Kratos takes as well: parents that are absent or null are made,
//! and `replace` of a member that is not there adds it. An element of a list that is not there stays an error.

use serde_json::{Map, Value};

use crate::json_pointer::unescape;

/// How deep a patch may nest a document, so that code that walks through it cannot run out of stack.
pub const MAX_DEPTH: usize = 100;

/// How many values the operations of a patch may move, and move out of the way, beside those that are sent.
const MAX_MOVED: usize = 1_000_000;

/// A patch is refused, and what was patched so far must be thrown away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(pointer))]
pub struct PatchError {
    /// The JSON Pointer of what is to blame. Where that is the whole, or the message names the place, it is empty.
    pub pointer: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// The place before a message.
fn place(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("{pointer}: ") }
}

impl PatchError {
    /// The error at a pointer.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

fn refuse<T>(pointer: impl Into<String>, message: impl Into<String>) -> Result<T, PatchError> {
    Err(PatchError::new(pointer, message))
}

/// What the operations of one patch may do together, so that their work stays in proportion to what is sent.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How many bytes of JSON copies may add, because copies of copies grow without end.
    copied: usize,
    /// How many values may be moved.
    moved: usize,
}

impl Budget {
    /// The budget of a patch whose copies may add so many bytes of JSON.
    pub const fn new(copied: usize) -> Self {
        Self { copied, moved: MAX_MOVED }
    }

    fn copy(&mut self, value: &Value, pointer: &str) -> Result<(), PatchError> {
        match self.copied.checked_sub(value.to_string().len()) {
            Some(rest) => self.copied = rest,
            None => return refuse(pointer, "the copies of the patch would become too large"),
        }
        Ok(())
    }

    fn shift(&mut self, values: usize, pointer: &str) -> Result<(), PatchError> {
        match self.moved.checked_sub(values) {
            Some(rest) => self.moved = rest,
            None => {
                return refuse(
                    pointer,
                    "the patch moves too much; replace long lists and objects as a whole",
                );
            }
        }
        Ok(())
    }
}

/// One operation of a patch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operation<'p> {
    /// The JSON Pointer of the place that it is about.
    pub path: &'p str,
    /// What is done there.
    pub action: Action<'p>,
}

/// What an operation does at its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action<'p> {
    /// Sets a member, or inserts an element into a list.
    Add(&'p Value),
    /// Sets a member or an element.
    Replace(&'p Value),
    /// Takes a member or an element away.
    Remove,
    /// Takes the value away from this place and adds it.
    Move(&'p str),
    /// Adds the value of this place.
    Copy(&'p str),
    /// Fails unless this value is there.
    Test(&'p Value),
}

impl<'p> Operation<'p> {
    /// Reads an operation. The pointers of errors begin at the operation.
    pub fn parse(operation: &'p Value) -> Result<Self, PatchError> {
        let Some(members) = operation.as_object() else {
            return refuse("", "an operation is an object with \"op\" and \"path\"");
        };
        let text = |name: &str| match members.get(name).and_then(Value::as_str) {
            Some(text) => Ok(text),
            None => refuse(format!("/{name}"), format!("the operation needs \"{name}\", which is a text")),
        };
        let value = || match members.get("value") {
            Some(value) => Ok(value),
            None => refuse("/value", "the operation needs a \"value\""),
        };
        let action = match text("op")? {
            "add" => Action::Add(value()?),
            "replace" => Action::Replace(value()?),
            "remove" => Action::Remove,
            "move" => Action::Move(text("from")?),
            "copy" => Action::Copy(text("from")?),
            "test" => Action::Test(value()?),
            other => {
                let shown: String = other.chars().take(16).collect();
                return refuse(
                    "/op",
                    format!("\"{shown}\" is no operation: use add, remove, replace, move, copy or test"),
                );
            }
        };
        Ok(Self { path: text("path")?, action })
    }

    /// The places that the operation changes.
    pub fn changes(&self) -> impl Iterator<Item = &'p str> {
        let (path, from) = match self.action {
            Action::Test(_) => (None, None),
            Action::Move(from) => (Some(self.path), Some(from)),
            _ => (Some(self.path), None),
        };
        path.into_iter().chain(from)
    }

    /// Applies the operation, which becomes part of what its patch may do.
    pub fn apply(&self, document: &mut Value, budget: &mut Budget) -> Result<(), PatchError> {
        match self.action {
            Action::Add(value) => put(document, self.path, value.clone(), Put::Insert, budget),
            Action::Replace(value) => put(document, self.path, value.clone(), Put::Replace, budget),
            Action::Remove => remove(document, self.path, budget).map(drop),
            Action::Move(from) => {
                if self.path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
                    return refuse(self.path, "a value cannot be moved into itself");
                }
                let moved = remove(document, from, budget)?;
                budget.shift(count(&moved), self.path)?;
                put(document, self.path, moved, Put::Insert, budget)
            }
            Action::Copy(from) => {
                let Some(found) = document.pointer(from) else {
                    return refuse(from, "there is nothing to copy");
                };
                budget.copy(found, self.path)?;
                put(document, self.path, found.clone(), Put::Insert, budget)
            }
            Action::Test(wanted) => match document.pointer(self.path) {
                Some(found) if equal(found, wanted) => Ok(()),
                _ => refuse(self.path, "the test failed: the value there is another one"),
            },
        }
    }
}

/// What happens to an element that is in the place already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Put {
    /// It moves behind the new one.
    Insert,
    /// The new one takes its place.
    Replace,
}

/// The names of a pointer (RFC 6901, section 3).
fn names(pointer: &str) -> Result<Vec<String>, PatchError> {
    match pointer.split_once('/') {
        None if pointer.is_empty() => Ok(Vec::new()),
        Some(("", rest)) => Ok(rest.split('/').map(unescape).collect()),
        _ => refuse(pointer, "the path is not a JSON Pointer: it begins with /"),
    }
}

fn put(
    document: &mut Value,
    pointer: &str,
    value: Value,
    how: Put,
    budget: &mut Budget,
) -> Result<(), PatchError> {
    let names = names(pointer)?;
    if names.len() + depth(&value) > MAX_DEPTH {
        return refuse(pointer, format!("the document would be nested deeper than {MAX_DEPTH} levels"));
    }
    let Some((last, parents)) = names.split_last() else {
        *document = value;
        return Ok(());
    };
    let mut here = document;
    for (at, name) in parents.iter().enumerate() {
        make(here, name, pointer)?;
        here = match here {
            Value::Object(members) => members.entry(name.as_str()).or_insert(Value::Null),
            Value::Array(items) => {
                let index = index(name, items.len(), pointer)?;
                &mut items[index]
            }
            _ => return refuse(pointer, no_container(&names[..at])),
        };
    }
    make(here, last, pointer)?;
    match here {
        Value::Object(members) => _ = members.insert(last.clone(), value),
        Value::Array(items) if how == Put::Replace => {
            let index = index(last, items.len(), pointer)?;
            items[index] = value;
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let index = index(last, items.len() + 1, pointer)?;
            budget.shift(items.len() - index, pointer)?;
            items.insert(index, value);
        }
        _ => return refuse(pointer, no_container(parents)),
    }
    Ok(())
}

/// Makes the list or the object that a name needs, where there is nothing yet.
fn make(here: &mut Value, name: &str, pointer: &str) -> Result<(), PatchError> {
    if !here.is_null() {
        return Ok(());
    }
    *here = match name {
        "-" | "0" => Value::Array(Vec::new()),
        // A list would lack the elements before, and an object may not have been meant.
        _ if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) => {
            return refuse(
                pointer,
                format!(
                    "there is no list with a place {name} yet: add the list or the object around it first"
                ),
            );
        }
        _ => Value::Object(Map::new()),
    };
    Ok(())
}

fn no_container(names: &[String]) -> String {
    format!("what stands at \"/{}\" is neither an object nor a list", names.join("/"))
}

fn remove(document: &mut Value, pointer: &str, budget: &mut Budget) -> Result<Value, PatchError> {
    let Some(last) = names(pointer)?.pop() else {
        return Ok(std::mem::replace(document, Value::Object(Map::new())));
    };
    let above = pointer.rsplit_once('/').map_or("", |(above, _)| above);
    let removed = match document.pointer_mut(above) {
        // The members behind keep their order.
        Some(Value::Object(members)) => {
            budget.shift(members.len(), pointer)?;
            members.shift_remove(&last)
        }
        Some(Value::Array(items)) => {
            let index = index(&last, items.len(), pointer)?;
            budget.shift(items.len() - index, pointer)?;
            Some(items.remove(index))
        }
        _ => None,
    };
    removed.map_or_else(|| refuse(pointer, "there is nothing to remove"), Ok)
}

/// An index into a list (RFC 6901, section 4): digits without a leading zero.
fn index(name: &str, len: usize, pointer: &str) -> Result<usize, PatchError> {
    let good = name == "0"
        || (!name.starts_with('0') && !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()));
    match name.parse::<usize>().ok().filter(|at| good && *at < len) {
        Some(at) => Ok(at),
        None => refuse(
            pointer,
            format!(
                "\"{name}\" is no place in this list: they are counted from 0, and \"-\" adds one at its end"
            ),
        ),
    }
}

/// How many values there are, the ones within among them.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// How many lists and objects stand around the innermost value.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Equal as RFC 6902, section 4.6 has it: numbers by value.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
#[path = "json_patch_tests.rs"]
mod tests;
