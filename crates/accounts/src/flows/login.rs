//! Signing in: a flow is begun, its form is shown, and submissions are tried until one is right. Then the
//! flow ends in the same change that makes the session.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sessera_config::sections::hooks::Hook;
use sessera_model::{AssuranceLevel, Credential, Identity, Session, Timestamp};
use sessera_store::{Change, FlowKind, StoreError};

use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Flow, Kept, LoginDetails, State, Transport};
use crate::flows::method::{LoginAttempt, LoginMethod, LoginVerdict, LoginView, Proven};
use crate::flows::sign_in::{self, SignedIn};
use crate::flows::skeleton::{Flows, Kind, Outcome};
use crate::flows::visit::Visit;
use crate::messages::{MessageId, common};
use crate::submission::Submission;
use crate::ui::{Container, Group, Input, Nodes};

/// What a client asks for when it begins to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginWish {
    /// Which level is to be reached.
    pub requested_aal: AssuranceLevel,
    /// Whether somebody who is signed in proves again who they are.
    pub refresh: bool,
}

/// Somebody has signed in.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who went through the flow.
    pub transport: Transport,
    /// Where a browser wanted to go.
    pub return_to: Option<String>,
    /// The session.
    pub signed_in: SignedIn,
    /// Whose it is.
    pub identity: Identity,
    /// Whether a second factor is to be asked for, which the configuration demands and the person has.
    pub needs_second_factor: bool,
}

#[async_trait]
impl Kind for LoginDetails {
    type Wish = LoginWish;
    type Context = ();
    type Done = LoggedIn;

    const EXPIRED: MessageId = common::LOGIN_EXPIRED;

    async fn may_begin(flows: &Flows<'_>, transport: Transport, wish: &LoginWish) -> Result<(), FlowError> {
        check(flows, transport, wish.requested_aal, wish.refresh)
    }

    async fn start(
        flows: &Flows<'_>,
        beginning: Beginning,
        wish: LoginWish,
    ) -> Result<Flow<Self>, FlowError> {
        let LoginWish { requested_aal, refresh } = wish;
        let session = flows.visit.session.map(|present| present.session);
        let details = Self {
            requested_aal,
            refresh: refresh && session.is_some(),
            identity_id: session.map(|session| session.identity_id),
            active: None,
            kept: Kept::default(),
        };
        let mut flow = begin(flows, beginning, details)?;
        if flow.details.refresh {
            flow.say(common::CONFIRM_IDENTITY);
        }
        if session.is_some_and(|session| requested_aal > session.assurance_level) {
            flow.say(common::SECOND_FACTOR_NEEDED);
        }
        Ok(flow)
    }

    async fn start_again(
        flows: &Flows<'_>,
        beginning: Beginning,
        ended: &Flow<Self>,
    ) -> Result<Flow<Self>, FlowError> {
        begin(flows, beginning, Self { active: None, kept: Kept::default(), ..ended.details.clone() })
    }

    async fn may_submit(_: &Flows<'_>, _: Option<&Flow<Self>>) -> Result<(), FlowError> {
        Ok(())
    }

    fn check_purpose(flows: &Flows<'_>, flow: &Flow<Self>) -> Result<(), FlowError> {
        check(flows, flow.transport, flow.details.requested_aal, flow.details.refresh)
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
        let visit = &flows.visit;
        let credentials = match flow.details.identity_id {
            Some(id) => visit.accounts.store.credentials(id).await?,
            None => Vec::new(),
        };
        let view = LoginView {
            rules: visit.rules,
            flow,
            schema: visit.schemas.default(),
            credentials: &credentials,
        };
        let mut form = Container::new(visit.rules.action(FlowKind::Login, flow.id));
        form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::DEFAULT));
        let mut nodes = Nodes::default();
        for method in at_level(flows, flow) {
            if method.level() == AssuranceLevel::Aal1 || method.is_set_up(&credentials) {
                method.nodes(&view, &mut nodes);
            }
        }
        nodes.fill(&mut form);
        flow.fill(&mut form, Some("identifier"));
        let mut members = Map::new();
        members.insert("created_at".into(), json!(flow.issued_at));
        members.insert("updated_at".into(), json!(flow.updated_at));
        members.insert("refresh".into(), flow.details.refresh.into());
        members.insert("requested_aal".into(), flow.details.requested_aal.as_str().into());
        members.insert("organization_id".into(), Value::Null);
        if let Some(active) = &flow.details.active {
            members.insert("active".into(), active.as_str().into());
        }
        Ok((form, members))
    }

    async fn submit(
        flows: &Flows<'_>,
        flow: Flow<Self>,
        (): (),
        submission: &Submission,
    ) -> Result<Outcome<Self>, FlowError> {
        let method = at_level(flows, &flow).find(|method| method.takes(submission));
        let suspect = flow.details.identity_id;
        let mut attempt = LoginAttempt { visit: &flows.visit, flow, submission, suspect };
        let verdict = match method {
            Some(method) => {
                let verdict = method.submit(&mut attempt).await;
                if !matches!(verdict, Ok(LoginVerdict::Proven(_))) {
                    attempt.tell_refused();
                }
                verdict?
            }
            None => attempt.refuse(common::NO_LOGIN_METHOD),
        };
        match verdict {
            LoginVerdict::Refused(standing) => flows.again(attempt.flow, standing).await,
            LoginVerdict::Counted(standing) => flows.counted(attempt.flow, standing, Vec::new()).await,
            LoginVerdict::Proven(proven) => end(flows, attempt.flow, *proven).await,
        }
    }
}

