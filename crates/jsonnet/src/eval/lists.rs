//! The lists in which the values of an evaluation lie, and their reuse by the next one on the thread.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use super::value::{Array, Closure, Frame, Handle, Layer, Object, Thunk, Value};
use crate::code::{Shape, Symbol, Text};
use crate::document::Document;

/// Values name each other by their places in these lists.
#[derive(Default)]
pub(super) struct Lists {
    pub frames: Vec<Frame>,
    pub slots: Vec<Value>,
    pub thunks: Vec<Thunk>,
    pub elements: Vec<Value>,
    pub arrays: Vec<Array>,
    pub closures: Vec<Closure>,
    pub objects: Vec<Object>,
    pub layers: Vec<Layer>,
    pub layer_references: Vec<Handle>,
    pub object_frames: Vec<Handle>,
    pub shapes: Vec<Shape>,
    pub texts: Vec<Text>,
    /// Names that the evaluation made, numbered behind those of the program.
    pub symbols: Vec<Text>,
    pub symbol_ids: HashMap<Arc<str>, Symbol>,
    pub documents: Vec<Arc<Document>>,
    /// The document of each variable once it was asked for.
    pub variable_documents: Vec<(usize, u16)>,
}

thread_local! {
    /// Empty lists of the last evaluation, whose memory the next one uses.
    static SPARE: Cell<Option<Box<Lists>>> = const { Cell::new(None) };
}

impl Lists {
    /// Lists longer than this are not kept for the next evaluation.
    const LONGEST_KEPT: usize = 4096;

    /// Empty lists.
    pub(super) fn take() -> Box<Self> {
        SPARE.take().unwrap_or_default()
    }

    /// Empties the lists and keeps them for the next evaluation on the thread, unless they grew large.
    pub(super) fn give_back(mut self: Box<Self>) {
        macro_rules! empty {
            ($($list:ident),*) => { $(
                if self.$list.capacity() > Self::LONGEST_KEPT {
                    return;
                }
                self.$list.clear();
            )* };
        }
        empty!(
            frames,
            slots,
            thunks,
            elements,
            arrays,
            closures,
            objects,
            layers,
            layer_references,
            object_frames,
            shapes,
            texts,
            symbols,
            symbol_ids,
            documents,
            variable_documents
        );
        SPARE.set(Some(self));
    }
}
