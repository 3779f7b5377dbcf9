//! Reading YAML. The events of a parser become values, and scalars mean what they mean in YAML 1.1, because
//! go-jsonnet reads them so.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::code::NodeId;
use crate::error::ErrorKind;
use crate::eval::memory::Blocks;
use crate::eval::object::Places;
use crate::eval::value::{Handle, Value};
use crate::eval::{Machine, Step};
use crate::library::encoding;
use crate::library::tabs::{Region, Tabs};
use crate::number;
use crate::text::shortened;

/// How deep a document may nest.
const DEEPEST: usize = 200;

/// The tags of scalars that are looked at.
const DECODED: &[&str] = &["int", "float", "bool", "null", "binary", "timestamp", "merge"];

/// Bytes that an anchor takes in the table of anchors, with the room for growing.
const ANCHOR_SIZE: usize = 4 * size_of::<(usize, Node)>();

/// What [`read`] gives.
pub(super) enum Stream {
    /// No document begins with `---`, so the first one counts, if there is any.
    Single(Option<Value>),
    /// All documents.
    Many(Blocks<Value>),
}

/// Reads a text.
pub(super) fn read(m: &mut Machine<'_>, text: &str, node: NodeId) -> Step<Stream> {
    let mut reader = Reader {
        open: Vec::new(),
        anchors: HashMap::new(),
        documents: Blocks::default(),
        explicit: false,
        ended: false,
        characters: 0,
        node,
    };
    // A mark of byte order is no content.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut tabs = text.contains('\t').then(|| Tabs::of(text));
    let mut parser = Parser::new_from_str(text);
    let printable = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{85}') || !c.is_control();
    if !text.chars().all(printable) {
        return m.fail(node, "failed to parse YAML: control characters are not allowed");
    }
    if text.starts_with("%YAML") && !text.starts_with("%YAML 1.1") {
        return m.fail(node, "failed to parse YAML: only version 1.1 is known");
    }
    let mut known = usize::MAX;
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            // What follows a whole document without being one is passed over, unless it is no token either,
            // as go-yaml does.
            Err(error) if reader.ended && !is_of_tokens(error.info()) => {
                known = reader.characters;
                break;
            }
            Err(error) => return m.fail(node, format!("failed to parse YAML: {error}")),
        };
        if let Some(tabs) = &mut tabs {
            m.charge(size_of::<Region>())?;
            tabs.note(&event, &span);
        }
        m.burn(2 + span.end.index().saturating_sub(reader.characters) / 4)?;
        reader.characters = reader.characters.max(span.end.index());
        reader.take(m, event)?;
    }
    if tabs.is_some_and(|tabs| tabs.indent(known)) {
        return m.fail(node, "failed to parse YAML: a tab stands where indentation is expected");
    }
    let Reader { documents, explicit, .. } = reader;
    Ok(if explicit { Stream::Many(documents) } else { Stream::Single(documents.iter().next().copied()) })
}

/// Whether what is wrong was found while tokens were made, before their order was looked at.
fn is_of_tokens(problem: &str) -> bool {
    problem.contains("scanning") || problem.contains("mapping values are not allowed")
}

/// A sequence or a mapping that has not ended yet.
enum Open {
    Sequence { anchor: usize, items: Blocks<Value> },
    Mapping { anchor: usize, fields: Blocks<(String, Value)>, key: Option<Key> },
}

/// The key of a mapping, whose value comes next.
enum Key {
    Name(String),
    /// The key is `<<`, so the fields of the value are taken in.
    Merge,
}

/// A node that has ended, with its value, and with its name as a key if it can be one.
#[derive(Clone)]
struct Node {
    value: Value,
    name: Option<String>,
    merges: bool,
}

struct Reader {
    open: Vec<Open>,
    /// What anchors stand for, once their nodes have ended.
    anchors: HashMap<usize, Node>,
    documents: Blocks<Value>,
    /// Whether some document began with `---`.
    explicit: bool,
    /// Whether the value of the current document is there.
    ended: bool,
    characters: usize,
    node: NodeId,
}

impl Reader {
    fn fail<T>(&self, m: &Machine<'_>, problem: &str) -> Step<T> {
        m.fail(self.node, format!("failed to parse YAML: {problem}"))
    }

