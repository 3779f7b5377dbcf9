//! Getting back into an account.
//!
//! The answer is the same whether an address belongs to an account or not. A right code signs in, so that
//! its owner can set a new password, and ends the other sessions: they may be those of somebody who took the
//! account over.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sessera_model::{Timestamp, TokenHash};
use sessera_store::{Change, FlowKind};

use crate::flows::addresses::{self, Judged};
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Flow, RecoveryDetails, SentCodes, SettingsDetails, State, Transport};
use crate::flows::hooks::HookEvent;
use crate::flows::method::ProvenAddress;
use crate::flows::settings;
use crate::flows::sign_in::{self, Proof, SignedIn};
use crate::flows::skeleton::{Begun, Flows, Kind, Outcome, Shown};
use crate::messages::{Message, MessageId, common};
use crate::rules::Sends;
use crate::submission::Submission;
use crate::ui::{Container, Group, Input, Nodes};

/// Somebody is back in their account.
#[derive(Debug)]
pub struct Recovered {
    /// The flow that has ended, with its form.
    pub shown: Shown<RecoveryDetails>,
    /// The session.
    pub signed_in: SignedIn,
    /// The settings flow with which the person goes on.
    pub next: Flow<SettingsDetails>,
    /// The cookie to which that flow is bound in a browser.
    pub new_cookie: String,
}

#[async_trait]
impl Kind for RecoveryDetails {
    type Wish = ();
    type Context = ();
    type Done = Recovered;

    const EXPIRED: MessageId = common::RECOVERY_EXPIRED;

    async fn may_begin(flows: &Flows<'_>, transport: Transport, (): &()) -> Result<(), FlowError> {
        check_on(flows)?;
        if flows.visit.session.is_some() { Err(FlowError::SignedInAlready(transport)) } else { Ok(()) }
    }

    async fn start(flows: &Flows<'_>, beginning: Beginning, (): ()) -> Result<Begun<Self>, FlowError> {
        let codes = SentCodes { sends: flows.visit.rules.recovery_by, ..SentCodes::default() };
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

    async fn may_submit(flows: &Flows<'_>, flow: Option<&Flow<Self>>) -> Result<(), FlowError> {
        // A code that an administrator gave out is good where nobody can ask for one, too.
        let is_given = flow.is_some_and(|flow| flow.details.is_given && !flow.is_expired(flows.visit.now));
        if is_given { Ok(()) } else { check_on(flows) }
    }

    async fn prepare(_: &Flows<'_>, flow: &mut Flow<Self>) -> Result<(), FlowError> {
        flow.clear_messages();
        flow.values.clear();
        Ok(())
    }

    /// What an administrator began is for one browser, so that nobody sends the form of another one to a person who
    /// would then act in a foreign account.
    fn is_unclaimed(flow: &Flow<Self>) -> bool {
        flow.details.is_given && flow.transport == Transport::Browser && flow.browser.is_none()
    }

    async fn form(
        flows: &Flows<'_>,
        flow: &Flow<Self>,
        csrf_token: String,
    ) -> Result<(Container, Map<String, Value>), FlowError> {
        let mut form = Container::new(flows.visit.rules.action(FlowKind::Recovery, flow.id));
        form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::DEFAULT));
        let mut nodes = Nodes::default();
        let method = flow.details.codes.sends.as_str();
        for method in flows.methods.recovery().filter(|known| known.name() == method) {
            method.nodes(flow, &mut nodes);
        }
        nodes.fill(&mut form);
        flow.fill(&mut form, None);
        let mut members = Map::new();
        // A method that the form does not offer makes it nobody's; the contract has it so.
        let is_nobodys = flow.messages.iter().any(|message| message.id == common::NO_RECOVERY_METHOD);
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
            return flows.replace(&flow, common::RECOVERY_ALREADY_DONE.into()).await;
        }
        let sends = flow.details.codes.sends.as_str();
        let method =
            flows.methods.recovery().find(|method| method.name() == sends && method.takes(submission));
        match addresses::judge(flows, flow, method, submission, common::NO_RECOVERY_METHOD).await? {
            Judged::Again(outcome) => Ok(outcome),
            Judged::Proven(flow, proven) => {
                let transport = flow.transport;
                end(flows, *flow, *proven, transport).await
            }
        }
    }
}

