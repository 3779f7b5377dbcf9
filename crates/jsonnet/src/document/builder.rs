//! Building documents. Values are collected in the order in which they come and then turned into the form
//! that is kept.

use super::{Document, Field, Kind, Node, form, to_u32};
use crate::{number, text};

/// What is built while parsing. Node 0 is the root once the document is finished.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) strings: String,
    pub(super) nodes: Vec<Kind>,
    pub(super) children: Vec<u32>,
    pub(super) fields: Vec<Field>,
}

impl Builder {
    pub(super) fn push(&mut self, kind: Kind) -> u32 {
        self.nodes.push(kind);
        to_u32(self.nodes.len() - 1)
    }

    /// Writes the canonical text and numbers the nodes in its order.
    pub(super) fn finish(self, root: u32) -> Document {
        let mut writer = Writer {
            built: &self,
            // Names and texts with their quotes and separators.
            out: Vec::with_capacity(self.strings.len() + 8 * self.nodes.len()),
            unescaped: Vec::new(),
            nodes: Vec::with_capacity(self.nodes.len()),
            children: Vec::with_capacity(self.children.len()),
            fields: Vec::with_capacity(self.fields.len()),
            numbers: Vec::new(),
        };
        writer.write(root);
        let Writer { mut out, unescaped, mut nodes, children, mut fields, numbers, .. } = writer;
        for Unescaped { place, start, end } in unescaped {
            let first = out.len();
            out.extend_from_slice(&self.strings.as_bytes()[start as usize..end as usize]);
            match place {
                StringOwner::Node(node) => nodes[node].set(form::STRING, first, out.len() - first),
                StringOwner::Name(field) => {
                    (fields[field].name_start, fields[field].name_end) = (to_u32(first), to_u32(out.len()));
                }
            }
        }
        Document {
            text: String::from_utf8(out).unwrap_or_default().into_boxed_str(),
            nodes: nodes.into_boxed_slice(),
            children: children.into_boxed_slice(),
            fields: fields.into_boxed_slice(),
            numbers: numbers.into_boxed_slice(),
            changing: 0,
        }
    }
}

/// Sorts fields by their names and keeps the last one of those with the same name.
pub(super) fn sort_fields(strings: &str, fields: &mut Vec<Field>) {
    let name = |field: &Field| &strings[field.name_start as usize..field.name_end as usize];
    // The sort is stable, so of equal names the last one stays last, and is kept after the reversal.
    fields.reverse();
    fields.sort_by(|a, b| name(a).cmp(name(b)));
    fields.dedup_by(|a, b| name(a) == name(b));
}

struct Writer<'a> {
    built: &'a Builder,
    out: Vec<u8>,
    /// Strings that were written with escapes.
    unescaped: Vec<Unescaped>,
    nodes: Vec<Node>,
    children: Vec<u32>,
    fields: Vec<Field>,
    numbers: Vec<f64>,
}

/// A string of the builder that has no place in the canonical text.
struct Unescaped {
    place: StringOwner,
    start: u32,
    end: u32,
}

/// The node to which the string belongs.
enum StringOwner {
    Node(usize),
    Name(usize),
}

impl Writer<'_> {
    fn write(&mut self, old: u32) -> u32 {
        let id = self.nodes.len();
        let begin = self.out.len();
        let start = to_u32(begin);
        self.nodes.push(Node { start, end: start, first: 0, len_and_form: form::NULL });
        match self.built.nodes[old as usize] {
            Kind::Null => self.out.extend_from_slice(b"null"),
            Kind::Bool(value) => {
                self.out.extend_from_slice(if value { b"true" } else { b"false" });
                self.nodes[id].set(if value { form::TRUE } else { form::FALSE }, 0, 0);
            }
            Kind::Number(value) => {
                number::write(value, &mut self.out);
                self.nodes[id].set(form::NUMBER, self.numbers.len(), 0);
                self.numbers.push(value);
            }
            Kind::String { start, end } => {
                if self.string(start, end) {
                    self.nodes[id].set(form::STRING, begin + 1, (end - start) as usize);
                } else {
                    self.unescaped.push(Unescaped { place: StringOwner::Node(id), start, end });
                }
            }
            Kind::Array { first, len } => {
                let new_first = self.children.len();
                self.children.resize(new_first + len as usize, 0);
                self.out.push(b'[');
                for at in 0..len as usize {
                    if at > 0 {
                        self.out.push(b',');
                    }
                    self.children[new_first + at] = self.write(self.built.children[first as usize + at]);
                }
                self.out.push(b']');
                self.nodes[id].set(form::ARRAY, new_first, len as usize);
            }
            Kind::Object { first, len } => {
                let new_first = self.fields.len();
                let old = &self.built.fields[first as usize..(first + len) as usize];
                self.fields.extend_from_slice(old);
                self.out.push(b'{');
                for at in new_first..new_first + len as usize {
                    if at > new_first {
                        self.out.push(b',');
                    }
                    let Field { name_start: start, name_end: end, node } = self.fields[at];
                    let name_start = to_u32(self.out.len() + 1);
                    if self.string(start, end) {
                        self.fields[at].name_start = name_start;
                        self.fields[at].name_end = name_start + (end - start);
                    } else {
                        self.unescaped.push(Unescaped { place: StringOwner::Name(at), start, end });
                    }
                    self.out.push(b':');
                    self.fields[at].node = self.write(node);
                }
                self.out.push(b'}');
                self.nodes[id].set(form::OBJECT, new_first, len as usize);
            }
        }
        self.nodes[id].end = to_u32(self.out.len());
        to_u32(id)
    }

    /// Writes a string of the builder. Returns whether it stands there as it is, without escapes.
    fn string(&mut self, start: u32, end: u32) -> bool {
        let (before, text) = (self.out.len(), &self.built.strings[start as usize..end as usize]);
        text::write_json(text, &mut self.out);
        self.out.len() - before == text.len() + 2
    }
}
