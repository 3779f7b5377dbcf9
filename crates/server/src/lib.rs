//! The public and the admin API of Sessera over HTTP.

mod admin;
mod answer;
pub mod app;
mod assets;
pub mod background;
pub mod configuration;
pub mod credentials;
mod event_log;
mod exposed_files;
mod forwarding;
#[cfg(test)]
mod growth_tests;
mod health;
mod http;
pub mod managed_keys;
mod oauth;
mod openapi;
mod pages;
mod paging;
mod public;
mod public_port;
mod pwned_passwords;
mod request;
pub mod serve;
mod session_tokens;
pub mod snapshot;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod traces_tests;
mod upstream;

pub use answer::error;
pub use configuration::ConfigOrigin;
pub use serve::{Server, StartError};
