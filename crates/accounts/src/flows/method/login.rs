//! A method in flows that sign in.

use async_trait::async_trait;
use sessera_model::{AssuranceLevel, Credential, Identity, Timestamp, Uuid};
use sessera_store::Change;

use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, LoginDetails, Standing};
use crate::flows::method::{Attempt, Departure, Method, Newcomer};
use crate::flows::sign_in::Proof;
use crate::flows::trip::{Back, Trip};
use crate::flows::visit::Visit;
use crate::messages::{Message, common};
use crate::rules::Rules;
use crate::schema::IdentitySchema;
use crate::submission::Submission;
use crate::ui::Nodes;

/// A method that signs in, or gives a second factor.
#[async_trait]
pub trait LoginMethod: Method {
    /// The factor that it proves: `Aal1` signs in, `Aal2` is asked for afterwards.
    fn level(&self) -> AssuranceLevel;

    /// Whether somebody with these credentials can use it.
    fn is_set_up(&self, credentials: &[Credential]) -> bool;

    /// With how many of these credentials it signs in.
    fn ways_in(&self, credentials: &[Credential]) -> usize {
        usize::from(self.is_set_up(credentials))
    }

    /// Whether it is offered only to somebody who was named, where the identifier is asked for first.
    fn needs_identifier(&self) -> bool {
        true
    }

    /// Keeps in a new flow what it needs there. What it returns is changed with the beginning of the flow.
    async fn begin(
        &self,
        _: &Visit<'_>,
        _: &mut Flow<LoginDetails>,
        _: Able<'_>,
    ) -> Result<Vec<Change>, FlowError> {
        Ok(Vec::new())
    }

    /// Adds its nodes to the form.
    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes);

    /// Whether a submission is for it.
    fn takes(&self, submission: &Submission) -> bool;

    /// Judges a submission.
    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError>;

    /// Judges what somebody brings back from another site to which this method has sent them.
    async fn returned(
        &self,
        attempt: &mut LoginAttempt<'_>,
        _: &Trip,
        _: &Back,
    ) -> Result<LoginVerdict, FlowError> {
        Ok(attempt.refuse(common::NO_LOGIN_METHOD))
    }
}

/// Who can use a method with which a flow begins.
#[derive(Clone, Copy, Debug)]
pub struct Able<'a> {
    /// The credentials of the person whom the flow knows; nothing when it knows nobody.
    pub credentials: &'a [Credential],
    /// Whether there is no other method that they could use.
    pub has_no_choice: bool,
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
    /// Whether browsers may fill in a passkey where the identifier is asked for.
    pub fills_in_passkeys: bool,
}

impl LoginView<'_> {
    /// Whether the identifier is asked for by itself, before anything else.
    pub fn asks_for_identifier_first(&self) -> bool {
        let details = &self.flow.details;
        self.rules.identifier_first && !details.refresh && details.requested_aal <= AssuranceLevel::Aal1
    }

    /// Whether somebody was named just now, so that methods are offered for the first time.
    pub fn offers_anew(&self) -> bool {
        self.flow.details.offered.is_some() && !self.flow.has_errors()
    }
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
    /// It does not sign in yet: the flow has come further, with these changes.
    Further(Vec<Change>),
    /// It names somebody who may be this one, and the methods that they can use are offered next.
    Named(Option<Uuid>),
    /// The submission proves who somebody is.
    Proven(Box<Proven>),
    /// They are asked on another site.
    Elsewhere(Departure),
    /// Another provider vouches for them, and they have no account.
    Vouched(Box<Newcomer>),
}

/// Who has proven who they are.
#[derive(Debug)]
pub struct Proven {
    /// The person who has proven who they are.
    pub identity: Identity,
    /// By which proof they have done so.
    pub proof: Proof,
    /// Since when they have what they have proven; `None` where they have it as long as the account.
    pub enrolled_at: Option<Timestamp>,
    /// What is to be changed with the end of the flow.
    pub changes: Vec<Change>,
    /// What is to be changed as well, unless the identity was changed in the meantime.
    pub may_wait: Vec<Change>,
}
