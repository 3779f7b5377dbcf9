//! JSON that is parsed once and then read by many evaluations.

mod builder;
mod flat;
mod parser;

use std::sync::Arc;

/// The text is not JSON.
///
/// ```
/// let error = sessera_jsonnet::Document::parse(b"[1, ]").unwrap_err();
/// assert_eq!((error.at, error.problem), (4, "a value was expected"));
/// assert_eq!(error.to_string(), "no JSON at byte 4: a value was expected");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no JSON at byte {at}: {problem}")]
pub struct DocumentError {
    /// The place, in bytes from the start.
    pub at: usize,
    /// What is wrong with the text.
    pub problem: &'static str,
}

/// A value that holds no others.
///
/// ```
/// use sessera_jsonnet::{Document, Scalar};
/// let document = Document::flat(&[("exp", Scalar::Integer(1_700_000_000)), ("iss", Scalar::Text("https://id"))]);
/// assert_eq!(document.canonical(), r#"{"exp":1700000000,"iss":"https://id"}"#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number. Beyond 2^53 it is rounded to the nearest one that a double holds.
    Integer(i64),
}

/// A JSON value, which is immutable and ready for evaluations on any thread.
///
/// Beside the values it keeps their canonical text (compact, fields sorted, numbers as Jsonnet writes
/// them), so that a part which a program returns untouched is written by copying bytes.
///
/// ```
/// let document = sessera_jsonnet::Document::parse(br#"{"b": 1, "a": [true, null]}"#).unwrap();
/// assert_eq!(document.canonical(), r#"{"a":[true,null],"b":1}"#);
/// ```
#[derive(Debug)]
pub struct Document {
    /// The canonical text, and behind it the unescaped forms of the strings that have escapes in it.
    text: Box<str>,
    nodes: Box<[Node]>,
    children: Box<[u32]>,
    fields: Box<[Field]>,
    numbers: Box<[f64]>,
    /// Which nodes are changing: a bit for each of the first ones, and the last bit for all that follow.
    changing: u64,
}

/// A value of a document, in few bytes because servers keep many documents.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// Its canonical text.
    start: u32,
    end: u32,
    /// Where its content begins, in the text or among children, fields or numbers.
    first: u32,
    /// How much content it has, above the [`FORM_BITS`] that say of what kind it is.
    len_and_form: u32,
}

/// The lowest bits of [`Node::len_and_form`]; lengths fit into the others, see [`LONGEST`].
const FORM_BITS: u32 = 3;

/// The longest text of a document, in bytes. Escaping makes it at most six times as long.
const LONGEST: usize = 64 << 20;

/// Kinds as they stand in [`Node::len_and_form`].
mod form {
    pub(super) const NULL: u32 = 0;
    pub(super) const FALSE: u32 = 1;
    pub(super) const TRUE: u32 = 2;
    pub(super) const NUMBER: u32 = 3;
    pub(super) const STRING: u32 = 4;
    pub(super) const ARRAY: u32 = 5;
    pub(super) const OBJECT: u32 = 6;
}

impl Node {
    fn set(&mut self, form: u32, first: usize, len: usize) {
        self.first = to_u32(first);
        self.len_and_form = to_u32(len) << FORM_BITS | form;
    }
}

/// What a value is, as evaluations see it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    /// Bytes `start..end` of the text.
    String {
        start: u32,
        end: u32,
    },
    /// `len` children from `first`.
    Array {
        first: u32,
        len: u32,
    },
    /// `len` fields from `first`, sorted by name.
    Object {
        first: u32,
        len: u32,
    },
}

#[derive(Debug, Clone, Copy)]
struct Field {
    name_start: u32,
    name_end: u32,
    node: u32,
}

