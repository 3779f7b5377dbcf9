//! Comprehensions, which are `[x for x in y if z]` and `{[k]: v for k in y}`.

use super::memory::{Blocks, List};
use super::object::Places;
use super::value::{Body, Handle, Layer, MadeField, Thunk, Value};
use super::{Machine, Step};
use crate::ast::Visibility;
use crate::code::{Clause, NodeId};

impl Machine<'_> {
    /// Runs `each` for every combination of the clauses, in the frame of that combination.
    fn clauses(
        &mut self,
        clauses: &[Clause],
        frame: Handle,
        each: &mut dyn FnMut(&mut Self, Handle) -> Step<()>,
    ) -> Step<()> {
        let Some((clause, rest)) = clauses.split_first() else {
            return each(self, frame);
        };
        match clause {
            Clause::If(condition) => match self.eval(*condition, frame)? {
                Value::Bool(true) => self.deeper(|machine| machine.clauses(rest, frame, each)),
                Value::Bool(false) => Ok(()),
                other => {
                    let found = self.type_name(other);
                    self.fail(*condition, format!("the condition of if must be a boolean, got {found}"))
                }
            },
            Clause::For(list) => match self.eval(*list, frame)? {
                Value::Array(array) => {
                    for at in 0..self.array_len(array) {
                        self.burn(1)?;
                        let inner = self.open_frame(frame, 1)?;
                        let element = self.element(array, at);
                        self.set_slot(inner, 0, element);
                        self.deeper(|machine| machine.clauses(rest, inner, each))?;
                    }
                    Ok(())
                }
                other => {
                    let found = self.type_name(other);
                    self.fail(*list, format!("for needs an array to go through, got {found}"))
                }
            },
        }
    }

    pub(crate) fn array_comprehension(
        &mut self,
        comprehension: u32,
        _: NodeId,
        frame: Handle,
    ) -> Step<Value> {
        let code = self.code;
        let comprehension = &code.array_comprehensions[comprehension as usize];
        let mut items = Blocks::default();
        self.clauses(&comprehension.clauses, frame, &mut |machine, inner| {
            let item = machine.thunk(Thunk::Node { node: comprehension.item, frame: inner })?;
            items.push(item, &mut machine.memory)
        })?;
        self.array_of(items)
    }

    pub(crate) fn object_comprehension(&mut self, number: u32, node: NodeId, frame: Handle) -> Step<Value> {
        let code = self.code;
        let comprehension = &code.object_comprehensions[number as usize];
        let mut fields = List::default();
        let mut names = Places::default();
        self.clauses(&comprehension.clauses, frame, &mut |machine, inner| {
            let name = match machine.eval(comprehension.name, inner)? {
                Value::Null => return Ok(()),
                name => machine.field_name(name, comprehension.name)?,
            };
            if names.find_or_add(name, 0, &mut machine.memory)?.is_some() {
                let text = machine.symbol_text(name).text.clone();
                return machine.fail(comprehension.name, format!("duplicate field name: {text:?}"));
            }
            let body = Body::Comprehension { comprehension: number, frame: inner };
            let visibility = Visibility::Default;
            let field = MadeField { name, plus: comprehension.plus, visibility, body };
            fields.push(field, &mut machine.memory)
        })
        .map_err(|error| self.came_out_of(error, node))?;
        // The surplus of the list is cut off, for which the list is written once more.
        self.charge(fields.len() * size_of::<MadeField>())?;
        let fields = fields.into_vec().into_boxed_slice();
        self.object(Layer::Made { fields, literal: None, frame })
    }
}
