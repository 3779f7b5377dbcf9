#![doc = include_str!("../README.md")]

pub mod events;
mod fetch;
pub mod hold;
pub mod layer;
mod shared;
pub mod status;
mod verify;

pub use fetch::{Answer, Fetch, OverHttp};
pub use sessera_jose::Algorithm;
pub use verify::{Check, Settings, Verifier};

/// Why there are no claims, or no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token is not good. Answer 401; asking again with the same token changes nothing.
    #[error("the token is refused: {0}")]
    Refused(String),
    /// Nobody can say now whether the token is good, or no new one can be had. Answer 503; later it may work.
    #[error("{0}")]
    Unavailable(String),
    /// The session is over, or it asks for a proof that is missing. The person has to sign in.
    #[error("the session gives no token: the server answers {0}")]
    SessionGone(u16),
}
