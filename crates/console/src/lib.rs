//! The HTML of the console, without HTTP and without the store: what a page shows is handed in, and text comes out.
//!
//! | module | holds |
//! |---|---|
//! | [`page`] | the document around all pages, and what it may load |
//! | [`assets`] | the files that they load |
//! | [`sign_in`] | the page that asks for an admin token |
//! | [`overview`] | whether all is well |
//! | [`actor_label`] | who did what the record tells of |
//! | [`keys`] | key sets, their lives, and what a change of them means for verifiers |
//! | [`people`] | people and their sessions |
//! | [`record`] | what happened |
//! | [`routes`] | routes of the gateway, and requests that are tried |
//! | [`settings`] | what the configuration was, who is told of events, and admin tokens |
//! | [`token`] | what a signed token says |
//! | [`templates`] | tokenizer templates: the list, the editor with its preview, their history, recipes |
//!
//! Everything goes through maud's `html!`, which escapes every value that is put into it; nothing here takes text as
//! HTML.

pub mod actor_label;
pub mod assets;
pub mod keys;
pub mod overview;
pub mod page;
pub mod people;
mod picture;
pub mod record;
pub mod routes;
pub mod settings;
pub mod sign_in;
pub mod templates;
pub mod token;
mod words;

pub use page::{Frame, Section};
