//! Signed tokens of live sessions: from a session token to the session that it opens, and from the session
//! to a JSON Web Token that anybody can verify offline.
//!
//! The way of a token goes through these modules:
//!
//! 1. [`sessions`]: a session token comes in, a [`LiveSession`] comes out. One cache stands in front of one
//!    [`SessionSource`], which is the only place that knows where sessions are kept: in the store, or at an
//!    [`upstream`].
//! 2. [`compiled`]: everything that follows from the [`Settings`] and the stored key sets, made once.
//!    It is immutable; whoever runs this crate swaps it as a whole when something changes.
//! 3. [`tokens`]: a live session and the name of a template become a token, which [`reuse`] gives again for a while
//!    to those who ask for each request.
//!
//! Beside that way stand key sets as their owners edit them ([`key_sets`]), keys that take turns
//! ([`managed_keys`]), what verifiers are shown
//! ([`published`], [`status_lists`]), what else is signed ([`statements`]), tokens that come back ([`introspection`]), one-time codes that are
//! exchanged for tokens ([`exchange`]), what other nodes change ([`nodes`]), and what templates make of sessions before
//! anybody gets a token of them ([`trial`], [`preview`]), which is found out [`apart`] from answering.
//!
//! The crate knows nothing of HTTP, of passwords and of sign-in. `examples/own_sessions.rs` makes a
//! token of sessions that another program keeps.

mod acceptable;
pub mod apart;
pub mod compiled;
pub mod error;
pub mod exchange;
mod hardware;
pub mod introspection;
pub mod key_sets;
pub mod managed_keys;
pub mod metrics;
pub mod nodes;
pub mod places;
pub mod preview;
pub mod published;
pub mod reuse;
pub mod sessions;
pub mod settings;
pub mod statements;
pub mod status_lists;
pub mod templates;
pub mod tokens;
pub mod trial;
pub mod tried;
pub mod upstream;
mod upstream_error;

pub use compiled::Compiled;
pub use error::IssuerError;
pub use exchange::ExchangeCodes;
pub use introspection::Introspection;
pub use key_sets::KeySets;
pub use managed_keys::{Lease, ManagedKeys};
pub use metrics::IssuerMetrics;
pub use places::Places;
pub use published::Published;
pub use reuse::{ReusedTokens, Wanted};
pub use sessions::{GivenToken, LiveSession, SessionCache, SessionSource, Sessions};
pub use settings::{Assurance, KeptBy, Settings};
pub use status_lists::StatusLists;
pub use templates::Templates;
pub use tokens::TokenIssuer;
pub use upstream::UpstreamSessions;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
