//! The commands that need no server, run as people run them.

mod config_validate;
mod demo;
mod documents;
mod jsonnet;
mod proxies;
mod run;
mod security;
mod small;
mod template_test;
mod tokenize_and_verify;
