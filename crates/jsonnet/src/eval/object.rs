//! Objects: layers added with `+`, fields found over all of them, values computed once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::value::{Asserts, Body, Handle, Layer, MadeField, Object, ShapeRef, Thunk, Value};
use super::{Machine, Step, to_handle};
use crate::ast::{BinaryOperator, Visibility};
use crate::code::{
    LiteralName, NONE, NodeId, OBJECT_SLOTS, SLOT_LAYER, SLOT_SELF, Shape, ShapeField, Symbol,
};

/// Names with a number each. Few of them, which is the rule, are looked for one after the other.
#[derive(Default)]
pub(super) struct Places {
    few: Vec<(Symbol, usize)>,
    many: HashMap<Symbol, usize>,
}

impl Places {
    const FEW: usize = 16;

    /// The number of a name. If it has none, it gets this one, and the answer is none.
    pub(super) fn find_or_add(&mut self, name: Symbol, number: usize) -> Option<usize> {
        if self.many.is_empty() {
            if let Some((_, known)) = self.few.iter().find(|(known, _)| *known == name) {
                return Some(*known);
            }
            if self.few.len() < Self::FEW {
                self.few.push((name, number));
                return None;
            }
            self.many.extend(self.few.drain(..));
        }
        match self.many.entry(name) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(place) => {
                place.insert(number);
                None
            }
        }
    }
}

/// A field of one layer.
#[derive(Clone, Copy)]
struct LayerField {
    plus: bool,
    body: Body,
}

