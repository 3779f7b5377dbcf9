//! The values of fields, which are computed when they are asked for, and the asserts of objects.

use super::value::{Asserts, Body, Handle, Layer, Object, ShapeRef, Thunk, Value};
use super::{Machine, Step, to_handle};
use crate::ast::BinaryOperator;
use crate::code::{NONE, NodeId, OBJECT_SLOTS, SLOT_LAYER, SLOT_SELF, ShapeField, Symbol};

impl Machine<'_> {
    /// `target.name`
    pub(crate) fn field(&mut self, target: Value, name: Symbol, node: NodeId) -> Step<Value> {
        let Value::Object(object) = target else {
            let found = self.type_name(target);
            let name = self.symbol_text(name).text.clone();
            return self
                .fail(node, format!("only objects have fields: asked {found} for the field {name:?}"));
        };
        self.check_asserts(object)?;
        match self.find_field(object, name)? {
            Some((position, _)) => {
                self.field_value(object, position, node).map_err(|error| self.came_out_of(error, node))
            }
            None => {
                let name = self.symbol_text(name).text.clone();
                self.fail(node, format!("field does not exist: {name}"))
            }
        }
    }

    /// `super.name` from a field of the layer `layer`.
    pub(crate) fn super_field(
        &mut self,
        object: Handle,
        layer: u32,
        name: Symbol,
        node: NodeId,
    ) -> Step<Value> {
        match self.field_below(object, layer, name, node)? {
            Some(value) => Ok(value),
            None => {
                let name = self.symbol_text(name).text.clone();
                self.fail(node, format!("field does not exist: {name} (in super)"))
            }
        }
    }

    fn field_below(&mut self, object: Handle, layer: u32, name: Symbol, node: NodeId) -> Step<Option<Value>> {
        match self.find_below(object, layer, name)? {
            Some((below, field)) => self.compute(object, below, field, name, node).map(Some),
            None => Ok(None),
        }
    }

    /// The value of the field at a place of the object's shape. It is computed once.
    pub(crate) fn field_value(&mut self, object: Handle, position: usize, node: NodeId) -> Step<Value> {
        let (field, count) = self.shape_field(object, position)?;
        let cache = self.values_of(object, count)? + position;
        match self.lists.slots[cache] {
            Value::Absent => {}
            // A promise stands here while the field is computed.
            Value::Lazy(_) => {
                return self.fail(node, "infinite recursion: a field is needed to compute itself");
            }
            value => return Ok(value),
        }
        self.lists.slots[cache] = Value::Lazy(Handle::MAX);
        let value = self.compute(object, field.layer, field.field, field.name, node);
        self.lists.slots[cache] = *value.as_ref().unwrap_or(&Value::Absent);
        value
    }

    /// The value of a field for writing. A part of a document stays one, so that its text can be copied.
    pub(crate) fn raw_field_value(&mut self, object: Handle, position: u32) -> Step<Value> {
        let (field, _) = self.shape_field(object, position as usize)?;
        let handle = self.layer_handle(object, field.layer);
        let found = self.layer_field(handle, field.field);
        if let (false, Body::Value(value)) = (found.plus, found.body) {
            return Ok(value);
        }
        self.field_value(object, position as usize, NONE)
    }

    /// A promise of the field at a place of the object's shape.
    pub(crate) fn delayed_field(&mut self, object: Handle, position: u32) -> Step<Value> {
        self.thunk(Thunk::Field { object, position })
    }

    /// The field at a place of the object's shape, and how many there are.
    fn shape_field(&mut self, object: Handle, position: usize) -> Step<(ShapeField, usize)> {
        if self.lists.objects[object as usize].shape == ShapeRef::Document {
            let count = self.layer_len(self.layer_handle(object, 0));
            // Its name does not matter: nothing lies below that it could be added to.
            return Ok((ShapeField { name: 0, layer: 0, field: to_handle(position), hidden: false }, count));
        }
        let shape = self.shape_ref(object)?;
        let fields = &self.shape_of(shape).fields;
        Ok((fields[position], fields.len()))
    }

    /// The document and the node that an object consists of, if it consists of nothing else.
    pub(crate) fn document_of(&self, object: Handle) -> Option<(u16, u32)> {
        if self.lists.objects[object as usize].layers != 1 {
            return None;
        }
        match self.lists.layers[self.layer_handle(object, 0) as usize] {
            Layer::Document { document, node, .. } => Some((document, node)),
            _ => None,
        }
    }

    fn values_of(&mut self, object: Handle, count: usize) -> Step<usize> {
        let known = self.lists.objects[object as usize].values;
        if known != u32::MAX {
            return Ok(known as usize);
        }
        let first = self.lists.slots.len();
        self.lists.slots.extend(std::iter::repeat_n(Value::Absent, count), &mut self.memory)?;
        self.lists.objects[object as usize].values = to_handle(first);
        Ok(first)
    }

    fn compute(&mut self, object: Handle, layer: u32, field: u32, name: Symbol, node: NodeId) -> Step<Value> {
        let handle = self.layer_handle(object, layer);
        let found = self.layer_field(handle, field);
        let value = match found.body {
            Body::Value(value) => {
                self.burn(1)?;
                self.deeper(|machine| machine.force(value))?
            }
            Body::Node(value) => {
                let frame = self.object_frame(object, layer, handle)?;
                self.eval(value, frame)?
            }
            Body::Comprehension { comprehension, frame } => {
                let code = self.code;
                let comprehension = &code.object_comprehensions[comprehension as usize];
                let frame = self.new_object_frame(object, layer, frame, &comprehension.locals)?;
                self.eval(comprehension.value, frame)?
            }
        };
        if !found.plus {
            return Ok(value);
        }
        match self.deeper(|machine| machine.field_below(object, layer, name, node))? {
            Some(below) => {
                self.binary(BinaryOperator::Add, below, value, if node == NONE { 0 } else { node })
            }
            None => Ok(value),
        }
    }

    /// The frame in which the fields of a layer are evaluated, made once for each object and layer.
    fn object_frame(&mut self, object: Handle, layer: u32, handle: Handle) -> Step<Handle> {
        let first = self.frames_of(object)? + layer as usize;
        let known = self.lists.object_frames[first];
        if known != Handle::MAX {
            return Ok(known);
        }
        let code = self.code;
        let (literal, parent) = match &self.lists.layers[handle as usize] {
            Layer::Literal { literal, frame } => (Some(*literal), *frame),
            Layer::Made { literal, frame, .. } => (*literal, *frame),
            Layer::Document { .. } | Layer::Without { .. } => (None, super::root_frame()),
        };
        let locals = literal.map_or(&[][..], |literal| &code.objects[literal as usize].locals);
        let frame = self.new_object_frame(object, layer, parent, locals)?;
        self.lists.object_frames[first] = frame;
        Ok(frame)
    }

    fn frames_of(&mut self, object: Handle) -> Step<usize> {
        let Object { layers, frames, .. } = self.lists.objects[object as usize];
        if frames != u32::MAX {
            return Ok(frames as usize);
        }
        let first = self.lists.object_frames.len();
        let none = std::iter::repeat_n(Handle::MAX, layers as usize);
        self.lists.object_frames.extend(none, &mut self.memory)?;
        self.lists.objects[object as usize].frames = to_handle(first);
        Ok(first)
    }

    fn new_object_frame(
        &mut self,
        object: Handle,
        layer: u32,
        parent: Handle,
        locals: &[NodeId],
    ) -> Step<Handle> {
        let frame = self.open_frame(parent, usize::from(OBJECT_SLOTS) + locals.len())?;
        self.set_slot(frame, usize::from(SLOT_SELF), Value::Object(object));
        self.set_slot(frame, usize::from(SLOT_LAYER), Value::Number(f64::from(layer)));
        for (at, local) in locals.iter().enumerate() {
            let value = self.delay(*local, frame)?;
            self.set_slot(frame, usize::from(OBJECT_SLOTS) + at, value);
        }
        Ok(frame)
    }

    // Asserts

    /// Checks the asserts of all layers, once for each object.
    pub(crate) fn check_asserts(&mut self, object: Handle) -> Step<()> {
        if self.lists.objects[object as usize].asserts != Asserts::Unchecked {
            return Ok(());
        }
        self.lists.objects[object as usize].asserts = Asserts::Running;
        let checked = self.deeper(|machine| machine.run_asserts(object));
        self.lists.objects[object as usize].asserts =
            if checked.is_ok() { Asserts::Held } else { Asserts::Unchecked };
        checked
    }

    fn run_asserts(&mut self, object: Handle) -> Step<()> {
        let code = self.code;
        for layer in 0..self.lists.objects[object as usize].layers {
            let handle = self.layer_handle(object, layer);
            let literal = match &self.lists.layers[handle as usize] {
                Layer::Literal { literal, .. } => Some(*literal),
                Layer::Made { literal, .. } => *literal,
                Layer::Document { .. } | Layer::Without { .. } => None,
            };
            let Some(literal) = literal else { continue };
            for (condition, message) in &code.objects[literal as usize].asserts {
                let frame = self.object_frame(object, layer, handle)?;
                self.check_assert(*condition, *message, frame)?;
            }
        }
        Ok(())
    }
}
