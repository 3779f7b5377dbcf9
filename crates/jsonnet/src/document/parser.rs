//! The parser of JSON (RFC 8259).

use super::builder::{Builder, sort_fields};
use super::{Document, DocumentError, Field, Kind, to_u32};

/// How deep a document may nest.
const MAX_DEPTH: usize = 200;

/// Reads a text that holds one value.
pub(super) fn parse(json: &str) -> Result<Document, DocumentError> {
    let mut parser = Parser { json: json.as_bytes(), text: json, at: 0, depth: 0, built: Builder::default() };
    let root = parser.value()?;
    parser.white_space();
    if parser.at < json.len() {
        return Err(parser.fail("something follows the value"));
    }
    Ok(parser.built.finish(root))
}

struct Parser<'a> {
    json: &'a [u8],
    text: &'a str,
    at: usize,
    depth: usize,
    built: Builder,
}

impl Parser<'_> {
    fn fail(&self, problem: &'static str) -> DocumentError {
        DocumentError { at: self.at, problem }
    }

    fn white_space(&mut self) {
        while matches!(self.json.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let found = self.json.get(self.at) == Some(&byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn value(&mut self) -> Result<u32, DocumentError> {
        self.white_space();
        let kind = match self.json.get(self.at) {
            Some(b'{') => return self.nested(Self::object),
            Some(b'[') => return self.nested(Self::array),
            Some(b'"') => {
                let (start, end) = self.string()?;
                Kind::String { start, end }
            }
            Some(b't') => self.word("true", Kind::Bool(true))?,
            Some(b'f') => self.word("false", Kind::Bool(false))?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(b'-' | b'0'..=b'9') => Kind::Number(self.number()?),
            Some(_) => return Err(self.fail("a value was expected")),
            None => return Err(self.fail("the text ends where a value was expected")),
        };
        Ok(self.built.push(kind))
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Result<Kind, DocumentError>) -> Result<u32, DocumentError> {
        if self.depth == MAX_DEPTH {
            return Err(self.fail("the value nests too deep"));
        }
        self.depth += 1;
        self.at += 1;
        let kind = parse(self)?;
        self.depth -= 1;
        Ok(self.built.push(kind))
    }

    fn array(&mut self) -> Result<Kind, DocumentError> {
        let mut items = Vec::new();
        self.white_space();
        if !self.next_is(b']') {
            loop {
                items.push(self.value()?);
                self.white_space();
                if self.next_is(b']') {
                    break;
                }
                if !self.next_is(b',') {
                    return Err(self.fail("',' or ']' was expected"));
                }
            }
        }
        let first = to_u32(self.built.children.len());
        self.built.children.extend_from_slice(&items);
        Ok(Kind::Array { first, len: to_u32(items.len()) })
    }

    fn object(&mut self) -> Result<Kind, DocumentError> {
        let mut fields: Vec<Field> = Vec::new();
        self.white_space();
        if !self.next_is(b'}') {
            loop {
                self.white_space();
                if self.json.get(self.at) != Some(&b'"') {
                    return Err(self.fail("the name of a field was expected"));
                }
                let (name_start, name_end) = self.string()?;
                self.white_space();
                if !self.next_is(b':') {
                    return Err(self.fail("':' was expected"));
                }
                let node = self.value()?;
                fields.push(Field { name_start, name_end, node });
                self.white_space();
                if self.next_is(b'}') {
                    break;
                }
                if !self.next_is(b',') {
                    return Err(self.fail("',' or '}' was expected"));
                }
            }
        }
        sort_fields(&self.built.strings, &mut fields);
        let first = to_u32(self.built.fields.len());
        self.built.fields.extend_from_slice(&fields);
        Ok(Kind::Object { first, len: to_u32(fields.len()) })
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<Kind, DocumentError> {
        if !self.json[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fail("a value was expected"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn digits(&mut self) -> Result<(), DocumentError> {
        let start = self.at;
        while self.json.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.fail("a digit was expected")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<f64, DocumentError> {
        let start = self.at;
        self.next_is(b'-');
        if !self.next_is(b'0') {
            self.digits()?;
        }
        if self.next_is(b'.') {
            self.digits()?;
        }
        if self.next_is(b'e') || self.next_is(b'E') {
            if !self.next_is(b'+') {
                self.next_is(b'-');
            }
            self.digits()?;
        }
        let number: f64 =
            self.text[start..self.at].parse().map_err(|_| self.fail("the number cannot be read"))?;
        if number.is_finite() { Ok(number) } else { Err(self.fail("the number is too large")) }
    }

    /// Reads a string and returns its place in the strings.
    fn string(&mut self) -> Result<(u32, u32), DocumentError> {
        self.at += 1;
        let begin = to_u32(self.built.strings.len());
        loop {
            let clean = self.at;
            while !matches!(self.json.get(self.at), None | Some(b'"' | b'\\' | 0..=0x1F)) {
                self.at += 1;
            }
            self.built.strings.push_str(&self.text[clean..self.at]);
            match self.json.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((begin, to_u32(self.built.strings.len())));
                }
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escape()?;
                    self.built.strings.push(character);
                }
                Some(_) => return Err(self.fail("a control character must be escaped")),
                None => return Err(self.fail("the string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, DocumentError> {
        let byte = *self.json.get(self.at).ok_or_else(|| self.fail("the string does not end"))?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if (0xD800..0xDC00).contains(&first) && self.json[self.at..].starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xDC00..0xE000).contains(&second) {
                        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                        return Ok(char::from_u32(code).unwrap_or('\u{FFFD}'));
                    }
                    self.at = back;
                }
                // A lone surrogate has no character; Go's decoder puts the replacement there too.
                char::from_u32(first).unwrap_or('\u{FFFD}')
            }
            _ => return Err(self.fail("unknown escape in a string")),
        })
    }

    fn hex(&mut self) -> Result<u32, DocumentError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.json.get(self.at).and_then(|byte| char::from(*byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.fail("four hexadecimal digits were expected"))?;
            self.at += 1;
        }
        Ok(code)
    }
}
