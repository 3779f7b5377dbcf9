//! Evaluation: what each kind of node stands for.

use std::sync::Arc;

use super::call::Prepared;
use super::memory::Blocks;
use super::value::{FunctionRef, Handle, StringRef, Value};
use super::{Machine, ROOT, Step};
use crate::ast::BinaryOperator;
use crate::code::{NONE, Node, NodeId};
use crate::document::Document;
use crate::error::ErrorKind;

impl Machine<'_> {
    /// The value of the program. A function there is called without arguments.
    pub(crate) fn result(&mut self) -> Step<Value> {
        let value = self.eval(self.code.root, ROOT).map_err(|error| self.placed(error))?;
        match value {
            Value::Function(function) => self.call_values(function, &[], self.code.root),
            value => Ok(value),
        }
    }

    /// The result of the program, which is called with an argument where it is a function.
    pub(crate) fn result_of_call(&mut self, parameter: &str, argument: Arc<Document>) -> Step<Value> {
        match self.eval(self.code.root, ROOT).map_err(|error| self.placed(error))? {
            Value::Function(FunctionRef::Closure(closure)) => {
                let argument = self.document(argument)?;
                self.call_by_name(closure, parameter, argument, self.code.root)
            }
            value => Ok(value),
        }
    }

    /// Evaluates a node. What stands in tail position is evaluated without going deeper.
    pub(crate) fn eval(&mut self, node: NodeId, frame: Handle) -> Step<Value> {
        if self.depth == 0 {
            return self.exhausted(ErrorKind::Depth);
        }
        self.depth -= 1;
        let result = self.run(node, frame);
        self.depth += 1;
        result
    }

    fn run(&mut self, node: NodeId, frame: Handle) -> Step<Value> {
        let mut call = NONE;
        let result = self.steps(node, frame, &mut call);
        match result {
            Err(error) if call != NONE => Err(self.came_out_of(error, call)),
            result => result,
        }
    }

    /// Evaluates a node. `call_node` becomes the last call whose body was entered on the way.
    fn steps(&mut self, mut node: NodeId, mut frame: Handle, call_node: &mut NodeId) -> Step<Value> {
        loop {
            self.burn(1)?;
            match self.code.nodes[node as usize] {
                Node::Null => return Ok(Value::Null),
                Node::Bool(value) => return Ok(Value::Bool(value)),
                Node::Number(number) => return Ok(Value::Number(number)),
                Node::String(text) => return Ok(Value::String(StringRef::Symbol(text))),
                Node::Variable { depth, index } => return self.force(self.slot(frame, depth, index)),
                Node::Builtin(builtin) => return Ok(Value::Function(FunctionRef::Builtin(builtin))),
                Node::Std => return self.std_object(),
                Node::Function(function) => return self.closure(function, frame),
                Node::If { condition, branches } => match self.branch(condition, branches, frame)? {
                    NONE => return Ok(Value::Null),
                    next => node = next,
                },
                Node::Local { first, len } => {
                    let len = usize::from(len);
                    let inner = self.open_frame(frame, len)?;
                    for at in 0..len {
                        let value = self.delay(self.code.lists[first as usize + at], inner)?;
                        self.set_slot(inner, at, value);
                    }
                    frame = inner;
                    node = self.code.lists[first as usize + len];
                }
                Node::Assert(parts) => node = self.assert(parts, frame)?,
                Node::Apply { target, call } => match self.prepare_call(node, target, call, frame)? {
                    Prepared::Ready(value) => return Ok(value),
                    Prepared::Body(body, inner) => {
                        *call_node = node;
                        (node, frame) = (body, inner);
                    }
                },
                Node::ApplyBuiltin { builtin, call } => {
                    return self.apply_builtin(node, builtin, call, frame);
                }
                other => return self.run_other(other, node, frame),
            }
        }
    }

    /// Evaluates the nodes that have no tail position.
    fn run_other(&mut self, kind: Node, node: NodeId, frame: Handle) -> Step<Value> {
        match kind {
            Node::Field { target, name } => {
                let target = self.eval(target, frame)?;
                self.field(target, name, node)
            }
            Node::Index { target, index } => self.index_node(target, index, node, frame),
            Node::Slice { target, parts } => self.slice_node(target, parts, node, frame),
            Node::SuperField { depth, name } => {
                let (object, layer) = self.super_of(frame, depth);
                self.super_field(object, layer, name, node)
            }
            Node::SuperIndex { depth, index } => {
                let name = self.eval(index, frame)?;
                let name = self.field_name(name, node)?;
                let (object, layer) = self.super_of(frame, depth);
                self.super_field(object, layer, name, node)
            }
            Node::InSuper { depth, name } => {
                let name = self.eval(name, frame)?;
                let name = self.field_name(name, node)?;
                let (object, layer) = self.super_of(frame, depth);
                Ok(Value::Bool(self.has_field_below(object, layer, name)?))
            }
            Node::Unary(operator, operand) => {
                let operand = self.eval(operand, frame)?;
                self.unary(operator, operand, node)
            }
            Node::Binary(operator, left, right) => self.binary_node(operator, left, right, node, frame),
            Node::Array { first, len } => self.array_node(first, len, frame),
            Node::ArrayComprehension(comprehension) => self.array_comprehension(comprehension, node, frame),
            Node::Object(literal) => self.object_literal(literal, node, frame),
            Node::ObjectComprehension(comprehension) => self.object_comprehension(comprehension, node, frame),
            Node::Error(message) => self.error_node(message, node, frame),
            _ => Ok(Value::Null),
        }
    }

    fn branch(&mut self, condition: NodeId, branches: u32, frame: Handle) -> Step<NodeId> {
        match self.eval(condition, frame)? {
            Value::Bool(true) => Ok(self.code.lists[branches as usize]),
            Value::Bool(false) => Ok(self.code.lists[branches as usize + 1]),
            other => {
                let found = self.type_name(other);
                self.fail(condition, format!("the condition of if must be a boolean, got {found}"))
            }
        }
    }

    fn assert(&mut self, parts: u32, frame: Handle) -> Step<NodeId> {
        let parts = parts as usize;
        let (condition, message) = (self.code.lists[parts], self.code.lists[parts + 1]);
        self.check_assert(condition, message, frame)?;
        Ok(self.code.lists[parts + 2])
    }

    pub(crate) fn check_assert(&mut self, condition: NodeId, message: NodeId, frame: Handle) -> Step<()> {
        match self.eval(condition, frame)? {
            Value::Bool(true) => Ok(()),
            Value::Bool(false) => {
                let message = if message == NONE {
                    "Assertion failed".into()
                } else {
                    let value = self.eval(message, frame)?;
                    self.text_of_any(value, message)?
                };
                Err(self.error(ErrorKind::Program, condition, message))
            }
            other => {
                let found = self.type_name(other);
                self.fail(condition, format!("the condition of assert must be a boolean, got {found}"))
            }
        }
    }

    fn error_node(&mut self, message: NodeId, node: NodeId, frame: Handle) -> Step<Value> {
        let value = self.eval(message, frame)?;
        let message = self.text_of_any(value, message)?;
        Err(self.error(ErrorKind::Program, node, message))
    }

    fn array_node(&mut self, first: u32, len: u32, frame: Handle) -> Step<Value> {
        let mut elements = Blocks::default();
        for at in first..first + len {
            elements.push(self.delay(self.code.lists[at as usize], frame)?, &mut self.memory)?;
        }
        self.burn(len as usize)?;
        self.array_of(elements)
    }

    fn binary_node(
        &mut self,
        operator: BinaryOperator,
        left: NodeId,
        right: NodeId,
        node: NodeId,
        frame: Handle,
    ) -> Step<Value> {
        let left = self.eval(left, frame)?;
        match (operator, left) {
            (BinaryOperator::And, Value::Bool(false)) => return Ok(Value::Bool(false)),
            (BinaryOperator::Or, Value::Bool(true)) => return Ok(Value::Bool(true)),
            (BinaryOperator::And | BinaryOperator::Or, Value::Bool(_)) => {
                return match self.eval(right, frame)? {
                    Value::Bool(value) => Ok(Value::Bool(value)),
                    other => {
                        let found = self.type_name(other);
                        self.fail(right, format!("{} needs booleans, got {found}", operator.text()))
                    }
                };
            }
            _ => {}
        }
        let right = self.eval(right, frame)?;
        self.binary(operator, left, right, node)
    }
}
