//! The HTML of the pages that come with the server, without HTTP: what a page is made of is handed in, and text
//! comes out.
//!
//! | module | holds |
//! |---|---|
//! | [`page`] | the document around all pages, and what it may load |
//! | [`branding`] | what a deployment gives them of its own |
//! | [`form`] | nodes of forms as HTML |
//! | [`devices`] | the list of a person's sessions |
//! | [`words`] | what pages say, by language |
//! | [`assets`] | the files that they load |
//!
//! Everything goes through maud's `html!`, which escapes every value that is put into it; nothing here
//! takes text as HTML.

pub mod assets;
pub mod branding;
pub mod devices;
pub mod form;
pub mod page;
pub mod words;

pub use branding::Branding;
pub use form::FormContext;
pub use page::{Page, Width, mark};
pub use sessera_accounts::language::Language;
pub use words::{Texts, Word, Words};
