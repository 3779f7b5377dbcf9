//! The command line against a running server, both the real program.

mod config;
mod errors;
mod guide;
mod identities;
mod keys;
mod server;
mod verify;