impl Document {
    /// Parses JSON (RFC 8259). Of fields with the same name the last one counts.
    ///
    /// ```
    /// use sessera_jsonnet::Document;
    /// assert_eq!(Document::parse(br#"{"a": 1, "a": 2.50}"#)?.canonical(), r#"{"a":2.5}"#);
    /// assert!(Document::parse(b"01").is_err());
    /// # Ok::<(), sessera_jsonnet::DocumentError>(())
    /// ```
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        if json.len() > LONGEST {
            return Err(DocumentError { at: LONGEST, problem: "the text is longer than 64 MiB" });
        }
        let json = std::str::from_utf8(json)
            .map_err(|error| DocumentError { at: error.valid_up_to(), problem: "the text is not UTF-8" })?;
        parser::parse(json)
    }

    /// Parses JSON for sharing between evaluations.
    ///
    /// ```
    /// use sessera_jsonnet::{Document, Variables};
    /// let session = Document::shared(br#"{"id": "1"}"#)?;
    /// let variables = Variables::new().with("session", session);
    /// # Ok::<(), sessera_jsonnet::DocumentError>(())
    /// ```
    pub fn shared(json: &[u8]) -> Result<Arc<Self>, DocumentError> {
        Self::parse(json).map(Arc::new)
    }

    /// An object of texts and whole numbers, made without parsing. Of fields with the same name the last
    /// one counts.
    ///
    /// ```
    /// use sessera_jsonnet::{Document, Scalar};
    /// let document = Document::flat(&[("sub", Scalar::Text("ada")), ("exp", Scalar::Integer(600))]);
    /// assert_eq!(document.canonical(), r#"{"exp":600,"sub":"ada"}"#);
    /// ```
    pub fn flat(fields: &[(&str, Scalar<'_>)]) -> Self {
        flat::object(fields)
    }

    /// Calls the fields of the object *changing* of whose names `is_changing` says so: the next time they will have other
    /// values. [`Members::is_lasting`](crate::Members::is_lasting) tells whether a result was made without them.
    ///
    /// ```
    /// use sessera_jsonnet::{Document, Limits, Program, Scalar, Variables};
    /// let claims = Document::flat(&[("exp", Scalar::Integer(600)), ("iss", Scalar::Text("https://id"))]);
    /// let variables = Variables::new().with("claims", claims.with_changing(|name| name == "exp").into());
    /// let is_lasting = |source| {
    ///     let program = Program::parse("m", source).unwrap();
    ///     program.evaluate_member("claims", &variables, &Limits::default()).unwrap().is_lasting()
    /// };
    /// assert!(is_lasting("{ claims: { iss: std.extVar('claims').iss } }"));
    /// assert!(!is_lasting("{ claims: { until: std.extVar('claims').exp } }"));
    /// ```
    #[must_use]
    pub fn with_changing(self, is_changing: impl Fn(&str) -> bool) -> Self {
        let changing = self.root_fields().iter().filter(|field| is_changing(self.name(field)));
        let changing = changing.fold(0, |bits, field| bits | bit(field.node));
        Self { changing, ..self }
    }

    /// The names and values of an object's fields in the order of their names, with values as compact JSON.
    /// There are none when the document is not an object.
    ///
    /// ```
    /// let document = sessera_jsonnet::Document::parse(br#"{"b": [1], "a": "x"}"#)?;
    /// let fields: Vec<_> = document.fields().collect();
    /// assert_eq!(fields, [("a", "\"x\""), ("b", "[1]")]);
    /// # Ok::<(), sessera_jsonnet::DocumentError>(())
    /// ```
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.root_fields().iter().map(|field| (self.name(field), self.canonical_of(field.node)))
    }

    /// The fields of the whole value, where it is an object.
    fn root_fields(&self) -> &[Field] {
        match self.kind(0) {
            Kind::Object { first, len } => &self.fields[first as usize..(first + len) as usize],
            _ => &[],
        }
    }

    fn name(&self, field: &Field) -> &str {
        self.string(field.name_start, field.name_end)
    }

    /// The whole value as compact JSON with sorted fields.
    ///
    /// ```
    /// let document = sessera_jsonnet::Document::parse(b" [ 1e2 , true ] ")?;
    /// assert_eq!(document.canonical(), "[100,true]");
    /// # Ok::<(), sessera_jsonnet::DocumentError>(())
    /// ```
    pub fn canonical(&self) -> &str {
        self.canonical_of(0)
    }

    /// The bytes that the document takes in memory, for caches that are bounded by size.
    ///
    /// ```
    /// use sessera_jsonnet::Document;
    /// assert!(Document::parse(b"[1, 2]")?.size() > Document::parse(b"[1]")?.size());
    /// # Ok::<(), sessera_jsonnet::DocumentError>(())
    /// ```
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + self.text.len()
            + size_of_val(&*self.nodes)
            + size_of_val(&*self.children)
            + size_of_val(&*self.fields)
            + size_of_val(&*self.numbers)
    }

    pub(crate) fn canonical_of(&self, node: u32) -> &str {
        let node = self.nodes[node as usize];
        &self.text[node.start as usize..node.end as usize]
    }

    /// Whether a node is changing.
    pub(crate) const fn is_changing(&self, node: u32) -> bool {
        self.changing & bit(node) != 0
    }

    /// Whether a node is changing or may hold one that is.
    pub(crate) fn may_hold_changing(&self, node: u32) -> bool {
        self.changing != 0
            && (self.is_changing(node) || matches!(self.kind(node), Kind::Array { .. } | Kind::Object { .. }))
    }

    pub(crate) fn kind(&self, node: u32) -> Kind {
        let Node { first, len_and_form, .. } = self.nodes[node as usize];
        let len = len_and_form >> FORM_BITS;
        match len_and_form & ((1 << FORM_BITS) - 1) {
            form::FALSE => Kind::Bool(false),
            form::TRUE => Kind::Bool(true),
            form::NUMBER => Kind::Number(self.numbers[first as usize]),
            form::STRING => Kind::String { start: first, end: first + len },
            form::ARRAY => Kind::Array { first, len },
            form::OBJECT => Kind::Object { first, len },
            _ => Kind::Null,
        }
    }

    /// Bytes of the text.
    pub(crate) fn string(&self, start: u32, end: u32) -> &str {
        &self.text[start as usize..end as usize]
    }

    pub(crate) fn child(&self, first: u32, at: u32) -> u32 {
        self.children[(first + at) as usize]
    }

    /// The name (as bytes of the text) and the value of a field.
    pub(crate) fn field(&self, first: u32, at: u32) -> ((u32, u32), u32) {
        let field = self.fields[(first + at) as usize];
        ((field.name_start, field.name_end), field.node)
    }

    /// The place of the field `name` among its object's fields.
    pub(crate) fn find(&self, first: u32, len: u32, name: &str) -> Option<u32> {
        let fields = &self.fields[first as usize..(first + len) as usize];
        let at = fields.binary_search_by(|field| self.name(field).cmp(name)).ok()?;
        Some(to_u32(at))
    }
}

