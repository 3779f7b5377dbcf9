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
//! | [`recovery`] | the form for getting back into an account |
//! | [`settings`] | the form for one's own account |
//! | [`verification`] | proving an address |
//! | [`totp`] | codes of authenticator apps |
//! | [`second_factor`] | authenticator apps and printed codes as they are kept |
//! | [`passkeys`] | passkeys: what is asked of a browser, and how its answer is checked |
//! | [`codes`] | codes by e-mail |
//! | [`login`] | the form for signing in |
//! | [`registration`] | the forms for signing up |
//! | [`self_service`] | what the configuration says about all of this |
//! | `from_config` | how those rules are read from it |
//! | [`keys`] | keyed hashes for what a client holds |

pub mod codes;
pub mod csrf;
pub mod flow;
pub mod form;
mod from_config;
pub mod keys;
pub mod login;
pub mod messages;
pub mod passkeys;
pub mod password;
pub mod recovery;
pub mod registration;
pub mod return_to;
pub mod second_factor;
pub mod self_service;
pub mod settings;
pub mod sign_in;
pub mod totp;
pub mod ui;
pub mod verification;
