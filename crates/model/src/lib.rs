//! The domain of Sessera: identities, sessions, devices, credentials and their JSON on the wire.
//!
//! This crate does no I/O. Time and randomness come in through [`Clock`] and [`Random`], so that a
//! test can make time stand still or jump.
//!
//! | module | holds |
//! |---|---|
//! | [`access`] | who may do what at the admin API |
//! | [`clock`] | [`Timestamp`] and where the current one comes from |
//! | [`random`] | identifiers and secrets, and where randomness comes from |
//! | [`duration`] | durations as Go writes them (`1h30m`) |
//! | [`files`] | files that somebody names, read within bounds |
//! | [`secret`] | values that must not be printed, and the hashes of tokens |
//! | [`identity`] | who signs in |
//! | [`credential`] | what an identity signs in with |
//! | [`session`] | what signing in results in |
//! | [`names`] | names that stand in the paths of URLs |
//! | [`nearest`] | the known name that somebody may have meant |
//! | [`json_pointer`] | names in the places of JSON values |
//! | [`json_patch`] | changes of a JSON document, as clients of the admin API send them |
//! | [`shell`] | words of commands that messages show |
//! | [`status_index`] | where others see that a session was revoked |

pub mod access;
pub mod clock;
pub mod credential;
pub mod duration;
pub mod files;
pub mod identity;
pub mod json;
pub mod json_patch;
pub mod json_pointer;
pub mod log_throttle;
pub mod names;
pub mod nearest;
pub mod random;
pub mod secret;
pub mod session;
pub mod shell;
pub mod status_index;

pub use access::{Actor, NoSuchRole, Role};
pub use clock::{Clock, FixedClock, SystemClock, Timestamp};
pub use credential::{Credential, CredentialKind};
pub use duration::GoDuration;
pub use identity::{Identity, IdentityState, IdentityView, RecoveryAddress, VerifiableAddress};
pub use log_throttle::LogThrottle;
pub use random::{Random, SeededRandom, SystemRandom};
pub use secret::{Secret, TokenHash, is_same_secret};
pub use session::{AssuranceLevel, AuthenticationMethod, Device, Session, SessionView};
pub use status_index::StatusIndex;
pub use uuid::Uuid;