/// The bit of a node in [`Document::changing`].
const fn bit(node: u32) -> u64 {
    1 << if node < u64::BITS { node } else { u64::BITS - 1 }
}

/// Converts a length, which fits because longer texts were refused before; see [`LONGEST`].
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(json: &str) -> String {
        Document::parse(json.as_bytes())
            .map_or_else(|error| format!("! {error}"), |d| d.canonical().to_owned())
    }

    #[test]
    fn the_canonical_text_is_compact_and_sorted() {
        assert_eq!(
            canonical(r#" {"b":[1, 2.50 ,{}], "a" : {"é":"\u00e9\n","A":null}} "#),
            r#"{"a":{"A":null,"é":"é\n"},"b":[1,2.5,{}]}"#
        );
        assert_eq!(canonical(r#"{"a":1,"a":2,"b":0,"a":3}"#), r#"{"a":3,"b":0}"#);
        assert_eq!(canonical("1e3"), "1000");
        assert_eq!(canonical(r#""\ud83d\ude00\ud800""#), "\"😀\u{FFFD}\"");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for json in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "01",
            "1.",
            "nul",
            "\"\n\"",
            "\"\\x\"",
            "1e999",
            "[1] 2",
            "{\"a\":1,}",
            "\"abc",
            "-",
        ] {
            assert!(canonical(json).starts_with('!'), "{json}");
        }
        assert!(Document::parse(b"\"\xff\"").is_err());
        assert!(canonical(&"[".repeat(100_000)).contains("too deep"));
        assert_eq!(canonical(&format!("{}{}", "[".repeat(200), "]".repeat(200))).len(), 400);
    }

    #[test]
    fn fields_are_found_by_name() {
        let document = Document::parse(br#"{"b":1,"a":{"x":true}}"#).unwrap();
        let Kind::Object { first, len } = document.kind(0) else { panic!("an object") };
        let a = document.find(first, len, "a").unwrap();
        assert_eq!(document.canonical_of(document.field(first, a).1), r#"{"x":true}"#);
        assert_eq!(document.find(first, len, "c"), None);
    }

    #[test]
    fn strings_are_read_without_their_escapes() {
        let document = Document::parse(br#"{"a\n\"":"x\u0001","b":"plain","\u00e9":["\\", ""]}"#).unwrap();
        let text = |node: u32| match document.kind(node) {
            Kind::String { start, end } => document.string(start, end).to_owned(),
            other => panic!("{other:?}"),
        };
        let Kind::Object { first, len } = document.kind(0) else { panic!("an object") };
        let field = |name: &str| document.field(first, document.find(first, len, name).unwrap()).1;
        assert_eq!((text(field("a\n\"")), text(field("b"))), ("x\u{1}".into(), "plain".into()));
        let Kind::Array { first, len: 2 } = document.kind(field("\u{e9}")) else { panic!("an array") };
        assert_eq!([text(document.child(first, 0)), text(document.child(first, 1))], ["\\", ""]);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_the_canonical_text_is_canonical(json in r#"[\[\]{}",:0-9a-z\\ .+-]{0,40}"#) {
            if let Ok(document) = Document::parse(json.as_bytes()) {
                let again = Document::parse(document.canonical().as_bytes()).unwrap();
                prop_assert_eq!(again.canonical(), document.canonical());
            }
        }
    }
}
