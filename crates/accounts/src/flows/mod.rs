//! The self-service flows: signing in, signing up and what belongs to it.
//!
//! | module | holds |
//! |---|---|
//! | [`flow`] | what is kept of a flow between two requests |
//! | [`sign_in`] | how a proof becomes a session |
//! | [`login`] | the form for signing in |
//! | [`registration`] | the forms for signing up |
//! | [`settings`] | the form for one's own account |
//! | [`recovery`] | the form for getting back into an account |
//! | [`verification`] | proving an address |
//! | [`password`] | signing in with a password |
//! | [`totp`] | codes of authenticator apps |
//! | [`second_factor`] | authenticator apps and printed codes as they are kept |
//! | [`passkeys`] | passkeys: what is asked of a browser, and how its answer is checked |
//! | [`error`] | why a flow cannot go on |

pub mod error;
pub mod flow;
pub mod login;
pub mod passkeys;
pub mod password;
pub mod recovery;
pub mod registration;
pub mod second_factor;
pub mod settings;
pub mod sign_in;
pub mod totp;
pub mod verification;
