//! The external variables of an evaluation.

use std::sync::Arc;

use crate::document::Document;

/// The external variables of an evaluation, read with `std.extVar`. They are shared, not copied.
///
/// ```
/// use sessera_jsonnet::{Document, Limits, Program, Variables};
/// let name = Document::shared(b"\"Ada\"")?;
/// let variables = Variables::new().with("name", name.clone()).with_named("other", name);
/// let program = Program::parse("m", "std.extVar('name') + std.extVar('other')")?;
/// assert_eq!(program.evaluate(&variables, &Limits::default())?.compact(), r#""AdaAda""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default, Clone)]
pub struct Variables(Vec<(&'static str, Arc<Document>)>, Vec<(Arc<str>, Arc<Document>)>);

impl Variables {
    /// Makes a set of no variables.
    ///
    /// ```
    /// use sessera_jsonnet::{Limits, Program, Variables};
    /// let program = Program::parse("m", "std.extVar('x')").unwrap();
    /// let error = program.evaluate(&Variables::new(), &Limits::default()).unwrap_err();
    /// assert_eq!(error.message(), "undefined external variable: x");
    /// ```
    pub const fn new() -> Self {
        Self(Vec::new(), Vec::new())
    }

    /// Adds a variable whose name is known at compile time.
    ///
    /// ```
    /// use sessera_jsonnet::{Document, Limits, Program, Variables};
    /// let variables = Variables::new().with("x", Document::shared(b"[1]")?);
    /// let output = Program::parse("m", "std.extVar('x') + [2]")?.evaluate(&variables, &Limits::default())?;
    /// assert_eq!(output.compact(), "[1,2]");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Arc<Document>) -> Self {
        self.0.push((name, value));
        self
    }

    /// Adds a variable of any name.
    ///
    /// ```
    /// use sessera_jsonnet::{Document, Limits, Program, Variables};
    /// let name = String::from("x");
    /// let variables = Variables::new().with_named(&name, Document::shared(b"1")?);
    /// let output = Program::parse("m", "std.extVar('x')")?.evaluate(&variables, &Limits::default())?;
    /// assert_eq!(output.compact(), "1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_named(mut self, name: &str, value: Arc<Document>) -> Self {
        self.1.push((name.into(), value));
        self
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let fixed = self.0.iter().position(|(known, _)| *known == name);
        fixed.or_else(|| self.1.iter().position(|(known, _)| **known == *name).map(|at| at + self.0.len()))
    }

    pub(crate) fn document(&self, at: usize) -> &Arc<Document> {
        self.0.get(at).map_or_else(|| &self.1[at - self.0.len()].1, |(_, document)| document)
    }
}
