//! The library, which is one table of functions. The functions are in the files beside this one, by theme.

mod arrays;
mod elementary;
mod encoding;
mod format;
mod manifest;
mod math;
mod objects;
mod parse;
mod sets;
mod strings;
mod tabs;
mod types;
mod yaml;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::code::NodeId;
use crate::eval::library::Function;
use crate::eval::value::{FunctionRef, Handle, StringRef, Value};
use crate::eval::{Machine, Step};

/// Writes the table of a file, in lines of the form `name(parameter, optional[?]) => function`.
macro_rules! functions {
    ($($name:literal ($($parameter:ident $([$optional:tt])?),*) => $run:path;)*) => {
        pub(super) const FUNCTIONS: &[$crate::eval::library::Function] = &[
            $($crate::eval::library::Function {
                name: $name,
                parameters: &[$($crate::eval::library::Parameter {
                    // A name that is a word of Rust is written with an underscore behind it.
                    name: $crate::library::parameter_name(stringify!($parameter)),
                    optional: $crate::library::is_optional(stringify!($($optional)?)),
                }),*],
                run: $run,
            }),*
        ];
    };
}
pub(crate) use functions;

pub(crate) const fn is_optional(mark: &str) -> bool {
    !mark.is_empty()
}

pub(crate) const fn parameter_name(written: &'static str) -> &'static str {
    match written.as_bytes() {
        [head @ .., b'_'] => match std::str::from_utf8(head) {
            Ok(name) => name,
            Err(_) => written,
        },
        _ => written,
    }
}

const TABLES: &[&[Function]] = &[
    types::FUNCTIONS,
    math::FUNCTIONS,
    strings::FUNCTIONS,
    arrays::FUNCTIONS,
    objects::FUNCTIONS,
    sets::FUNCTIONS,
    encoding::FUNCTIONS,
    format::FUNCTIONS,
    manifest::FUNCTIONS,
    parse::FUNCTIONS,
];

static ALL: LazyLock<Vec<&'static Function>> = LazyLock::new(|| TABLES.iter().copied().flatten().collect());

static BY_NAME: LazyLock<HashMap<&'static str, u16>> =
    LazyLock::new(|| ALL.iter().zip(0..).map(|(function, number)| (function.name, number)).collect());

/// The number of the function with this name.
pub(crate) fn find(name: &str) -> Option<u16> {
    BY_NAME.get(name).copied()
}

/// All functions. The place of each is its number.
pub(crate) fn all() -> &'static [&'static Function] {
    &ALL
}

impl Machine<'_> {
    // Reading arguments

    fn expected<T>(&self, value: Value, wanted: &str, node: NodeId) -> Step<T> {
        let found = self.type_name(value);
        self.fail(node, format!("unexpected type {found}, expected {wanted}"))
    }

    pub(crate) fn string_argument(&mut self, value: Value, node: NodeId) -> Step<StringRef> {
        match self.force(value)? {
            Value::String(text) => Ok(text),
            other => self.expected(other, "string", node),
        }
    }

    pub(crate) fn text_argument(&mut self, value: Value, node: NodeId) -> Step<std::sync::Arc<str>> {
        let text = self.string_argument(value, node)?;
        let text = self.shared_text(text);
        self.burn(text.len() / 32)?;
        Ok(text)
    }

    pub(crate) fn number_argument(&mut self, value: Value, node: NodeId) -> Step<f64> {
        match self.force(value)? {
            Value::Number(number) => Ok(number),
            other => self.expected(other, "number", node),
        }
    }

    /// Reads a whole number of 32 bits, which is what go-jsonnet takes.
    pub(crate) fn integer_argument(&mut self, value: Value, node: NodeId) -> Step<i64> {
        let number = self.number_argument(value, node)?;
        let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
        if number.fract() != 0.0 || !range.contains(&number) {
            return self.fail(node, format!("expected an integer of 32 bits, got {number}"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        Ok(number as i64)
    }

    pub(crate) fn bool_argument(&mut self, value: Value, node: NodeId) -> Step<bool> {
        match self.force(value)? {
            Value::Bool(value) => Ok(value),
            other => self.expected(other, "boolean", node),
        }
    }

    pub(crate) fn array_argument(&mut self, value: Value, node: NodeId) -> Step<Handle> {
        match self.force(value)? {
            Value::Array(array) => Ok(array),
            other => self.expected(other, "array", node),
        }
    }

    pub(crate) fn object_argument(&mut self, value: Value, node: NodeId) -> Step<Handle> {
        match self.force(value)? {
            Value::Object(object) => Ok(object),
            other => self.expected(other, "object", node),
        }
    }

    pub(crate) fn function_argument(&mut self, value: Value, node: NodeId) -> Step<FunctionRef> {
        match self.force(value)? {
            Value::Function(function) => Ok(function),
            other => self.expected(other, "function", node),
        }
    }

    /// Computes all elements of an array.
    pub(crate) fn forced_elements(&mut self, array: Handle) -> Step<Vec<Value>> {
        let len = self.array_len(array);
        let mut elements = self.memory.list(len)?;
        for at in 0..len {
            elements.push(self.forced_element(array, at)?);
        }
        Ok(elements)
    }

    /// Calls a function with one value.
    pub(crate) fn call1(&mut self, function: FunctionRef, value: Value, node: NodeId) -> Step<Value> {
        self.call_values(function, &[value], node)
    }
}

/// Whether an optional argument was left out.
pub(crate) const fn absent(value: Value) -> bool {
    matches!(value, Value::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::library::MAX_PARAMETERS;

    #[test]
    fn every_function_has_one_name_and_few_parameters() {
        assert_eq!(BY_NAME.len(), ALL.len());
        for function in ALL.iter() {
            assert!(function.parameters.len() <= MAX_PARAMETERS, "{}", function.name);
        }
    }
}
