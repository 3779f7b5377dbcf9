//! A method in flows that sign up.

use std::sync::Arc;

use async_trait::async_trait;

use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, RegistrationDetails};
use crate::flows::sign_in::Proof;
use crate::flows::visit::Visit;
use crate::identities::{IdentityDraft, PreparedIdentity, Surroundings};
use crate::rules::Rules;
use crate::schema::IdentitySchema;
use crate::submission::Submission;
use crate::ui::Nodes;

/// A method with which people sign up.
#[async_trait]
pub trait RegistrationMethod: Send + Sync {
    /// Adds its nodes to the form.
    fn nodes(&self, view: &RegistrationView<'_>, nodes: &mut Nodes);

    /// Whether a submission is for it.
    fn takes(&self, rules: &Rules, submission: &Submission) -> bool;

    /// Judges a submission.
    async fn submit(&self, attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError>;
}

/// On what the form of a registration flow depends.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationView<'a> {
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
        let surroundings = Surroundings {
            schemas: self.visit.schemas,
            random: self.visit.accounts.random.as_ref(),
            now: self.visit.now,
        };
        let draft = IdentityDraft::new(self.schema.id(), self.submission.traits());
        Ok(Some(PreparedIdentity::create(draft, surroundings)?))
    }
}

/// What became of a submission.
#[derive(Debug)]
pub enum RegistrationVerdict {
    /// The form is shown again, and the flow says why.
    Again,
    /// The identity may be stored.
    Prepared {
        /// The identity with its credentials.
        identity: Box<PreparedIdentity>,
        /// With what it signs in at once.
        proof: Proof,
    },
}