/// Whether people can ask for a way back into their accounts.
pub fn check_on(flows: &Flows<'_>) -> Result<(), FlowError> {
    if flows.visit.rules.recovers() { Ok(()) } else { Err(FlowError::Off(FlowKind::Recovery)) }
}

/// Signs in who has typed the right code or opened the right link, and leads to the settings. `transport` is where they
/// are signed in: a link is opened in a browser, wherever it was asked for.
pub(crate) async fn end(
    flows: &Flows<'_>,
    mut flow: Flow<RecoveryDetails>,
    ProvenAddress { mut identity, code, mut changes }: ProvenAddress,
    transport: Transport,
) -> Result<Outcome<RecoveryDetails>, FlowError> {
    let visit = &flows.visit;
    // Who has read the code has the address.
    let proven = identity.verifiable_addresses.iter_mut().find(|known| known.value == code.address);
    let proven = proven.filter(|known| !known.verified).map(|known| addresses::complete(known, visit.now));
    let new_cookie = visit.new_browser();
    let (method, end) = match flow.details.codes.sends {
        Sends::Code => ("code_recovery", flow.consume()),
        // The flow stays, to show that the link was opened. A browser's is that of the one that opened it.
        Sends::Link => {
            flow.state = State::PassedChallenge;
            if flow.transport == Transport::Browser {
                flow.browser = Some(TokenHash::of(&new_cookie));
            }
            ("link_recovery", flow.end(visit.now)?)
        }
    };
    let signed_in = visit.new_session(transport, identity.id, Proof::first_factor(method));
    changes.extend([end, Change::UseCode(code.id)]);
    let mut told = None;
    for hook in visit.rules.hooks.recovery.web() {
        let told = flows.told(&flow, &mut told).await?;
        let happening = HookEvent { flow: told, identity: Some(&identity), session: None };
        if let Err(stop) = visit.ask(hook, happening).await {
            return flows.stopped_for_good(&flow, &changes, stop).await;
        }
    }
    changes.push(signed_in.change.clone());
    changes.extend(visit.end_replaced(&signed_in.session));
    if visit.rules.hooks.recovery_revokes {
        changes.push(sign_in::end_others(&signed_in.session));
    }
    if proven.is_some() {
        changes.push(Change::UpdateIdentity(identity.clone()));
    }
    let return_to = flow.return_to.as_deref();
    let (mut beginning, _) = visit.beginning(FlowKind::Settings, transport, return_to)?;
    if transport == Transport::Browser {
        beginning.browser = Some(TokenHash::of(&new_cookie));
    }
    let mut next = settings::begin(flows, beginning, identity.id).await?;
    next.say(recovered(signed_in.session.authenticated_at + visit.rules.privileged_age));
    flows.before_begun(&next, Some(&signed_in.session)).await?;
    changes.push(next.insert()?);
    visit.commit(&changes).await.map_err(FlowError::outrun)?;
    flow.state = State::PassedChallenge;
    let shown = flows.shown(flow, None).await?;
    Ok(Outcome::Done(Box::new(Recovered { shown, signed_in, next, new_cookie })))
}

/// What is said to somebody who is back in their account and may change what opens it until a time.
fn recovered(until: Timestamp) -> Message {
    let context = json!({
        "privilegedSessionExpiresAt": until,
        "privileged_session_expires_at": until,
        "privileged_session_expires_at_unix": until.seconds(),
    });
    Message::with_context(common::RECOVERED, context)
}
