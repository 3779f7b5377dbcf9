//! A server on real sockets, as a client that may be hostile sees it.

mod bad_input;
mod projects;
mod server;