impl Machine<'_> {
    // Making objects

    /// An object of one layer.
    pub(crate) fn object(&mut self, layer: Layer) -> Step<Value> {
        let (shape, asserts) = match &layer {
            Layer::Literal { literal, .. } => {
                let asserts = !self.code.objects[*literal as usize].asserts.is_empty();
                (ShapeRef::Literal(*literal), asserts)
            }
            Layer::Made { literal, .. } => {
                let asserts =
                    literal.is_some_and(|literal| !self.code.objects[literal as usize].asserts.is_empty());
                (ShapeRef::Unknown, asserts)
            }
            Layer::Document { .. } => (ShapeRef::Document, false),
        };
        self.charge(size_of::<Object>() + size_of::<Layer>() + 4)?;
        self.lists.layers.push(layer);
        let first_layer = to_handle(self.lists.layer_references.len());
        self.lists.layer_references.push(to_handle(self.lists.layers.len() - 1));
        self.push_object(Object {
            first_layer,
            layers: 1,
            shape,
            values: u32::MAX,
            frames: u32::MAX,
            asserts: if asserts { Asserts::Unchecked } else { Asserts::None },
        })
    }

    fn push_object(&mut self, object: Object) -> Step<Value> {
        self.lists.objects.push(object);
        Ok(Value::Object(to_handle(self.lists.objects.len() - 1)))
    }

    /// An object with ready or promised values and visible fields.
    pub(crate) fn made_object(&mut self, fields: Vec<(Symbol, Value)>) -> Step<Value> {
        self.charge(fields.len() * size_of::<MadeField>())?;
        let fields = fields
            .into_iter()
            .map(|(name, value)| MadeField {
                name,
                plus: false,
                visibility: Visibility::Default,
                body: Body::Value(value),
            })
            .collect();
        self.object(Layer::Made { fields, literal: None, frame: super::root_frame() })
    }

    /// `left + right`: the layers of both, seen as one object.
    pub(crate) fn add_objects(&mut self, left: Handle, right: Handle) -> Step<Value> {
        let (left, right) = (self.lists.objects[left as usize], self.lists.objects[right as usize]);
        let count = (left.layers + right.layers) as usize;
        self.charge(size_of::<Object>() + count * size_of::<Handle>())?;
        self.burn(count / 4)?;
        let first_layer = to_handle(self.lists.layer_references.len());
        for object in [left, right] {
            let range = object.first_layer as usize..(object.first_layer + object.layers) as usize;
            self.lists.layer_references.extend_from_within(range);
        }
        let unchecked = left.asserts != Asserts::None || right.asserts != Asserts::None;
        self.push_object(Object {
            first_layer,
            layers: left.layers + right.layers,
            shape: ShapeRef::Unknown,
            values: u32::MAX,
            frames: u32::MAX,
            asserts: if unchecked { Asserts::Unchecked } else { Asserts::None },
        })
    }

    /// The same layers less a field, as an object of its own: `self` in them means the new one.
    pub(crate) fn without_field(&mut self, object: Handle, name: Symbol) -> Step<Value> {
        let old = self.lists.objects[object as usize];
        let mut copies = Vec::new();
        for layer in 0..old.layers {
            let handle = self.layer_handle(object, layer);
            let count = self.layer_len(handle);
            self.burn(count + 1)?;
            self.charge(size_of::<Layer>() + 8 + count * size_of::<MadeField>())?;
            let mut fields = Vec::with_capacity(count);
            for field in (0..count).map(to_handle) {
                let (found, visibility) = self.layer_name(handle, field)?;
                let LayerField { plus, body } = self.layer_field(handle, field);
                if found != name {
                    fields.push(MadeField { name: found, plus, visibility, body });
                }
            }
            let (literal, frame) = match &self.lists.layers[handle as usize] {
                Layer::Literal { literal, frame } => (Some(*literal), *frame),
                Layer::Made { literal, frame, .. } => (*literal, *frame),
                Layer::Document { .. } => (None, super::root_frame()),
            };
            self.lists.layers.push(Layer::Made { fields: fields.into_boxed_slice(), literal, frame });
            copies.push(to_handle(self.lists.layers.len() - 1));
        }
        let first_layer = to_handle(self.lists.layer_references.len());
        self.lists.layer_references.extend(copies);
        self.charge(size_of::<Object>())?;
        let asserts = if old.asserts == Asserts::None { Asserts::None } else { Asserts::Unchecked };
        self.push_object(Object {
            first_layer,
            shape: ShapeRef::Unknown,
            values: u32::MAX,
            frames: u32::MAX,
            asserts,
            ..old
        })
    }

    pub(crate) fn object_literal(&mut self, literal: u32, node: NodeId, frame: Handle) -> Step<Value> {
        let code = self.code;
        let source = &code.objects[literal as usize];
        if source.shape.is_some() {
            return self.object(Layer::Literal { literal, frame });
        }
        self.charge(source.fields.len() * size_of::<MadeField>())?;
        let mut fields: Vec<MadeField> = Vec::with_capacity(source.fields.len());
        let mut names = Places::default();
        for field in &source.fields {
            let name = match field.name {
                LiteralName::Fixed(name) => name,
                LiteralName::Computed(name) => match self.eval(name, frame)? {
                    Value::Null => continue,
                    value => self.field_name(value, name)?,
                },
            };
            if names.find_or_add(name, 0).is_some() {
                let text = self.symbol_text(name).text.clone();
                return self.fail(node, format!("duplicate field name: {text:?}"));
            }
            let body = Body::Node(field.value);
            fields.push(MadeField { name, plus: field.plus, visibility: field.visibility, body });
        }
        self.object(Layer::Made { fields: fields.into_boxed_slice(), literal: Some(literal), frame })
    }

    /// A value as the name of a field.
    pub(crate) fn field_name(&mut self, value: Value, node: NodeId) -> Step<Symbol> {
        match value {
            Value::String(text) => self.intern(text),
            other => {
                let found = self.type_name(other);
                self.fail(node, format!("a field name must be a string, got {found}"))
            }
        }
    }

    // Layers

    fn layer_handle(&self, object: Handle, layer: u32) -> Handle {
        self.lists.layer_references[(self.lists.objects[object as usize].first_layer + layer) as usize]
    }

    /// The place of a name in a layer.
    fn find_in_layer(&mut self, layer: Handle, name: Symbol) -> Step<Option<u32>> {
        let work = match &self.lists.layers[layer as usize] {
            Layer::Made { fields, .. } => fields.len() / 4,
            _ => 1,
        };
        self.burn(work)?;
        Ok(match &self.lists.layers[layer as usize] {
            Layer::Literal { literal, .. } => {
                let shape = self.code.objects[*literal as usize].shape.as_ref();
                shape.and_then(|shape| shape.find(name).map(|at| shape.fields[at].field))
            }
            Layer::Made { fields, .. } => fields.iter().position(|field| field.name == name).map(to_handle),
            Layer::Document { document, first, len, .. } => {
                let document = &self.lists.documents[usize::from(*document)];
                document.find(*first, *len, &self.symbol_text(name).text)
            }
        })
    }

    fn layer_field(&self, layer: Handle, field: u32) -> LayerField {
        match &self.lists.layers[layer as usize] {
            Layer::Literal { literal, .. } => {
                let field = &self.code.objects[*literal as usize].fields[field as usize];
                LayerField { plus: field.plus, body: Body::Node(field.value) }
            }
            Layer::Made { fields, .. } => {
                let field = &fields[field as usize];
                LayerField { plus: field.plus, body: field.body }
            }
            Layer::Document { document, first, .. } => {
                let (_, node) = self.lists.documents[usize::from(*document)].field(*first, field);
                let value = Value::Document { document: *document, node };
                LayerField { plus: false, body: Body::Value(value) }
            }
        }
    }

    // The shape of an object

    /// All fields of an object, made once.
    fn shape_ref(&mut self, object: Handle) -> Step<ShapeRef> {
        let known = self.lists.objects[object as usize].shape;
        if !matches!(known, ShapeRef::Unknown | ShapeRef::Document) {
            return Ok(known);
        }
        let fields = self.collect_fields(object)?;
        self.charge(fields.len() * (size_of::<ShapeField>() + 8))?;
        self.lists.shapes.push(Shape::new(fields));
        let shape = ShapeRef::Made(to_handle(self.lists.shapes.len() - 1));
        self.lists.objects[object as usize].shape = shape;
        Ok(shape)
    }

    fn shape_of(&self, shape: ShapeRef) -> &Shape {
        static EMPTY: Shape = Shape { fields: Vec::new(), by_symbol: Vec::new() };
        match shape {
            ShapeRef::Literal(literal) => {
                self.code.objects[literal as usize].shape.as_ref().unwrap_or(&EMPTY)
            }
            ShapeRef::Made(shape) => &self.lists.shapes[shape as usize],
            ShapeRef::Unknown | ShapeRef::Document => &EMPTY,
        }
    }

    fn collect_fields(&mut self, object: Handle) -> Step<Vec<ShapeField>> {
        let layers = self.lists.objects[object as usize].layers;
        let mut fields: Vec<ShapeField> = Vec::new();
        let mut places = Places::default();
        for layer in 0..layers {
            let handle = self.layer_handle(object, layer);
            let count = self.layer_len(handle);
            self.burn(count)?;
            for field in 0..count {
                let field = to_handle(field);
                let (name, visibility) = self.layer_name(handle, field)?;
                match places.find_or_add(name, fields.len()) {
                    None => {
                        let hidden = visibility == Visibility::Hidden;
                        fields.push(ShapeField { name, layer, field, hidden });
                    }
                    Some(place) => {
                        let known = &mut fields[place];
                        (known.layer, known.field) = (layer, field);
                        match visibility {
                            Visibility::Default => {}
                            Visibility::Hidden => known.hidden = true,
                            Visibility::Visible => known.hidden = false,
                        }
                    }
                }
            }
        }
        // A document's fields and those of a single literal are in order already.
        let in_order = layers == 1
            && matches!(self.lists.layers[self.layer_handle(object, 0) as usize], Layer::Document { .. });
        if !in_order {
            fields.sort_unstable_by(|a, b| self.symbol_text(a.name).text.cmp(&self.symbol_text(b.name).text));
        }
        Ok(fields)
    }

    fn layer_len(&self, layer: Handle) -> usize {
        match &self.lists.layers[layer as usize] {
            Layer::Literal { literal, .. } => self.code.objects[*literal as usize].fields.len(),
            Layer::Made { fields, .. } => fields.len(),
            Layer::Document { len, .. } => *len as usize,
        }
    }

    fn layer_name(&mut self, layer: Handle, field: u32) -> Step<(Symbol, Visibility)> {
        match &self.lists.layers[layer as usize] {
            Layer::Literal { literal, .. } => {
                let field = &self.code.objects[*literal as usize].fields[field as usize];
                match field.name {
                    LiteralName::Fixed(name) => Ok((name, field.visibility)),
                    LiteralName::Computed(_) => Ok((0, field.visibility)),
                }
            }
            Layer::Made { fields, .. } => {
                let field = &fields[field as usize];
                Ok((field.name, field.visibility))
            }
            Layer::Document { document, first, .. } => {
                let document = self.lists.documents[usize::from(*document)].clone();
                let ((start, end), _) = document.field(*first, field);
                Ok((self.intern_str(document.string(start, end))?, Visibility::Default))
            }
        }
    }

    /// Names and visibility of an object's fields, in the order of the names.
    pub(crate) fn field_list(&mut self, object: Handle, hidden: bool) -> Step<Vec<(Symbol, u32)>> {
        let shape = self.shape_ref(object)?;
        let fields: Vec<(Symbol, u32)> = self
            .shape_of(shape)
            .fields
            .iter()
            .zip(0..)
            .filter(|(field, _)| hidden || !field.hidden)
            .map(|(field, at)| (field.name, at))
            .collect();
        self.burn(fields.len())?;
        Ok(fields)
    }

    /// The place of a field in an object's shape, and whether it is hidden.
    pub(crate) fn find_field(&mut self, object: Handle, name: Symbol) -> Step<Option<(usize, bool)>> {
        if self.lists.objects[object as usize].shape == ShapeRef::Document {
            let layer = self.layer_handle(object, 0);
            return Ok(self.find_in_layer(layer, name)?.map(|at| (at as usize, false)));
        }
        let shape = self.shape_ref(object)?;
        let shape = self.shape_of(shape);
        Ok(shape.find(name).map(|at| (at, shape.fields[at].hidden)))
    }

    /// Whether a layer below `layer` has the field.
    pub(crate) fn has_field_below(&mut self, object: Handle, layer: u32, name: Symbol) -> Step<bool> {
        for below in (0..layer).rev() {
            let handle = self.layer_handle(object, below);
            if self.find_in_layer(handle, name)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // Values of fields

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
        for below in (0..layer).rev() {
            let handle = self.layer_handle(object, below);
            if let Some(field) = self.find_in_layer(handle, name)? {
                return self.compute(object, below, field, name, node).map(Some);
            }
        }
        Ok(None)
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

    /// The value of a field for writing: a part of a document stays one, so that its text can be copied.
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

    /// The document and the node there that an object is, when it is nothing else.
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
        self.charge(count * size_of::<Value>())?;
        let first = self.lists.slots.len();
        self.lists.slots.resize(first + count, Value::Absent);
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
            Layer::Document { .. } => (None, super::root_frame()),
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
        self.charge(layers as usize * size_of::<Handle>())?;
        let first = self.lists.object_frames.len();
        self.lists.object_frames.resize(first + layers as usize, Handle::MAX);
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
                Layer::Document { .. } => None,
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
