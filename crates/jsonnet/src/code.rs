//! The form of a program that is evaluated. It consists of flat lists of nodes that name each other by
//! number, with every name resolved to a slot.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{BinaryOperator, Span, UnaryOperator, Visibility};

/// A place in [`Code::nodes`].
pub(crate) type NodeId = u32;

/// The absent node.
pub(crate) const NONE: NodeId = u32::MAX;

/// An interned name. The names of the program come first, and those made by an evaluation follow.
pub(crate) type Symbol = u32;

/// The slots of an object's frame before its locals, which are the object itself and the index of the layer.
pub(crate) const SLOT_SELF: u16 = 0;
pub(crate) const SLOT_LAYER: u16 = 1;
pub(crate) const OBJECT_SLOTS: u16 = 2;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(f64),
    /// A text, interned like a name.
    String(Symbol),
    /// A slot of the frame `depth` levels out.
    Variable {
        depth: u16,
        index: u16,
    },
    Field {
        target: NodeId,
        name: Symbol,
    },
    Index {
        target: NodeId,
        index: NodeId,
    },
    /// Three nodes in [`Code::lists`] from `parts` on, which are from, to and step. Each may be absent.
    Slice {
        target: NodeId,
        parts: u32,
    },
    SuperField {
        depth: u16,
        name: Symbol,
    },
    SuperIndex {
        depth: u16,
        index: NodeId,
    },
    InSuper {
        depth: u16,
        name: NodeId,
    },
    Apply {
        target: NodeId,
        call: u32,
    },
    /// A call of a library function by its name.
    ApplyBuiltin {
        builtin: u16,
        call: u32,
    },
    Builtin(u16),
    /// The library as a value.
    Std,
    Unary(UnaryOperator, NodeId),
    Binary(BinaryOperator, NodeId, NodeId),
    If {
        condition: NodeId,
        branches: u32,
    },
    /// `len` values in [`Code::lists`] from `first`, then the body.
    Local {
        first: u32,
        len: u16,
    },
    Function(u32),
    Array {
        first: u32,
        len: u32,
    },
    ArrayComprehension(u32),
    Object(u32),
    ObjectComprehension(u32),
    /// The condition, the message (which may be absent) and the rest in [`Code::lists`].
    Assert(u32),
    Error(NodeId),
}

#[derive(Debug)]
pub(crate) struct Call {
    pub positional: Vec<NodeId>,
    pub named: Vec<(Arc<str>, NodeId)>,
    pub tailstrict: bool,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub parameters: Vec<Parameter>,
    pub body: NodeId,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub name: Arc<str>,
    /// The node of the default, which may be absent.
    pub default: NodeId,
}

#[derive(Debug)]
pub(crate) enum Clause {
    /// A frame of one slot for every element.
    For(NodeId),
    If(NodeId),
}

#[derive(Debug)]
pub(crate) struct ArrayComprehension {
    pub item: NodeId,
    pub clauses: Vec<Clause>,
}

/// An object as it stands in the source.
#[derive(Debug)]
pub(crate) struct ObjectLiteral {
    pub fields: Vec<LiteralField>,
    pub locals: Vec<NodeId>,
    /// The condition and the message (which may be absent) of each assert.
    pub asserts: Vec<(NodeId, NodeId)>,
    /// The fields in the order of their names, when every name is fixed.
    pub shape: Option<Shape>,
}

#[derive(Debug)]
pub(crate) struct LiteralField {
    pub name: LiteralName,
    pub plus: bool,
    pub visibility: Visibility,
    pub value: NodeId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum LiteralName {
    Fixed(Symbol),
    Computed(NodeId),
}

#[derive(Debug)]
pub(crate) struct ObjectComprehension {
    pub locals: Vec<NodeId>,
    pub name: NodeId,
    pub plus: bool,
    pub value: NodeId,
    pub clauses: Vec<Clause>,
}

/// The fields of an object over all its layers.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// The fields in the order of their names.
    pub fields: Vec<ShapeField>,
    /// The symbol of each field and its place in `fields`, in the order of the symbols.
    pub by_symbol: Vec<(Symbol, u32)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ShapeField {
    pub name: Symbol,
    /// The topmost layer that has the field, and its place there.
    pub layer: u32,
    pub field: u32,
    pub hidden: bool,
}

impl Shape {
    /// Makes a shape of fields in the order of their names.
    pub(crate) fn new(fields: Vec<ShapeField>) -> Self {
        let mut by_symbol: Vec<(Symbol, u32)> =
            fields.iter().zip(0..).map(|(field, at)| (field.name, at)).collect();
        by_symbol.sort_unstable();
        Self { fields, by_symbol }
    }

    /// The place of a name in `fields`.
    pub(crate) fn find(&self, name: Symbol) -> Option<usize> {
        if self.by_symbol.len() <= 8 {
            return self.by_symbol.iter().find(|(symbol, _)| *symbol == name).map(|(_, at)| *at as usize);
        }
        let found = self.by_symbol.binary_search_by_key(&name, |(symbol, _)| *symbol).ok()?;
        Some(self.by_symbol[found].1 as usize)
    }
}

/// A whole program.
#[derive(Debug)]
pub(crate) struct Code {
    pub name: Arc<str>,
    pub source: Arc<str>,
    pub nodes: Vec<Node>,
    pub spans: Vec<Span>,
    pub lists: Vec<NodeId>,
    pub calls: Vec<Call>,
    pub functions: Vec<Function>,
    pub array_comprehensions: Vec<ArrayComprehension>,
    pub objects: Vec<ObjectLiteral>,
    pub object_comprehensions: Vec<ObjectComprehension>,
    pub symbols: Vec<Text>,
    pub symbol_ids: HashMap<Arc<str>, Symbol>,
    pub root: NodeId,
}

/// A text with its length in characters.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub text: Arc<str>,
    pub chars: u32,
}

impl Text {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let chars = if text.is_ascii() { text.len() } else { text.chars().count() };
        let chars = u32::try_from(chars).unwrap_or(u32::MAX);
        Self { text, chars }
    }

    /// Whether every character is one byte.
    pub(crate) fn is_ascii(&self) -> bool {
        self.chars as usize == self.text.len()
    }
}