    fn take(&mut self, m: &mut Machine<'_>, event: Event<'_>) -> Step<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(explicit) => {
                self.explicit |= explicit;
                self.ended = false;
                self.anchors.clear();
                Ok(())
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.ended(m, 0, node),
                None => self.fail(m, "an alias stands inside of the value that it names"),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(m, &text, style, tag.as_deref())?;
                self.ended(m, anchor, node)
            }
            Event::SequenceStart(anchor, _) => {
                self.begin(m, Open::Sequence { anchor, items: Blocks::default() })
            }
            Event::MappingStart(anchor, _) => {
                self.begin(m, Open::Mapping { anchor, fields: Blocks::default(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(m),
        }
    }

    fn begin(&mut self, m: &mut Machine<'_>, open: Open) -> Step<()> {
        if self.open.len() >= DEEPEST {
            return m.exhausted(ErrorKind::Depth);
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self, m: &mut Machine<'_>) -> Step<()> {
        let (anchor, value) = match self.open.pop() {
            Some(Open::Sequence { anchor, items }) => (anchor, m.array_of(items)?),
            Some(Open::Mapping { anchor, fields, .. }) => {
                // Of fields with the same name the last one counts.
                let mut members = m.memory.list(fields.len())?;
                let mut places = Places::default();
                for (name, value) in fields.iter() {
                    let name = m.intern_str(name)?;
                    match places.find_or_add(name, members.len(), &mut m.memory)? {
                        None => members.push((name, *value)),
                        Some(at) => members[at] = (name, *value),
                    }
                }
                (anchor, m.made_object(&members)?)
            }
            None => return self.fail(m, "an end without a beginning"),
        };
        self.ended(m, anchor, Node { value, name: None, merges: false })
    }

    /// Puts a node that has ended where it belongs.
    fn ended(&mut self, m: &mut Machine<'_>, anchor: usize, node: Node) -> Step<()> {
        if anchor > 0 {
            m.charge(ANCHOR_SIZE + node.name.as_ref().map_or(0, String::len))?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => {
                self.documents.push(node.value, &mut m.memory)?;
                self.ended = true;
            }
            Some(Open::Sequence { items, .. }) => items.push(node.value, &mut m.memory)?,
            Some(Open::Mapping { fields, key, .. }) => match key.take() {
                Some(Key::Name(name)) => fields.push((name, node.value), &mut m.memory)?,
                Some(Key::Merge) => return self.merge(m, node.value),
                None if node.merges => *key = Some(Key::Merge),
                None => match node.name {
                    Some(name) => *key = Some(Key::Name(name)),
                    None => {
                        return self.fail(m, "the key of a mapping must be a text, a number or a boolean");
                    }
                },
            },
        }
        Ok(())
    }

    /// Takes the fields of an object, or of several, into the open mapping.
    fn merge(&mut self, m: &mut Machine<'_>, value: Value) -> Step<()> {
        const PROBLEM: &str = "<< must be followed by a mapping or a sequence of mappings";
        match value {
            Value::Object(object) => self.merge_fields(m, object),
            Value::Array(array) => {
                for at in (0..m.array_len(array)).rev() {
                    match m.element(array, at) {
                        Value::Object(object) => self.merge_fields(m, object)?,
                        _ => return self.fail(m, PROBLEM),
                    }
                }
                Ok(())
            }
            _ => self.fail(m, PROBLEM),
        }
    }

    fn merge_fields(&mut self, m: &mut Machine<'_>, object: Handle) -> Step<()> {
        let merged = m.field_list(object, false)?;
        for (name, position) in merged.iter().copied() {
            let value = m.field_value(object, position as usize, self.node)?;
            let name = m.symbol_text(name).text.clone();
            m.charge(name.len())?;
            if let Some(Open::Mapping { fields, .. }) = self.open.last_mut() {
                fields.push((name.as_ref().to_owned(), value), &mut m.memory)?;
            }
        }
        Ok(())
    }

    fn scalar(&self, m: &mut Machine<'_>, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Step<Node> {
        let plain = style == ScalarStyle::Plain;
        let tag = match tag {
            None if plain => "",
            None => "str",
            Some(tag) if tag.is_yaml_core_schema() && DECODED.contains(&&*tag.suffix) => &tag.suffix,
            // The meaning of other tags is not known here, so the text is taken as it is.
            Some(_) => "str",
        };
        let scalar = match tag {
            "str" | "merge" => Scalar::Text,
            "binary" => return self.binary(m, text),
            "" => Scalar::of(text),
            tag => {
                let scalar = Scalar::of(text);
                let fits = match (tag, &scalar) {
                    ("int", Scalar::Whole(_)) | ("float", Scalar::Whole(_) | Scalar::Fraction(_)) => true,
                    ("bool", Scalar::Bool(_)) | ("null", Scalar::Null) => true,
                    // What looks like a date is a text here.
                    ("timestamp", Scalar::Text) => is_date(text),
                    _ => false,
                };
                if !fits {
                    return self.fail(m, &format!("{:?} is no {tag}", shortened(text)));
                }
                scalar
            }
        };
        let merges = plain && text == "<<" && matches!(tag, "" | "merge");
        let (value, name) = match scalar {
            Scalar::Null => (Value::Null, None),
            Scalar::Bool(value) => (Value::Bool(value), Some(value.to_string())),
            Scalar::Whole(value) => {
                #[expect(clippy::cast_precision_loss, reason = "Jsonnet's numbers are doubles")]
                let number = value as f64;
                (Value::Number(number), Some(value.to_string()))
            }
            Scalar::Fraction(value) if value.is_finite() => {
                (Value::Number(value), Some(number::yaml_key(value)))
            }
            Scalar::Fraction(_) => return self.fail(m, "the number is not finite"),
            Scalar::Text => {
                m.charge(text.len())?;
                (m.string(text)?, Some(text.to_owned()))
            }
        };
        Ok(Node { value, name, merges })
    }

    fn binary(&self, m: &mut Machine<'_>, text: &str) -> Step<Node> {
        let Some(bytes) = encoding::decode(text) else {
            return self.fail(m, "a !!binary value must be base64");
        };
        let text = encoding::text_of_bytes(m, &bytes)?;
        m.charge(text.len())?;
        let name = Some(text.text().to_owned());
        Ok(Node { value: m.written(text)?, name, merges: false })
    }
}

/// Whether a text begins as a date does, with a year and a dash.
fn is_date(text: &str) -> bool {
    text.split_once('-').is_some_and(|(year, _)| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))
}

/// Says what a plain scalar means.
#[derive(Debug, PartialEq)]
enum Scalar {
    Null,
    Bool(bool),
    /// Reads a whole number of 64 bits, with a sign or without.
    Whole(i128),
    Fraction(f64),
    Text,
}

impl Scalar {
    fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
                return Self::Bool(true);
            }
            "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
                return Self::Bool(false);
            }
            ".nan" | ".NaN" | ".NAN" => return Self::Fraction(f64::NAN),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Self::Fraction(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => return Self::Fraction(f64::NEG_INFINITY),
            _ => {}
        }
        match text.as_bytes()[0] {
            b'.' => fraction(text).map_or(Self::Text, Self::Fraction),
            b'0'..=b'9' | b'+' | b'-' => {
                let digits = text.replace('_', "");
                whole(&digits)
                    .map(Self::Whole)
                    .or_else(|| fraction(&digits).map(Self::Fraction))
                    .unwrap_or(Self::Text)
            }
            _ => Self::Text,
        }
    }
}

