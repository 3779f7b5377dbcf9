//! Objects, which consist of layers added with `+`. Fields are found over all layers, and values are computed
//! once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use super::memory::{List, Memory};
use super::value::{Asserts, Body, Handle, Layer, MadeField, Object, ShapeRef, Value};
use super::{Machine, Step, to_handle};
use crate::ast::Visibility;
use crate::code::{LiteralName, NodeId, Shape, ShapeField, Symbol};

/// Names with a number each. When there are few, which is the rule, they are searched one after the other.
#[derive(Default)]
pub(crate) struct Places {
    few: Vec<(Symbol, usize)>,
    many: HashMap<Symbol, usize>,
}

impl Places {
    const FEW: usize = 16;

    /// Bytes that a name takes among many, with the room for growing.
    const SIZE: usize = 64;

    /// The number of a name. A name without a number gets this one, and the answer is `None`.
    pub(crate) fn find_or_add(
        &mut self,
        name: Symbol,
        number: usize,
        memory: &mut Memory,
    ) -> Step<Option<usize>> {
        if self.many.is_empty() {
            if let Some((_, known)) = self.few.iter().find(|(known, _)| *known == name) {
                return Ok(Some(*known));
            }
            if self.few.len() < Self::FEW {
                self.few.push((name, number));
                return Ok(None);
            }
            memory.take(Self::FEW * Self::SIZE)?;
            self.many.extend(self.few.drain(..));
        }
        match self.many.entry(name) {
            Entry::Occupied(known) => Ok(Some(*known.get())),
            Entry::Vacant(place) => {
                memory.take(Self::SIZE)?;
                place.insert(number);
                Ok(None)
            }
        }
    }
}

