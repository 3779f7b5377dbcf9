//! A method in flows that lead back into an account, or prove an address.

use async_trait::async_trait;
use sessera_model::Identity;
use sessera_store::{Change, Code};

use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, RecoveryDetails, VerificationDetails};
use crate::flows::visit::Visit;
use crate::submission::Submission;
use crate::ui::Nodes;

/// A method that leads back into an account.
#[async_trait]
pub trait RecoveryMethod: Send + Sync {
    /// Adds its nodes to the form.
    fn nodes(&self, flow: &Flow<RecoveryDetails>, nodes: &mut Nodes);

    /// Whether a submission is for it.
    fn takes(&self, submission: &Submission) -> bool;

    /// Judges a submission.
    async fn submit(&self, attempt: &mut RecoveryAttempt<'_>) -> Result<RecoveryVerdict, FlowError>;
}

/// A submission of a recovery flow.
#[derive(Debug)]
pub struct RecoveryAttempt<'a> {
    /// Who submits.
    pub visit: &'a Visit<'a>,
    /// The flow, in which it says what is wrong.
    pub flow: Flow<RecoveryDetails>,
    /// What is submitted.
    pub submission: &'a Submission,
}

/// What became of a submission.
#[derive(Debug)]
pub enum RecoveryVerdict {
    /// It is wrong, and the flow says why.
    Refused,
    /// The flow has come further, or an attempt was counted, with these changes.
    Shown(Vec<Change>),
    /// It is right.
    Recovered {
        /// Whose account it is.
        identity: Box<Identity>,
        /// The code that was typed.
        code: Box<Code>,
    },
}

/// A method that proves an address.
#[async_trait]
pub trait VerificationMethod: Send + Sync {
    /// Adds its nodes to the form.
    fn nodes(&self, flow: &Flow<VerificationDetails>, nodes: &mut Nodes);

    /// Whether a submission is for it.
    fn takes(&self, submission: &Submission) -> bool;

    /// Judges a submission.
    async fn submit(&self, attempt: &mut VerificationAttempt<'_>) -> Result<VerificationVerdict, FlowError>;
}

/// A submission of a verification flow.
#[derive(Debug)]
pub struct VerificationAttempt<'a> {
    /// Who submits.
    pub visit: &'a Visit<'a>,
    /// The flow, in which it says what is wrong.
    pub flow: Flow<VerificationDetails>,
    /// What is submitted.
    pub submission: &'a Submission,
}

/// What became of a submission.
#[derive(Debug)]
pub enum VerificationVerdict {
    /// It is wrong, and the flow says why.
    Refused,
    /// The flow has come further, or an attempt was counted, with these changes.
    Shown(Vec<Change>),
}
