//! Web hooks: others are told what happens in a flow, or asked whether it may.
//!
//! | module | holds |
//! |---|---|
//! | [`list`] | the hooks of each flow, compiled |
//! | [`web_hook`] | one web hook, and what is sent to it |
//! | [`request`] | a request to somebody, and the program that makes its body |
//! | [`caller`] | who calls, which is no business of this crate |
//! | [`calls`] | calls that are waited for and repeated, and those beside a request |
//! | [`answer`] | what comes back |
//!
//! When each of them is called, and what becomes of the flow then, is in [`crate::flows::hooks`].

pub mod answer;
pub mod caller;
pub mod calls;
pub mod list;
pub mod request;
pub mod web_hook;

pub use calls::WebHooks;
pub use list::FlowHooks;
