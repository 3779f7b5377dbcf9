//! Writing values as JSON.

use super::memory::{List, Memory};
use super::value::{Handle, StringRef, Value};
use super::{Machine, Step};
use crate::code::{NodeId, Symbol};
use crate::error::ErrorKind;
use crate::{number, text};

/// A text that pays for its memory before it grows.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: List<u8>,
}

impl Writer {
    pub(crate) fn push(&mut self, text: &str, memory: &mut Memory) -> Step<()> {
        self.bytes.appending(text.len(), memory)?.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Appends a character of ASCII so many times.
    pub(crate) fn fill(&mut self, character: u8, times: usize, memory: &mut Memory) -> Step<()> {
        self.bytes.extend(std::iter::repeat_n(character, times), memory)
    }

    /// Appends a string as JSON.
    pub(crate) fn push_json(&mut self, text: &str, memory: &mut Memory) -> Step<()> {
        text::write_json(text, self.bytes.appending(text::most_escaped(text), memory)?);
        Ok(())
    }

    fn push_encoding_json(&mut self, text: &str, memory: &mut Memory) -> Step<()> {
        text::write_encoding_json(text, self.bytes.appending(text::most_escaped(text), memory)?);
        Ok(())
    }

    /// Appends a number as Jsonnet writes it.
    pub(crate) fn push_number(&mut self, value: f64, memory: &mut Memory) -> Step<()> {
        number::write(value, self.bytes.appending(number::LONGEST, memory)?);
        Ok(())
    }

    /// Makes room for more bytes.
    pub(crate) fn make_room(&mut self, more: usize, memory: &mut Memory) -> Step<()> {
        self.bytes.make_room(more, memory)
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What was written so far.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// What was written, to be kept beyond the evaluation.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_vec()
    }

    /// Empties the writer, which keeps its room.
    pub(crate) fn clear(&mut self) {
        self.bytes.empty();
    }

    /// Frees the text.
    pub(crate) fn free(self, memory: &mut Memory) {
        self.bytes.free(memory);
    }
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout<'a> {
    /// What each level is indented with. Everything stands on one line when it is absent.
    pub indent: Option<&'a str>,
    /// What stands between elements and fields, before the new line.
    pub separator: &'a str,
    pub key_separator: &'a str,
    pub newline: &'a str,
    /// Whether numbers and strings are written as Go's encoding/json writes them, with numbers as short as
    /// possible and fewer characters escaped.
    pub encoding_json: bool,
    /// What stands for `[]` and `{}`, given the current indentation.
    pub empty: Empty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    /// `[]`, `{}`
    Tight,
    /// `[ ]`, `{ }`
    Spaced,
    /// The brackets on two lines with an empty one between, as `std.manifestJsonEx` does.
    Lines,
}

impl Layout<'_> {
    /// The smallest layout.
    pub(crate) const fn compact() -> Self {
        Self {
            indent: None,
            separator: ",",
            key_separator: ":",
            newline: "",
            encoding_json: false,
            empty: Empty::Tight,
        }
    }

    /// Whether it is the form that documents keep ready.
    fn is_canonical(&self) -> bool {
        self.indent.is_none() && self.separator == "," && !self.encoding_json
    }

    /// The layout of `std.toString`.
    pub(crate) const fn one_line() -> Self {
        Self {
            indent: None,
            separator: ", ",
            key_separator: ": ",
            newline: "",
            encoding_json: false,
            empty: Empty::Spaced,
        }
    }

    /// The layout of the command line.
    pub(crate) const fn indented() -> Self {
        Self {
            indent: Some("   "),
            separator: ",",
            key_separator: ": ",
            newline: "\n",
            encoding_json: false,
            empty: Empty::Spaced,
        }
    }
}