/// Whether there is something to prove, and somebody who can.
fn check(
    flows: &Flows<'_>,
    transport: Transport,
    requested_aal: AssuranceLevel,
    refresh: bool,
) -> Result<(), FlowError> {
    match flows.visit.session {
        Some(present) if !refresh && requested_aal <= present.session.assurance_level => {
            Err(FlowError::SignedInAlready(transport))
        }
        None if requested_aal > AssuranceLevel::Aal1 => Err(FlowError::FirstFactorMissing),
        _ => Ok(()),
    }
}

fn begin(
    flows: &Flows<'_>,
    beginning: Beginning,
    details: LoginDetails,
) -> Result<Flow<LoginDetails>, FlowError> {
    let mut flow = Flow::begin(beginning, State::ChooseMethod, details);
    for method in at_level(flows, &flow).collect::<Vec<_>>() {
        method.begin(&mut flow)?;
    }
    Ok(flow)
}

/// The methods that can give what a flow asks for.
fn at_level<'a>(
    flows: &Flows<'a>,
    flow: &Flow<LoginDetails>,
) -> impl Iterator<Item = &'a dyn LoginMethod> + use<'a> {
    let level = flow.details.requested_aal.clamp(AssuranceLevel::Aal1, AssuranceLevel::Aal2);
    flows.methods.login().filter(move |method| method.level() == level)
}

/// Ends the flow and makes the session, or renews the one that is there when it is the same person's. The
/// session of somebody else that was there ends.
async fn end(
    flows: &Flows<'_>,
    flow: Flow<LoginDetails>,
    proven: Proven,
) -> Result<Outcome<LoginDetails>, FlowError> {
    let visit = &flows.visit;
    let hooks = visit.rules.hooks.login.of(proven.proof.method);
    if hooks.has(Hook::RequireVerifiedAddress) && !is_verified(&proven.identity) {
        return refuse_unverified(visit, flow, proven).await;
    }
    let Proven { identity, proof, mut changes, may_wait, enrolled_at } = proven;
    let present = visit.session.filter(|present| present.session.identity_id == identity.id);
    let signed_in = match present {
        Some(present) if is_older(enrolled_at, present.session) => visit.renewed_session(present, proof),
        Some(present) => visit.enrolled_session(present, proof),
        None => visit.new_session(flow.transport, identity.id, proof),
    };
    changes.extend([flow.consume(), signed_in.change.clone()]);
    changes.extend(visit.end_replaced(&signed_in.session));
    if hooks.has(Hook::RevokeActiveSessions) {
        changes.push(sign_in::end_others(&signed_in.session));
    }
    commit(visit, &may_wait, &changes).await?;
    let needs_second_factor = needs_second_factor(flows, &signed_in, &identity).await?;
    Ok(Outcome::Done(Box::new(LoggedIn {
        transport: flow.transport,
        return_to: flow.return_to.clone(),
        signed_in,
        identity,
        needs_second_factor,
    })))
}

/// Whether somebody had set up what they have proven before they signed in. What is set up or shown in a session
/// says nothing about who has the session.
fn is_older(enrolled_at: Option<Timestamp>, session: &Session) -> bool {
    enrolled_at.is_none_or(|enrolled_at| enrolled_at <= session.authenticated_at)
}

/// Commits changes, without those that may wait when these are refused.
async fn commit(visit: &Visit<'_>, may_wait: &[Change], changes: &[Change]) -> Result<(), FlowError> {
    match visit.commit(&[may_wait, changes].concat()).await {
        Err(StoreError::Conflict(_)) if !may_wait.is_empty() => visit.commit(changes).await,
        outcome => outcome,
    }
    .map_err(FlowError::outrun)
}

/// Whether an address of a person is verified.
fn is_verified(identity: &Identity) -> bool {
    identity.verifiable_addresses.iter().any(|address| address.verified)
}

/// Leads somebody who has proven who they are, and of whom no address is verified, to the verification of
/// one. The flow stays, so that they can sign in afterwards.
async fn refuse_unverified(
    visit: &Visit<'_>,
    mut flow: Flow<LoginDetails>,
    proven: Proven,
) -> Result<Outcome<LoginDetails>, FlowError> {
    let Proven { identity, proof, mut changes, may_wait, .. } = proven;
    flow.values.clear();
    flow.details.active = Some(proof.method.to_owned());
    let (begun, verification) = addresses::begin_for_one(visit, &flow, &identity)?.unzip();
    flow.updated_at = visit.now;
    changes.extend(verification.unwrap_or_default());
    changes.push(flow.update()?);
    commit(visit, &may_wait, &changes).await?;
    Err(FlowError::AddressNotVerified { transport: flow.transport, begun })
}

/// Whether the configuration asks for a factor that the person has and has not proven.
async fn needs_second_factor(
    flows: &Flows<'_>,
    signed_in: &SignedIn,
    identity: &Identity,
) -> Result<bool, FlowError> {
    let is_reached = signed_in.session.assurance_level >= AssuranceLevel::Aal2;
    if !flows.visit.rules.needs_highest_aal || is_reached {
        return Ok(false);
    }
    let credentials: Vec<Credential> = flows.visit.accounts.store.credentials(identity.id).await?;
    Ok(flows.methods.has_second_factor(&credentials))
}
