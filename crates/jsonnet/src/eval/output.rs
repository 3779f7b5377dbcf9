//! From values to JSON text.

use super::value::{Handle, Value};
use super::{Machine, Step};
use crate::code::{NodeId, Symbol};
use crate::error::ErrorKind;
use crate::{number, text};

/// How JSON is laid out.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// What each level is indented with; on one line when absent.
    pub indent: Option<String>,
    /// Between elements and fields, before the new line.
    pub separator: &'static str,
    pub key_separator: String,
    pub newline: String,
    /// Whether numbers and strings are written as Go's encoding/json does: numbers as short as possible,
    /// fewer characters escaped.
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

impl Layout {
    /// As small as possible.
    pub(crate) fn compact() -> Self {
        Self {
            indent: None,
            separator: ",",
            key_separator: ":".into(),
            newline: String::new(),
            encoding_json: false,
            empty: Empty::Tight,
        }
    }

    /// Whether it is the form that documents keep ready.
    fn is_canonical(&self) -> bool {
        self.indent.is_none() && self.separator == "," && !self.encoding_json
    }

    /// As `std.toString` writes it.
    pub(crate) fn one_line() -> Self {
        Self {
            indent: None,
            separator: ", ",
            key_separator: ": ".into(),
            newline: String::new(),
            encoding_json: false,
            empty: Empty::Spaced,
        }
    }

    /// As the command line prints it.
    pub(crate) fn indented() -> Self {
        Self {
            indent: Some("   ".into()),
            separator: ",",
            key_separator: ": ".into(),
            newline: "\n".into(),
            encoding_json: false,
            empty: Empty::Spaced,
        }
    }
}

impl Machine<'_> {
    /// A computed value as the result of the program.
    pub(crate) fn write_result(&mut self, value: Value, layout: &Layout, out: &mut Vec<u8>) -> Step<()> {
        let limit = self.max_output();
        self.write(value, layout, 0, limit, out).map_err(|error| self.placed(error))
    }

    /// A value as JSON on one line, as `std.toString` writes it.
    pub(crate) fn one_line(&mut self, value: Value, node: NodeId) -> Step<String> {
        self.json_text(value, &Layout::one_line(), node)
    }

    /// A value as JSON in a string of the program; it takes memory.
    pub(crate) fn json_text(&mut self, value: Value, layout: &Layout, node: NodeId) -> Step<String> {
        let mut out = Vec::new();
        // What it takes is charged when it is whole, with the room that it needed while it grew.
        let limit = self.memory_left() / 3 * 2;
        let written = self.write(value, layout, 0, limit, &mut out);
        match written {
            Err(error) if error.kind() == ErrorKind::Output => return self.exhausted(ErrorKind::Memory),
            other => other.map_err(|error| self.came_out_of(error, node))?,
        }
        self.charge(out.len())?;
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    pub(crate) const fn memory_left(&self) -> usize {
        self.memory
    }

    fn write(
        &mut self,
        value: Value,
        layout: &Layout,
        level: usize,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Step<()> {
        self.burn(1)?;
        match value {
            Value::Absent | Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            Value::Number(value) if layout.encoding_json => {
                self.burn(number::effort(value))?;
                out.extend_from_slice(number::shortest(value).as_bytes());
            }
            Value::Number(value) => {
                self.burn(number::effort(value))?;
                number::write(value, out);
            }
            Value::String(string) => {
                let length = self.text(string).text.len();
                self.check_room(out, length, limit)?;
                write_text(&self.text(string).text, layout, out);
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

    /// A part of a document, whose text is ready.
    fn copy_canonical(&mut self, document: u16, node: u32, limit: usize, out: &mut Vec<u8>) -> Step<()> {
        let canonical = self.lists.documents[usize::from(document)].canonical_of(node);
        let length = canonical.len();
        if length > limit.saturating_sub(out.len()) {
            return self.exhausted(ErrorKind::Output);
        }
        out.extend_from_slice(canonical.as_bytes());
        self.burn(length / 256)
    }

    fn write_array(
        &mut self,
        array: Handle,
        layout: &Layout,
        level: usize,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Step<()> {
        let len = self.array_len(array);
        if len == 0 {
            return self.write_empty(layout, level, *b"[]", limit, out);
        }
        out.push(b'[');
        for at in 0..len {
            if at > 0 {
                out.extend_from_slice(layout.separator.as_bytes());
            }
            self.new_line(layout, level + 1, limit, out)?;
            let element = self.element(array, at);
            self.write(element, layout, level + 1, limit, out)?;
        }
        self.new_line(layout, level, limit, out)?;
        out.push(b']');
        Ok(())
    }

    fn write_object(
        &mut self,
        object: Handle,
        layout: &Layout,
        level: usize,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Step<()> {
        let fields = self.field_list(object, false)?;
        // The functions that write other formats ask for the asserts with the first field only.
        if !layout.encoding_json || !fields.is_empty() {
            self.check_asserts(object)?;
        }
        if fields.is_empty() {
            return self.write_empty(layout, level, *b"{}", limit, out);
        }
        out.push(b'{');
        for (at, (name, position)) in fields.into_iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(layout.separator.as_bytes());
            }
            self.new_line(layout, level + 1, limit, out)?;
            self.write_name(name, layout, limit, out)?;
            let value = self.raw_field_value(object, position)?;
            self.write(value, layout, level + 1, limit, out)?;
        }
        self.new_line(layout, level, limit, out)?;
        out.push(b'}');
        Ok(())
    }

    /// Ends the output where it would become longer than the limit by `more` bytes.
    fn check_room(&mut self, out: &[u8], more: usize, limit: usize) -> Step<()> {
        if more > limit.saturating_sub(out.len()) { self.exhausted(ErrorKind::Output) } else { Ok(()) }
    }

    fn new_line(&mut self, layout: &Layout, level: usize, limit: usize, out: &mut Vec<u8>) -> Step<()> {
        let Some(indent) = &layout.indent else { return Ok(()) };
        let length = layout.newline.len() + level * indent.len();
        self.check_room(out, length, limit)?;
        self.burn(length / 64)?;
        out.extend_from_slice(layout.newline.as_bytes());
        for _ in 0..level {
            out.extend_from_slice(indent.as_bytes());
        }
        Ok(())
    }

    fn write_empty(
        &mut self,
        layout: &Layout,
        level: usize,
        brackets: [u8; 2],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Step<()> {
        out.push(brackets[0]);
        match layout.empty {
            Empty::Tight => {}
            Empty::Spaced => out.push(b' '),
            Empty::Lines => {
                self.check_room(out, layout.newline.len(), limit)?;
                out.extend_from_slice(layout.newline.as_bytes());
                self.new_line(layout, level, limit, out)?;
            }
        }
        out.push(brackets[1]);
        Ok(())
    }

    fn write_name(&mut self, name: Symbol, layout: &Layout, limit: usize, out: &mut Vec<u8>) -> Step<()> {
        let length = self.symbol_text(name).text.len() + layout.key_separator.len();
        self.check_room(out, length, limit)?;
        self.burn(length / 16)?;
        write_text(&self.symbol_text(name).text, layout, out);
        out.extend_from_slice(layout.key_separator.as_bytes());
        Ok(())
    }
}

fn write_text(text: &str, layout: &Layout, out: &mut Vec<u8>) {
    if layout.encoding_json { text::write_encoding_json(text, out) } else { text::write_json(text, out) }
}
