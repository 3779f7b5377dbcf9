//! The public and the admin API of Sessera over HTTP.

mod admin;
mod answer;
pub mod app;
mod assets;
mod forwarding;
mod gateway_port;
mod gateway_rules;
#[cfg(test)]
mod growth_tests;
mod health;
mod http;
mod listeners;
mod oauth;
mod openapi;
mod pages;
mod paging;
mod provider_web;
mod public;
mod public_port;
mod request;
pub mod serve;
mod session_tokens;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod traces_tests;
mod upstream;

pub use answer::error;
pub use serve::{Server, StartError};
pub use sessera_node::ConfigOrigin;
