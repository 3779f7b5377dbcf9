//! How much an evaluation may take.

/// The limits of an evaluation and of the parse before it.
///
/// The defaults fit a claims mapper. Each is hit within 50 ms.
///
/// ```
/// use sessera_jsonnet::{ErrorKind, Limits, Program, Variables};
/// let program = Program::parse("m", "local f(x) = f(x + 1); f(0)").unwrap();
/// let limits = Limits { fuel: 1_000, ..Limits::default() };
/// let error = program.evaluate(&Variables::new(), &limits).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Fuel);
/// assert_eq!(Limits::default().times(10).fuel, 10 * Limits::default().fuel);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The number of evaluation steps. Operations on whole strings and arrays take as many as their size asks
    /// for.
    pub fuel: u64,
    /// The bytes that the evaluation may allocate in all. Nothing is given back before its end.
    pub memory: usize,
    /// How deep evaluations may nest. The default is safe on a thread stack of 2 MiB.
    pub depth: u32,
    /// The bytes of the result.
    pub output: usize,
}

/// The largest depth that is safe on a thread stack of 2 MiB when this crate is built with optimisation. A
/// level then takes up to 1 KiB. Without optimisation it takes several times as much.
///
/// ```
/// let limits = sessera_jsonnet::Limits::default();
/// assert_eq!(limits.depth, sessera_jsonnet::MAX_DEPTH);
/// ```
pub const MAX_DEPTH: u32 = 1_000;

/// The largest source text in bytes.
///
/// ```
/// use sessera_jsonnet::{MAX_SOURCE, Program};
/// let error = Program::parse("m", &" ".repeat(MAX_SOURCE + 1)).unwrap_err();
/// assert_eq!(error.message, "the program is longer than 1048576 bytes");
/// ```
pub const MAX_SOURCE: usize = 1024 * 1024;

/// How deep a source text may nest.
///
/// ```
/// use sessera_jsonnet::{MAX_NESTING, Program};
/// let brackets = MAX_NESTING as usize + 1;
/// let error = Program::parse("m", &("[".repeat(brackets) + &"]".repeat(brackets))).unwrap_err();
/// assert!(error.message.contains("deeper than 200 levels"));
/// ```
pub const MAX_NESTING: u32 = 200;

/// How many words and signs a source text may have. A parse takes up to 250 bytes of memory for each.
///
/// ```
/// use sessera_jsonnet::{MAX_TOKENS, Program};
/// let error = Program::parse("m", &format!("[{}]", "1,".repeat(MAX_TOKENS / 2))).unwrap_err();
/// assert_eq!(error.message, "the program has more than 100000 words and signs");
/// ```
pub const MAX_TOKENS: usize = 100_000;

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: 500_000, memory: 16 * 1024 * 1024, depth: MAX_DEPTH, output: 1024 * 1024 }
    }
}

impl Limits {
    /// Multiplies the limits by `factor`, except the depth, which the thread's stack bounds.
    ///
    /// ```
    /// use sessera_jsonnet::Limits;
    /// let limits = Limits::default().times(10);
    /// assert_eq!((limits.fuel, limits.depth), (5_000_000, 1_000));
    /// ```
    #[must_use]
    pub const fn times(self, factor: usize) -> Self {
        Self {
            fuel: self.fuel.saturating_mul(factor as u64),
            memory: self.memory.saturating_mul(factor),
            depth: self.depth,
            output: self.output.saturating_mul(factor),
        }
    }
}
