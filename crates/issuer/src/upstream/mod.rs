//! Sessions that an upstream keeps: an Ory Kratos or an Ory Network project, asked by its own API.
//!
//! [`UpstreamSessions`] is the [`crate::SessionSource`] of such a deployment. It asks through an [`Asker`], which
//! knows the protocol, and judges the answers: what is a session, how long it may be kept, what is passed on as
//! it came, and when nobody asks for a while.

mod asker;
mod gate;
mod outage;
mod rechecks;
mod shared_questions;
mod source;
mod told;

pub use crate::upstream_error::{Refusal, RefusalKind, UpstreamApi, UpstreamError};
pub use asker::{Asker, Reply, Unanswered};
pub use rechecks::Rechecks;
pub use source::{Bounds, UpstreamSessions};
