//! Requests that this server makes to others over HTTP.
//!
//! [`Outgoing`] is the one way in which they leave: no redirection is followed, the number, the time and the size of
//! what comes back are bounded, and where that is asked for, only public addresses are connected to. Who asks, and what
//! an answer means, is decided in the crates below, which have a trait for each purpose. Those traits are implemented
//! here, in a file each.

mod breaches;
mod client;
mod hooks;

pub use breaches::PwnedPasswords;
pub use client::{Bounds, Failure, Outgoing};
pub use hooks::HttpHooks;
