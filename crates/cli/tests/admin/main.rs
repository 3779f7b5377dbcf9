//! The command line against a running server. Both are the real program.

mod config;
mod destroy;
mod documents;
mod errors;
mod gateway;
mod guide;
mod identities;
mod keys;
mod server;
mod shells;
mod verify;