/// Reads a whole number with the prefix of its base, which is `0x`, `0o`, `0b`, or `0` for octal.
fn whole(text: &str) -> Option<i128> {
    let (negative, signed, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (base, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, &*lower)
    };
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    let number = i128::from_str_radix(digits, base).ok()?;
    let number = if negative { -number } else { number };
    let largest = if signed { i128::from(i64::MAX) } else { i128::from(u64::MAX) };
    (i128::from(i64::MIN)..=largest).contains(&number).then_some(number)
}

/// Reads a decimal number with a point or an exponent. It must not be too large for a double.
fn fraction(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimal = digits(before) && digits(after) && !(before.is_empty() && after.is_empty());
    let scaled = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !decimal || !scaled {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Program, Variables};

    /// What is read of a text, as JSON, or nothing when it is refused.
    fn parsed(text: &str) -> Option<String> {
        let source = format!("std.parseYaml({text:?})");
        let program = Program::parse("yaml", &source).unwrap();
        program.evaluate(&Variables::new(), &Limits::default()).ok().map(|output| output.compact().to_owned())
    }

    #[test]
    fn tabs_do_not_indent() {
        for text in [
            "\ta: 1",
            "a:\n\t- b",
            "- \ta",
            "-\ta",
            "? \ta",
            "? a\n:\tb",
            "a: 1\n\tb: 2",
            "a: |\n\tb",
            "a: |\n  x\n\ty",
            "# c\n\ta",
            "\t",
            "\t# c",
            "a: b\n\t\nc: d",
            "a:\n  b: 1\n\t c: 2",
            "a: >\n \n\t x",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
        for (text, json) in [
            ("a: \tb", r#"{"a":"b"}"#),
            ("a: \"x\ty\"", r#"{"a":"x\ty"}"#),
            ("[a,\t b]", r#"["a","b"]"#),
            ("{\ta: 1}", r#"{"a":1}"#),
            ("[\n\ta]", r#"["a"]"#),
            ("a: 1\t", r#"{"a":1}"#),
            ("a: 1\t# c\td", r#"{"a":1}"#),
            ("a: b\n \tc", r#"{"a":"b c"}"#),
            ("a\n\tb", r#""a b""#),
            ("a: |\n  x\n  \ty", r#"{"a":"x\n\ty\n"}"#),
            ("--- \ta", r#"["a"]"#),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(json), "{text:?}");
        }
    }

    #[test]
    fn scalars_mean_what_yaml_1_1_says() {
        let table = [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("y", Scalar::Bool(true)),
            ("Off", Scalar::Bool(false)),
            ("yEs", Scalar::Text),
            ("0x1F", Scalar::Whole(31)),
            ("0o17", Scalar::Whole(15)),
            ("017", Scalar::Whole(15)),
            ("08", Scalar::Fraction(8.0)),
            ("0o8", Scalar::Text),
            ("1_000", Scalar::Whole(1000)),
            ("-0b11", Scalar::Whole(-3)),
            ("18446744073709551615", Scalar::Whole(18_446_744_073_709_551_615)),
            ("18446744073709551616", Scalar::Fraction(18_446_744_073_709_551_616.0)),
            (".5", Scalar::Fraction(0.5)),
            ("1.e3", Scalar::Fraction(1000.0)),
            ("1e400", Scalar::Text),
            ("1e", Scalar::Text),
            ("+", Scalar::Text),
            ("2001-12-14", Scalar::Text),
        ];
        for (text, meant) in table {
            assert_eq!(Scalar::of(text), meant, "{text}");
        }
    }
}
