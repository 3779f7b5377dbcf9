//! Programs and their results.

use std::ops::Range;
use std::sync::Arc;

use crate::code::{Code, NONE};
use crate::document::Document;
use crate::error::{EvalError, Location, SyntaxError};
use crate::eval::Machine;
use crate::eval::output::{Layout, Writer};
use crate::eval::value::Value;
use crate::limits::{Limits, MAX_SOURCE};
use crate::variables::Variables;
use crate::{lexer, library, lower, parser};

/// A parsed program, which is immutable, shared by all threads and evaluated any number of times.
///
/// ```
/// use sessera_jsonnet::{Limits, Program, Variables};
/// let program = Program::parse("m", "[x * x for x in std.range(1, 3)]")?;
/// let again = program.clone();
/// let thread = std::thread::spawn(move || again.evaluate(&Variables::new(), &Limits::default()));
/// let here = program.evaluate(&Variables::new(), &Limits::default())?;
/// assert_eq!(here, thread.join().unwrap()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Program(Arc<Code>);

/// The result of an evaluation as JSON.
///
/// ```
/// use sessera_jsonnet::{Limits, Program, Variables};
/// let program = Program::parse("m", "{ b: 1, a: [] }")?;
/// let output = program.evaluate(&Variables::new(), &Limits::default())?;
/// assert_eq!(output.into_string(), r#"{"a":[],"b":1}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    text: String,
    fuel: u64,
}

impl Output {
    /// How many evaluation steps it took, of those that [`Limits::fuel`] allows.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "1 + 1")?;
    /// let output = program.evaluate(&Variables::new(), &Limits::default())?;
    /// assert!(output.fuel() < 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn fuel(&self) -> u64 {
        self.fuel
    }

    /// The JSON text, laid out as it was asked for.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let output = Program::parse("m", "{ a: 0.1 }")?.evaluate(&Variables::new(), &Limits::default())?;
    /// assert_eq!(output.compact(), r#"{"a":0.10000000000000001}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compact(&self) -> &str {
        &self.text
    }

    /// The JSON text.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let output = Program::parse("m", "'x'")?.evaluate(&Variables::new(), &Limits::default())?;
    /// assert_eq!(output.into_string(), "\"x\"");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_string(self) -> String {
        self.text
    }
}

/// The members of an object in the result, each as compact JSON.
///
/// ```
/// use sessera_jsonnet::{Limits, Program, Variables};
/// let program = Program::parse("m", "{ claims: { aud: ['x'] } }")?;
/// let members = program.evaluate_member("claims", &Variables::new(), &Limits::default())?;
/// assert_eq!(members.iter().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    text: Vec<u8>,
    /// The names, and where their values stand in the text.
    list: Vec<(Arc<str>, Range<usize>)>,
    fuel: u64,
    is_lasting: bool,
}

impl Members {
    /// The names and the values in the order of the names.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "{ claims: { b: 1, a: 2 } }")?;
    /// let members = program.evaluate_member("claims", &Variables::new(), &Limits::default())?;
    /// assert_eq!(members.iter().next(), Some(("a", &b"2"[..])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.list.iter().map(|(name, range)| (&**name, &self.text[range.clone()]))
    }

    /// How many evaluation steps it took, of those that [`Limits::fuel`] allows.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "{ claims: {} }")?;
    /// let members = program.evaluate_member("claims", &Variables::new(), &Limits::default())?;
    /// assert!(members.fuel() < Limits::default().fuel);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Whether nothing was read that is changing ([`Document::with_changing`]). Then the same program gives the same
    /// members whatever stands there, as long as all else is the same.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "{ claims: {} }")?;
    /// assert!(program.evaluate_member("claims", &Variables::new(), &Limits::default())?.is_lasting());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn is_lasting(&self) -> bool {
        self.is_lasting
    }
}

/// Why [`Program::evaluate_member`] gave nothing: the shape of the result.
const NO_OBJECT: &str = "the program must return an object with the member";

impl Program {
    /// Parses a source. Errors call it `name`.
    ///
    /// ```
    /// use sessera_jsonnet::Program;
    /// assert!(Program::parse("m.jsonnet", "{ a: 1 }").is_ok());
    /// assert!(Program::parse("m.jsonnet", "import 'x'").is_err());
    /// ```
    pub fn parse(name: &str, source: &str) -> Result<Self, SyntaxError> {
        let fail = |message: String, start: usize, end: usize| SyntaxError {
            message,
            location: Location::new(&name.into(), source, start, end),
        };
        if source.len() > MAX_SOURCE {
            return Err(fail(format!("the program is longer than {MAX_SOURCE} bytes"), 0, 0));
        }
        let tokens = lexer::tokens(source).map_err(|error| fail(error.message, error.start, error.end))?;
        let lowered = parser::parse(&tokens).and_then(|tree| lower::lower(name, source, tree));
        let code =
            lowered.map_err(|error| fail(error.message, error.span.0 as usize, error.span.1 as usize))?;
        Ok(Self(Arc::new(code)))
    }

    /// The name that was given to [`Program::parse`].
    ///
    /// ```
    /// assert_eq!(sessera_jsonnet::Program::parse("m", "1").unwrap().name(), "m");
    /// ```
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The place of the program's outermost expression, which gives its result.
    ///
    /// ```
    /// let program = sessera_jsonnet::Program::parse("m", "local x = 1;\nx").unwrap();
    /// assert_eq!(program.result_location().to_string(), "m:1:1");
    /// ```
    pub fn result_location(&self) -> Location {
        let (start, end) = self.0.spans.get(self.0.root as usize).copied().unwrap_or_default();
        Location::new(&self.0.name, &self.0.source, start as usize, end as usize)
    }

