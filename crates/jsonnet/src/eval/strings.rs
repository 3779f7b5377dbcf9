//! Strings and interned names.

use std::borrow::Cow;
use std::sync::Arc;

use super::value::{FunctionRef, StringRef, Value};
use super::{Machine, Step, to_handle};
use crate::code::{NodeId, Symbol, Text};

/// Bytes that a text takes beside its characters: its record, its counts, and what allocation adds.
const TEXT_SIZE: usize = size_of::<Text>() + 32;

impl Machine<'_> {
    /// Makes a string.
    pub(crate) fn string(&mut self, text: &str) -> Step<Value> {
        self.charge(text.len() + TEXT_SIZE)?;
        self.burn(text.len() / 64)?;
        self.lists.texts.push(Text::new(text));
        Ok(Value::String(StringRef::Made(to_handle(self.lists.texts.len() - 1))))
    }

    /// Makes a string of a text whose bytes were charged while it grew.
    pub(crate) fn own_string(&mut self, text: String) -> Step<Value> {
        self.charge(text.len() + TEXT_SIZE)?;
        self.burn(text.len() / 64)?;
        self.lists.texts.push(Text::new(text));
        Ok(Value::String(StringRef::Made(to_handle(self.lists.texts.len() - 1))))
    }

    /// The text of a string.
    pub(crate) fn text(&self, string: StringRef) -> &Text {
        match string {
            StringRef::Symbol(symbol) => self.symbol_text(symbol),
            StringRef::Made(handle) => &self.lists.texts[handle as usize],
        }
    }

    /// The text of a string, to hold on to.
    pub(crate) fn shared_text(&self, string: StringRef) -> Arc<str> {
        self.text(string).text.clone()
    }

    pub(crate) fn symbol_text(&self, symbol: Symbol) -> &Text {
        let own = self.code.symbols.len();
        match (symbol as usize).checked_sub(own) {
            None => &self.code.symbols[symbol as usize],
            Some(at) => &self.lists.symbols[at],
        }
    }

    /// The symbol of a string.
    pub(crate) fn intern(&mut self, string: StringRef) -> Step<Symbol> {
        match string {
            StringRef::Symbol(symbol) => Ok(symbol),
            StringRef::Made(handle) => {
                let text = self.lists.texts[handle as usize].text.clone();
                self.intern_str(&text)
            }
        }
    }

    /// The symbol of a name.
    pub(crate) fn intern_str(&mut self, name: &str) -> Step<Symbol> {
        if let Some(symbol) = self.known_symbol(name) {
            return Ok(symbol);
        }
        self.charge(3 * TEXT_SIZE + name.len())?;
        self.burn(name.len() / 32)?;
        let symbol = to_handle(self.code.symbols.len() + self.lists.symbols.len());
        let text = Text::new(name);
        self.lists.symbol_ids.insert(text.text.clone(), symbol);
        self.lists.symbols.push(text);
        Ok(symbol)
    }

    /// The symbol of a name, if anything has that name.
    pub(crate) fn known_symbol(&self, name: &str) -> Option<Symbol> {
        self.code.symbol_ids.get(name).or_else(|| self.lists.symbol_ids.get(name)).copied()
    }

    /// What a value is, in Jsonnet's words.
    #[expect(clippy::unused_self, reason = "asked of the machine like everything about values")]
    pub(crate) fn type_name(&self, value: Value) -> &'static str {
        match value {
            Value::Absent | Value::Lazy(_) | Value::Document { .. } => "value",
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Function(FunctionRef::Builtin(_) | FunctionRef::Closure(_)) => "function",
        }
    }

    /// A value as text: strings as they are, everything else as JSON on one line.
    pub(crate) fn text_of_any(&mut self, value: Value, node: NodeId) -> Step<String> {
        match value {
            Value::String(text) => {
                let text = self.shared_text(text);
                self.charge(text.len())?;
                Ok(text.as_ref().to_owned())
            }
            other => self.one_line(other, node),
        }
    }
}

/// The character positions `from..to` of a text in bytes.
pub(crate) fn slice_chars(text: &Text, from: usize, to: usize) -> Cow<'_, str> {
    if from >= to {
        return Cow::Borrowed("");
    }
    if text.is_ascii() {
        let len = text.text.len();
        return Cow::Borrowed(&text.text[from.min(len)..to.min(len)]);
    }
    Cow::Owned(text.text.chars().skip(from).take(to - from).collect())
}
