//! Sessions that an upstream keeps.

#[path = "../deployment/mod.rs"]
mod deployment;
mod lists;
mod questions;
mod world;
