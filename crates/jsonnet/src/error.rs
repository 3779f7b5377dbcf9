//! What can be wrong with a program or its evaluation, and how it is shown.

use std::fmt;
use std::sync::Arc;

/// A place in a source text. Lines and columns count from 1; columns count characters.
///
/// ```
/// let error = sessera_jsonnet::Program::parse("m.jsonnet", "{\n  a: ]\n}").unwrap_err();
/// let place = error.location;
/// assert_eq!((&*place.source, place.line, place.column), ("m.jsonnet", 2, 6));
/// assert_eq!((&*place.excerpt, place.width), ("  a: ]", 1));
/// assert_eq!(place.to_string(), "m.jsonnet:2:6");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The name of the source, as given to [`crate::Program::parse`].
    pub source: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
    /// The text of that line, cut after 200 characters.
    pub excerpt: String,
    /// How many characters of the line the place covers, at least one.
    pub width: u32,
}

impl Location {
    /// The place of the bytes `start..end` of a source.
    pub(crate) fn new(name: &Arc<str>, text: &str, start: usize, end: usize) -> Self {
        let start = floor_char_boundary(text, start);
        let end = floor_char_boundary(text, end.max(start));
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = text[line_start..start].chars().count() + 1;
        let width = text[start..end.min(line_end).max(start)].chars().count().max(1);
        Self {
            source: name.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            excerpt: text[line_start..line_end].chars().take(200).collect(),
            width: u32::try_from(width).unwrap_or(u32::MAX),
        }
    }

    fn write_excerpt(&self, out: &mut String) {
        use fmt::Write as _;
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let column = self.column.min(201) as usize;
        let width = (self.width as usize).min(201_usize.saturating_sub(column)).max(1);
        let _ = writeln!(out, "{gutter}--> {self}");
        let _ = writeln!(out, "{gutter} |");
        let _ = writeln!(out, "{number} | {}", self.excerpt.replace('\t', " "));
        let _ = writeln!(out, "{gutter} | {}{}", " ".repeat(column - 1), "^".repeat(width));
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The source text is not a Jsonnet program.
///
/// ```
/// let error = sessera_jsonnet::Program::parse("m.jsonnet", "[1, 2").unwrap_err();
/// assert_eq!(error.to_string(), "m.jsonnet:1:6: expected ',' or ']', found the end of the program");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct SyntaxError {
    /// What is wrong and what to do about it.
    pub message: String,
    /// The place of the error.
    pub location: Location,
}

impl SyntaxError {
    /// The error with an excerpt of the source, over several lines.
    ///
    /// ```
    /// let error = sessera_jsonnet::Program::parse("m.jsonnet", "{ a: }").unwrap_err();
    /// assert!(error.render().contains("1 | { a: }"));
    /// ```
    pub fn render(&self) -> String {
        let mut out = format!("error: {}\n", self.message);
        self.location.write_excerpt(&mut out);
        out
    }
}

/// Why an evaluation ended without a value.
///
/// ```
/// use sessera_jsonnet::{ErrorKind, Limits, Program, Variables};
/// let kind = |source| {
///     let program = Program::parse("m", source).unwrap();
///     program.evaluate(&Variables::new(), &Limits::default()).unwrap_err().kind()
/// };
/// assert_eq!(kind("error 'no'"), ErrorKind::Program);
/// assert_eq!(kind("1 + {}"), ErrorKind::Runtime);
/// assert!(kind("local a = [a]; a").is_limit());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The program itself ended with `error` or `assert`.
    Program,
    /// A value has the wrong type, a field does not exist, an index is out of bounds and the like.
    Runtime,
    /// It took more steps than [`crate::Limits::fuel`].
    Fuel,
    /// It took more memory than [`crate::Limits::memory`].
    Memory,
    /// It nested deeper than [`crate::Limits::depth`].
    Depth,
    /// Its result is longer than [`crate::Limits::output`].
    Output,
}

impl ErrorKind {
    /// Whether a limit was hit, which is neither a value nor an error of the program.
    ///
    /// ```
    /// use sessera_jsonnet::ErrorKind;
    /// assert!(ErrorKind::Memory.is_limit());
    /// assert!(!ErrorKind::Runtime.is_limit());
    /// ```
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::Fuel | Self::Memory | Self::Depth | Self::Output)
    }
}

/// For how many places of calls [`EvalError::render`] shows the source.
const SHOWN_CALLS: usize = 6;

