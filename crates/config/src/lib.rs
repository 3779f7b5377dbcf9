//! The configuration: one tree with the key names of `kratos.yml`.
//!
//! It comes from files, over them the environment, over both the revision stored through the project
//! API. What belongs to the machine (`dsn`, `dsn_read_only`, `secrets`, `serve`, `log`) comes from files and the
//! environment only.
//!
//! | module | holds |
//! |---|---|
//! | [`keys`] | every known key, its type and its meaning |
//! | [`yaml`] | files with the line of every value |
//! | [`load`] | files and environment together |
//! | [`tree`] | the typed configuration |
//! | [`patch`] | JSON Patch on the tree |
//! | [`duplicates`] | members that stand twice |
//! | [`redact`] | the tree without its secrets, and differences of two trees |

pub mod duplicates;
pub mod keys;
pub mod load;
pub mod patch;
pub mod redact;
#[cfg(test)]
mod reference;
pub mod tree;
mod trusted_proxies;
pub mod yaml;

pub use load::{ConfigError, Loaded, load};
pub use tree::{Config, Timeouts};
pub use trusted_proxies::TrustedProxies;
