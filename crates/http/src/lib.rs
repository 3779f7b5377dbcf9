//! HTTP without the application: what every server of this kind needs, whatever it answers.
//!
//! | module | holds |
//! |---|---|
//! | [`listener`] | connections: how many there may be, how long they may take, how they end |
//! | [`peer`] | who is at the other end, and what kind of answer they take |
//! | [`forwarded`] | what trusted proxies say of the client for whom they ask |
//! | [`host`] | names of hosts as they are compared |
//! | [`counted`] | what is counted for as long as it lives |

pub mod counted;
pub mod forwarded;
pub mod host;
pub mod listener;
mod own_refusals;
pub mod peer;
mod write_timeout;
