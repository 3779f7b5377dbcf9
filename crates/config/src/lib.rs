//! The configuration: one tree with the key names of `kratos.yml`.
//!
//! It comes from files, over them the environment, over both the revision stored through the project
//! API. What belongs to the machine (`dsn`, `secrets`, `serve`, `log` and others) comes from files and the
//! environment only.
//!
//! | module | holds |
//! |---|---|
//! | [`sections`] | the keys that Sessera acts on, each declared once |
//! | [`unsupported`] | the keys of Kratos that it does not act on, and what that means |
//! | [`kind`], [`keys`] | the keys as data |
//! | [`address`], [`origins`] | addresses and origins as they are written |
//! | [`host`] | hosts as they are written |
//! | [`color`] | colours as they are written |
//! | [`cookies`] | how each cookie is made |
//! | `pages` | what is wrong with the section about the pages |
//! | [`setting`] | how a value becomes a value of a type |
//! | `stray` | what becomes of names that nobody knows |
//! | `strong` | secrets that nobody can guess |
//! | [`yaml`] | files with the line of every value |
//! | [`environment`] | which key a variable stands for |
//! | [`nearest`] | the known name that somebody may have meant |
//! | [`load`] | files and environment together |
//! | [`merge`] | one tree over another |
//! | [`layers`] | the stored revision over files and environment |
//! | [`ConfigFile`] | files and pipes, read within bounds |
//! | [`watched`] | files that were read and may change |
//! | [`config`] | what follows from the sections |
//! | `unworkable` | what is switched on and cannot work |
//! | [`gateway`] | what follows from those of the gateway |
//! | [`events`] | what follows from those of events |
//! | [`reach`] | to which addresses requests may lead that Sessera makes |
//! | [`UpstreamConfig`] | what follows from those of an upstream |
//! | [`patch`] | JSON Patch on the tree |
//! | [`beyond`] | whether a change reaches beyond templates |
//! | [`duplicates`] | members that stand twice |
//! | [`hidden`] | what does not count because of a stored configuration |
//! | `idle` | values that do nothing beside others |
//! | [`redact`] | the tree without its secrets, and differences of two trees |
//! | `shown` | addresses without their passwords |
//! | [`json_schema`] | the schema for editors |

pub mod address;
pub mod beyond;
pub mod color;
pub mod config;
pub mod cookies;
pub mod courier;
pub mod duplicates;
pub mod environment;
mod error;
pub mod events;
mod file;
pub mod gateway;
pub mod hidden;
mod hooks;
pub mod host;
mod idle;
mod json_schema;
pub mod keys;
pub mod kind;
pub mod layers;
pub mod load;
mod loaded;
mod loopback;
mod memory;
pub mod merge;
pub mod nearest;
pub mod origins;
pub mod pages;
pub mod patch;
pub mod places;
pub mod problem;
mod public_suffix;
pub mod reach;
pub mod redact;
#[cfg(test)]
mod reference;
mod requests;
pub mod restart;
mod section;
pub mod sections;
pub mod setting;
mod shown;
mod stray;
mod strong;
mod text;
mod trusted_proxies;
pub mod unsupported;
mod unworkable;
mod upstream;
mod verdict;
pub mod watched;
pub mod yaml;

pub use config::{AdminConfig, Config, OtlpConfig};
pub use error::ConfigError;
pub use file::ConfigFile;
pub use gateway::GatewayConfig;
pub use json_schema::json_schema;
pub use load::{load, load_all};
pub use loaded::Loaded;
pub use loopback::is_loopback;
pub use problem::{Problem, escape};
pub use sections::serve::Timeouts;
pub use strong::Strong;
pub use trusted_proxies::{Proxies, ProxyHeaders, TrustedProxies, network};
pub use unworkable::is_true;
pub use upstream::UpstreamConfig;
