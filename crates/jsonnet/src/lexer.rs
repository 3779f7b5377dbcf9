//! Splitting a source text into tokens.

/// A token with the bytes of the source that it covers.
use crate::limits::MAX_TOKENS;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    Identifier(Box<str>),
    Keyword(Keyword),
    Number(f64),
    String(Box<str>),
    /// One of `{ } [ ] ( ) , . ;`.
    Punctuation(u8),
    /// Any run of operator characters.
    Operator(&'static str),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Assert,
    Else,
    Error,
    False,
    For,
    Function,
    If,
    Import,
    Importbin,
    Importstr,
    In,
    Local,
    Null,
    Self_,
    Super,
    Tailstrict,
    Then,
    True,
}

fn keyword(word: &str) -> Option<Keyword> {
    Some(match word {
        "assert" => Keyword::Assert,
        "else" => Keyword::Else,
        "error" => Keyword::Error,
        "false" => Keyword::False,
        "for" => Keyword::For,
        "function" => Keyword::Function,
        "if" => Keyword::If,
        "import" => Keyword::Import,
        "importbin" => Keyword::Importbin,
        "importstr" => Keyword::Importstr,
        "in" => Keyword::In,
        "local" => Keyword::Local,
        "null" => Keyword::Null,
        "self" => Keyword::Self_,
        "super" => Keyword::Super,
        "tailstrict" => Keyword::Tailstrict,
        "then" => Keyword::Then,
        "true" => Keyword::True,
        _ => return None,
    })
}

/// The operators. Among those with the same first character the longest comes first.
const OPERATORS: [&str; 29] = [
    "!=", "!", "$", "%", "&&", "&", "*", "+:::", "+::", "+:", "+", "-", "/", ":::", "::", ":", "<<", "<=",
    "<", "==", "=", ">=", ">>", ">", "^", "||", "|", "~", "...",
];

/// An error at bytes of the source.
#[derive(Debug)]
pub(crate) struct LexError {
    pub message: String,
    pub start: usize,
    pub end: usize,
}

/// Splits a source into tokens, of which the last one is [`TokenKind::End`].
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, LexError> {
    let mut lexer = Lexer { source, bytes: source.as_bytes(), at: 0, symbols_end: 0 };
    let mut tokens = Vec::with_capacity((source.len() / 4).min(1024));
    loop {
        lexer.skip_blank()?;
        let start = lexer.at;
        let kind = lexer.token()?;
        let end = kind == TokenKind::End;
        if tokens.len() == MAX_TOKENS {
            return lexer.fail(format!("the program has more than {MAX_TOKENS} words and signs"), start);
        }
        tokens.push(Token { kind, start: to_u32(start), end: to_u32(lexer.at) });
        if end {
            return Ok(tokens);
        }
    }
}

/// Converts a position to 32 bits, which suffice because sources are bounded far below 4 GiB.
fn to_u32(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

struct Lexer<'a> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The end of the row of symbols in which the last operator stood.
    symbols_end: usize,
}

