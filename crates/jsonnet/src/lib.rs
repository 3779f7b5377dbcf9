//! A bounded Jsonnet engine. A program is parsed once and evaluated many times, within limits.
//!
//! It is made for servers that run programs which others wrote, on data that others control. No
//! program can make it panic, abort, hang or take more than its [`Limits`]; it reads no files and
//! knows no clock. A [`Program`] is immutable and shared by all threads; what an evaluation needs
//! beside it lies in an arena that is thrown away whole.
//!
//! ```
//! use sessera_jsonnet::{Document, Limits, Program, Variables};
//!
//! let program = Program::parse("claims.jsonnet", r#"
//!     local session = std.extVar("session");
//!     { claims: { email: session.identity.traits.email } }
//! "#)?;
//! let session = Document::shared(br#"{"identity": {"traits": {"email": "ada@example.org"}}}"#)?;
//! let variables = Variables::new().with("session", session);
//! let output = program.evaluate(&variables, &Limits::default())?;
//! assert_eq!(output.compact(), r#"{"claims":{"email":"ada@example.org"}}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The language is Jsonnet as jsonnet.org specifies it, with the library of go-jsonnet. `import` is
//! refused, because there is nothing to read from.

mod ast;
mod code;
mod document;
mod error;
mod eval;
mod lexer;
mod library;
mod limits;
mod lower;
mod number;
mod parser;
mod program;
mod text;
mod variables;

pub use document::{Document, DocumentError, Scalar};
pub use error::{ErrorKind, EvalError, Location, SyntaxError};
pub use limits::{Limits, MAX_DEPTH, MAX_NESTING, MAX_SOURCE, MAX_TOKENS};
pub use program::{Members, Output, Program};
pub use variables::Variables;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
