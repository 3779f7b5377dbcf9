//! A template as it is read.

use std::collections::HashMap;

use serde_json::Value;

use super::TemplateError;
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
    /// The same, where the first one gets the value as its data.
    With { line: usize, on: Pipeline, then: Vec<Self>, otherwise: Vec<Self> },
    /// A part for each item of a list or member of an object, or another one where there is none.
    Range { line: usize, on: Pipeline, then: Vec<Self>, otherwise: Vec<Self> },
    /// Another template.
    Call { line: usize, name: String, with: Option<Pipeline> },
}

impl Node {
    /// The parts that stand in it.
    fn parts(&self) -> [&[Self]; 2] {
        match self {
            Self::If { then, otherwise, .. }
            | Self::With { then, otherwise, .. }
            | Self::Range { then, otherwise, .. } => [then, otherwise],
            Self::Text(_) | Self::Output { .. } | Self::Call { .. } => [&[], &[]],
        }
    }
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

/// Those of the named templates that one calls, by itself or by another one that it calls.
pub(super) fn called(
    main: &[Node],
    mut named: HashMap<String, Vec<Node>>,
) -> Result<HashMap<String, Vec<Node>>, TemplateError> {
    let mut found: HashMap<String, Vec<Node>> = HashMap::new();
    let mut waiting = calls(main);
    while let Some((line, name)) = waiting.pop() {
        if found.contains_key(&name) {
            continue;
        }
        let Some(nodes) = named.remove(&name) else {
            let problem = format!(
                "there is no template \"{name}\": define it, or put a file of that name beside this one"
            );
            return Err(TemplateError::new(line, problem));
        };
        waiting.extend(calls(&nodes));
        found.insert(name, nodes);
    }
    Ok(found)
}

/// The names that are called, with their lines. Blocks are nested to a bounded depth.
fn calls(nodes: &[Node]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for node in nodes {
        if let Node::Call { line, name, .. } = node {
            found.push((*line, name.clone()));
        }
        for part in node.parts() {
            found.extend(calls(part));
        }
    }
    found
}
