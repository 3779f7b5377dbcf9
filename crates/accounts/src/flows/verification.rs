//! Proving an address.

use std::convert::Infallible;

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_store::{Change, FlowKind};

use crate::flows::addresses::{self, Judged};
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Flow, Standing, State, Transport, VerificationDetails};
use crate::flows::method::ProvenAddress;
use crate::flows::skeleton::{Flows, Kind, Outcome};
use crate::messages::{MessageId, common};
use crate::submission::Submission;
use crate::ui::{Attributes, Container, Group, Input, Node, Nodes, SubmitMethod};

#[async_trait]
impl Kind for VerificationDetails {
    type Wish = ();
    type Context = ();
    /// The flow stays when its address is proven, and its form says where to go on.
    type Done = Infallible;

    const EXPIRED: MessageId = common::VERIFICATION_EXPIRED;

    async fn may_begin(flows: &Flows<'_>, _: Transport, (): &()) -> Result<(), FlowError> {
        check_on(flows)
    }

    async fn start(_: &Flows<'_>, beginning: Beginning, (): ()) -> Result<Flow<Self>, FlowError> {
        Ok(Flow::begin(beginning, State::ChooseMethod, Self::default()))
    }

    async fn start_again(
        flows: &Flows<'_>,
        beginning: Beginning,
        _: &Flow<Self>,
    ) -> Result<Flow<Self>, FlowError> {
        Self::start(flows, beginning, ()).await
    }

    async fn may_submit(flows: &Flows<'_>, _: Option<&Flow<Self>>) -> Result<(), FlowError> {
        check_on(flows)
    }

    async fn prepare(_: &Flows<'_>, flow: &mut Flow<Self>) -> Result<(), FlowError> {
        flow.clear_messages();
        flow.values.clear();
        Ok(())
    }

    async fn form(
        flows: &Flows<'_>,
        flow: &Flow<Self>,
        csrf_token: String,
    ) -> Result<(Container, Map<String, Value>), FlowError> {
        let rules = flows.visit.rules;
        let mut form = Container::new(rules.action(FlowKind::Verification, flow.id));
        // Native flows have the node at the end only; the contract has it so.
        if flow.transport == Transport::Browser || flow.state == State::PassedChallenge {
            form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::DEFAULT));
        }
        if flow.state == State::PassedChallenge {
            let target = flow.return_to.clone().unwrap_or_else(|| rules.after(FlowKind::Verification));
            form.action.clone_from(&target);
            form.method = SubmitMethod::Get;
            form.push(way_on(target));
        } else {
            let mut nodes = Nodes::default();
            for method in flows.methods.verification() {
                method.nodes(flow, &mut nodes);
            }
            nodes.fill(&mut form);
        }
        flow.fill(&mut form, None);
        let mut members = Map::new();
        members.insert("active".into(), "code".into());
        Ok((form, members))
    }

    async fn submit(
        flows: &Flows<'_>,
        flow: Flow<Self>,
        (): (),
        submission: &Submission,
    ) -> Result<Outcome<Self>, FlowError> {
        if flow.state == State::PassedChallenge {
            return flows.replace(&flow, common::VERIFICATION_ALREADY_DONE.into()).await;
        }
        let method = flows.methods.verification().find(|method| method.takes(submission));
        match addresses::judge(flows, flow, method, submission, common::NO_VERIFICATION_METHOD).await? {
            Judged::Again(outcome) => Ok(outcome),
            Judged::Proven(flow, proven) => end(flows, *flow, *proven).await,
        }
    }
}

/// Marks the address as proven. The flow stays, and its form says where to go on.
async fn end(
    flows: &Flows<'_>,
    mut flow: Flow<VerificationDetails>,
    ProvenAddress { mut identity, code, mut changes }: ProvenAddress,
) -> Result<Outcome<VerificationDetails>, FlowError> {
    for address in identity.verifiable_addresses.iter_mut().filter(|known| known.value == code.address) {
        addresses::complete(address, flows.visit.now);
    }
    flow.state = State::PassedChallenge;
    flow.say(common::ADDRESS_VERIFIED);
    changes.extend([Change::UseCode(code.id), Change::UpdateIdentity(identity)]);
    flows.counted(flow, Standing::Accepted, changes).await
}

fn check_on(flows: &Flows<'_>) -> Result<(), FlowError> {
    let rules = flows.visit.rules;
    if rules.verification.enabled && rules.code {
        Ok(())
    } else {
        Err(FlowError::Off(FlowKind::Verification))
    }
}

/// The link to where a person goes on.
fn way_on(href: String) -> Node {
    let attributes = Attributes::Anchor { id: "continue", href, title: common::CONTINUE.into() };
    let label = Some(common::CONTINUE.into());
    Node { group: Group::CODE, attributes, messages: Vec::new(), label }
}
