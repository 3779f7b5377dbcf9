//! Proving an address.

use std::convert::Infallible;

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_store::{Change, FlowKind};

use crate::flows::addresses::{self, Judged};
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Flow, SentCodes, Standing, State, Transport, VerificationDetails};
use crate::flows::hooks::HookEvent;
use crate::flows::method::ProvenAddress;
use crate::flows::skeleton::{Begun, Flows, Kind, Outcome};
use crate::mail::SMS;
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

    async fn start(flows: &Flows<'_>, beginning: Beginning, (): ()) -> Result<Begun<Self>, FlowError> {
        let codes = SentCodes { sends: flows.visit.rules.verification_by, ..SentCodes::default() };
        let details = Self { codes, ..Self::default() };
        Ok(Flow::begin(beginning, State::ChooseMethod, details).into())
    }

    async fn start_again(
        flows: &Flows<'_>,
        beginning: Beginning,
        _: &Flow<Self>,
    ) -> Result<Begun<Self>, FlowError> {
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
        let (rules, method) = (flows.visit.rules, flow.details.codes.sends.as_str());
        let mut form = Container::new(rules.action(FlowKind::Verification, flow.id));
        let mut nodes = Nodes::default();
        // Native flows have the node at the end only; the contract has it so.
        if flow.transport == Transport::Browser || flow.state == State::PassedChallenge {
            let token = Input::hidden("csrf_token", csrf_token).required().node(Group::DEFAULT);
            nodes.push(place_of_token(flow), token);
        }
        if flow.state == State::PassedChallenge {
            let target = flow.return_to.clone().unwrap_or_else(|| rules.after(FlowKind::Verification));
            form.action.clone_from(&target);
            form.method = SubmitMethod::Get;
            nodes.push(10, way_on(target, Group::new(method)));
        } else {
            for method in flows.methods.verification().filter(|known| known.name() == method) {
                method.nodes(flow, &mut nodes);
            }
        }
        nodes.fill(&mut form);
        flow.fill(&mut form, None);
        let mut members = Map::new();
        let is_nobodys = flow.messages.iter().any(|message| message.id == common::NO_VERIFICATION_METHOD);
        members.insert("active".into(), if is_nobodys { "default" } else { method }.into());
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
        let sends = flow.details.codes.sends.as_str();
        let method =
            flows.methods.verification().find(|method| method.name() == sends && method.takes(submission));
        match addresses::judge(flows, flow, method, submission, common::NO_VERIFICATION_METHOD).await? {
            Judged::Again(outcome) => Ok(outcome),
            Judged::Proven(flow, proven) => end(flows, *flow, *proven).await,
        }
    }
}

/// Marks the address as proven. The flow stays, and its form says where to go on.
pub(crate) async fn end(
    flows: &Flows<'_>,
    mut flow: Flow<VerificationDetails>,
    ProvenAddress { mut identity, code, mut changes }: ProvenAddress,
) -> Result<Outcome<VerificationDetails>, FlowError> {
    let mut said = common::ADDRESS_VERIFIED;
    for address in identity.verifiable_addresses.iter_mut().filter(|known| known.value == code.address) {
        addresses::complete(address, flows.visit.now);
        if address.via == SMS {
            said = common::PHONE_VERIFIED;
        }
    }
    changes.push(Change::UseCode(code.id));
    let mut told = None;
    for hook in flows.visit.rules.hooks.verification.web() {
        let told = flows.told(&flow, &mut told).await?;
        let happening = HookEvent { flow: told, identity: Some(&identity), session: None };
        if let Err(stop) = flows.visit.ask(hook, happening).await {
            return flows.stopped_for_good(&flow, &changes, stop).await;
        }
    }
    flow.state = State::PassedChallenge;
    flow.say(said);
    changes.push(Change::UpdateIdentity(identity));
    flows.counted(flow, Standing::Accepted, changes).await
}

fn check_on(flows: &Flows<'_>) -> Result<(), FlowError> {
    if flows.visit.rules.verifies() { Ok(()) } else { Err(FlowError::Off(FlowKind::Verification)) }
}

/// Where the token against forged requests stands. In a flow that another flow began, the contract has it behind the
/// fields, until something is wrong.
fn place_of_token(flow: &Flow<VerificationDetails>) -> u8 {
    let is_behind = flow.details.follows_another && flow.state == State::SentEmail && !flow.has_errors();
    if is_behind { 15 } else { 0 }
}

/// The link to where a person goes on.
fn way_on(href: String, group: Group) -> Node {
    let attributes = Attributes::Anchor { id: "continue", href, title: common::CONTINUE.into() };
    let label = Some(common::CONTINUE.into());
    Node { group, attributes, messages: Vec::new(), label }
}
