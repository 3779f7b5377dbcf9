//! Signing in: a flow is begun, its form is shown, and submissions are tried until one is right. Then the
//! flow ends in the same change that makes the session.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sessera_config::sections::hooks::Hook;
use sessera_model::{AssuranceLevel, Credential, Identity, Session, Timestamp, TokenHash, Uuid};
use sessera_store::{Change, FlowKind, StoreError};

use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::exchange;
use crate::flows::flow::{Beginning, Flow, Link, LoginDetails, Standing, State, Transport};
use crate::flows::hooks::{HookEvent, Stop};
use crate::flows::method::{Able, Crossing, LoginAttempt, LoginMethod, LoginVerdict, LoginView, Proven};
use crate::flows::sign_in::{self, SignedIn};
use crate::flows::skeleton::{Begun, Flows, Kind, Outcome};
use crate::flows::trip::{Back, Trip};
use crate::flows::visit::Visit;
use crate::hooks::list::Step;
use crate::linked::LinkedAccounts;
use crate::messages::{MessageId, common};
use crate::submission::Submission;
use crate::ui::{CSRF_PLACE, Container, Group, Input, Nodes};

/// Where the token against forged requests stands behind an identifier that is asked for first.
const BEHIND_IDENTIFIER: u8 = 15;

/// The method that asks for the identifier first.
pub const IDENTIFIER_FIRST: &str = "identifier_first";

/// What a client asks for when it begins to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRequest {
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
    /// The flow in which a browser gives the second factor, where something waits for it that is to be linked.
    pub next: Option<NextFlow>,
    /// The code with which a native client fetches the session, where it has begun in a browser.
    pub return_code: Option<String>,
}

/// A flow that was begun for a browser which gets a new cookie for forms with the same answer.
#[derive(Debug)]
pub struct NextFlow {
    /// The flow.
    pub id: Uuid,
    /// The value of the browser's new cookie for forms.
    pub form_cookie: String,
}

#[async_trait]
impl Kind for LoginDetails {
    type Wish = LoginRequest;
    type Context = ();
    type Done = LoggedIn;

    const EXPIRED: MessageId = common::LOGIN_EXPIRED;

    async fn may_begin(
        flows: &Flows<'_>,
        transport: Transport,
        wish: &LoginRequest,
    ) -> Result<(), FlowError> {
        check(flows, transport, wish.requested_aal, wish.refresh)
    }

    async fn start(
        flows: &Flows<'_>,
        beginning: Beginning,
        wish: LoginRequest,
    ) -> Result<Begun<Self>, FlowError> {
        let LoginRequest { requested_aal, refresh } = wish;
        let session = flows.visit.session.map(|present| present.session);
        let is_again = refresh && session.is_some();
        let details = Self::new(requested_aal, is_again, session.map(|session| session.identity_id));
        let mut begun = begin(flows, beginning, details).await?;
        let flow = &mut begun.flow;
        // A flow that has come further by itself has said so.
        if flow.state == State::ChooseMethod {
            if is_again {
                flow.say(common::CONFIRM_IDENTITY);
            }
            if session.is_some_and(|session| requested_aal > session.assurance_level) {
                flow.say(common::SECOND_FACTOR_NEEDED);
            }
        }
        Ok(begun)
    }

    async fn start_again(
        flows: &Flows<'_>,
        beginning: Beginning,
        ended: &Flow<Self>,
    ) -> Result<Begun<Self>, FlowError> {
        let Self { requested_aal, refresh, identity_id, .. } = ended.details;
        begin(flows, beginning, Self::new(requested_aal, refresh, identity_id)).await
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
        let credentials = credentials(visit, &flow.details).await?;
        let view = LoginView {
            rules: visit.rules,
            flow,
            schema: visit.schemas.default(),
            credentials: &credentials,
            fills_in_passkeys: flows.methods.has("passkey"),
        };
        let mut form = Container::new(visit.rules.action(FlowKind::Login, flow.id));
        let mut nodes = Nodes::default();
        for method in at_level(flows, flow).filter(|method| is_shown(*method, &view)) {
            method.nodes(&view, &mut nodes);
        }
        if let Some(place) = place_of_token(&view, &nodes) {
            nodes.push(place, Input::hidden("csrf_token", csrf_token).required().node(Group::DEFAULT));
        }
        nodes.fill(&mut form);
        if let Some(link) = &flow.details.link {
            form.know("identifier", &link.identifier);
        }
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
        mut flow: Flow<Self>,
        (): (),
        submission: &Submission,
    ) -> Result<Outcome<Self>, FlowError> {
        flow.transient_payload = submission.get("transient_payload").cloned();
        let is_over = flow.state == State::PassedChallenge;
        let method = at_level(flows, &flow).find(|method| !is_over && method.takes(submission));
        let suspect = flow.details.identity_id;
        let mut attempt = LoginAttempt { visit: &flows.visit, flow, submission, suspect };
        let Some(method) = method else {
            if flows.methods.names_one_that_is_off(submission) {
                return Err(FlowError::MethodOff);
            }
            if is_over {
                attempt.flow.keep_typed(submission);
            }
            return flows.refuse(attempt.flow, common::NO_LOGIN_METHOD).await;
        };
        let verdict = method.submit(&mut attempt).await;
        judged(flows, attempt, method.name(), verdict).await
    }

