//! The public and the admin API of Sessera over HTTP.

mod admin;
pub mod app;
pub mod client;
pub mod courier;
pub mod credentials;
pub mod discovery;
pub mod error;
pub mod flows;
mod health;
mod http;
pub mod identities;
pub mod limits;
pub mod live;
pub mod metrics;
mod nodes;
mod oauth;
mod observed;
mod openapi;
mod pages;
mod paging;
pub mod password;
mod public;
mod request;
pub mod rotation;
pub mod schema;
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
