//! Templates in the language of Go, as far as the messages of Kratos use it: a small engine with bounds.
//!
//! A template has text and, between `{{` and `}}`, fields, `if`, `with`, `range`, `define`, `template`, comments, and
//! pipelines of a few functions. Blanks are trimmed by `{{-` and `-}}`. What it does not know is refused with its line
//! when the template is read; so nothing is found out only when a message is to be sent. A value that is missing is
//! empty. In HTML, each value is escaped as the place demands at which it stands, and a place at which nothing can be
//! escaped is refused.
//!
//! | module | holds |
//! |---|---|
//! | `lexer` | text and actions, and the words of an action |
//! | `parser` | what they mean together |
//! | `tree` | a template as it is read |
//! | `calls` | which templates call which |
//! | `html` | which place of HTML a value stands at |
//! | `escape` | how values are escaped |
//! | `functions` | the functions |
//! | `render` | a template with its data |

mod calls;
mod escape;
mod functions;
mod html;
mod lexer;
mod parser;
mod render;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::HashMap;

use calls::Named;
use serde_json::Value;
use tree::Node;

/// The largest template in bytes.
const MAX_SOURCE: usize = 256 * 1024;

/// The deepest nesting of blocks and of parentheses.
const MAX_DEPTH: usize = 32;

/// How deep templates may call each other.
const MAX_CALLS: usize = 16;

/// The most bytes that are made of a template, and of each text on the way.
pub const MAX_OUTPUT: usize = 256 * 1024;

/// The most work for one template: each step counts, and each byte that is made or compared.
const MAX_WORK: usize = 4 * 1024 * 1024;

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TemplateError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub problem: String,
}

impl TemplateError {
    fn new(line: usize, problem: impl Into<String>) -> Self {
        Self { line, problem: problem.into() }
    }

    /// This error, with the name of the file in which the line is, where that is another one.
    fn within(self, file: Option<&str>) -> Self {
        match file {
            Some(file) => Self { problem: format!("of {file}: {}", self.problem), ..self },
            None => self,
        }
    }
}

/// What a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain text, in which nothing is escaped.
    Text,
    /// HTML, in which values are escaped.
    Html,
}

/// A template that was read.
#[derive(Clone, Debug)]
pub struct Template {
    main: Vec<Node>,
    /// Those that it calls, by name.
    named: HashMap<String, Vec<Node>>,
}

impl Template {
    /// Reads a template. `others` are texts that it may call by their names, and `fields` the members that its data has.
    pub fn parse(
        source: &str,
        others: &[(String, String)],
        format: Format,
        fields: &[&str],
    ) -> Result<Self, TemplateError> {
        let mut own = HashMap::new();
        let mut main = parser::parse(source, Some(fields), &mut own)?;
        let mut named = HashMap::new();
        for (name, text) in others {
            // What is called may get other data. Of several files that define a name, the last one counts.
            let mut defined = HashMap::new();
            let main = parser::parse(text, None, &mut defined).map_err(|error| error.within(Some(name)))?;
            let in_file = |nodes| Named { file: Some(name.clone()), nodes };
            named.extend(defined.into_iter().map(|(defined, nodes)| (defined, in_file(nodes))));
            named.insert(name.clone(), in_file(main));
        }
        named.extend(own.into_iter().map(|(name, nodes)| (name, Named { file: None, nodes })));
        let mut named = calls::called(&main, named)?;
        calls::check(&main, &named)?;
        if format == Format::Html {
            html::place(&mut main)?;
            for Named { file, nodes } in named.values_mut() {
                html::place(nodes).map_err(|error| error.within(file.as_deref()))?;
            }
        }
        Ok(Self { main, named: named.into_iter().map(|(name, Named { nodes, .. })| (name, nodes)).collect() })
    }

    /// Fills a template in.
    pub fn render(&self, data: &Value) -> Result<String, TemplateError> {
        render::render(self, data)
    }
}
