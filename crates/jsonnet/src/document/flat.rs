//! Objects of plain values, which are written in one go because nothing in them has to be parsed.

use std::borrow::Cow;

use super::{Document, Field, Node, Scalar, form, to_u32};
use crate::{number, text};

/// The most bytes of a whole number.
const LONGEST_INTEGER: usize = 20;

/// The object of these fields, which may come in any order. Of fields with the same name the last one counts.
pub(super) fn object(fields: &[(&str, Scalar<'_>)]) -> Document {
    let fields = in_order(fields);
    let numbers = fields.iter().filter(|(_, value)| matches!(value, Scalar::Integer(_))).count();
    let mut written = Written {
        text: Vec::with_capacity(2 + fields.iter().map(|(name, value)| room(name, value)).sum::<usize>()),
        nodes: Vec::with_capacity(fields.len() + 1),
        fields: Vec::with_capacity(fields.len()),
        numbers: Vec::with_capacity(numbers),
        escaped: Vec::new(),
    };
    written.write(&fields);
    written.finish()
}

/// The fields in the order of their names, each name once.
fn in_order<'f, 'a>(fields: &'f [(&'a str, Scalar<'a>)]) -> Cow<'f, [(&'a str, Scalar<'a>)]> {
    if fields.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Cow::Borrowed(fields);
    }
    // The sort is stable, so the reversal brings the last one of equal names to their front.
    let mut sorted: Vec<_> = fields.iter().rev().copied().collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted.dedup_by_key(|(name, _)| *name);
    Cow::Owned(sorted)
}

/// How many bytes a field takes with its quotes and separators when nothing in it has to be escaped.
fn room(name: &str, value: &Scalar<'_>) -> usize {
    name.len()
        + match value {
            Scalar::Text(text) => text.len() + 6,
            Scalar::Integer(_) => LONGEST_INTEGER + 4,
        }
}

/// A string that does not stand in the canonical text as it is.
struct Escaped<'a> {
    place: StringOwner,
    text: &'a str,
}

/// To what the string belongs.
enum StringOwner {
    Name(usize),
    Value(usize),
}

/// The parts of a document as far as they are written.
struct Written<'a> {
    text: Vec<u8>,
    nodes: Vec<Node>,
    fields: Vec<Field>,
    numbers: Vec<f64>,
    escaped: Vec<Escaped<'a>>,
}

impl<'a> Written<'a> {
    fn write(&mut self, fields: &[(&'a str, Scalar<'a>)]) {
        let mut root = Node { start: 0, end: 0, first: 0, len_and_form: form::NULL };
        root.set(form::OBJECT, 0, fields.len());
        self.nodes.push(root);
        self.text.push(b'{');
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                self.text.push(b',');
            }
            let (name_start, name_end) = self.string(StringOwner::Name(at), name);
            self.text.push(b':');
            let node = self.nodes.len();
            self.fields.push(Field { name_start, name_end, node: to_u32(node) });
            let start = to_u32(self.text.len());
            let mut written = Node { start, end: start, first: 0, len_and_form: form::NULL };
            match value {
                #[expect(clippy::cast_precision_loss, reason = "numbers of Jsonnet are doubles")]
                Scalar::Integer(value) => {
                    let value = *value as f64;
                    number::write(value, &mut self.text);
                    written.set(form::NUMBER, self.numbers.len(), 0);
                    self.numbers.push(value);
                }
                Scalar::Text(text) => {
                    let (first, _) = self.string(StringOwner::Value(node), text);
                    written.set(form::STRING, first as usize, text.len());
                }
            }
            written.end = to_u32(self.text.len());
            self.nodes.push(written);
        }
        self.text.push(b'}');
        self.nodes[0].end = to_u32(self.text.len());
    }

    /// Writes a string. Returns where its content stands, unless that has to stand unescaped behind the text.
    fn string(&mut self, place: StringOwner, text: &'a str) -> (u32, u32) {
        let start = self.text.len() + 1;
        text::write_json(text, &mut self.text);
        if self.text.len() != start + text.len() + 1 {
            self.escaped.push(Escaped { place, text });
        }
        (to_u32(start), to_u32(start + text.len()))
    }

    fn finish(self) -> Document {
        let Self { mut text, mut nodes, mut fields, numbers, escaped } = self;
        for Escaped { place, text: unescaped } in escaped {
            let first = text.len();
            text.extend_from_slice(unescaped.as_bytes());
            match place {
                StringOwner::Value(node) => nodes[node].set(form::STRING, first, unescaped.len()),
                StringOwner::Name(field) => {
                    (fields[field].name_start, fields[field].name_end) = (to_u32(first), to_u32(text.len()));
                }
            }
        }
        Document {
            text: String::from_utf8(text).unwrap_or_default().into_boxed_str(),
            nodes: nodes.into_boxed_slice(),
            children: Box::default(),
            fields: fields.into_boxed_slice(),
            numbers: numbers.into_boxed_slice(),
            changing: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scalars() -> impl Strategy<Value = Vec<(String, Result<i64, String>)>> {
        let text = || "[a-c\"\\\\\n\u{80}-\u{a1}\u{e9}]{0,3}";
        let value = prop_oneof![any::<i64>().prop_map(Ok), text().prop_map(Err)];
        prop::collection::vec((text(), value), 0..6)
    }

    proptest! {
        #[test]
        fn an_object_is_the_one_that_its_text_is_parsed_to(fields in scalars()) {
            let given: Vec<_> = fields
                .iter()
                .map(|(name, value)| {
                    let value = match value {
                        Ok(number) => Scalar::Integer(*number),
                        Err(text) => Scalar::Text(text),
                    };
                    (&**name, value)
                })
                .collect();
            let quoted = |text: &str| {
                let mut out = Vec::new();
                text::write_json(text, &mut out);
                String::from_utf8(out).unwrap()
            };
            let json = given.iter().map(|(name, value)| match value {
                Scalar::Integer(number) => format!("{}:{number}", quoted(name)),
                Scalar::Text(text) => format!("{}:{}", quoted(name), quoted(text)),
            });
            let json = format!("{{{}}}", json.collect::<Vec<_>>().join(","));
            let (made, parsed) = (object(&given), Document::parse(json.as_bytes()).unwrap());
            prop_assert_eq!(format!("{made:?}"), format!("{parsed:?}"));
        }
    }
}