impl Machine<'_> {
    /// Writes a computed value as the result of the program.
    pub(crate) fn write_result(&mut self, value: Value, layout: &Layout<'_>, out: &mut Writer) -> Step<()> {
        let limit = self.max_output();
        self.write(value, layout, 0, limit, out).map_err(|error| self.placed(error))
    }

    /// Writes a value as JSON on one line in a string of the program, as `std.toString` does.
    pub(crate) fn one_line(&mut self, value: Value, node: NodeId) -> Step<StringRef> {
        match self.json_text(value, &Layout::one_line(), node)? {
            Value::String(text) => Ok(text),
            other => self.fail(node, format!("expected a text, got {}", self.type_name(other))),
        }
    }

    /// Writes a value as JSON in a string of the program.
    pub(crate) fn json_text(&mut self, value: Value, layout: &Layout<'_>, node: NodeId) -> Step<Value> {
        let mut out = self.writer();
        // Only the limit of memory bounds it.
        self.write(value, layout, 0, usize::MAX, &mut out).map_err(|error| self.came_out_of(error, node))?;
        self.written(out)
    }

    fn write(
        &mut self,
        value: Value,
        layout: &Layout<'_>,
        level: usize,
        limit: usize,
        out: &mut Writer,
    ) -> Step<()> {
        self.burn(1)?;
        match value {
            Value::Absent | Value::Null => out.push("null", &mut self.memory)?,
            Value::Bool(value) => out.push(if value { "true" } else { "false" }, &mut self.memory)?,
            Value::Number(value) if layout.encoding_json => {
                self.burn(number::effort(value))?;
                out.push(&number::shortest(value), &mut self.memory)?;
            }
            Value::Number(value) => {
                self.burn(number::effort(value))?;
                out.push_number(value, &mut self.memory)?;
            }
            Value::String(string) => {
                let length = self.text(string).text.len();
                self.check_room(out, length, limit)?;
                let text = self.shared_text(string);
                self.write_text(&text, layout, out)?;
                self.burn(length / 16)?;
            }
            Value::Document { document, node } if layout.is_canonical() => {
                self.copy_canonical(document, node, limit, out)?;
            }
            Value::Document { .. } | Value::Lazy(_) => {
                let value = self.deeper(|machine| machine.force(value))?;
                return self.write(value, layout, level, limit, out);
            }
            Value::Array(array) => {
                self.deeper(|machine| machine.write_array(array, layout, level, limit, out))?;
            }
            Value::Object(object) => {
                if layout.is_canonical()
                    && let Some((document, node)) = self.document_of(object)
                {
                    return self.copy_canonical(document, node, limit, out);
                }
                self.deeper(|machine| machine.write_object(object, layout, level, limit, out))?;
            }
            Value::Function(_) => {
                return self.fail(
                    crate::code::NONE,
                    "couldn't manifest function as JSON: call it, or hide the field with ::",
                );
            }
        }
        if out.len() > limit {
            return self.exhausted(ErrorKind::Output);
        }
        Ok(())
    }

    /// Writes a part of a document, whose text is ready.
    fn copy_canonical(&mut self, document: u16, node: u32, limit: usize, out: &mut Writer) -> Step<()> {
        let document = self.lists.documents[usize::from(document)].clone();
        self.read_changing |= document.may_hold_changing(node);
        let canonical = document.canonical_of(node);
        let length = canonical.len();
        if length > limit.saturating_sub(out.len()) {
            return self.exhausted(ErrorKind::Output);
        }
        out.push(canonical, &mut self.memory)?;
        self.burn(length / 256)
    }

    fn write_array(
        &mut self,
        array: Handle,
        layout: &Layout<'_>,
        level: usize,
        limit: usize,
        out: &mut Writer,
    ) -> Step<()> {
        let len = self.array_len(array);
        if len == 0 {
            return self.write_empty(layout, level, ["[", "]"], limit, out);
        }
        out.push("[", &mut self.memory)?;
        for at in 0..len {
            if at > 0 {
                out.push(layout.separator, &mut self.memory)?;
            }
            self.new_line(layout, level + 1, limit, out)?;
            let element = self.element(array, at);
            self.write(element, layout, level + 1, limit, out)?;
        }
        self.new_line(layout, level, limit, out)?;
        out.push("]", &mut self.memory)
    }

    fn write_object(
        &mut self,
        object: Handle,
        layout: &Layout<'_>,
        level: usize,
        limit: usize,
        out: &mut Writer,
    ) -> Step<()> {
        let fields = self.field_list(object, false)?;
        // The functions that write other formats ask for the asserts with the first field only.
        if !layout.encoding_json || !fields.is_empty() {
            self.check_asserts(object)?;
        }
        if fields.is_empty() {
            return self.write_empty(layout, level, ["{", "}"], limit, out);
        }
        out.push("{", &mut self.memory)?;
        for (at, (name, position)) in fields.iter().copied().enumerate() {
            if at > 0 {
                out.push(layout.separator, &mut self.memory)?;
            }
            self.new_line(layout, level + 1, limit, out)?;
            self.write_name(name, layout, limit, out)?;
            let value = self.raw_field_value(object, position)?;
            self.write(value, layout, level + 1, limit, out)?;
        }
        fields.free(&mut self.memory);
        self.new_line(layout, level, limit, out)?;
        out.push("}", &mut self.memory)
    }

    /// Ends the output where it would become longer than the limit by `more` bytes.
    fn check_room(&mut self, out: &Writer, more: usize, limit: usize) -> Step<()> {
        if more > limit.saturating_sub(out.len()) { self.exhausted(ErrorKind::Output) } else { Ok(()) }
    }

    fn new_line(&mut self, layout: &Layout<'_>, level: usize, limit: usize, out: &mut Writer) -> Step<()> {
        let Some(indent) = layout.indent else { return Ok(()) };
        let length = layout.newline.len() + level * indent.len();
        self.check_room(out, length, limit)?;
        self.burn(length / 64)?;
        out.push(layout.newline, &mut self.memory)?;
        for _ in 0..level {
            out.push(indent, &mut self.memory)?;
        }
        Ok(())
    }

    fn write_empty(
        &mut self,
        layout: &Layout<'_>,
        level: usize,
        brackets: [&str; 2],
        limit: usize,
        out: &mut Writer,
    ) -> Step<()> {
        out.push(brackets[0], &mut self.memory)?;
        match layout.empty {
            Empty::Tight => {}
            Empty::Spaced => out.push(" ", &mut self.memory)?,
            Empty::Lines => {
                self.check_room(out, layout.newline.len(), limit)?;
                out.push(layout.newline, &mut self.memory)?;
                self.new_line(layout, level, limit, out)?;
            }
        }
        out.push(brackets[1], &mut self.memory)
    }

    fn write_name(&mut self, name: Symbol, layout: &Layout<'_>, limit: usize, out: &mut Writer) -> Step<()> {
        let text = self.symbol_text(name).text.clone();
        let length = text.len() + layout.key_separator.len();
        self.check_room(out, length, limit)?;
        self.burn(length / 16)?;
        self.write_text(&text, layout, out)?;
        out.push(layout.key_separator, &mut self.memory)
    }

    fn write_text(&mut self, text: &str, layout: &Layout<'_>, out: &mut Writer) -> Step<()> {
        if layout.encoding_json {
            out.push_encoding_json(text, &mut self.memory)
        } else {
            out.push_json(text, &mut self.memory)
        }
    }
}