/// A field of one layer.
#[derive(Clone, Copy)]
pub(super) struct LayerField {
    pub(super) plus: bool,
    pub(super) body: Body,
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
            Layer::Without { .. } => (ShapeRef::Unknown, false),
        };
        self.lists.layers.push(layer, &mut self.memory)?;
        let first_layer = to_handle(self.lists.layer_references.len());
        self.lists.layer_references.push(to_handle(self.lists.layers.len() - 1), &mut self.memory)?;
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
        self.lists.objects.push(object, &mut self.memory)?;
        Ok(Value::Object(to_handle(self.lists.objects.len() - 1)))
    }

    /// An object with ready or promised values and visible fields.
    pub(crate) fn made_object(&mut self, fields: &[(Symbol, Value)]) -> Step<Value> {
        self.charge(fields.len() * size_of::<MadeField>())?;
        let fields = fields
            .iter()
            .map(|(name, value)| MadeField {
                name: *name,
                plus: false,
                visibility: Visibility::Default,
                body: Body::Value(*value),
            })
            .collect();
        self.object(Layer::Made { fields, literal: None, frame: super::root_frame() })
    }

    /// Evaluates `left + right`, which has the layers of both and is seen as one object.
    pub(crate) fn add_objects(&mut self, left: Handle, right: Handle) -> Step<Value> {
        let (left, right) = (self.lists.objects[left as usize], self.lists.objects[right as usize]);
        let count = (left.layers + right.layers) as usize;
        self.burn(count / 4)?;
        let first_layer = to_handle(self.lists.layer_references.len());
        for object in [left, right] {
            for at in object.first_layer..object.first_layer + object.layers {
                let layer = self.lists.layer_references[at as usize];
                self.lists.layer_references.push(layer, &mut self.memory)?;
            }
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

    /// Makes an object without a field of another one. `self` in its layers means the new object, and `super`
    /// still finds the field, as in go-jsonnet.
    pub(crate) fn without_field(&mut self, object: Handle, name: Symbol) -> Step<Value> {
        let below = self.lists.objects[object as usize].layers;
        let top = self.object(Layer::Without { name, below })?;
        match top {
            Value::Object(top) => self.add_objects(object, top),
            other => Ok(other),
        }
    }

    pub(crate) fn object_literal(&mut self, literal: u32, node: NodeId, frame: Handle) -> Step<Value> {
        let code = self.code;
        let source = &code.objects[literal as usize];
        if source.shape.is_some() {
            return self.object(Layer::Literal { literal, frame });
        }
        // The room is counted twice, because the surplus is cut off at the end.
        self.charge(source.fields.len() * size_of::<MadeField>())?;
        let mut fields: Vec<MadeField> = self.memory.list(source.fields.len())?;
        let mut names = Places::default();
        for field in &source.fields {
            let name = match field.name {
                LiteralName::Fixed(name) => name,
                LiteralName::Computed(name) => match self.eval(name, frame)? {
                    Value::Null => continue,
                    value => self.field_name(value, name)?,
                },
            };
            if names.find_or_add(name, 0, &mut self.memory)?.is_some() {
                let text = self.symbol_text(name).text.clone();
                return self.fail(node, format!("duplicate field name: {text:?}"));
            }
            let body = Body::Node(field.value);
            fields.push(MadeField { name, plus: field.plus, visibility: field.visibility, body });
        }
        self.object(Layer::Made { fields: fields.into_boxed_slice(), literal: Some(literal), frame })
    }

    /// Converts a value to the name of a field.
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

    pub(super) fn layer_handle(&self, object: Handle, layer: u32) -> Handle {
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
            Layer::Without { .. } => None,
        })
    }

    pub(super) fn layer_field(&self, layer: Handle, field: u32) -> LayerField {
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
            Layer::Without { .. } => LayerField { plus: false, body: Body::Value(Value::Null) },
        }
    }

    // The shape of an object

    /// All fields of an object, made once.
    pub(super) fn shape_ref(&mut self, object: Handle) -> Step<ShapeRef> {
        let known = self.lists.objects[object as usize].shape;
        if !matches!(known, ShapeRef::Unknown | ShapeRef::Document) {
            return Ok(known);
        }
        let fields = self.collect_fields(object)?;
        self.charge(fields.len() * size_of::<(Symbol, u32)>())?;
        self.lists.shapes.push(Shape::new(fields.into_vec()), &mut self.memory)?;
        let shape = ShapeRef::Made(to_handle(self.lists.shapes.len() - 1));
        self.lists.objects[object as usize].shape = shape;
        Ok(shape)
    }

    pub(super) fn shape_of(&self, shape: ShapeRef) -> &Shape {
        static EMPTY: Shape = Shape { fields: Vec::new(), by_symbol: Vec::new() };
        match shape {
            ShapeRef::Literal(literal) => {
                self.code.objects[literal as usize].shape.as_ref().unwrap_or(&EMPTY)
            }
            ShapeRef::Made(shape) => &self.lists.shapes[shape as usize],
            ShapeRef::Unknown | ShapeRef::Document => &EMPTY,
        }
    }

    fn collect_fields(&mut self, object: Handle) -> Step<List<ShapeField>> {
        let layers = self.lists.objects[object as usize].layers;
        let mut fields: List<ShapeField> = List::default();
        let mut places = Places::default();
        let removals = self.removals(object)?;
        for layer in 0..layers {
            let handle = self.layer_handle(object, layer);
            let count = self.layer_len(handle);
            self.burn(count + count * removals.len())?;
            for field in 0..count {
                let field = to_handle(field);
                let (name, visibility) = self.layer_name(handle, field)?;
                if removals.iter().any(|(gone, layers)| *gone == name && layers.contains(&layer)) {
                    continue;
                }
                match places.find_or_add(name, fields.len(), &mut self.memory)? {
                    None => {
                        let hidden = visibility == Visibility::Hidden;
                        let field = ShapeField { name, layer, field, hidden };
                        fields.push(field, &mut self.memory)?;
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

    /// Fields that were taken away, and the layers that they were taken from.
    fn removals(&mut self, object: Handle) -> Step<List<(Symbol, Range<u32>)>> {
        let mut removals = List::default();
        for layer in 0..self.lists.objects[object as usize].layers {
            let handle = self.layer_handle(object, layer);
            if let Layer::Without { name, below } = self.lists.layers[handle as usize] {
                removals.push((name, layer - below..layer), &mut self.memory)?;
            }
        }
        Ok(removals)
    }

    pub(super) fn layer_len(&self, layer: Handle) -> usize {
        match &self.lists.layers[layer as usize] {
            Layer::Literal { literal, .. } => self.code.objects[*literal as usize].fields.len(),
            Layer::Made { fields, .. } => fields.len(),
            Layer::Document { len, .. } => *len as usize,
            Layer::Without { .. } => 0,
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
            Layer::Without { name, .. } => Ok((*name, Visibility::Default)),
        }
    }

    /// Names and visibility of an object's fields, in the order of the names.
    pub(crate) fn field_list(&mut self, object: Handle, hidden: bool) -> Step<List<(Symbol, u32)>> {
        let count = self.field_count(object, hidden)?;
        let mut fields = List::with_room(count, &mut self.memory)?;
        let shape = self.shape_ref(object)?;
        for at in 0..self.shape_of(shape).fields.len() {
            let field = self.shape_of(shape).fields[at];
            if hidden || !field.hidden {
                fields.push((field.name, to_handle(at)), &mut self.memory)?;
            }
        }
        Ok(fields)
    }

    /// How many fields an object has.
    pub(crate) fn field_count(&mut self, object: Handle, hidden: bool) -> Step<usize> {
        let shape = self.shape_ref(object)?;
        let fields = &self.shape_of(shape).fields;
        let (all, count) = (fields.len(), fields.iter().filter(|field| hidden || !field.hidden).count());
        self.burn(all)?;
        Ok(count)
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
        Ok(self.find_below(object, layer, name)?.is_some())
    }

    /// The topmost layer below `layer` that has the field, and the field's place there.
    pub(super) fn find_below(
        &mut self,
        object: Handle,
        layer: u32,
        name: Symbol,
    ) -> Step<Option<(u32, u32)>> {
        let mut layer = layer;
        while layer > 0 {
            layer -= 1;
            let handle = self.layer_handle(object, layer);
            match self.lists.layers[handle as usize] {
                // From above, the layers that the field was taken from do not have it.
                Layer::Without { name: gone, below } if gone == name => layer -= below,
                _ => {
                    if let Some(field) = self.find_in_layer(handle, name)? {
                        return Ok(Some((layer, field)));
                    }
                }
            }
        }
        Ok(None)
    }
}
