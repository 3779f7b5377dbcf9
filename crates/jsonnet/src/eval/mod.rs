//! The evaluation of a program.
//!
//! A [`Machine`] lives for one evaluation. Its values lie in lists and name each other by number, so
//! making one is a push, throwing all away is cheap, and dropping deep values cannot run out of stack.
//! Every step takes fuel, every push takes memory, every nested evaluation takes depth.

pub(crate) mod call;
pub(crate) mod comprehension;
mod fields;
pub(crate) mod library;
mod lists;
pub(crate) mod memory;
pub(crate) mod object;
pub(crate) mod operators;
pub(crate) mod output;
mod run;
pub(crate) mod strings;
pub(crate) mod value;

use std::sync::Arc;

use crate::code::{Code, NONE, Node, NodeId, SLOT_LAYER};
use crate::document::{Document, Kind};
use crate::error::{ErrorKind, EvalError, Failure, Location};
use crate::limits::Limits;
use crate::variables::Variables;
use library::Function;
use lists::Lists;
use memory::{Blocks, Memory};
use output::Writer;
use value::{Array, Closure, Frame, FunctionRef, Handle, Layer, StringRef, Thunk, Value};

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        std::mem::take(&mut self.lists).give_back();
    }
}

/// The outcome of every step.
pub(crate) type Step<T> = Result<T, EvalError>;

/// The absent frame, which is that of the outermost level.
const ROOT: Handle = Handle::MAX;

