//! A template as it is read.

use serde_json::Value;

use super::escape::Escape;
use super::functions::Function;

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Text as it is.
    Text(String),
    /// A value.
    Output { line: usize, value: Pipeline, escape: Escape },
    /// One of two parts, as a value says.
    If { line: usize, on: Pipeline, then: Vec<Self>, otherwise: Vec<Self> },
    /// One of two parts, as a value says, of which the first one gets the value as its data.
    With { line: usize, on: Pipeline, then: Vec<Self>, otherwise: Vec<Self> },
    /// A part for each item of a list or member of an object, or another one where there is none.
    Range { line: usize, on: Pipeline, then: Vec<Self>, otherwise: Vec<Self> },
    /// Another template.
    Call { line: usize, name: String, with: Option<Pipeline> },
}

/// Commands of which each gets the value of the one before as its last argument.
#[derive(Clone, Debug)]
pub(super) struct Pipeline(pub(super) Vec<Command>);

/// One command of a pipeline.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// A value.
    Value(Operand),
    /// A function with its arguments.
    Apply(Function, Vec<Operand>),
}

/// Something that has a value.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// A value that is written down.
    Literal(Value),
    /// A member of the data at hand.
    Dot(Vec<String>),
    /// A member of the data of the whole template.
    Root(Vec<String>),
    /// A member of what a pipeline makes.
    Nested(Pipeline, Vec<String>),
}
