//! The flows as their clients see them.

mod client;
mod enumeration;
mod limits;
