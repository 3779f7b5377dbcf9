//! The self-service flows: signing in, signing up and what belongs to it.
//!
//! | module | holds |
//! |---|---|
//! | [`skeleton`] | the way of every flow, whatever its kind |
//! | [`login`], [`registration`], [`settings`], [`recovery`], [`verification`] | what differs between the kinds |
//! | [`crossing`] | how somebody goes on in a flow of another kind |
//! | [`trip`], [`exchange`] | how somebody is sent to another site and comes back, and how a native client learns of it |
//! | [`method`] | what a sign-in method is to the flows |
//! | [`visit`] | who asks, and what it is judged by |
//! | [`flow`] | what is kept of a flow between two requests |
//! | [`sign_in`] | how a proof becomes a session |
//! | [`addresses`] | verification flows that begin by themselves |
//! | [`hooks`] | when web hooks are called, and what they are told |
//! | [`error`] | why a flow cannot go on |

pub mod addresses;
#[cfg(test)]
mod belonging_tests;
#[cfg(test)]
mod bounds_tests;
pub mod crossing;
pub mod error;
pub mod exchange;
pub mod flow;
pub mod hooks;
#[cfg(test)]
mod hooks_tests;
pub(crate) mod known;
pub mod login;
pub mod method;
pub mod recovery;
pub mod registration;
pub mod settings;
#[cfg(test)]
mod settings_tests;
pub mod sign_in;
pub mod skeleton;
pub mod trip;
pub mod verification;
pub mod visit;
