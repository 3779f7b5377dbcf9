//! The command line against a running server. Both are the real program.

mod access;
mod config;
mod destroy;
mod documents;
mod errors;
mod gateway;
mod guide;
mod health;
mod hooks;
mod identities;
mod keys;
mod mail;
mod receiver;
mod recipes;
mod server;
mod shells;
mod sinks;
mod verify;
