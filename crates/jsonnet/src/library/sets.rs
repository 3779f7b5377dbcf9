//! Sets: sorted arrays without duplicates.

use std::cmp::Ordering;

use crate::code::NodeId;
use crate::eval::value::{FunctionRef, Handle, Value};
use crate::eval::{Machine, Step};
use crate::library::arrays::{items, key_function, sorted};
use crate::library::{MAX_PARAMETERS, functions};

type Arguments = [Value; MAX_PARAMETERS];

functions! {
    "set"(arr, keyF[?]) => set;
    "setInter"(a, b, keyF[?]) => set_inter;
    "setUnion"(a, b, keyF[?]) => set_union;
    "setDiff"(a, b, keyF[?]) => set_diff;
    "setMember"(x, arr, keyF[?]) => set_member;
}

fn set(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = items(m, a[0], node)?;
    let key = key_function(m, a[1], node)?;
    let mut kept: Vec<(Value, Value)> = Vec::new();
    for (element, compared) in sorted(m, array, key, node)? {
        let same = match kept.last() {
            None => false,
            Some((_, last)) => m.equal(*last, compared, node)?,
        };
        if !same {
            kept.push((element, compared));
        }
    }
    m.array(kept.into_iter().map(|(element, _)| element))
}

/// Elements with their keys.
fn keyed(
    m: &mut Machine<'_>,
    array: Handle,
    key: Option<FunctionRef>,
    node: NodeId,
) -> Step<Vec<(Value, Value)>> {
    let mut elements = Vec::new();
    for at in 0..m.array_len(array) {
        let element = m.forced_element(array, at)?;
        let compared = key.map_or(Ok(element), |key| m.call1(key, element, node))?;
        m.charge(size_of::<(Value, Value)>())?;
        elements.push((element, compared));
    }
    Ok(elements)
}

/// Goes through two sets in step and keeps what the caller wants: of the left only, of both, of the right only.
fn merge(m: &mut Machine<'_>, a: &Arguments, keep: [bool; 3], node: NodeId) -> Step<Value> {
    let (left, right) = (m.array_argument(a[0], node)?, m.array_argument(a[1], node)?);
    let key = key_function(m, a[2], node)?;
    let (left, right) = (keyed(m, left, key, node)?, keyed(m, right, key, node)?);
    let (mut i, mut j) = (0, 0);
    let mut merged = Vec::with_capacity(left.len());
    while i < left.len() || j < right.len() {
        let order = match (left.get(i), right.get(j)) {
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
            (Some((_, x)), Some((_, y))) => m.compare(*x, *y, node)?,
        };
        m.charge(size_of::<Value>())?;
        match order {
            Ordering::Less => {
                if keep[0] {
                    merged.push(left[i].0);
                }
                i += 1;
            }
            Ordering::Equal => {
                if keep[1] {
                    merged.push(left[i].0);
                }
                i += 1;
                j += 1;
            }
            Ordering::Greater => {
                if keep[2] {
                    merged.push(right[j].0);
                }
                j += 1;
            }
        }
    }
    m.array(merged.into_iter())
}

fn set_inter(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    merge(m, a, [false, true, false], node)
}

fn set_union(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    merge(m, a, [true, true, true], node)
}

fn set_diff(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    merge(m, a, [true, false, false], node)
}

/// Binary search, as the array is sorted.
fn set_member(m: &mut Machine<'_>, a: &Arguments, node: NodeId) -> Step<Value> {
    let array = m.array_argument(a[1], node)?;
    let key = key_function(m, a[2], node)?;
    let wanted = m.force(a[0])?;
    let wanted = key.map_or(Ok(wanted), |key| m.call1(key, wanted, node))?;
    let (mut low, mut high) = (0, m.array_len(array));
    while low < high {
        let middle = usize::midpoint(low, high);
        let element = m.forced_element(array, middle)?;
        let compared = key.map_or(Ok(element), |key| m.call1(key, element, node))?;
        match m.compare(compared, wanted, node)? {
            Ordering::Equal => return Ok(Value::Bool(true)),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    Ok(Value::Bool(false))
}
