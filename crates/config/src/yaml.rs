//! YAML (JSON is YAML) with the line of every value. Anchors, aliases and merge keys (`<<`) are understood.

use std::collections::HashMap;
use std::fmt::Write as _;

use saphyr::ScalarOwned;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};
use sessera_jose::without_byte_order_mark;

use crate::problem::escape;

/// The largest file in bytes.
const MAX_FILE: usize = 4 * 1024 * 1024;

/// How deep a file may nest.
const MAX_DEPTH: usize = 64;

/// How many bytes aliases may add. What they name is copied, so a short file could grow without end.
const MAX_ALIASED: usize = 16 * 1024 * 1024;

/// What a value takes besides its text, in bytes.
const VALUE_SIZE: usize = 64;

/// A file as JSON, with the line of every value by its JSON Pointer.
#[derive(Debug, Default)]
pub struct Document {
    /// The content.
    pub value: Value,
    /// Lines from 1.
    pub lines: HashMap<String, usize>,
}

/// Why a text is no usable YAML, with the line where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// Line from 1.
    pub line: Option<usize>,
    /// What is wrong with the text.
    pub message: String,
}

fn fail<T>(line: impl Into<Option<usize>>, message: impl Into<String>) -> Result<T, YamlError> {
    Err(YamlError { line: line.into(), message: message.into() })
}

/// Parses a text. Of keys that come twice, YAML accepts none.
pub fn parse(text: &str) -> Result<Document, YamlError> {
    if text.len() > MAX_FILE {
        return fail(None, "the file is larger than 4 MiB");
    }
    let mut reader = Reader::default();
    for event in Parser::new_from_str(without_byte_order_mark(text)) {
        let (event, span) = event.map_err(|error| YamlError {
            line: Some(error.marker().line()),
            message: format!("the file is no YAML: {}", error.info()),
        })?;
        reader.take(event, span.start.line())?;
    }
    Ok(Document { value: reader.value.unwrap_or_default(), lines: reader.lines })
}

/// A sequence or a mapping that has not ended yet.
enum Open {
    Sequence { anchor: usize, items: Vec<Value> },
    Mapping { anchor: usize, members: Map<String, Value>, merged: Vec<(Value, usize)>, key: Option<Name> },
}

/// The key of a mapping whose value comes next.
enum Name {
    /// A member.
    Member(String),
    /// `<<`, in a line: the members of the value are taken in.
    Merge(usize),
}