impl Lexer<'_> {
    fn fail<T>(&self, message: impl Into<String>, start: usize) -> Result<T, LexError> {
        Err(LexError { message: message.into(), start, end: self.at.max(start + 1) })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blank(&mut self) -> Result<(), LexError> {
        loop {
            let rest = &self.bytes[self.at..];
            if matches!(rest.first(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            } else if rest.starts_with(b"#") || rest.starts_with(b"//") {
                self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            } else if rest.starts_with(b"/*") {
                let start = self.at;
                match self.source[self.at + 2..].find("*/") {
                    Some(length) => self.at += length + 4,
                    None => return self.fail("the comment does not end; close it with */", start),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<TokenKind, LexError> {
        let Some(byte) = self.peek() else { return Ok(TokenKind::End) };
        match byte {
            b'{' | b'}' | b'[' | b']' | b'(' | b')' | b',' | b';' => {
                self.at += 1;
                Ok(TokenKind::Punctuation(byte))
            }
            b'.' => {
                self.at += 1;
                Ok(TokenKind::Punctuation(byte))
            }
            b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Ok(self.word()),
            b'"' | b'\'' => self.string(byte),
            b'@' => self.verbatim(),
            b'|' if self.bytes[self.at..].starts_with(b"|||") => self.block(),
            _ => self.operator(),
        }
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.at += 1;
        }
        let word = &self.source[start..self.at];
        keyword(word).map_or_else(|| TokenKind::Identifier(word.into()), TokenKind::Keyword)
    }

    /// Reads digits, between which single underscores may stand.
    fn digits(&mut self, number: &mut String) -> Result<(), LexError> {
        let start = self.at;
        loop {
            match self.peek() {
                Some(byte @ b'0'..=b'9') => number.push(char::from(byte)),
                Some(b'_')
                    if self.at > start
                        && self.bytes[self.at - 1].is_ascii_digit()
                        && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit) => {}
                Some(b'_') => return self.fail("an underscore in a number must stand between digits", start),
                _ if self.at == start => {
                    return self.fail("a digit was expected to go on with the number", start);
                }
                _ => return Ok(()),
            }
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<TokenKind, LexError> {
        let start = self.at;
        let mut number = String::new();
        if self.peek() == Some(b'0') {
            self.at += 1;
            number.push('0');
            if self.peek().is_some_and(|byte| byte.is_ascii_digit() || byte == b'_') {
                return self.fail("a number must not begin with 0 and another digit", start);
            }
        } else {
            self.digits(&mut number)?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            number.push('.');
            self.digits(&mut number)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            number.push('e');
            if let Some(sign @ (b'+' | b'-')) = self.peek() {
                self.at += 1;
                number.push(char::from(sign));
            }
            self.digits(&mut number)?;
        }
        match number.parse::<f64>() {
            Ok(value) => Ok(TokenKind::Number(value)),
            Err(_) => self.fail("the number cannot be read", start),
        }
    }

    fn string(&mut self, quote: u8) -> Result<TokenKind, LexError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let clean = self.at;
            while self.peek().is_some_and(|byte| byte != quote && byte != b'\\') {
                self.at += 1;
            }
            text.push_str(&self.source[clean..self.at]);
            match self.peek() {
                None => return self.fail("the string does not end", start),
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escape(start)?;
                    text.push(character);
                }
                Some(_) => {
                    self.at += 1;
                    return Ok(TokenKind::String(text.into()));
                }
            }
        }
    }

    fn escape(&mut self, start: usize) -> Result<char, LexError> {
        let Some(byte) = self.peek() else { return self.fail("the string does not end", start) };
        self.at += 1;
        Ok(match byte {
            b'"' | b'\'' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if (0xDC00..0xE000).contains(&first) {
                    return self.fail("a low surrogate must follow a high one", self.at - 6);
                }
                if !(0xD800..0xDC00).contains(&first) {
                    return Ok(char::from_u32(first).unwrap_or('\u{FFFD}'));
                }
                if !self.bytes[self.at..].starts_with(b"\\u") {
                    return self.fail("a high surrogate must be followed by a low one", self.at - 6);
                }
                self.at += 2;
                let second = self.hex()?;
                if !(0xDC00..0xE000).contains(&second) {
                    return self.fail("a high surrogate must be followed by a low one", self.at - 6);
                }
                let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                char::from_u32(code).unwrap_or('\u{FFFD}')
            }
            _ => {
                return self.fail(
                    "unknown escape; use one of \\\" \\' \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
                    self.at - 2,
                );
            }
        })
    }

    fn hex(&mut self) -> Result<u32, LexError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.fail("\\u must be followed by four hexadecimal digits", self.at);
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// Reads `@"..."` or `@'...'`, in which a doubled quote stands for one.
    fn verbatim(&mut self) -> Result<TokenKind, LexError> {
        let start = self.at;
        self.at += 1;
        let Some(quote @ (b'"' | b'\'')) = self.peek() else {
            return self.fail("@ must be followed by a string", start);
        };
        self.at += 1;
        let mut text = String::new();
        loop {
            let clean = self.at;
            while self.peek().is_some_and(|byte| byte != quote) {
                self.at += 1;
            }
            text.push_str(&self.source[clean..self.at]);
            if self.peek().is_none() {
                return self.fail("the string does not end", start);
            }
            self.at += 1;
            if self.peek() != Some(quote) {
                return Ok(TokenKind::String(text.into()));
            }
            self.at += 1;
            text.push(char::from(quote));
        }
    }

    /// Reads a block of lines after `|||`, without the white space that the first line begins with.
    fn block(&mut self) -> Result<TokenKind, LexError> {
        let start = self.at;
        self.at += 3;
        let chomp = self.peek() == Some(b'-');
        if chomp {
            self.at += 1;
        }
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        if self.peek() != Some(b'\n') {
            return self.fail("||| must be followed by a new line", start);
        }
        self.at += 1;
        let mut text = String::new();
        while self.peek() == Some(b'\n') {
            text.push('\n');
            self.at += 1;
        }
        let indent_start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let indent = &self.bytes[indent_start..self.at];
        if indent.is_empty() {
            return self.fail("the first line of a text block must begin with white space", start);
        }
        self.at = indent_start;
        loop {
            let line_start = self.at + indent.len();
            let Some(length) =
                self.bytes[line_start.min(self.bytes.len())..].iter().position(|byte| *byte == b'\n')
            else {
                return self.fail("the text block does not end; close it with |||", start);
            };
            text.push_str(&self.source[line_start..=line_start + length]);
            self.at = line_start + length + 1;
            while self.peek() == Some(b'\n') {
                text.push('\n');
                self.at += 1;
            }
            if !self.bytes[self.at..].starts_with(indent) {
                while matches!(self.peek(), Some(b' ' | b'\t')) {
                    self.at += 1;
                }
                if !self.bytes[self.at..].starts_with(b"|||") {
                    return self.fail("the text block does not end; close it with |||", start);
                }
                self.at += 3;
                if chomp && text.ends_with('\n') {
                    text.pop();
                }
                return Ok(TokenKind::String(text.into()));
            }
        }
    }

    /// How many of the next bytes may be one operator. When a row of symbols ends with one that can stand
    /// before a value, only the first symbol is an operator. `1==-1` is `1 = = -1`, which is not a program,
    /// as in go-jsonnet.
    fn operator_length(&mut self) -> usize {
        let is_symbol = |at: usize| b"!$:~+-&|^=<>*/%".contains(&self.bytes[at]);
        if !is_symbol(self.at) {
            // This is `...`, or not an operator at all.
            return self.bytes.len() - self.at;
        }
        if self.symbols_end <= self.at {
            // The end is looked for once for all symbols of a row, which may be long.
            let is_other = |at: &usize| {
                let starts = |text: &[u8]| self.bytes[*at..].starts_with(text);
                starts(b"//") || starts(b"/*") || starts(b"|||") || !is_symbol(*at)
            };
            let end = (self.at + 1..self.bytes.len()).find(is_other);
            self.symbols_end = end.unwrap_or(self.bytes.len());
        }
        let length = self.symbols_end - self.at;
        if length > 1 && b"+-~!$".contains(&self.bytes[self.symbols_end - 1]) { 1 } else { length }
    }

    fn operator(&mut self) -> Result<TokenKind, LexError> {
        let rest = &self.bytes[self.at..self.at + self.operator_length()];
        match OPERATORS.iter().find(|operator| rest.starts_with(operator.as_bytes())) {
            Some(operator) => {
                self.at += operator.len();
                Ok(TokenKind::Operator(operator))
            }
            None => {
                let start = self.at;
                let character = self.source[start..].chars().next().unwrap_or(' ');
                self.at += character.len_utf8();
                self.fail(format!("unexpected character {character:?}"), start)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<TokenKind> {
        tokens(source).unwrap().into_iter().map(|token| token.kind).collect()
    }

    fn string(source: &str) -> String {
        match kinds(source).swap_remove(0) {
            TokenKind::String(text) => text.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn symbols_that_end_with_a_sign_are_read_one_by_one() {
        let symbols = |source: &str| {
            kinds(source).into_iter().filter(|kind| matches!(kind, TokenKind::Operator(_))).count()
        };
        assert_eq!([symbols("1 == -1"), symbols("1==-1"), symbols("{a::-1}"), symbols("1--1")], [2, 3, 3, 2]);
        assert_eq!([symbols("1 -/**/ 1"), symbols("1 == 1"), symbols("a+:::b")], [1, 1, 1]);
    }

    #[test]
    fn words_numbers_and_operators() {
        assert_eq!(
            kinds("local x = 1_000.5e-1; // end"),
            vec![
                TokenKind::Keyword(Keyword::Local),
                TokenKind::Identifier("x".into()),
                TokenKind::Operator("="),
                TokenKind::Number(100.05),
                TokenKind::Punctuation(b';'),
                TokenKind::End
            ]
        );
        assert_eq!(kinds("a+:::b")[1], TokenKind::Operator("+:::"));
        assert_eq!(kinds("/* c */ # d\n1").len(), 2);
    }

    #[test]
    fn strings_in_all_forms() {
        assert_eq!(string(r#""a\n\u00e9\ud83d\ude00""#), "a\né😀");
        assert_eq!(string(r"'it''s'"), "it");
        assert_eq!(string(r"@'it''s \n'"), "it's \\n");
        assert_eq!(string("|||\n  a\n    b\n\n  c\n|||"), "a\n  b\n\nc\n");
        assert_eq!(string("|||-\n\ta\n|||"), "a");
    }

    #[test]
    fn what_does_not_end_is_refused() {
        for source in [
            "\"a",
            "'a",
            "@\"a",
            "/* a",
            "|||\n a\n",
            "|||\na\n|||",
            "\"\\x\"",
            "\"\\ud800\"",
            "1.",
            "01",
            "1e",
            "1__0",
            "§",
            "@x",
        ] {
            assert!(tokens(source).is_err(), "{source}");
        }
    }
}