pub(crate) struct Machine<'a> {
    pub code: &'a Code,
    /// The functions of the library, by their numbers.
    library: &'static [&'static Function],
    pub variables: &'a Variables,
    pub trace: &'a mut dyn FnMut(&str),
    fuel: u64,
    pub memory: Memory,
    depth: u32,
    max_output: usize,
    /// All values, frames and promises.
    lists: Box<Lists>,
    /// The library as a value, once it was asked for.
    std: Option<Value>,
    /// A writer that was used before, so that texts which grow leave no gaps behind them.
    spare: Option<Writer>,
    /// Whether a part of a document was read that is changing.
    pub read_changing: bool,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(
        code: &'a Code,
        library: &'static [&'static Function],
        variables: &'a Variables,
        limits: &Limits,
        trace: &'a mut dyn FnMut(&str),
    ) -> Self {
        Self {
            code,
            library,
            variables,
            trace,
            fuel: limits.fuel,
            memory: Memory::new(limits.memory, Lists::READY),
            depth: limits.depth.min(crate::limits::MAX_DEPTH),
            max_output: limits.output,
            lists: Lists::take(),
            std: None,
            spare: None,
            read_changing: false,
        }
    }

    // Limits

    /// The fuel that was not taken yet.
    pub(crate) const fn fuel_left(&self) -> u64 {
        self.fuel
    }

    /// Takes fuel.
    pub(crate) fn burn(&mut self, steps: usize) -> Step<()> {
        match self.fuel.checked_sub(steps as u64) {
            Some(rest) => {
                self.fuel = rest;
                Ok(())
            }
            None => self.exhausted(ErrorKind::Fuel),
        }
    }

    /// Takes memory, before it is allocated.
    pub(crate) fn charge(&mut self, bytes: usize) -> Step<()> {
        self.memory.take(bytes)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn exhausted<T>(&mut self, kind: ErrorKind) -> Step<T> {
        // Whatever runs while the error travels up must stop as well.
        self.fuel = 0;
        Err(EvalError::limit(kind))
    }

    /// Runs something one level deeper.
    pub(crate) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        if self.depth == 0 {
            return self.exhausted(ErrorKind::Depth);
        }
        self.depth -= 1;
        let result = run(self);
        self.depth += 1;
        result
    }

    pub(crate) const fn max_output(&self) -> usize {
        self.max_output
    }

    // Errors

    /// Fails at a node.
    #[cold]
    #[inline(never)]
    pub(crate) fn fail<T>(&self, node: NodeId, message: impl AsRef<str>) -> Step<T> {
        Err(self.error(ErrorKind::Runtime, node, message))
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn error(&self, kind: ErrorKind, node: NodeId, message: impl AsRef<str>) -> EvalError {
        const LONGEST: usize = 2_000;
        let message = message.as_ref();
        let message = if message.len() > LONGEST {
            format!("{}...", &message[..message.floor_char_boundary(LONGEST)])
        } else {
            message.to_owned()
        };
        EvalError(Box::new(Failure {
            kind,
            message,
            location: self.location(node),
            trace: Vec::new(),
            omitted: 0,
        }))
    }

    pub(crate) fn location(&self, node: NodeId) -> Option<Location> {
        let (start, end) = *self.code.spans.get(node as usize)?;
        Some(Location::new(&self.code.name, &self.code.source, start as usize, end as usize))
    }

    /// Notes on an error which call it came out of.
    #[cold]
    #[inline(never)]
    pub(crate) fn came_out_of(&self, mut error: EvalError, node: NodeId) -> EvalError {
        const LONGEST_TRACE: usize = 20;
        if error.0.location.is_none() {
            error.0.location = self.location(node);
        } else if error.0.trace.len() < LONGEST_TRACE {
            error.0.trace.extend(self.location(node));
        } else {
            error.0.omitted += 1;
        }
        error
    }

    /// Blames an error on the program's outermost expression when nothing else is to blame.
    pub(crate) fn placed(&self, mut error: EvalError) -> EvalError {
        if error.0.location.is_none() {
            error.0.location = self.location(self.code.root);
        }
        error
    }

    // Frames and slots

    /// Opens a frame of `slots` empty slots.
    pub(crate) fn open_frame(&mut self, parent: Handle, slots: usize) -> Step<Handle> {
        let first = to_handle(self.lists.slots.len());
        self.lists.slots.extend(std::iter::repeat_n(Value::Absent, slots), &mut self.memory)?;
        self.lists.frames.push(Frame { parent, first }, &mut self.memory)?;
        Ok(to_handle(self.lists.frames.len() - 1))
    }

    pub(crate) fn set_slot(&mut self, frame: Handle, index: usize, value: Value) {
        let first = self.lists.frames[frame as usize].first as usize;
        self.lists.slots[first + index] = value;
    }

    pub(crate) fn outer(&self, mut frame: Handle, depth: u16) -> Handle {
        for _ in 0..depth {
            frame = self.lists.frames[frame as usize].parent;
        }
        frame
    }

    pub(crate) fn slot(&self, frame: Handle, depth: u16, index: u16) -> Value {
        let frame = self.lists.frames[self.outer(frame, depth) as usize];
        self.lists.slots[frame.first as usize + usize::from(index)]
    }

    /// The object and the layer of the object frame `depth` levels out.
    pub(crate) fn super_of(&self, frame: Handle, depth: u16) -> (Handle, u32) {
        let object = match self.slot(frame, depth, crate::code::SLOT_SELF) {
            Value::Object(object) => object,
            _ => Handle::MAX,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the slot holds a layer's index"
        )]
        let layer = match self.slot(frame, depth, SLOT_LAYER) {
            Value::Number(layer) => layer as u32,
            _ => 0,
        };
        (object, layer)
    }

    // Promises

    /// Makes a value that is computed when it is needed. What is at hand already is taken as it is.
    pub(crate) fn delay(&mut self, node: NodeId, frame: Handle) -> Step<Value> {
        match self.code.nodes[node as usize] {
            Node::Null => Ok(Value::Null),
            Node::Bool(value) => Ok(Value::Bool(value)),
            Node::Number(number) => Ok(Value::Number(number)),
            Node::String(text) => Ok(Value::String(StringRef::Symbol(text))),
            Node::Builtin(builtin) => Ok(Value::Function(FunctionRef::Builtin(builtin))),
            Node::Function(function) => self.closure(function, frame),
            Node::Variable { depth, index } => match self.slot(frame, depth, index) {
                Value::Absent => self.thunk(Thunk::Node { node, frame }),
                value => Ok(value),
            },
            _ => self.thunk(Thunk::Node { node, frame }),
        }
    }

    pub(crate) fn thunk(&mut self, thunk: Thunk) -> Step<Value> {
        self.lists.thunks.push(thunk, &mut self.memory)?;
        Ok(Value::Lazy(to_handle(self.lists.thunks.len() - 1)))
    }

    fn closure(&mut self, function: u32, frame: Handle) -> Step<Value> {
        self.lists.closures.push(Closure { function, frame }, &mut self.memory)?;
        Ok(Value::Function(FunctionRef::Closure(to_handle(self.lists.closures.len() - 1))))
    }

    /// Computes a value if it is only promised, and looks at it if it lies in a document.
    pub(crate) fn force(&mut self, value: Value) -> Step<Value> {
        match value {
            Value::Lazy(thunk) => self.force_thunk(thunk),
            Value::Document { document, node } => self.look_at(document, node),
            value => Ok(value),
        }
    }

    fn force_thunk(&mut self, handle: Handle) -> Step<Value> {
        let thunk = self.lists.thunks[handle as usize];
        let value = match thunk {
            Thunk::Done(value) => return Ok(value),
            Thunk::Busy => {
                return Err(EvalError(Box::new(Failure {
                    kind: ErrorKind::Runtime,
                    message: "infinite recursion: a value is needed to compute itself".into(),
                    location: None,
                    trace: Vec::new(),
                    omitted: 0,
                })));
            }
            Thunk::Node { node, frame } => {
                self.lists.thunks[handle as usize] = Thunk::Busy;
                self.eval(node, frame)
            }
            Thunk::Call { function, first, second, node } => {
                self.lists.thunks[handle as usize] = Thunk::Busy;
                self.call_values(function, &[first, second], node)
            }
            Thunk::Field { object, position } => {
                self.lists.thunks[handle as usize] = Thunk::Busy;
                self.check_asserts(object).and_then(|()| self.field_value(object, position as usize, NONE))
            }
        };
        match value {
            Ok(value) => {
                self.lists.thunks[handle as usize] = Thunk::Done(value);
                Ok(value)
            }
            Err(error) => {
                self.lists.thunks[handle as usize] = thunk;
                Err(error)
            }
        }
    }

    // Documents

    /// Reads a value of a document. Arrays come with their elements, and objects become one layer.
    fn look_at(&mut self, document: u16, node: u32) -> Step<Value> {
        let source = self.lists.documents[usize::from(document)].clone();
        self.read_changing |= source.is_changing(node);
        Ok(match source.kind(node) {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(value),
            Kind::Number(number) => Value::Number(number),
            Kind::String { start, end } => self.string(source.string(start, end))?,
            Kind::Array { first, len } => {
                let elements = (0..len).map(|at| Value::Document { document, node: source.child(first, at) });
                self.array(elements)?
            }
            Kind::Object { first, len } => self.object(Layer::Document { document, node, first, len })?,
        })
    }

    /// Makes a document readable and returns its whole value.
    pub(crate) fn document(&mut self, document: Arc<Document>) -> Step<Value> {
        let Ok(number) = u16::try_from(self.lists.documents.len()) else {
            return self.exhausted(ErrorKind::Memory);
        };
        self.lists.documents.push(document, &mut self.memory)?;
        Ok(Value::Document { document: number, node: 0 })
    }

    /// The value of an external variable.
    pub(crate) fn variable(&mut self, name: &str, node: NodeId) -> Step<Value> {
        let Some(at) = self.variables.position(name) else {
            return self.fail(node, format!("undefined external variable: {name}"));
        };
        if let Some((_, document)) =
            self.lists.variable_documents.iter().find(|(variable, _)| *variable == at)
        {
            return Ok(Value::Document { document: *document, node: 0 });
        }
        let value = self.document(self.variables.document(at).clone())?;
        if let Value::Document { document, .. } = value {
            self.lists.variable_documents.push((at, document), &mut self.memory)?;
        }
        Ok(value)
    }

    // Arrays

    /// Makes an array.
    pub(crate) fn array(&mut self, elements: impl ExactSizeIterator<Item = Value>) -> Step<Value> {
        self.array_handle(elements).map(Value::Array)
    }

    /// Makes an array of a list, which is free afterwards.
    pub(crate) fn array_of(&mut self, elements: Blocks<Value>) -> Step<Value> {
        let array = self.array(elements.iter().copied())?;
        elements.free(&mut self.memory);
        Ok(array)
    }

    /// Makes an array and returns its place.
    pub(crate) fn array_handle(&mut self, elements: impl ExactSizeIterator<Item = Value>) -> Step<Handle> {
        let (first, len) = (self.lists.elements.len(), elements.len());
        self.burn(len / 8)?;
        self.lists.elements.extend(elements, &mut self.memory)?;
        self.lists.arrays.push(Array { first: to_handle(first), len: to_handle(len) }, &mut self.memory)?;
        Ok(to_handle(self.lists.arrays.len() - 1))
    }

    /// How many elements an array has.
    pub(crate) fn array_len(&self, array: Handle) -> usize {
        self.lists.arrays[array as usize].len as usize
    }

    /// An element, which may be only promised.
    pub(crate) fn element(&self, array: Handle, at: usize) -> Value {
        self.lists.elements[self.lists.arrays[array as usize].first as usize + at]
    }

    /// Computes an element.
    pub(crate) fn forced_element(&mut self, array: Handle, at: usize) -> Step<Value> {
        self.burn(1)?;
        let value = self.element(array, at);
        self.force(value)
    }

    /// Makes an array of a part of another one. The elements are shared.
    pub(crate) fn sub_array(&mut self, array: Handle, from: usize, len: usize) -> Step<Value> {
        let source = self.lists.arrays[array as usize];
        let part = Array { first: source.first + to_handle(from), len: to_handle(len) };
        self.lists.arrays.push(part, &mut self.memory)?;
        Ok(Value::Array(to_handle(self.lists.arrays.len() - 1)))
    }
}

/// Converts a place to 32 bits, which suffice because the memory limit bounds all lists.
pub(crate) fn to_handle(length: usize) -> Handle {
    Handle::try_from(length).unwrap_or(Handle::MAX)
}

/// Where the outermost node is evaluated.
pub(crate) const fn root_frame() -> Handle {
    ROOT
}