/// What an anchor names.
struct Anchored {
    value: Value,
    size: usize,
    depth: usize,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    aliased: usize,
    lines: HashMap<String, usize>,
    documents: usize,
    value: Option<Value>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), YamlError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                match self.documents {
                    1 => Ok(()),
                    _ => fail(None, "the file holds several YAML documents; one is expected"),
                }
            }
            Event::Alias(anchor) => {
                self.note(line);
                let value = self.named(anchor, line)?;
                self.ended(value, 0, line)
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.is_key() && style == ScalarStyle::Plain && text == "<<" {
                    return self.begin_member(Name::Merge(line), line);
                }
                let Some(scalar) = ScalarOwned::parse_from_cow_and_metadata(text, style, tag.as_ref()) else {
                    return fail(line, "the value is not what its tag says");
                };
                if self.is_key() {
                    self.anchor(anchor, &of_scalar(&scalar), line)?;
                    let Some(name) = name_of(&of_scalar(&scalar)) else {
                        return fail(line, "a key must be a text");
                    };
                    return self.begin_member(Name::Member(name), line);
                }
                self.note(line);
                self.ended(of_scalar(&scalar), anchor, line)
            }
            Event::SequenceStart(anchor, _) => self.begin(Open::Sequence { anchor, items: Vec::new() }, line),
            Event::MappingStart(anchor, _) => {
                let (members, merged) = (Map::new(), Vec::new());
                self.begin(Open::Mapping { anchor, members, merged, key: None }, line)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence { anchor, items }) => self.ended(Value::Array(items), anchor, line),
                Some(Open::Mapping { anchor, mut members, merged, .. }) => {
                    for (value, line) in merged {
                        merge(&mut members, value, line)?;
                    }
                    self.ended(Value::Object(members), anchor, line)
                }
                None => fail(line, "an end without a beginning"),
            },
        }
    }

    /// Whether the next node is the key of a mapping.
    fn is_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Mapping { key: None, .. }))
    }

    fn begin(&mut self, open: Open, line: usize) -> Result<(), YamlError> {
        if self.is_key() {
            return fail(line, "a key must be a text");
        }
        if self.open.len() >= MAX_DEPTH {
            return fail(line, "the file nests deeper than 64 levels");
        }
        self.note(line);
        self.open.push(open);
        Ok(())
    }

    fn begin_member(&mut self, name: Name, line: usize) -> Result<(), YamlError> {
        let Some(Open::Mapping { members, key, .. }) = self.open.last_mut() else { return Ok(()) };
        if let Name::Member(name) = &name
            && members.contains_key(name)
        {
            return fail(line, format!("the key \"{name}\" stands twice"));
        }
        *key = Some(name);
        // What a person looks for is the line of the key, not the first one behind it.
        self.note(line);
        Ok(())
    }

    /// Notes the line of the node that begins now, unless its key has been noted.
    fn note(&mut self, line: usize) {
        let mut pointer = String::new();
        for open in &self.open {
            match open {
                Open::Sequence { items, .. } => {
                    let _ = write!(pointer, "/{}", items.len());
                }
                Open::Mapping { key: Some(Name::Member(name)), .. } => {
                    pointer += "/";
                    pointer += &escape(name);
                }
                Open::Mapping { .. } => return,
            }
        }
        self.lines.entry(pointer).or_insert(line);
    }

    /// Puts a node that has ended where it belongs.
    fn ended(&mut self, value: Value, anchor: usize, line: usize) -> Result<(), YamlError> {
        self.anchor(anchor, &value, line)?;
        match self.open.last_mut() {
            None => self.value = Some(value),
            Some(Open::Sequence { items, .. }) => items.push(value),
            Some(Open::Mapping { members, merged, key, .. }) => match key.take() {
                Some(Name::Member(name)) => {
                    members.insert(name, value);
                }
                Some(Name::Merge(line)) => merged.push((value, line)),
                None => {
                    let Some(name) = name_of(&value) else { return fail(line, "a key must be a text") };
                    return self.begin_member(Name::Member(name), line);
                }
            },
        }
        Ok(())
    }

    /// Keeps a copy of a value that has an anchor, which is 0 where it has none.
    fn anchor(&mut self, anchor: usize, value: &Value, line: usize) -> Result<(), YamlError> {
        if anchor > 0 {
            let (size, depth) = measure(value);
            self.charge(size, line)?;
            self.anchors.insert(anchor, Anchored { value: value.clone(), size, depth });
        }
        Ok(())
    }

    /// A copy of what an anchor names.
    fn named(&mut self, anchor: usize, line: usize) -> Result<Value, YamlError> {
        let Some(Anchored { size, depth, .. }) = self.anchors.get(&anchor) else {
            return fail(line, "an alias stands inside of the value that it names");
        };
        if self.open.len() + depth > MAX_DEPTH {
            return fail(line, "the file nests deeper than 64 levels");
        }
        self.charge(*size, line)?;
        Ok(self.anchors.get(&anchor).map(|anchored| anchored.value.clone()).unwrap_or_default())
    }

    fn charge(&mut self, size: usize, line: usize) -> Result<(), YamlError> {
        self.aliased += size;
        if self.aliased > MAX_ALIASED {
            return fail(line, "the anchors and aliases of the file stand for more than 16 MiB");
        }
        Ok(())
    }
}

/// Takes the members of an object, or of several, into a mapping. What stands there counts more, and of several
/// objects the earlier one.
fn merge(members: &mut Map<String, Value>, value: Value, line: usize) -> Result<(), YamlError> {
    let objects = match value {
        Value::Array(objects) => objects,
        object => vec![object],
    };
    for object in objects {
        let Value::Object(object) = object else {
            return fail(line, "<< must be followed by a mapping or by a list of mappings");
        };
        for (name, value) in object {
            members.entry(name).or_insert(value);
        }
    }
    Ok(())
}

