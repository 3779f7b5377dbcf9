//! Why a flow cannot go on.

use std::time::Duration;

use sessera_store::{FlowKind, StoreError};

use crate::flows::flow::{BegunVerification, Transport};
use crate::hooks::answer::Notice;
use crate::hooks::calls::HookFailure;
use crate::identities::IdentityError;
use crate::password::PasswordError;
use crate::providers::ProviderError;

/// Why a flow cannot go on. What a person can mend in a form is no error but a message of the flow.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// Flows of this kind are switched off.
    #[error("{} is off", .0.as_str())]
    Off(FlowKind),
    /// The method that is submitted is switched off.
    #[error("the method is off")]
    MethodOff,
    /// The id of a flow is missing.
    #[error("the id of the flow is missing")]
    MissingId,
    /// There is no flow of that kind and id.
    #[error("there is no such flow")]
    Unknown,
    /// The flow that is read has ended by itself. Begin another one.
    #[error("the flow has ended")]
    Ended {
        /// Who went through it.
        transport: Transport,
        /// Where another one begins.
        again: String,
        /// Where a browser wanted to go afterwards.
        return_to: Option<String>,
    },
    /// The identity schema with which the flow was begun is not configured any more. Begin another one.
    #[error("the identity schema of the flow is gone")]
    SchemaGone,
    /// The flow was begun by another browser, or its form was not made for this one.
    #[error("the form does not belong to this browser")]
    AnotherBrowser,
    /// The flow was begun by somebody else.
    #[error("the flow was begun by somebody else")]
    AnotherPerson,
    /// The address in `return_to` is not allowed.
    #[error("the address to return to is not allowed")]
    ReturnNotAllowed,
    /// The address in `return_to` is longer than [`MAX_RETURN_TO`](crate::flows::visit::MAX_RETURN_TO).
    #[error("the address to return to is too long")]
    ReturnTooLong,
    /// Somebody is signed in already. It says who goes through the flow.
    #[error("somebody is signed in already")]
    SignedInAlready(Transport),
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// The owner of the session was deleted just now.
    #[error("the owner of the session is gone")]
    OwnerGone,
    /// A second factor can only be given with a session.
    #[error("a second factor can only be given with a session")]
    FirstFactorMissing,
    /// The session has not proven all factors that its owner has set up.
    #[error("the second factor is missing")]
    SecondFactorMissing {
        /// Where it can be given.
        sign_in: String,
    },
    /// The sign-in is too old for this change.
    #[error("the sign-in is too old")]
    SignInTooOld {
        /// Where to sign in again.
        sign_in: String,
    },
    /// Somebody has proven who they are, but none of their addresses is verified, and the rules ask for that.
    #[error("no address is verified")]
    AddressNotVerified {
        /// Who goes through the flow.
        transport: Transport,
        /// The verification flow that was begun for them. `None` when there can be none.
        begun: Option<BegunVerification>,
    },
    /// A web hook refuses that the flow is begun, and says why.
    #[error("a web hook refuses the flow")]
    RefusedByHook(Vec<Notice>),
    /// A web hook that must answer did not.
    #[error(transparent)]
    Hook(HookFailure),
    /// There were too many attempts; the time is until the next one is looked at.
    #[error("there were too many attempts")]
    TooMany(Duration),
    /// Another request has used the same flow, code or session just now. Read the flow again.
    #[error("another request was faster")]
    Outrun,
    /// Another request has completed the same registration just now.
    #[error("another request has completed the flow")]
    CompletedElsewhere,
    /// The store refused a change or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no provider of that name.
    #[error("there is no such provider")]
    NoSuchProvider,
    /// Nobody has left for the site from which somebody comes, or it was another browser.
    #[error("nobody of this browser has left for there")]
    NoTrip,
    /// A provider cannot be asked, or did not answer as it should.
    #[error("the provider {provider}: {error}")]
    Provider {
        /// The provider's id in the configuration.
        provider: String,
        /// Why it cannot be asked, or what is wrong with its answer.
        error: ProviderError,
        /// The cookie that the browser gets by which it is recognised when it comes back.
        new_cookie: Option<String>,
    },
    /// The mapper of a provider makes no identity of what the provider says.
    #[error("the mapper of the provider {provider}: {problem}")]
    Mapper {
        /// The provider's id in the configuration.
        provider: String,
        /// What is wrong with the mapper, or with what came out.
        problem: String,
    },
    /// Another system keeps the password, and the configuration does not say which.
    #[error("another system keeps the password, and the configuration does not say which")]
    PasswordElsewhere,
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

    /// What is told to the slower one of two requests that use the same flow, code or session.
    pub fn outrun(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::Outrun,
            other => other.into(),
        }
    }
}