    async fn returned(
        flows: &Flows<'_>,
        flow: Flow<Self>,
        (): (),
        trip: &Trip,
        back: &Back,
    ) -> Result<Outcome<Self>, FlowError> {
        let Some(method) = flows.methods.named(&trip.method).and_then(|method| method.login()) else {
            return flows.refuse(flow, common::NO_LOGIN_METHOD).await;
        };
        let (submission, suspect) = (Submission::default(), flow.details.identity_id);
        let mut attempt = LoginAttempt { visit: &flows.visit, flow, submission: &submission, suspect };
        let verdict = method.returned(&mut attempt, trip, back).await;
        judged(flows, attempt, method.name(), verdict).await
    }
}

/// What follows from what a method says.
async fn judged(
    flows: &Flows<'_>,
    attempt: LoginAttempt<'_>,
    method: &str,
    verdict: Result<LoginVerdict, FlowError>,
) -> Result<Outcome<LoginDetails>, FlowError> {
    use LoginVerdict::{Counted, Elsewhere, Further, Named, Proven, Refused, Vouched};
    if !matches!(verdict, Ok(Proven(_) | Elsewhere(_) | Vouched(_) | Further(_) | Named(_))) {
        attempt.tell_refused(method);
    }
    match verdict? {
        Refused(standing) => flows.again(attempt.flow, standing).await,
        Counted(standing) => flows.counted(attempt.flow, standing, Vec::new()).await,
        Further(changes) => flows.counted(attempt.flow, Standing::Refused, changes).await,
        Named(owner) => offer(flows, attempt.flow, owner).await,
        Proven(proven) => end(flows, attempt.flow, *proven).await,
        Elsewhere(departure) => flows.depart(attempt.flow, departure).await,
        Vouched(newcomer) => {
            Ok(Outcome::Crosses(Crossing::SignUp { flow: Box::new(attempt.flow), newcomer }))
        }
    }
}

/// The credentials of the person whom a flow knows.
async fn credentials(visit: &Visit<'_>, details: &LoginDetails) -> Result<Vec<Credential>, StoreError> {
    match details.identity_id {
        Some(id) => visit.accounts.store.credentials(id).await,
        None => Ok(Vec::new()),
    }
}

/// Whether a method has its nodes in the form.
fn is_shown(method: &dyn LoginMethod, view: &LoginView<'_>) -> bool {
    let details = &view.flow.details;
    if view.flow.state != State::ChooseMethod {
        return details.active.as_deref() == Some(method.name());
    }
    match &details.offered {
        _ if method.level() > AssuranceLevel::Aal1 => method.is_set_up(view.credentials),
        _ if !view.asks_for_identifier_first() => true,
        Some(offered) => offered.iter().any(|name| name == method.name()),
        None => !method.needs_identifier(),
    }
}

/// Where the token against forged requests stands in the form, if it does. The contract has it behind the identifier
/// that is asked for first, and behind everything when a code was sent just now. Native clients are not given one where
/// codes alone are asked for, until something is wrong.
fn place_of_token(view: &LoginView<'_>, nodes: &Nodes) -> Option<u8> {
    let is_for_code = nodes.all(|node| node.group == Group::CODE || node.name() == "identifier");
    let has_errors = view.flow.has_errors();
    match (view.flow.transport, view.flow.state) {
        (_, State::ChooseMethod) if view.asks_for_identifier_first() => Some(BEHIND_IDENTIFIER),
        (Transport::Api, _) if is_for_code && !has_errors => None,
        (Transport::Browser, State::SentEmail) if !has_errors => Some(u8::MAX),
        _ => Some(CSRF_PLACE),
    }
}