/// How many bytes a value takes, about, and how deep it nests.
fn measure(value: &Value) -> (usize, usize) {
    let of_all = |inner: &mut dyn Iterator<Item = (usize, usize)>| {
        inner.fold((VALUE_SIZE, 1), |(size, depth), (inner, below)| (size + inner, depth.max(below + 1)))
    };
    match value {
        Value::String(text) => (VALUE_SIZE + text.len(), 0),
        Value::Array(items) => of_all(&mut items.iter().map(measure)),
        Value::Object(members) => of_all(&mut members.iter().map(|(name, member)| {
            let (size, depth) = measure(member);
            (size + name.len() + VALUE_SIZE, depth)
        })),
        _ => (VALUE_SIZE, 0),
    }
}

fn of_scalar(scalar: &ScalarOwned) -> Value {
    match scalar {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(value) => Value::Bool(*value),
        ScalarOwned::Integer(value) => Value::from(*value),
        ScalarOwned::FloatingPoint(value) => {
            // JSON has neither infinity nor what is no number. As a text it is refused wherever a number is expected.
            Number::from_f64(value.into_inner()).map_or_else(|| Value::from(value.to_string()), Value::Number)
        }
        ScalarOwned::String(text) => Value::from(text.as_str()),
    }
}

fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) if number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_keep_their_lines() {
        let document = parse("a: 1\nb:\n  c: [x, true]\n  'd/e': null\n").unwrap();
        assert_eq!(document.value, json!({"a": 1, "b": {"c": ["x", true], "d/e": null}}));
        assert_eq!(document.lines["/b/c/1"], 3);
        assert_eq!(document.lines["/b/d~1e"], 4);
        assert_eq!(document.lines["/b"], 2);
    }

    #[test]
    fn json_is_yaml_and_nothing_is_nothing() {
        assert_eq!(parse("{\"a\": [1, 2.5]}").unwrap().value, json!({"a": [1, 2.5]}));
        assert_eq!(parse("").unwrap().value, Value::Null);
    }

    #[test]
    fn a_byte_order_mark_is_read_over() {
        let document = parse("\u{FEFF}a: 1\n").unwrap();
        assert_eq!((document.value, document.lines["/a"]), (json!({"a": 1}), 1));
    }

    #[test]
    fn anchors_and_merge_keys_are_understood() {
        let document = parse(
            "x-a: &a {lifespan: 3h, name: a}\nx-b: &b {name: b, path: /}\none: {<<: *a}\nmore:\n  name: own\n  <<: [*a, *b]\nlist: [*a, &t text, *t]\n\"<<\": no merge\n",
        )
        .unwrap();
        assert_eq!(document.value["one"], json!({"lifespan": "3h", "name": "a"}));
        assert_eq!(document.value["more"], json!({"name": "own", "lifespan": "3h", "path": "/"}));
        assert_eq!(document.value["list"], json!([{"lifespan": "3h", "name": "a"}, "text", "text"]));
        assert_eq!(document.value["<<"], "no merge");
        for (text, line) in
            [("a: 1\n<<: 1\nb: 1\n", 2), ("a: &a\n  b: *a\n", 2), ("a: 1\nb:\n  <<: [1]\n  c: 1\n", 3)]
        {
            assert_eq!(parse(text).unwrap_err().line, Some(line), "{text}");
        }
        assert_eq!(parse("a: [.inf, .nan, 1.5]").unwrap().value, json!({"a": ["inf", "NaN", 1.5]}));
    }

    #[test]
    fn aliases_cannot_grow_without_end() {
        let mut wide = "a0: &a0 [x, x]\n".to_owned();
        let mut deep = "a0: &a0 [x]\n".to_owned();
        for n in 1..100 {
            let _ = writeln!(wide, "a{n}: &a{n} [*a{0}, *a{0}]", n - 1);
            let _ = writeln!(deep, "a{n}: &a{n} [*a{}]", n - 1);
        }
        assert!(parse(&wide).unwrap_err().message.contains("16 MiB"));
        assert!(parse(&deep).unwrap_err().message.contains("64 levels"));
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(100));
        assert!(parse(&long).unwrap_err().message.contains("16 MiB"));
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        let twice = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(twice.line, Some(3), "{twice:?}");
        for text in ["a: [", "a: 1\n b: 2", "--- 1\n--- 2", "{", "\ta: b: c", "? [a]\n: b", "a: !!int x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
        assert!(parse(&"{a: ".repeat(100_000)).is_err());
        assert!(parse(&"a".repeat(MAX_FILE + 1)).is_err());
    }
}
