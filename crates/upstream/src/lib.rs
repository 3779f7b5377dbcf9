//! The connection to an upstream, an Ory Kratos or an Ory Network project that keeps the sessions.
//!
//! [`client`] is the connection itself, [`HttpAsker`] puts the questions of [`sessera_issuer::upstream`] over it, and
//! [`passing`] is what has to be thought of when requests are passed on. [`Arrival`] tells whether their bodies have come.

mod arrival;
mod asker;
pub mod client;
pub mod passing;
mod said;

pub use arrival::Arrival;
pub use asker::HttpAsker;
pub use client::{Api, Client, ClientError, Unsent};
