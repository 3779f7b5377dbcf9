//! Values and the records that they name by number. Everything lies in lists that are thrown away whole.

use crate::code::{NodeId, Symbol};

/// A place in a list of the machine.
pub(crate) type Handle = u32;

/// A value, or the promise of one. It takes 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    /// No value, for an argument that was left out or a slot that is not filled yet.
    Absent,
    Null,
    Bool(bool),
    Number(f64),
    String(StringRef),
    Array(Handle),
    Object(Handle),
    Function(FunctionRef),
    /// A value of a document that was not looked at yet.
    Document {
        document: u16,
        node: u32,
    },
    /// A value that is computed when it is needed.
    Lazy(Handle),
}

/// Where a string lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StringRef {
    /// An interned name or a text of the program.
    Symbol(Symbol),
    /// A string that the evaluation made.
    Made(Handle),
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FunctionRef {
    Builtin(u16),
    /// A function of the program with its frame.
    Closure(Handle),
}

/// A promise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Thunk {
    /// The value of a node in a frame.
    Node {
        node: NodeId,
        frame: Handle,
    },
    /// The result of calling a function with one or two values.
    Call {
        function: FunctionRef,
        first: Value,
        second: Value,
        node: NodeId,
    },
    /// The field of an object.
    Field {
        object: Handle,
        position: u32,
    },
    /// A value that is being computed right now. Asking for it again is an endless recursion.
    Busy,
    Done(Value),
}

/// The slots that a function call, a local or an object opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub parent: Handle,
    /// The first slot in the machine's slots.
    pub first: u32,
}

/// An array, which is `len` elements from `first` on in the machine's elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Array {
    pub first: u32,
    pub len: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Closure {
    pub function: u32,
    pub frame: Handle,
}

/// An object, which is layers from the base to the top that were added with `+`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object {
    /// The first layer in the machine's layer references, and how many there are.
    pub first_layer: u32,
    pub layers: u32,
    /// Its shape, which is that of the only literal layer, or made by the evaluation, or not known yet.
    pub shape: ShapeRef,
    /// The first cached value in the machine's slots, which hold one for each field of the shape. There are
    /// none at first.
    pub values: u32,
    /// The first frame of its layers in the machine's object frames. There are none at first.
    pub frames: u32,
    pub asserts: Asserts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShapeRef {
    Unknown,
    /// The fields of the document that is its only layer, in their order.
    Document,
    /// The shape of a literal of the program.
    Literal(u32),
    Made(Handle),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asserts {
    None,
    Unchecked,
    Running,
    Held,
}

/// One layer of an object.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    /// A literal of the program whose names are all fixed.
    Literal { literal: u32, frame: Handle },
    /// Fields with computed names or ready values. They come from a literal when it has locals or asserts.
    Made { fields: Box<[MadeField]>, literal: Option<u32>, frame: Handle },
    /// An object of a document.
    Document { document: u16, node: u32, first: u32, len: u32 },
    /// Hides a field of the `below` layers under it from whoever looks from above.
    Without { name: Symbol, below: u32 },
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct MadeField {
    pub name: Symbol,
    pub plus: bool,
    pub visibility: crate::ast::Visibility,
    pub body: Body,
}

/// What computes a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// A node in the object's frame.
    Node(NodeId),
    /// A node of an object comprehension, in an object's frame inside the given one.
    Comprehension {
        comprehension: u32,
        frame: Handle,
    },
    Value(Value),
}
