//! The public and the admin API of Sessera over HTTP.

mod admin_port;
#[cfg(test)]
mod admin_tests;
pub mod app;
mod assets;
#[cfg(test)]
mod both_ports_tests;
mod forwarding;
mod gateway_port;
mod gateway_rules;
#[cfg(test)]
mod growth_tests;
mod http;
mod openapi;
mod pages;
#[cfg(test)]
mod paging_tests;
mod provider_web;
mod public;
mod public_port;
pub mod serve;
mod session_tokens;
mod sockets;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod traces_tests;
mod upstream;

pub use serve::{SelfCheck, Server, StartError};
pub use sessera_node::ConfigOrigin;
pub use sockets::{ListenError, Sockets};
