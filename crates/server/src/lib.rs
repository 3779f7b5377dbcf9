//! The public and the admin API of Sessera over HTTP.

mod admin;
mod answer;
pub mod app;
pub mod client;
pub mod credentials;
mod health;
mod http;
pub mod live;
pub mod managed_keys;
pub mod metrics;
mod oauth;
mod observed;
mod openapi;
mod pages;
mod paging;
mod public;
mod request;
pub mod serve;
pub mod snapshot;
#[cfg(test)]
mod testing;
pub mod traces;
#[cfg(test)]
mod witness;

pub use answer::error;
pub use live::ConfigOrigin;
pub use serve::{Server, StartError};
