//! The admin port, asked as a server serves it. What operators do there is seen on the public port, so these tests need both.

mod audit;
mod console;
mod events;
mod identities;
mod introspect;
mod keys;
mod managed_keys;
mod many_sessions;
mod metrics;
mod roles;
mod sessions;
mod sinks;
