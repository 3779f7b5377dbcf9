//! Typed client of the admin API.
//!
//! [`AdminClient`] knows where the API is and which token it asks for. There is one file of methods for
//! each group of routes:
//!
//! | module | holds |
//! |---|---|
//! | [`endpoint`] | where the API is, and whether a token may be sent there |
//! | [`error`] | what can go wrong, with the server's own reason |
//! | [`admin_tokens`] | tokens of the API itself |
//! | [`audit`] | the record of what happened |
//! | [`health`] | whether a server can do its work |
//! | [`keys`] | key sets |
//! | [`projects`] | the configuration, its revisions, tokenizer templates |
//! | [`identities`] | identities |
//! | [`sessions`] | sessions |
//! | [`sinks`] | receivers of events |
//!
//! A token is never sent over plain http to anything but loopback, and never to where a redirect leads:
//! redirects are not followed.

pub mod admin_tokens;
pub mod audit;
mod client;
pub mod endpoint;
pub mod error;
pub mod health;
pub mod identities;
pub mod keys;
pub mod managed_sets;
pub mod projects;
pub mod sessions;
pub mod sinks;

pub use client::AdminClient;
pub use endpoint::Endpoint;
pub use error::ClientError;
