//! Operators, indexing, equality and order.

use std::cmp::Ordering;

use super::memory::Blocks;
use super::strings::slice_chars;
use super::value::{Handle, Value};
use super::{Machine, Step};
use crate::ast::{BinaryOperator, UnaryOperator};
use crate::code::{NONE, NodeId};

impl Machine<'_> {
    pub(crate) fn unary(&mut self, operator: UnaryOperator, operand: Value, node: NodeId) -> Step<Value> {
        match (operator, operand) {
            (UnaryOperator::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
            (UnaryOperator::Minus, Value::Number(number)) => Ok(Value::Number(-number)),
            (UnaryOperator::Plus, Value::Number(number)) => Ok(Value::Number(number)),
            #[expect(clippy::cast_precision_loss, reason = "Jsonnet's numbers are doubles")]
            (UnaryOperator::BitNot, Value::Number(number)) => Ok(Value::Number(!whole(number) as f64)),
            (_, other) => {
                let found = self.type_name(other);
                self.fail(node, format!("unary operator {} does not work on {found}", operator.text()))
            }
        }
    }

    /// Reads an operand of a bitwise operator, which is the whole part of a number within 64 bits.
    pub(crate) fn bits(&self, number: f64, node: NodeId) -> Step<i64> {
        const BEYOND: f64 = 9_223_372_036_854_775_808.0;
        if !(-BEYOND..BEYOND).contains(&number) {
            return self
                .fail(node, format!("a bitwise operator works on whole numbers of 64 bits, got {number}"));
        }
        Ok(whole(number))
    }

    /// Makes a value of a number, which must be finite.
    pub(crate) fn number(&self, number: f64, node: NodeId) -> Step<Value> {
        if number.is_finite() {
            Ok(Value::Number(number))
        } else {
            self.fail(
                node,
                if number.is_nan() { "not a number" } else { "overflow: the number is too large" },
            )
        }
    }

    /// Applies a binary operator to two computed values.
    pub(crate) fn binary(
        &mut self,
        operator: BinaryOperator,
        left: Value,
        right: Value,
        node: NodeId,
    ) -> Step<Value> {
        use BinaryOperator as Op;
        match (operator, left, right) {
            (Op::Add, Value::Number(a), Value::Number(b)) => self.number(a + b, node),
            (Op::Add, Value::String(a), Value::String(b)) => {
                let (a, b) = (self.shared_text(a), self.shared_text(b));
                self.joined(&a, &b)
            }
            (Op::Add, Value::String(_), _) | (Op::Add, _, Value::String(_)) => {
                let (a, b) = (self.text_of_any(left, node)?, self.text_of_any(right, node)?);
                self.joined(&a, &b)
            }
            (Op::Add, Value::Array(a), Value::Array(b)) => self.concat(&[a, b]),
            (Op::Add, Value::Object(a), Value::Object(b)) => self.add_objects(a, b),
            (Op::Subtract, Value::Number(a), Value::Number(b)) => self.number(a - b, node),
            (Op::Multiply, Value::Number(a), Value::Number(b)) => self.number(a * b, node),
            (Op::Divide, Value::Number(_), Value::Number(0.0)) => self.fail(node, "division by zero"),
            (Op::Divide, Value::Number(a), Value::Number(b)) => self.number(a / b, node),
            (Op::Modulo, Value::Number(_), Value::Number(0.0)) => self.fail(node, "division by zero"),
            (Op::Modulo, Value::Number(a), Value::Number(b)) => self.number(a % b, node),
            (Op::Modulo, Value::String(format), values) => {
                let format = self.shared_text(format);
                self.format(&format, values, node)
            }
            (Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual, a, b) => {
                let order = self.compare(a, b, node)?;
                Ok(Value::Bool(match operator {
                    Op::Less => order == Ordering::Less,
                    Op::LessOrEqual => order != Ordering::Greater,
                    Op::Greater => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                }))
            }
            (Op::Equal, a, b) => Ok(Value::Bool(self.equal(a, b, node)?)),
            (Op::NotEqual, a, b) => Ok(Value::Bool(!self.equal(a, b, node)?)),
            (Op::In, Value::String(name), Value::Object(object)) => {
                let name = self.intern(name)?;
                Ok(Value::Bool(self.find_field(object, name)?.is_some()))
            }
            (
                Op::ShiftLeft | Op::ShiftRight | Op::BitAnd | Op::BitOr | Op::BitXor,
                Value::Number(a),
                Value::Number(b),
            ) => self.bitwise(operator, a, b, node),
            (operator, left, right) => {
                let (left, right) = (self.type_name(left), self.type_name(right));
                self.fail(
                    node,
                    format!("binary operator {} does not work on {left} and {right}", operator.text()),
                )
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Jsonnet's numbers are doubles")]
    fn bitwise(&mut self, operator: BinaryOperator, a: f64, b: f64, node: NodeId) -> Step<Value> {
        let negative = b < 0.0;
        let (a, b) = (self.bits(a, node)?, self.bits(b, node)?);
        let result = match operator {
            BinaryOperator::BitAnd => a & b,
            BinaryOperator::BitOr => a | b,
            BinaryOperator::BitXor => a ^ b,
            _ => {
                if negative {
                    return self.fail(node, "shift by negative exponent");
                }
                // Only the last six bits of the distance count, and what is shifted out is lost.
                let by = u32::try_from(b % 64).unwrap_or(0);
                if operator == BinaryOperator::ShiftRight { a.wrapping_shr(by) } else { a.wrapping_shl(by) }
            }
        };
        self.number(result as f64, node)
    }

    /// Joins arrays into one.
    pub(crate) fn concat(&mut self, arrays: &[Handle]) -> Step<Value> {
        let mut elements = Blocks::default();
        for array in arrays {
            for at in 0..self.array_len(*array) {
                elements.push(self.element(*array, at), &mut self.memory)?;
            }
        }
        self.array_of(elements)
    }

    /// Joins two texts.
    fn joined(&mut self, left: &str, right: &str) -> Step<Value> {
        let mut written = self.writer();
        written.make_room(left.len() + right.len(), &mut self.memory)?;
        written.push(left, &mut self.memory)?;
        written.push(right, &mut self.memory)?;
        self.written(written)
    }

    /// Whether two computed values are equal.
    pub(crate) fn equal(&mut self, left: Value, right: Value, node: NodeId) -> Step<bool> {
        self.burn(1)?;
        match (left, right) {
            (Value::Null, Value::Null) => Ok(true),
            (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
            #[expect(clippy::float_cmp, reason = "Jsonnet compares exactly")]
            (Value::Number(a), Value::Number(b)) => Ok(a == b),
            (Value::String(a), Value::String(b)) => {
                self.burn(self.text(a).text.len() / 64)?;
                Ok(a == b || self.text(a).text == self.text(b).text)
            }
            (Value::Array(a), Value::Array(b)) => self.deeper(|machine| machine.equal_arrays(a, b, node)),
            (Value::Object(a), Value::Object(b)) => self.deeper(|machine| machine.equal_objects(a, b, node)),
            (Value::Function(_), Value::Function(_)) => self.fail(node, "cannot test equality of functions"),
            _ => Ok(false),
        }
    }

    fn equal_arrays(&mut self, a: Handle, b: Handle, node: NodeId) -> Step<bool> {
        let len = self.array_len(a);
        if len != self.array_len(b) {
            return Ok(false);
        }
        for at in 0..len {
            let (left, right) = (self.forced_element(a, at)?, self.forced_element(b, at)?);
            if !self.equal(left, right, node)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal_objects(&mut self, a: Handle, b: Handle, node: NodeId) -> Step<bool> {
        let (left, right) = (self.field_list(a, false)?, self.field_list(b, false)?);
        if left.len() != right.len() || left.iter().zip(right.iter()).any(|(l, r)| l.0 != r.0) {
            return Ok(false);
        }
        // Without a field to look at, nobody asks for the asserts.
        if !left.is_empty() {
            self.check_asserts(a)?;
            self.check_asserts(b)?;
        }
        for ((_, l), (_, r)) in left.iter().zip(right.iter()) {
            let value = self.field_value(a, *l as usize, node)?;
            let other = self.field_value(b, *r as usize, node)?;
            if !self.equal(value, other, node)? {
                return Ok(false);
            }
        }
        left.free(&mut self.memory);
        right.free(&mut self.memory);
        Ok(true)
    }

    /// The order of two computed values, which are numbers, strings, or arrays of these.
    pub(crate) fn compare(&mut self, left: Value, right: Value, node: NodeId) -> Step<Ordering> {
        self.burn(1)?;
        match (left, right) {
            (Value::Number(a), Value::Number(b)) => Ok(a.partial_cmp(&b).unwrap_or(Ordering::Equal)),
            (Value::String(a), Value::String(b)) => {
                self.burn(self.text(a).text.len().min(self.text(b).text.len()) / 64)?;
                Ok(self.text(a).text.cmp(&self.text(b).text))
            }
            (Value::Array(a), Value::Array(b)) => self.deeper(|machine| {
                let (left, right) = (machine.array_len(a), machine.array_len(b));
                for at in 0..left.min(right) {
                    let (x, y) = (machine.forced_element(a, at)?, machine.forced_element(b, at)?);
                    let order = machine.compare(x, y, node)?;
                    if order != Ordering::Equal {
                        return Ok(order);
                    }
                }
                Ok(left.cmp(&right))
            }),
            (a, b) => {
                let (a, b) = (self.type_name(a), self.type_name(b));
                self.fail(
                    node,
                    format!("cannot compare {a} with {b}; only numbers, strings and arrays have an order"),
                )
            }
        }
    }

    // Indexing

    pub(crate) fn index_node(
        &mut self,
        target: NodeId,
        index: NodeId,
        node: NodeId,
        frame: Handle,
    ) -> Step<Value> {
        let target = self.eval(target, frame)?;
        let index = self.eval(index, frame)?;
        self.index(target, index, node)
    }

    /// Evaluates `target[index]` of two computed values.
    pub(crate) fn index(&mut self, target: Value, index: Value, node: NodeId) -> Step<Value> {
        match (target, index) {
            (Value::Object(_), Value::String(name)) => {
                let name = self.intern(name)?;
                self.field(target, name, node)
            }
            (Value::Array(array), Value::Number(number)) => {
                let at = self.position(number, self.array_len(array), node)?;
                self.forced_element(array, at)
            }
            (Value::String(text), Value::Number(number)) => {
                let at = self.position(number, self.text(text).chars as usize, node)?;
                self.burn(if self.text(text).is_ascii() { 1 } else { at / 16 })?;
                let text = self.text(text).clone();
                self.string(slice_chars(&text, at, at + 1))
            }
            (target, index) => {
                let (target, index) = (self.type_name(target), self.type_name(index));
                self.fail(node, format!("cannot index {target} with {index}"))
            }
        }
    }

    /// Converts a number to a place in something of a given length.
    fn position(&self, number: f64, len: usize, node: NodeId) -> Step<usize> {
        // A fraction is cut off, as it is for the bitwise operators.
        let number = number.trunc();
        #[expect(clippy::cast_precision_loss, reason = "lengths are bounded by the memory limit")]
        let inside = number >= 0.0 && number < len as f64;
        if !inside {
            return self.fail(node, format!("index {number} out of bounds, not within [0, {len})"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        Ok(number as usize)
    }

    pub(crate) fn slice_node(
        &mut self,
        target: NodeId,
        parts: u32,
        node: NodeId,
        frame: Handle,
    ) -> Step<Value> {
        let target = self.eval(target, frame)?;
        let mut numbers = [Value::Null; 3];
        for (at, number) in numbers.iter_mut().enumerate() {
            let part = self.code.lists[parts as usize + at];
            if part != NONE {
                *number = self.eval(part, frame)?;
            }
        }
        let [from, to, step] = numbers;
        self.slice(target, from, to, step, node)
    }

    /// Evaluates `target[from:to:step]`, in which null stands for what was left out.
    pub(crate) fn slice(
        &mut self,
        target: Value,
        from: Value,
        to: Value,
        step: Value,
        node: NodeId,
    ) -> Step<Value> {
        let len = match target {
            Value::Array(array) => self.array_len(array),
            Value::String(text) => self.text(text).chars as usize,
            other => {
                let found = self.type_name(other);
                return self.fail(node, format!("only arrays and strings can be sliced, got {found}"));
            }
        };
        let bounds = SliceBounds {
            from: self.slice_part(from, node)?,
            to: self.slice_part(to, node)?,
            step: self.slice_part(step, node)?,
        };
        if bounds.step.is_some_and(|step| step <= 0.0) {
            return self.fail(node, "the step of a slice must be greater than 0");
        }
        let Some((from, to)) = bounds.whole(len) else { return self.stepped_slice(target, &bounds, len) };
        match target {
            Value::Array(array) => self.sub_array(array, from, to.saturating_sub(from)),
            Value::String(text) => {
                self.burn(self.text(text).text.len() / 64)?;
                let text = self.text(text).clone();
                self.string(slice_chars(&text, from, to))
            }
            _ => Ok(Value::Null),
        }
    }

    fn slice_part(&self, value: Value, node: NodeId) -> Step<Option<f64>> {
        match value {
            Value::Null | Value::Absent => Ok(None),
            Value::Number(number) => Ok(Some(number)),
            other => {
                let found = self.type_name(other);
                self.fail(node, format!("the bounds of a slice must be numbers, got {found}"))
            }
        }
    }

    /// Makes a slice whose bounds or step are not whole, or which leaves elements out.
    fn stepped_slice(&mut self, target: Value, bounds: &SliceBounds, len: usize) -> Step<Value> {
        let positions = self.slice_positions(bounds, len)?;
        match target {
            Value::Array(array) => {
                let mut elements = self.memory.list(positions.len())?;
                elements.extend(positions.iter().map(|at| self.element(array, *at)));
                self.array(elements.into_iter())
            }
            Value::String(text) => {
                let text = self.shared_text(text);
                self.burn(text.len() / 16)?;
                let mut characters = self.memory.list(len)?;
                characters.extend(text.chars());
                let mut written = self.writer();
                for at in positions.iter() {
                    let character: char = characters.get(*at).copied().unwrap_or_default();
                    written.push(character.encode_utf8(&mut [0; 4]), &mut self.memory)?;
                }
                self.written(written)
            }
            _ => Ok(Value::Null),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positions lie between 0 and a length"
    )]
    fn slice_positions(&mut self, bounds: &SliceBounds, len: usize) -> Step<Blocks<usize>> {
        let length = len as f64;
        let from_end = |at: f64| if at < 0.0 { (length + at).max(0.0) } else { at };
        let mut at = bounds.from.map_or(0.0, from_end);
        let end = bounds.to.map_or(length, from_end).min(length);
        let step = bounds.step.unwrap_or(1.0);
        let mut positions = Blocks::default();
        while at < end {
            self.burn(1)?;
            positions.push(at as usize, &mut self.memory)?;
            at += step;
        }
        Ok(positions)
    }
}

/// The whole part of a number. A number that 64 bits cannot hold becomes the smallest one that they can.
#[expect(clippy::cast_possible_truncation, reason = "checked; the fraction is cut off")]
fn whole(number: f64) -> i64 {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if (-BEYOND..BEYOND).contains(&number) { number as i64 } else { i64::MIN }
}

/// What stands in the brackets of a slice.
struct SliceBounds {
    from: Option<f64>,
    to: Option<f64>,
    step: Option<f64>,
}

impl SliceBounds {
    /// The begin and the end in something of length `len`, if all bounds are whole and the step is one.
    fn whole(&self, len: usize) -> Option<(usize, usize)> {
        #[expect(clippy::cast_possible_truncation, reason = "saturates; lengths are far smaller")]
        let position = |at: f64| (at.fract() == 0.0).then(|| from_end(at as i64, len));
        #[expect(clippy::float_cmp, reason = "a step of exactly one")]
        if self.step.is_some_and(|step| step != 1.0) {
            return None;
        }
        let from = self.from.map_or(Some(0), position)?;
        let to = self.to.map_or(Some(len), position)?;
        Some((from, to))
    }
}

/// Converts a bound of a slice. Negative ones count from the end.
fn from_end(at: i64, len: usize) -> usize {
    let distance = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    if at < 0 { len.saturating_sub(distance) } else { distance.min(len) }
}
