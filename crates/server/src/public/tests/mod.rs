//! The flows as their clients see them.

mod bad_input;
mod bearer;
mod caching;
mod client;
mod codes;
mod cookies;
mod enumeration;
mod forms;
mod given_codes;
mod hooks;
mod limits;
mod links;
mod live_sessions;
mod other_sessions;
#[cfg(feature = "passkeys")]
mod passkeys;
mod planted;
mod providers;
mod rules;
mod second_factor;
mod status_lists;
