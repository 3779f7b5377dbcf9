//! The self-service flows: signing in, signing up and what belongs to it, without HTTP.
//!
//! | module | holds |
//! |---|---|
//! | [`flow`] | what is kept of a flow between two requests |
//! | [`ui`] | the form that a flow shows |
//! | [`messages`] | what a flow says, by number and language |
//! | [`form`] | what a person submits, as a tree |

pub mod flow;
pub mod form;
pub mod messages;
pub mod ui;