    /// Evaluates the program. The result is compact JSON with sorted fields. `std.trace` is ignored.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "std.trace('here', { b: 1, a: 2 })")?;
    /// assert_eq!(program.evaluate(&Variables::new(), &Limits::default())?.compact(), r#"{"a":2,"b":1}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluate(&self, variables: &Variables, limits: &Limits) -> Result<Output, EvalError> {
        self.run(variables, limits, &Layout::compact(), &mut |_| {})
    }

    /// Evaluates the program. The result is JSON indented by three spaces, as go-jsonnet prints it.
    /// `trace` is called with what `std.trace` says.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "[std.trace('here', 1)]")?;
    /// let mut said = Vec::new();
    /// let mut trace = |text: &str| said.push(text.to_owned());
    /// let output = program.evaluate_pretty(&Variables::new(), &Limits::default(), &mut trace)?;
    /// assert_eq!(output.compact(), "[\n   1\n]");
    /// assert_eq!(said, ["TRACE: m:1 here"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluate_pretty(
        &self,
        variables: &Variables,
        limits: &Limits,
        trace: &mut dyn FnMut(&str),
    ) -> Result<Output, EvalError> {
        self.run(variables, limits, &Layout::indented(), trace)
    }

    /// Evaluates the program, whose result is a function, and calls that with an argument by the name of its
    /// parameter: what Jsonnet's command line calls a top-level argument. Where the result is no function, nothing is
    /// called, and it is the result.
    ///
    /// ```
    /// use sessera_jsonnet::{Document, Limits, Program};
    /// let ctx = Document::shared(br#"{"flow": {"type": "api"}}"#)?;
    /// let call = |source| Program::parse("m", source).unwrap().call("ctx", ctx.clone(), &Limits::default());
    /// assert_eq!(call("function(ctx, more=1) [ctx.flow.type, more]")?.compact(), r#"["api",1]"#);
    /// assert_eq!(call("{ a: 1 }")?.compact(), r#"{"a":1}"#);
    /// assert_eq!(call("function(other) 1").unwrap_err().message(), "function has no parameter ctx");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call(
        &self,
        parameter: &str,
        argument: Arc<Document>,
        limits: &Limits,
    ) -> Result<Output, EvalError> {
        let (variables, mut ignored) = (Variables::new(), |_: &str| {});
        let mut machine = Machine::new(&self.0, library::all(), &variables, limits, &mut ignored);
        let value = machine.result_of_call(parameter, argument)?;
        written(machine, value, limits, &Layout::compact())
    }

    fn run(
        &self,
        variables: &Variables,
        limits: &Limits,
        layout: &Layout<'_>,
        trace: &mut dyn FnMut(&str),
    ) -> Result<Output, EvalError> {
        let mut machine = Machine::new(&self.0, library::all(), variables, limits, trace);
        let value = machine.result()?;
        written(machine, value, limits, layout)
    }

    /// Evaluates the program, whose result must be an object, and returns the members of the object
    /// that stands in it under `member`.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "{ claims: { b: 1, a: [true], c:: 0 } }")?;
    /// let members = program.evaluate_member("claims", &Variables::new(), &Limits::default())?;
    /// let shown: Vec<_> = members.iter().collect();
    /// assert_eq!(shown, [("a", &b"[true]"[..]), ("b", &b"1"[..])]);
    /// assert!(members.fuel() > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn evaluate_member(
        &self,
        member: &str,
        variables: &Variables,
        limits: &Limits,
    ) -> Result<Members, EvalError> {
        let mut ignored = |_: &str| {};
        let mut machine = Machine::new(&self.0, library::all(), variables, limits, &mut ignored);
        let root = self.0.root;
        let result = machine.result()?;
        let Value::Object(object) = result else {
            let found = machine.type_name(result);
            return machine.fail(root, format!("{NO_OBJECT} \"{member}\", it returns: {found}"));
        };
        machine.check_asserts(object)?;
        let name = machine.known_symbol(member);
        let field = match name {
            Some(name) => machine.find_field(object, name)?,
            None => None,
        };
        let Some((position, false)) = field else {
            return machine.fail(root, format!("{NO_OBJECT} \"{member}\", which its result lacks"));
        };
        let value = machine.field_value(object, position, NONE)?;
        let Value::Object(inner) = value else {
            let found = machine.type_name(value);
            return machine.fail(root, format!("{NO_OBJECT} \"{member}\" being an object, it is: {found}"));
        };
        machine.check_asserts(inner)?;
        let fields = machine.field_list(inner, false)?;
        let mut list = machine.memory.list(fields.len())?;
        let mut text = Writer::default();
        text.make_room(1024, &mut machine.memory)?;
        for (name, position) in fields.iter().copied() {
            let start = text.len();
            let value = machine.raw_field_value(inner, position)?;
            machine.write_result(value, &Layout::compact(), &mut text)?;
            list.push((machine.symbol_text(name).text.clone(), start..text.len()));
        }
        let fuel = limits.fuel.saturating_sub(machine.fuel_left());
        Ok(Members { text: text.into_bytes(), list, fuel, is_lasting: !machine.read_changing })
    }
}

/// A value as JSON.
fn written(
    mut machine: Machine<'_>,
    value: Value,
    limits: &Limits,
    layout: &Layout<'_>,
) -> Result<Output, EvalError> {
    let mut out = Writer::default();
    machine.write_result(value, layout, &mut out)?;
    let fuel = limits.fuel - machine.fuel_left();
    Ok(Output { text: String::from_utf8(out.into_bytes()).unwrap_or_default(), fuel })
}
