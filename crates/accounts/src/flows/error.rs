//! Why a flow cannot go on.

use sessera_store::StoreError;

use crate::identities::IdentityError;
use crate::password::PasswordError;

/// Why a flow cannot go on. What a person can mend in a form is no error but a message of the flow.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The store refused a change or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password could not be hashed or checked.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// An identity cannot be as it was asked for.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A fault of this program. The text is for the log only.
    #[error("{0}")]
    Internal(String),
}

impl FlowError {
    /// A fault of this program.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }
}
