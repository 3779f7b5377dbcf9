//! The public and the admin API of Sessera over HTTP.

pub mod client;
pub mod credentials;
pub mod error;
pub mod flows;
pub mod identities;
pub mod password;
pub mod schema;
