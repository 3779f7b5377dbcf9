//! Sets, which are sorted arrays without duplicates.

use std::cmp::Ordering;

use crate::ast::BinaryOperator;
use crate::code::NodeId;
use crate::eval::library::MAX_PARAMETERS;
use crate::eval::memory::Blocks;
use crate::eval::value::{FunctionRef, Handle, Value};
use crate::eval::{Machine, Step};
use crate::library::arrays::{key_function, sequence, sorted};
use crate::library::functions;
use crate::library::types::length_of;

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "set"(arr, keyF[?]) => set;
    "setInter"(a, b, keyF[?]) => set_inter;
    "setUnion"(a, b, keyF[?]) => set_union;
    "setDiff"(a, b, keyF[?]) => set_diff;
    "setMember"(x, arr, keyF[?]) => set_member;
}

fn set(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[0], node)?;
    let key = key_function(m, a[1], node)?;
    let mut elements = sorted(m, array, key, node)?;
    let mut kept: usize = 0;
    for at in 0..elements.len() {
        let same = match kept.checked_sub(1) {
            None => false,
            Some(last) => m.equal(elements[last].1, elements[at].1, node)?,
        };
        if !same {
            elements[kept] = elements[at];
            kept += 1;
        }
    }
    m.array(elements[..kept].iter().map(|(element, _)| *element))
}

/// One of the two sets that are compared in step, with its current place and the key there once it is known.
struct Side {
    array: Handle,
    at: usize,
    key: Option<Value>,
}

impl Side {
    fn new(m: &mut Machine<'_>, value: Value, node: NodeId) -> Step<Self> {
        Ok(Self { array: sequence(m, value, node)?, at: 0, key: None })
    }

    fn ended(&self, m: &Machine<'_>) -> bool {
        self.at >= m.array_len(self.array)
    }

    fn key(&mut self, m: &mut Machine<'_>, function: Option<FunctionRef>, node: NodeId) -> Step<Value> {
        if let Some(key) = self.key {
            return Ok(key);
        }
        let key = match function {
            None => m.forced_element(self.array, self.at)?,
            Some(function) => {
                let element = m.element(self.array, self.at);
                m.call1(function, element, node)?
            }
        };
        self.key = Some(key);
        Ok(key)
    }

    /// Returns the element there and goes on by one.
    fn take(&mut self, m: &Machine<'_>) -> Value {
        let element = m.element(self.array, self.at);
        self.at += 1;
        self.key = None;
        element
    }
}

/// Which elements an operation on two sets keeps.
struct Keep {
    left: bool,
    both: bool,
    right: bool,
}

/// Goes through two sets in step. Keys are computed while both have elements left, and the rest of the longer
/// one is appended as it is.
fn merge(m: &mut Machine<'_>, a: &Arguments, keep: &Keep, node: NodeId) -> Step<Value> {
    let sources = [m.force(a[0])?, m.force(a[1])?];
    // Once one set ends, elements of the other one that are not kept are not looked at.
    if length_of(m, sources[0], node)? == 0 && !keep.right {
        return m.array(std::iter::empty());
    }
    if length_of(m, sources[1], node)? == 0 && !keep.left {
        return m.array(std::iter::empty());
    }
    let (mut left, mut right) = (Side::new(m, sources[0], node)?, Side::new(m, sources[1], node)?);
    let mut key = None;
    let mut merged = Blocks::default();
    while !left.ended(m) && !right.ended(m) {
        if key.is_none() {
            key = key_function(m, a[2], node)?;
        }
        let (x, y) = (left.key(m, key, node)?, right.key(m, key, node)?);
        // Equal elements need no order.
        let order = if m.equal(x, y, node)? { Ordering::Equal } else { m.compare(x, y, node)? };
        let (from_left, from_right) = (order.is_le(), order.is_ge());
        let element = if from_left { left.take(m) } else { right.take(m) };
        if from_left && from_right {
            right.take(m);
        }
        let kept = match order {
            Ordering::Less => keep.left,
            Ordering::Equal => keep.both,
            Ordering::Greater => keep.right,
        };
        if kept {
            merged.push(element, &mut m.memory)?;
        }
    }
    let merged = m.array_of(merged)?;
    let (rest, source, wanted) =
        if left.ended(m) { (right, sources[1], keep.right) } else { (left, sources[0], keep.left) };
    if !wanted {
        return Ok(merged);
    }
    #[expect(clippy::cast_precision_loss, reason = "lengths are bounded by the memory limit")]
    let from = Value::Number(rest.at as f64);
    let rest = m.slice(source, from, Value::Null, Value::Null, node)?;
    m.binary(BinaryOperator::Add, merged, rest, node)
}

fn set_inter(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    merge(m, a, &Keep { left: false, both: true, right: false }, node)
}

fn set_union(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    merge(m, a, &Keep { left: true, both: true, right: true }, node)
}

fn set_diff(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    merge(m, a, &Keep { left: true, both: false, right: false }, node)
}

/// Whether the set with nothing but `x` and the other one have an element in common.
fn set_member(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let mut arguments = *a;
    arguments[0] = m.array(std::iter::once(a[0]))?;
    let common = set_inter(m, &arguments, node)?;
    Ok(Value::Bool(matches!(common, Value::Array(common) if m.array_len(common) > 0)))
}
