//! The lists in which the values of an evaluation lie, and their reuse by the next one on the thread.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use super::memory::Blocks;
use super::value::{Array, Closure, Frame, Handle, Layer, Object, Thunk, Value};
use crate::code::{Shape, Symbol, Text};
use crate::document::Document;

/// Values name each other by their places in these lists.
#[derive(Default)]
pub(super) struct Lists {
    pub frames: Blocks<Frame>,
    pub slots: Blocks<Value>,
    pub thunks: Blocks<Thunk>,
    pub elements: Blocks<Value>,
    pub arrays: Blocks<Array>,
    pub closures: Blocks<Closure>,
    pub objects: Blocks<Object>,
    pub layers: Blocks<Layer>,
    pub layer_references: Blocks<Handle>,
    pub object_frames: Blocks<Handle>,
    pub shapes: Blocks<Shape>,
    pub texts: Blocks<Text>,
    /// The names that the evaluation made, numbered behind those of the program.
    pub symbols: Blocks<Text>,
    pub symbol_ids: HashMap<Arc<str>, Symbol>,
    pub documents: Blocks<Arc<Document>>,
    /// The document of each variable once it was asked for.
    pub variable_documents: Blocks<(usize, u16)>,
}

thread_local! {
    /// Empty lists of the last evaluation, whose memory the next one uses.
    static SPARE: Cell<Option<Box<Lists>>> = const { Cell::new(None) };
}

/// Makes the lists ready, and says what that takes.
macro_rules! lists {
    ($($list:ident: $item:ty),* $(,)?) => {
        impl Lists {
            /// Bytes that the lists take before an evaluation begins.
            pub(super) const READY: usize = 0 $( + Blocks::<$item>::READY )*;

            fn make_ready(&mut self) {
                $( self.$list.make_ready(); )*
            }
        }
    };
}

lists! {
    frames: Frame,
    slots: Value,
    thunks: Thunk,
    elements: Value,
    arrays: Array,
    closures: Closure,
    objects: Object,
    layers: Layer,
    layer_references: Handle,
    object_frames: Handle,
    shapes: Shape,
    texts: Text,
    symbols: Text,
    documents: Arc<Document>,
    variable_documents: (usize, u16),
}

impl Lists {
    /// A table of names larger than this is not kept for the next evaluation.
    const LARGEST_KEPT: usize = 4096;

    /// Makes empty lists.
    pub(super) fn take() -> Box<Self> {
        SPARE.take().unwrap_or_else(|| {
            let mut lists = Box::<Self>::default();
            lists.make_ready();
            lists
        })
    }

    /// Empties the lists and keeps what fits in a block each for the next evaluation on the thread.
    pub(super) fn give_back(mut self: Box<Self>) {
        self.make_ready();
        if self.symbol_ids.capacity() > Self::LARGEST_KEPT {
            self.symbol_ids = HashMap::new();
        }
        self.symbol_ids.clear();
        SPARE.set(Some(self));
    }
}
