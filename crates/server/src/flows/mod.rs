//! The self-service flows: signing in, signing up and what belongs to it, without HTTP.
//!
//! | module | holds |
//! |---|---|
//! | [`flow`] | what is kept of a flow between two requests |
//! | [`ui`] | the form that a flow shows |
//! | [`messages`] | what a flow says, by number and language |
//! | [`form`] | what a person submits, as a tree |
//! | [`sign_in`] | how a proof becomes a session |
//! | [`csrf`] | which browser a flow belongs to |
//! | [`return_to`] | where a browser may be sent afterwards |
//! | [`totp`] | codes of authenticator apps |
//! | [`keys`] | keyed hashes for what a client holds |

pub mod csrf;
pub mod flow;
pub mod form;
pub mod keys;
pub mod messages;
pub mod return_to;
pub mod sign_in;
pub mod totp;
pub mod ui;
