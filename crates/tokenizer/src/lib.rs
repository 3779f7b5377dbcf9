//! Tokenizer templates: a session comes in, a signed JSON Web Token goes out.
//!
//! A [`Template`] is what the configuration says. [`Tokenizer::compile`] reads its sources through
//! [`Sources`] and makes of it a [`Tokenizer`], which is immutable and shared by all requests. This
//! crate does no I/O of its own and has no clock: time and ids are arguments.

pub mod error;
mod signing_order;
pub mod source;
pub mod template;
pub mod tokenizer;

pub use error::{LoadError, TokenizeError};
pub use signing_order::Activation;
pub use source::{SourceError, SourceUrl, Sources};
pub use template::{Audience, MAX_STATUS_TTL, SubjectSource, Template, TemplateError, TemplateName};
pub use tokenizer::{Claims, ClaimsForm, Subject, Tokenizer};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
