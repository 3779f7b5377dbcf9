//! The library as the evaluation knows it, which is a table of functions that it is given.

use super::value::{Body, FunctionRef, Layer, MadeField, Value};
use super::{Machine, Step, root_frame};
use crate::ast::Visibility;
use crate::code::NodeId;

/// The most parameters that a function of the library has.
pub(crate) const MAX_PARAMETERS: usize = 6;

/// A function of the library.
pub(crate) struct Function {
    pub name: &'static str,
    pub parameters: &'static [Parameter],
    pub run: fn(&mut Machine<'_>, &[Value; MAX_PARAMETERS], NodeId) -> Step<Value>,
}

/// A parameter. An optional one may be left out.
pub(crate) struct Parameter {
    pub name: &'static str,
    pub optional: bool,
}

impl Machine<'_> {
    /// The function with this number.
    pub(super) fn function(&self, number: u16) -> &'static Function {
        self.library[usize::from(number)]
    }

    /// The library as an object, which has a hidden field for each function.
    pub(super) fn std_object(&mut self) -> Step<Value> {
        if let Some(object) = self.std {
            return Ok(object);
        }
        let mut fields = self.memory.list(self.library.len() + 2)?;
        let mut add = |machine: &mut Self, name: &str, value: Value| -> Step<()> {
            let name = machine.intern_str(name)?;
            fields.push(MadeField {
                name,
                plus: false,
                visibility: Visibility::Hidden,
                body: Body::Value(value),
            });
            Ok(())
        };
        // Names with a dot are the library's own.
        let public = self.library.iter().zip(0..).filter(|(function, _)| !function.name.starts_with('.'));
        for (function, number) in public {
            add(self, function.name, Value::Function(FunctionRef::Builtin(number)))?;
        }
        add(self, "pi", Value::Number(std::f64::consts::PI))?;
        let file = self.code.name.clone();
        let file = self.string(&file)?;
        add(self, "thisFile", file)?;
        let object = self.object(Layer::Made {
            fields: fields.into_boxed_slice(),
            literal: None,
            frame: root_frame(),
        })?;
        self.std = Some(object);
        Ok(object)
    }
}
