//! HTTP without the application: what every server of this kind needs, whatever it answers.
//!
//! | module | holds |
//! |---|---|
//! | [`listener`] | connections: how many there may be, how long they may take, how they end |
//! | [`body`] | bodies of requests: how large they may be, and how much memory all of them may take |
//! | [`cookies`] | cookies: how they are read and set |
//! | [`cors`] | what pages of other origins may do |
//! | [`sound`] | requests that two readers could understand differently |
//! | [`media_type`] | what a body is |
//! | [`paths`] | how others may read a path |
//! | [`peer`] | who is at the other end, and what kind of answer they take |
//! | [`forwarded`] | what trusted proxies say of the client for whom they ask |
//! | [`host`] | names of hosts as they are compared |
//! | [`request_ids`] | the ids of requests |
//! | [`status`] | every status that is answered, by a name for what it tells |
//! | [`values`] | values of headers that answers of all ports have |
//! | [`counted`] | what is counted for as long as it lives |

mod aside;
pub mod body;
pub mod cookies;
pub mod cors;
pub mod counted;
pub mod forwarded;
mod head_timer;
pub mod host;
mod in_flight;
pub mod listener;
pub mod media_type;
mod own_refusals;
pub mod paths;
pub mod peer;
pub mod request_ids;
pub mod sound;
pub mod status;
pub mod values;
mod write_timeout;
