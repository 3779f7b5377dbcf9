//! A method in flows that prove an address: those that lead back into an account, and those that only prove it.

use async_trait::async_trait;
use sessera_model::Identity;
use sessera_store::{Change, Code};

use crate::flows::error::FlowError;
use crate::flows::flow::Flow;
use crate::flows::method::{Attempt, Method};
use crate::submission::Submission;
use crate::ui::Nodes;

/// A method that proves an address in flows with the details `D`.
#[async_trait]
pub trait AddressMethod<D>: Method {
    /// Adds its nodes to the form.
    fn nodes(&self, flow: &Flow<D>, nodes: &mut Nodes);

    /// Whether a submission is for it.
    fn takes(&self, submission: &Submission) -> bool;

    /// Judges a submission.
    async fn submit(&self, attempt: &mut Attempt<'_, D>) -> Result<AddressVerdict, FlowError>;
}

/// What became of a submission.
#[derive(Debug)]
pub enum AddressVerdict {
    /// It is wrong, and the flow says why.
    Refused,
    /// The flow has come further, or an attempt was counted, with these changes.
    Shown(Vec<Change>),
    /// It is right: whoever submits it has the address to which the code was sent.
    Proven(Box<ProvenAddress>),
}

/// Whose address is proven.
#[derive(Debug)]
pub struct ProvenAddress {
    /// Whose it is.
    pub identity: Identity,
    /// The code that was typed.
    pub code: Code,
    /// What is to be changed with the end of the flow.
    pub changes: Vec<Change>,
}
