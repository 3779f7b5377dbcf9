//! One node of a deployment without HTTP: what is configured, how that changes, and what goes on beside requests.
//!
//! | module | holds |
//! |---|---|
//! | [`snapshot`] | everything that follows from the configuration, compiled once |
//! | [`configuration`] | files and environment below, the stored revision above, and how they change |
//! | [`admin_tokens`] | tokens of the admin API, with their names and roles |
//! | [`judgement`] | what is wrong with a configuration, and with the files that it names |
//! | [`exposed_files`] | files of which others on the machine may make more use than they should |
//! | [`secrets`] | the database and the secrets that a configuration names, or that are kept beside the database |
//! | [`managed_keys`] | keys that rotate by themselves: what is due is done and put to use |
//! | [`record`] | the record of what happened: put in order, swept, verified |
//! | [`sinks`] | receivers of events, told of what the record has |
//! | [`chores`] | what is done again and again |
//! | [`event_log`] | what happens, in the log |

pub mod admin_tokens;
pub mod chores;
pub mod configuration;
pub mod event_log;
pub mod exposed_files;
pub mod judgement;
pub mod managed_keys;
pub mod record;
pub mod secrets;
pub mod sinks;
pub mod snapshot;
#[cfg(test)]
mod testing;

pub use configuration::{ConfigOrigin, Configuration};
pub use snapshot::{Snapshot, Snapshots};
