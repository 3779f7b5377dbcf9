//! The public and the admin API of Sessera over HTTP.

mod admin;
pub mod app;
pub mod client;
pub mod credentials;
pub mod discovery;
pub mod error;
mod health;
mod http;
pub mod live;
pub mod metrics;
mod nodes;
mod oauth;
mod observed;
mod openapi;
mod pages;
mod paging;
mod public;
mod request;
pub mod rotation;
pub mod serve;
pub mod sessions;
mod signed;
pub mod snapshot;
mod status_lists;
#[cfg(test)]
mod testing;
pub mod tokenizers;
pub mod traces;
#[cfg(test)]
mod witness;

pub use live::Origin;
pub use serve::{Server, StartError};
