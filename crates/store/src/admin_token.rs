//! Tokens of the admin API, which have names and roles.

use sessera_model::{Role, Timestamp, TokenHash};

/// A token of the admin API as it is stored, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminToken {
    /// Its name, which no other one has.
    pub name: String,
    /// What whoever has it may do.
    pub role: Role,
    /// The hash of the token.
    pub hash: TokenHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}