/// Offers somebody who was named the methods that they can use, and says when there are none. Where nobody is told who
/// has an account, all are offered to everybody.
async fn offer(
    flows: &Flows<'_>,
    mut flow: Flow<LoginDetails>,
    owner: Option<Uuid>,
) -> Result<Outcome<LoginDetails>, FlowError> {
    let visit = &flows.visit;
    let known = LoginDetails { identity_id: owner, ..flow.details.clone() };
    let credentials = credentials(visit, &known).await?;
    let mut offered = at_level(flows, &flow)
        .filter(|method| method.name() != IDENTIFIER_FIRST)
        .filter(|method| visit.rules.hides_accounts || method.is_set_up(&credentials))
        .map(|method| method.name().to_owned())
        .collect::<Vec<_>>();
    if offered.is_empty() {
        flow.say_at("identifier", common::NOBODY_KNOWN);
        return flows.again(flow, Standing::Refused).await;
    }
    let name = IDENTIFIER_FIRST.to_owned();
    flow.details.active = Some(name.clone());
    offered.push(name);
    flow.details.offered = Some(offered);
    flows.counted(flow, Standing::Refused, Vec::new()).await
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

pub(super) async fn begin(
    flows: &Flows<'_>,
    beginning: Beginning,
    details: LoginDetails,
) -> Result<Begun<LoginDetails>, FlowError> {
    let visit = &flows.visit;
    let mut begun = Begun::from(Flow::begin(beginning, State::ChooseMethod, details));
    let flow = &mut begun.flow;
    let credentials = credentials(visit, &flow.details).await?;
    let is_able =
        |method: &&dyn LoginMethod| method.level() == AssuranceLevel::Aal1 || method.is_set_up(&credentials);
    let methods: Vec<_> = at_level(flows, flow).filter(is_able).collect();
    let able = Able { credentials: &credentials, has_no_choice: methods.len() == 1 };
    for method in methods {
        begun.changes.extend(method.begin(visit, flow, able).await?);
    }
    Ok(begun)
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
pub(super) async fn end(
    flows: &Flows<'_>,
    mut flow: Flow<LoginDetails>,
    proven: Proven,
) -> Result<Outcome<LoginDetails>, FlowError> {
    let visit = &flows.visit;
    let Proven { identity, proof, mut changes, may_wait, enrolled_at } = proven;
    let method = proof.method.clone();
    let present = visit.session.filter(|present| present.session.identity_id == identity.id);
    let mut signed_in = match present {
        Some(present) if is_older(enrolled_at, present.session) => visit.renewed_session(present, proof),
        Some(present) => visit.enrolled_session(present, proof),
        None => visit.new_session(flow.transport, identity.id, proof),
    };
    let needs_second_factor = needs_second_factor(flows, &signed_in, &identity).await?;
    let mut follows = Vec::new();
    if let Some(link) = flow.details.link.as_ref().filter(|_| !needs_second_factor) {
        let credentials = visit.accounts.store.credentials(identity.id).await?;
        if !has_identifier(&identity, &credentials, &link.identifier) {
            return flows.refuse(flow, common::OTHER_ACCOUNT).await;
        }
        let mut linked = LinkedAccounts::among(&credentials);
        linked.add(&link.account);
        if !changes.iter().any(|change| matches!(change, Change::UpdateIdentity(_))) {
            follows.push(Change::UpdateIdentity(identity.clone()));
        }
        follows.push(linked.keep(&identity, &credentials, visit.now));
        signed_in = signed_in.with(link.proof.clone(), visit.now);
    }
    let next = match &flow.details.link {
        Some(link) if needs_second_factor && flow.transport == Transport::Browser => {
            let (next, begun) = ask_for_second_factor(flows, &flow, &identity, link).await?;
            follows.extend(begun);
            Some(next)
        }
        _ => None,
    };
    let hand_over = exchange::hand_over(visit, &flow, &signed_in)?;
    let (return_code, handed_over) = hand_over.unzip();
    follows.extend(handed_over);
    let hooks = visit.rules.hooks.login.of(&method);
    let mut told = None;
    for step in hooks.steps() {
        let hook = match step {
            Step::Own(Hook::RequireVerifiedAddress) if !is_verified(&identity) => {
                return refuse_unverified(visit, flow, &identity, &method, changes, &may_wait).await;
            }
            Step::Own(_) => continue,
            Step::Web(hook) => hook,
        };
        let told = flows.told(&flow, &mut told).await?;
        let session = Some(&signed_in.session);
        let happening = HookEvent { flow: told, identity: Some(&identity), session };
        if let Err(stop) = visit.ask(hook, happening).await {
            return stopped(flows, flow, &method, changes, stop).await;
        }
    }
    changes.extend(follows);
    changes.extend([flow.end(visit.now)?, signed_in.change.clone()]);
    changes.extend(visit.end_replaced(&signed_in.session));
    if hooks.has(Hook::RevokeActiveSessions) {
        changes.push(sign_in::end_others(&signed_in.session));
    }
    commit(visit, &may_wait, &changes).await?;
    Ok(Outcome::Done(Box::new(LoggedIn {
        transport: flow.transport,
        return_to: flow.return_to.clone(),
        signed_in,
        identity,
        needs_second_factor,
        next,
        return_code,
    })))
}

/// A flow that asks for a second factor before something is linked, with the changes that store it.
async fn ask_for_second_factor(
    flows: &Flows<'_>,
    left: &Flow<LoginDetails>,
    identity: &Identity,
    link: &Link,
) -> Result<(NextFlow, Vec<Change>), FlowError> {
    let visit = &flows.visit;
    let form_cookie = visit.new_browser();
    let beginning = Beginning {
        id: visit.accounts.random.uuid(),
        transport: left.transport,
        now: visit.now,
        expires_at: visit.now + visit.rules.login.lifespan,
        request_url: left.request_url.clone(),
        return_to: left.return_to.clone(),
        browser: Some(TokenHash::of(&form_cookie)),
    };
    let details = LoginDetails {
        link: Some(link.clone()),
        ..LoginDetails::new(AssuranceLevel::Aal2, false, Some(identity.id))
    };
    let Begun { mut flow, mut changes } = begin(flows, beginning, details).await?;
    if flow.state == State::ChooseMethod {
        flow.say(common::SECOND_FACTOR_NEEDED);
    }
    changes.push(flow.insert()?);
    Ok((NextFlow { id: flow.id, form_cookie }, changes))
}

/// Whether somebody is found by an identifier, or has it as an address.
fn has_identifier(identity: &Identity, credentials: &[Credential], identifier: &str) -> bool {
    let identifiers = credentials.iter().flat_map(|credential| &credential.identifiers);
    let verifiable = identity.verifiable_addresses.iter().map(|address| &address.value);
    let recovery = identity.recovery_addresses.iter().map(|address| &address.value);
    identifiers.chain(verifiable).chain(recovery).any(|known| known == identifier)
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
    identity: &Identity,
    method: &str,
    mut changes: Vec<Change>,
    may_wait: &[Change],
) -> Result<Outcome<LoginDetails>, FlowError> {
    flow.values.clear();
    flow.details.active = Some(method.to_owned());
    let (begun, verification) = addresses::begin_for_one(visit, &flow, identity)?.unzip();
    flow.updated_at = visit.now;
    changes.extend(verification.unwrap_or_default());
    changes.push(flow.update()?);
    commit(visit, may_wait, &changes).await?;
    Err(FlowError::AddressNotVerified { transport: flow.transport, begun })
}

/// Keeps somebody out who has proven who they are, because a web hook says so or does not answer. What was proven counts
/// all the same: the attempt is no wrong one, and a code is used up.
async fn stopped(
    flows: &Flows<'_>,
    mut flow: Flow<LoginDetails>,
    method: &str,
    changes: Vec<Change>,
    stop: Stop,
) -> Result<Outcome<LoginDetails>, FlowError> {
    flow.values.clear();
    flow.details.active = Some(method.to_owned());
    let failure = match stop {
        Stop::Refused(notices) => {
            flow.say_of_hook(notices);
            None
        }
        Stop::Failed(failure) => Some(failure),
    };
    let shown = flows.counted(flow, Standing::Refused, changes).await?;
    failure.map_or(Ok(shown), |failure| Err(FlowError::Hook(failure)))
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
