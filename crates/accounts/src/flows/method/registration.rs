//! A method in flows that sign up.

use std::sync::Arc;

use async_trait::async_trait;
use sessera_store::Change;

use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, RegistrationDetails};
use crate::flows::method::{Departure, Method, Newcomer, Proven};
use crate::flows::sign_in::Proof;
use crate::flows::trip::{Back, Trip};
use crate::flows::visit::Visit;
use crate::identities::{IdentityDraft, PreparedIdentity};
use crate::messages::common;
use crate::rules::Rules;
use crate::schema::IdentitySchema;
use crate::submission::Submission;
use crate::ui::Nodes;

/// A method with which people sign up.
#[async_trait]
pub trait RegistrationMethod: Method {
    /// Keeps in a new flow what it needs there.
    fn begin(
        &self,
        _: &Visit<'_>,
        _: &mut Flow<RegistrationDetails>,
        _: &IdentitySchema,
    ) -> Result<(), FlowError> {
        Ok(())
    }

    /// Adds its nodes to the form.
    fn nodes(&self, view: &RegistrationView<'_>, nodes: &mut Nodes);

    /// Adds the button by which somebody goes on for whom a provider has vouched, when it is this method's.
    fn vouched_nodes(&self, _provider: &str, _: &mut Nodes) {}

    /// Whether a submission is for it.
    fn takes(&self, rules: &Rules, submission: &Submission) -> bool;

    /// Judges a submission.
    async fn submit(&self, attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError>;

    /// Judges what somebody brings back from another site to which this method has sent them.
    async fn returned(
        &self,
        attempt: &mut RegistrationAttempt<'_>,
        _: &Trip,
        _: &Back,
    ) -> Result<RegistrationVerdict, FlowError> {
        attempt.flow.say(common::NO_REGISTRATION_METHOD);
        Ok(RegistrationVerdict::Again)
    }
}

/// On what the form of a registration flow depends.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationView<'a> {
    /// The rules of flows.
    pub rules: &'a Rules,
    /// The flow.
    pub flow: &'a Flow<RegistrationDetails>,
    /// The schema that judges the traits.
    pub schema: &'a IdentitySchema,
    /// Whether this is the first of two forms, which asks for the traits only.
    pub asks_for_profile: bool,
    /// Whether this is the second of two forms, which carries the traits along.
    pub asks_for_credentials: bool,
}

/// A submission of a registration flow.
#[derive(Debug)]
pub struct RegistrationAttempt<'a> {
    /// Who submits.
    pub visit: &'a Visit<'a>,
    /// The flow, in which it says what is wrong.
    pub flow: Flow<RegistrationDetails>,
    /// The schema that judges the traits.
    pub schema: Arc<IdentitySchema>,
    /// What is submitted.
    pub submission: &'a Submission,
}

impl RegistrationAttempt<'_> {
    /// A text that must be there. When it is not, the flow says so at the field.
    pub fn required(&mut self, field: &str) -> Option<String> {
        self.flow.required(self.submission, field)
    }

    /// Whether the traits are as the schema asks for. When they are not, the flow says so at their fields.
    pub fn check_traits(&mut self) -> bool {
        let Err(violations) = self.schema.validate(&self.submission.traits()) else { return true };
        for violation in violations {
            self.flow.say_at(violation.field(), violation.message);
        }
        false
    }

    /// The identity that is asked for, without a credential. `None` when its traits are wrong, which the
    /// flow says.
    pub fn prepare(&mut self) -> Result<Option<PreparedIdentity>, FlowError> {
        if !self.check_traits() {
            return Ok(None);
        }
        let draft = IdentityDraft::new(self.schema.id(), self.submission.traits());
        Ok(Some(PreparedIdentity::create(draft, self.visit.surroundings())?))
    }
}

/// What became of a submission.
#[derive(Debug)]
pub enum RegistrationVerdict {
    /// The form is shown again, and the flow says why.
    Again,
    /// The flow has come further, or an attempt was counted, with these changes: of two submissions at the same time
    /// only one is answered.
    Further(Vec<Change>),
    /// The identity may be stored.
    Prepared {
        /// The identity with its credentials.
        identity: Box<PreparedIdentity>,
        /// With what it signs in at once.
        proof: Proof,
        /// What is to be changed with the end of the flow.
        changes: Vec<Change>,
    },
    /// They are asked on another site.
    Elsewhere(Departure),
    /// Another provider vouches for them.
    Vouched(Box<Newcomer>),
    /// They have an account already.
    Known(Box<Proven>),
}
