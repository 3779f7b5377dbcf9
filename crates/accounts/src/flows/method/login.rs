//! A method in flows that sign in.

use async_trait::async_trait;
use sessera_model::{AssuranceLevel, Credential, Identity, Timestamp};
use sessera_store::Change;

use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, LoginDetails, Standing};
use crate::flows::method::Attempt;
use crate::flows::sign_in::Proof;
use crate::messages::Message;
use crate::rules::Rules;
use crate::schema::IdentitySchema;
use crate::submission::Submission;
use crate::ui::Nodes;

/// A method that signs in, or gives a second factor.
#[async_trait]
pub trait LoginMethod: Send + Sync {
    /// The factor that it proves: `Aal1` signs in, `Aal2` is asked for afterwards.
    fn level(&self) -> AssuranceLevel;

    /// Whether somebody with these credentials can use it.
    fn is_set_up(&self, credentials: &[Credential]) -> bool;

    /// With how many of these credentials it signs in.
    fn ways_in(&self, credentials: &[Credential]) -> usize {
        usize::from(self.is_set_up(credentials))
    }

    /// Keeps in a new flow what it needs there.
    fn begin(&self, _: &mut Flow<LoginDetails>) -> Result<(), FlowError> {
        Ok(())
    }

    /// Adds its nodes to the form.
    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes);

    /// Whether a submission is for it.
    fn takes(&self, submission: &Submission) -> bool;

    /// Judges a submission.
    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError>;
}

/// On what the form of a login flow depends.
#[derive(Clone, Copy, Debug)]
pub struct LoginView<'a> {
    /// The rules of flows.
    pub rules: &'a Rules,
    /// The flow.
    pub flow: &'a Flow<LoginDetails>,
    /// The schema by which people sign up.
    pub schema: &'a IdentitySchema,
    /// The credentials of the person whom the flow knows; nothing when it knows nobody.
    pub credentials: &'a [Credential],
}

/// A submission of a login flow.
pub type LoginAttempt<'a> = Attempt<'a, LoginDetails>;

impl LoginAttempt<'_> {
    /// The verdict that something is wrong, which is said of the flow as a whole.
    pub fn refuse(&mut self, message: impl Into<Message>) -> LoginVerdict {
        self.flow.say(message);
        LoginVerdict::Refused(Standing::Refused)
    }
}

/// What became of a submission.
#[derive(Debug)]
pub enum LoginVerdict {
    /// It does not sign in, and the flow says why.
    Refused(Standing),
    /// It does not sign in, the flow says why, and is changed in any case: of two submissions at the same time
    /// only one is answered.
    Counted(Standing),
    /// It is right.
    Proven(Box<Proven>),
}

/// Who has proven who they are.
#[derive(Debug)]
pub struct Proven {
    /// Who it is.
    pub identity: Identity,
    /// How.
    pub proof: Proof,
    /// Since when they have what they have proven; `None` where they have it as long as the account.
    pub enrolled_at: Option<Timestamp>,
    /// What is to be changed with the end of the flow.
    pub changes: Vec<Change>,
    /// What is to be changed as well, unless the identity was changed in the meantime.
    pub may_wait: Vec<Change>,
}
