//! Strings and interned names.

use std::sync::Arc;

use super::output::Writer;
use super::value::{FunctionRef, StringRef, Value};
use super::{Machine, Step, to_handle};
use crate::code::{NodeId, Symbol, Text};

/// Bytes that a text takes beside its characters and its place in a list: its counts, and what allocation
/// adds.
const TEXT_SIZE: usize = 40;

/// Bytes that a name takes in the table of names, with the room for growing.
const NAME_SIZE: usize = 96;

impl Machine<'_> {
    /// Makes a string.
    pub(crate) fn string(&mut self, text: &str) -> Step<Value> {
        self.charge(text.len() + TEXT_SIZE)?;
        self.burn(text.len() / 64)?;
        self.lists.texts.push(Text::new(text), &mut self.memory)?;
        Ok(Value::String(StringRef::Made(to_handle(self.lists.texts.len() - 1))))
    }

    /// An empty writer, of which [`Self::written`] makes a string.
    pub(crate) fn writer(&mut self) -> Writer {
        self.spare.take().unwrap_or_default()
    }

    /// Makes a string of what was written.
    pub(crate) fn written(&mut self, mut written: Writer) -> Step<Value> {
        let value = self.string(written.text())?;
        written.clear();
        if let Some(other) = self.spare.replace(written) {
            other.free(&mut self.memory);
        }
        Ok(value)
    }

    /// The text of a string.
    pub(crate) fn text(&self, string: StringRef) -> &Text {
        match string {
            StringRef::Symbol(symbol) => self.symbol_text(symbol),
            StringRef::Made(handle) => &self.lists.texts[handle as usize],
        }
    }

    /// The text of a string, shared so that it can be kept.
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
        self.charge(TEXT_SIZE + NAME_SIZE + name.len())?;
        self.burn(name.len() / 32)?;
        let symbol = to_handle(self.code.symbols.len() + self.lists.symbols.len());
        let text = Text::new(name);
        self.lists.symbol_ids.insert(text.text.clone(), symbol);
        self.lists.symbols.push(text, &mut self.memory)?;
        Ok(symbol)
    }

    /// The symbol of a name, if anything has that name.
    pub(crate) fn known_symbol(&self, name: &str) -> Option<Symbol> {
        self.code.symbol_ids.get(name).or_else(|| self.lists.symbol_ids.get(name)).copied()
    }

    /// The type of a value in Jsonnet's words.
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

    /// Converts a value to text. Strings stay as they are, and everything else becomes JSON on one line.
    pub(crate) fn text_of_any(&mut self, value: Value, node: NodeId) -> Step<Arc<str>> {
        let text = match value {
            Value::String(text) => text,
            other => self.one_line(other, node)?,
        };
        Ok(self.shared_text(text))
    }
}

/// Converts the character positions `from..to` of a text to bytes.
pub(crate) fn slice_chars(text: &Text, from: usize, to: usize) -> &str {
    if from >= to {
        return "";
    }
    let len = text.text.len();
    if text.is_ascii() {
        return &text.text[from.min(len)..to.min(len)];
    }
    let mut places = text.text.char_indices().map(|(at, _)| at).skip(from);
    let start = places.next().unwrap_or(len);
    let end = places.nth(to - from - 1).unwrap_or(len);
    &text.text[start..end]
}