/// The evaluation of a program ended without a value.
///
/// ```
/// use sessera_jsonnet::{Limits, Program, Variables};
/// let program = Program::parse("m", "local f(x) = 1 + x.a;\n2 + f({})").unwrap();
/// let error = program.evaluate(&Variables::new(), &Limits::default()).unwrap_err();
/// assert_eq!(error.message(), "field does not exist: a");
/// assert_eq!(error.location().unwrap().to_string(), "m:1:18");
/// assert_eq!(error.trace()[0].to_string(), "m:2:5");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalError(pub(crate) Box<Failure>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub kind: ErrorKind,
    pub message: String,
    pub location: Option<Location>,
    pub trace: Vec<Location>,
    /// How many calls the trace lacks.
    pub omitted: usize,
}

impl EvalError {
    /// The error of a limit that was hit.
    #[cold]
    pub(crate) fn limit(kind: ErrorKind) -> Self {
        let message = match kind {
            ErrorKind::Fuel => "the evaluation takes too many steps",
            ErrorKind::Memory => "the evaluation takes too much memory",
            ErrorKind::Depth => "the evaluation nests too deep: max stack frames exceeded",
            _ => "the result is too long",
        };
        Self(Box::new(Failure {
            kind,
            message: message.to_owned(),
            location: None,
            trace: Vec::new(),
            omitted: 0,
        }))
    }

    /// Why it ended.
    ///
    /// ```
    /// use sessera_jsonnet::{ErrorKind, Limits, Program, Variables};
    /// let program = Program::parse("m", "1 + null").unwrap();
    /// let error = program.evaluate(&Variables::new(), &Limits::default()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Runtime);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened. It may hold values of the evaluation.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "error 'no ' + 1").unwrap();
    /// let error = program.evaluate(&Variables::new(), &Limits::default()).unwrap_err();
    /// assert_eq!(error.message(), "no 1");
    /// ```
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The place in the program that is to blame, if one is.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "[1][2]").unwrap();
    /// let error = program.evaluate(&Variables::new(), &Limits::default()).unwrap_err();
    /// assert_eq!(error.location().unwrap().column, 1);
    /// ```
    pub fn location(&self) -> Option<&Location> {
        self.0.location.as_ref()
    }

    /// The calls that led there, innermost first, at most twenty.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "local f(n) = 1 + if n == 0 then null else f(n - 1);\nf(2)").unwrap();
    /// let error = program.evaluate(&Variables::new(), &Limits::default()).unwrap_err();
    /// let calls: Vec<String> = error.trace().iter().map(ToString::to_string).collect();
    /// assert_eq!(calls, ["m:1:43", "m:1:43", "m:2:1"]);
    /// ```
    pub fn trace(&self) -> &[Location] {
        &self.0.trace
    }

    /// The error with an excerpt of the source, and one for each of the innermost calls that led there, over
    /// several lines.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m.jsonnet", "local f(x) = 1 + x.b;\n{ a: f({}) }").unwrap();
    /// let error = program.evaluate(&Variables::new(), &Limits::default()).unwrap_err();
    /// let shown = "\
    /// error: field does not exist: b
    ///  --> m.jsonnet:1:18
    ///   |
    /// 1 | local f(x) = 1 + x.b;
    ///   |                  ^^^
    /// called from
    ///  --> m.jsonnet:2:6
    ///   |
    /// 2 | { a: f({}) }
    ///   |      ^^^^^
    /// ";
    /// assert_eq!(error.render(), shown);
    /// ```
    pub fn render(&self) -> String {
        use fmt::Write as _;
        let mut out = format!("error: {}\n", self.0.message);
        if let Some(location) = &self.0.location {
            location.write_excerpt(&mut out);
        }
        let mut hidden = self.0.trace.len() + self.0.omitted;
        // A function that calls itself comes from the same place each time.
        for calls in self.0.trace.chunk_by(|a, b| a == b).take(SHOWN_CALLS) {
            hidden -= calls.len();
            match calls.len() {
                1 => out.push_str("called from\n"),
                times => {
                    let _ = writeln!(out, "called {times} times from");
                }
            }
            calls[0].write_excerpt(&mut out);
        }
        if hidden > 0 {
            let _ = writeln!(out, "... and {hidden} more calls");
        }
        out
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.location {
            Some(location) => write!(f, "{location}: {}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl std::error::Error for EvalError {}
