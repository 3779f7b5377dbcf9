//! Signing up: first who it is, then with what to sign in.
//!
//! A client that knows what it needs may send everything at once, with the method that it signs in with
//! from then on; the contract answers such a submission in the first form. The identity, its credential,
//! the message that verifies its address, its first session and the end of the flow are one change, so two
//! submissions of one flow make one identity.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_config::sections::hooks::Hook;
use sessera_model::{Identity, IdentityState};
use sessera_store::{Change, Conflict, FlowKind, StoreError};

use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::exchange;
use crate::flows::flow::{
    Beginning, BegunVerification, Flow, Kept, Link, RegistrationDetails, RegistrationStep, Standing, State,
    Transport, VouchedForm,
};
use crate::flows::hooks::{HookEvent, Stop, impossible};
use crate::flows::known;
use crate::flows::method::{Crossing, Newcomer, RegistrationAttempt, RegistrationVerdict, RegistrationView};
use crate::flows::sign_in::{Proof, SignedIn};
use crate::flows::skeleton::{Begun, Flows, Kind, Outcome};
use crate::flows::trip::{Back, Trip};
use crate::hooks::list::{HookList, Step};
use crate::identities::{IdentityDraft, IdentityError, PreparedIdentity};
use crate::left_behind;
use crate::linked::{LinkedAccount, LinkedAccounts};
use crate::messages::{MessageId, common};
use crate::schema::{IdentitySchema, Violation};
use crate::submission::{Submission, ValueKind};
use crate::ui::{CSRF_PLACE, Container, Group, Input, Nodes};

/// The method that shows the traits, in every form.
pub const PROFILE: &str = "profile";

/// Somebody has signed up.
#[derive(Debug)]
pub struct Registered {
    /// Who went through the flow.
    pub transport: Transport,
    /// Where a browser wanted to go.
    pub return_to: Option<String>,
    /// The person who has signed up.
    pub identity: Identity,
    /// The first session, where signing up signs in too.
    pub signed_in: Option<SignedIn>,
    /// The verification flow that a client is told to show.
    pub verification: Option<BegunVerification>,
    /// The code with which a native client fetches the session, where it has begun in a browser.
    pub return_code: Option<String>,
}

#[async_trait]
impl Kind for RegistrationDetails {
    type Wish = ();
    type Context = Arc<IdentitySchema>;
    type Done = Registered;

    const EXPIRED: MessageId = common::REGISTRATION_EXPIRED;

    async fn may_begin(flows: &Flows<'_>, transport: Transport, (): &()) -> Result<(), FlowError> {
        check_on(flows)?;
        check_nobody(flows, transport)
    }

    async fn start(flows: &Flows<'_>, beginning: Beginning, (): ()) -> Result<Begun<Self>, FlowError> {
        let schema = flows.visit.schemas.default();
        let (schema_id, step) = (schema.id().to_owned(), RegistrationStep::Profile);
        let details = Self { schema_id, step, vouched: None, active: None, kept: Kept::default() };
        let mut flow = Flow::begin(beginning, State::ChooseMethod, details);
        for method in flows.methods.registration() {
            method.begin(&flows.visit, &mut flow, schema)?;
        }
        Ok(flow.into())
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

    fn check_purpose(flows: &Flows<'_>, flow: &Flow<Self>) -> Result<(), FlowError> {
        check_nobody(flows, flow.transport)
    }

    async fn prepare(flows: &Flows<'_>, flow: &mut Flow<Self>) -> Result<Self::Context, FlowError> {
        flow.clear_messages();
        schema(flows, flow)
    }

    fn value_kind(schema: &Self::Context, field: &str) -> ValueKind {
        schema.value_kind(field)
    }

    async fn form(
        flows: &Flows<'_>,
        flow: &Flow<Self>,
        csrf_token: String,
    ) -> Result<(Container, Map<String, Value>), FlowError> {
        let rules = flows.visit.rules;
        let schema = schema(flows, flow)?;
        let step = flow.details.step;
        let view = RegistrationView {
            rules,
            flow,
            schema: &schema,
            asks_for_profile: step == RegistrationStep::Profile && rules.registration_in_two_steps,
            asks_for_credentials: step != RegistrationStep::Profile && rules.registration_in_two_steps,
        };
        let mut form = Container::new(rules.action(FlowKind::Registration, flow.id));
        let mut nodes = Nodes::default();
        nodes.push(CSRF_PLACE, Input::hidden("csrf_token", csrf_token).required().node(Group::DEFAULT));
        let active = flow.details.active.as_deref();
        let is_shown =
            |name: &str| flow.state == State::ChooseMethod || active == Some(name) || name == PROFILE;
        match &flow.details.vouched {
            None => {
                let shown = flows.methods.registration().filter(|method| is_shown(method.name()));
                shown.for_each(|method| method.nodes(&view, &mut nodes));
            }
            Some(vouched) => {
                let by = flows.methods.registration();
                by.for_each(|method| method.vouched_nodes(&vouched.provider, &mut nodes));
                for field in schema.fields().iter().filter(|_| vouched.asks_for_traits) {
                    nodes.push(10, field.node(Group::DEFAULT));
                }
            }
        }
        nodes.fill(&mut form);
        let first = schema.fields().first().map(|field| field.name().to_owned());
        flow.fill(&mut form, first.as_deref());
        let mut members = Map::new();
        members.insert("organization_id".into(), Value::Null);
        if flow.details.vouched.is_some() {
            members.insert("active".into(), "oidc".into());
        } else if let Some(active) = active {
            members.insert("active".into(), active.into());
        }
        Ok((form, members))
    }

    async fn submit(
        flows: &Flows<'_>,
        mut flow: Flow<Self>,
        schema: Self::Context,
        submission: &Submission,
    ) -> Result<Outcome<Self>, FlowError> {
        flow.transient_payload = submission.get("transient_payload").cloned();
        // Once a code was sent for them, the traits stay as they are.
        if flow.state == State::ChooseMethod {
            flow.keep_traits(&submission.traits());
        }
        let rules = flows.visit.rules;
        let is_over = flow.details.step == RegistrationStep::Done;
        let mut methods = flows.methods.registration();
        let method = methods.find(|method| !is_over && method.takes(rules, submission));
        let Some(method) = method else {
            if flows.methods.names_one_that_is_off(submission) {
                return Err(FlowError::MethodOff);
            }
            return flows.refuse(flow, common::NO_REGISTRATION_METHOD).await;
        };
        let mut attempt = RegistrationAttempt { visit: &flows.visit, flow, schema, submission };
        let verdict = method.submit(&mut attempt).await?;
        judged(flows, attempt.flow, verdict).await
    }

    async fn returned(
        flows: &Flows<'_>,
        flow: Flow<Self>,
        schema: Self::Context,
        trip: &Trip,
        back: &Back,
    ) -> Result<Outcome<Self>, FlowError> {
        let method = flows.methods.named(&trip.method).and_then(|method| method.registration());
        let Some(method) = method else {
            return flows.refuse(flow, common::NO_REGISTRATION_METHOD).await;
        };
        let submission = Submission::default();
        let mut attempt = RegistrationAttempt { visit: &flows.visit, flow, schema, submission: &submission };
        let verdict = method.returned(&mut attempt, trip, back).await;
        if matches!(verdict, Ok(RegistrationVerdict::Again) | Err(_)) {
            flows.visit.tell_refused(Some((FlowKind::Registration, attempt.flow.id)), None, method.name());
        }
        judged(flows, attempt.flow, verdict?).await
    }
}

/// What follows from what a method says.
async fn judged(
    flows: &Flows<'_>,
    flow: Flow<RegistrationDetails>,
    verdict: RegistrationVerdict,
) -> Result<Outcome<RegistrationDetails>, FlowError> {
    match verdict {
        RegistrationVerdict::Again => flows.again(flow, Standing::Refused).await,
        RegistrationVerdict::Further(changes) => flows.counted(flow, Standing::Refused, changes).await,
        RegistrationVerdict::Prepared { identity, proof, changes } => {
            Box::pin(end(flows, flow, *identity, proof, changes, None)).await
        }
        RegistrationVerdict::Elsewhere(departure) => flows.depart(flow, departure).await,
        RegistrationVerdict::Vouched(newcomer) => sign_up(flows, flow, *newcomer).await,
        RegistrationVerdict::Known(proven) => {
            Ok(Outcome::Crosses(Crossing::SignIn { flow: Box::new(flow), proven }))
        }
    }
}

/// Signs somebody up for whom another provider vouches. Where the schema asks for more than it says, they are asked.
pub(super) async fn sign_up(
    flows: &Flows<'_>,
    mut flow: Flow<RegistrationDetails>,
    newcomer: Newcomer,
) -> Result<Outcome<RegistrationDetails>, FlowError> {
    let visit = &flows.visit;
    let Newcomer { traits, metadata_public, metadata_admin, verified, provider, account, proof } = newcomer;
    let schema = schema(flows, &flow)?;
    if let Err(violations) = schema.validate(&traits) {
        flow.details.vouched = Some(VouchedForm { provider: account.provider, asks_for_traits: true });
        flow.values.clear();
        flow.keep_traits(&traits);
        for violation in violations {
            flow.say_at(violation.field(), violation.message);
        }
        return flows.again(flow, Standing::Refused).await;
    }
    let draft = IdentityDraft { metadata_public, metadata_admin, ..IdentityDraft::new(schema.id(), traits) };
    let mut prepared = PreparedIdentity::create(draft, visit.surroundings())?;
    for address in &mut prepared.identity.verifiable_addresses {
        if verified.iter().any(|(via, value)| *via == address.via && *value == address.value) {
            addresses::complete(address, visit.now);
        }
    }
    let mut linked = LinkedAccounts::default();
    linked.add(&account);
    prepared.add_credential(linked.credential(visit.now));
    let by = By { provider, account };
    Box::pin(end(flows, flow, prepared, proof, Vec::new(), Some(by))).await
}

/// Whether somebody for whom another provider vouches may have an account that it does not open yet.
pub(super) async fn has_account(flows: &Flows<'_>, newcomer: &Newcomer) -> Result<bool, FlowError> {
    let visit = &flows.visit;
    let draft = IdentityDraft::new(visit.schemas.default().id(), newcomer.traits.clone());
    match PreparedIdentity::create(draft, visit.surroundings()) {
        Ok(prepared) => Ok(known::taken(visit, &prepared).await?.is_some()),
        Err(_) => Ok(false),
    }
}

/// By what somebody signs up for whom another provider vouches.
struct By {
    /// What forms call the provider.
    provider: String,
    /// The account there.
    account: LinkedAccount,
}

/// Nobody who is signed in signs up.
fn check_nobody(flows: &Flows<'_>, transport: Transport) -> Result<(), FlowError> {
    if flows.visit.session.is_some() { Err(FlowError::SignedInAlready(transport)) } else { Ok(()) }
}

fn check_on(flows: &Flows<'_>) -> Result<(), FlowError> {
    if flows.visit.rules.registration.enabled { Ok(()) } else { Err(FlowError::Off(FlowKind::Registration)) }
}

/// The schema with which a flow was begun.
fn schema(flows: &Flows<'_>, flow: &Flow<RegistrationDetails>) -> Result<Arc<IdentitySchema>, FlowError> {
    flows.visit.schemas.get(&flow.details.schema_id).cloned().ok_or(FlowError::SchemaGone)
}

/// Ends the flow and stores the identity, with what follows from it, once web hooks that may refuse or change it have
/// answered. Where duplicates are hidden, a flow of somebody who has an account already ends alike, and whoever has the
/// address learns of it by mail. Whoever has typed a code that was sent to the address has it, so that nothing is hidden
/// from them.
///
/// Whoever another provider vouches for is told: they sign in to that account to link it.
async fn end(
    flows: &Flows<'_>,
    mut flow: Flow<RegistrationDetails>,
    prepared: PreparedIdentity,
    proof: Proof,
    changes: Vec<Change>,
    by: Option<By>,
) -> Result<Outcome<RegistrationDetails>, FlowError> {
    let visit = &flows.visit;
    let hooks = visit.rules.hooks.registration.of(&proof.method);
    let mut prepared = match asked(flows, &flow, prepared, hooks).await? {
        HookedIdentity::Good(prepared) => *prepared,
        HookedIdentity::Stopped(stop) => return flows.stopped(flow, stop).await,
        HookedIdentity::Wrong(violations) => return refuse_change(flows, flow, violations).await,
    };
    let is_told = by.is_some() || flow.state == State::PassedChallenge;
    let hides_duplicates = visit.rules.hides_duplicates && !is_told;
    let is_taken = hides_duplicates && known::taken(visit, &prepared).await?.is_some();
    if prepared.identity.state == IdentityState::Inactive {
        return keep_out(flows, flow, &prepared, is_taken).await;
    }
    let (begun, messages) = addresses::begin_for(visit, &flow, &mut prepared.identity)?;
    let signed_in = hooks
        .has(Hook::Session)
        .then(|| visit.new_session(flow.transport, prepared.identity.id, proof.clone()));
    let hand_over = signed_in.as_ref().map(|signed_in| exchange::hand_over(visit, &flow, signed_in));
    let (return_code, handed_over) = hand_over.transpose()?.flatten().unzip();
    let sign_in = signed_in.as_ref().map(|signed_in| signed_in.change.clone()).into_iter().chain(handed_over);
    let mut sign_in: Vec<Change> = sign_in.collect();
    sign_in.extend(signed_in.iter().flat_map(|signed_in| visit.end_replaced(&signed_in.session)));
    // Whoever must answer before somebody is signed in is asked when the account is there.
    let waits = hooks.waits_before(Hook::Session);
    // The end of the flow comes first: the slower one of two submissions is told of that.
    let step = std::mem::replace(&mut flow.details.step, RegistrationStep::Done);
    let all_but_identity: Vec<Change> =
        [flow.end(visit.now)?].into_iter().chain(messages).chain(changes).collect();
    flow.details.step = step;
    let mut all = all_but_identity.clone();
    all.splice(1..1, prepared.changes());
    if !waits {
        all.extend(sign_in.iter().cloned());
    }
    let mut outcome = visit.commit(if is_taken { &all_but_identity } else { &all }).await;
    let is_found_taken = hides_duplicates && outcome.as_ref().is_err_and(is_duplicate);
    if is_found_taken {
        outcome = visit.commit(&all_but_identity).await;
    }
    if is_taken || is_found_taken {
        // As if somebody had signed up: how much a client may leave behind would tell it otherwise.
        visit.leaves(left_behind::bytes(&all) - left_behind::bytes(&all_but_identity));
    }
    match outcome {
        Ok(()) => {
            if !is_taken && !is_found_taken {
                let late = if waits { sign_in.as_slice() } else { &[] };
                tell(flows, &flow, &prepared.identity, hooks, late).await?;
            }
            Ok(Outcome::Done(Box::new(Registered {
                transport: flow.transport,
                return_to: flow.return_to,
                identity: prepared.identity,
                signed_in,
                verification: begun.into_iter().next().filter(|_| hooks.has(Hook::ShowVerificationUi)),
                return_code,
            })))
        }
        Err(error) if is_duplicate(&error) => match (by, known::taken(visit, &prepared).await?) {
            (Some(By { provider, account }), Some(taken)) => {
                let ways_in = Box::new(known::ways_in(flows, &taken).await?);
                let link = Link { identifier: taken.identifier, account, proof };
                let (flow, link) = (Box::new(flow), Box::new(link));
                Ok(Outcome::Crosses(Crossing::Link { flow, link, provider, ways_in }))
            }
            (_, taken) => flows.refuse(flow, known::refusal(flows, taken.as_ref()).await?).await,
        },
        Err(StoreError::Conflict(Conflict::Changed | Conflict::Missing)) => {
            Err(FlowError::CompletedElsewhere)
        }
        Err(error) => Err(error.into()),
    }
}

/// What web hooks make of an identity that is going to be stored.
enum HookedIdentity {
    /// It may be stored like this.
    Good(Box<PreparedIdentity>),
    /// It may not be stored.
    Stopped(Stop),
    /// One of them gave it traits that do not fit the schema.
    Wrong(Vec<Violation>),
}

/// Asks web hooks that may refuse or change an identity, each about what those before it made of it.
async fn asked(
    flows: &Flows<'_>,
    flow: &Flow<RegistrationDetails>,
    mut prepared: PreparedIdentity,
    hooks: &HookList,
) -> Result<HookedIdentity, FlowError> {
    let visit = &flows.visit;
    let mut told = None;
    for hook in hooks.before_it_is_done() {
        let told = flows.told(flow, &mut told).await?;
        let happening = HookEvent { flow: told, identity: Some(&prepared.identity), session: None };
        match visit.ask(hook, happening).await {
            Ok(None) => {}
            Ok(Some(changes)) => {
                let draft = changes.draft(&prepared.identity);
                prepared = match prepared.revised(draft, visit.surroundings()) {
                    Ok(prepared) => prepared,
                    Err(IdentityError::InvalidTraits(violations)) => {
                        return Ok(HookedIdentity::Wrong(violations));
                    }
                    Err(error) => return Err(impossible(hook, &error)),
                };
                changes.mark_addresses(&mut prepared.identity, visit.now);
            }
            Err(stop) => return Ok(HookedIdentity::Stopped(stop)),
        }
    }
    Ok(HookedIdentity::Good(Box::new(prepared)))
}

/// Says which traits of a web hook do not fit the schema.
async fn refuse_change(
    flows: &Flows<'_>,
    mut flow: Flow<RegistrationDetails>,
    violations: Vec<Violation>,
) -> Result<Outcome<RegistrationDetails>, FlowError> {
    // What the person typed is not what is wrong.
    flow.values.clear();
    flow.say_violations_of_hook(violations);
    flows.again(flow, Standing::Refused).await
}

/// Stores an identity that a web hook has made an inactive one, and signs nobody in.
async fn keep_out(
    flows: &Flows<'_>,
    mut flow: Flow<RegistrationDetails>,
    prepared: &PreparedIdentity,
    is_taken: bool,
) -> Result<Outcome<RegistrationDetails>, FlowError> {
    let before = flow.clone();
    flow.values.clear();
    flow.say(common::ACCOUNT_DISABLED);
    flow.updated_at = flows.visit.now;
    let mut changes = if is_taken { Vec::new() } else { prepared.changes() };
    changes.push(flow.update()?);
    match flows.visit.commit(&changes).await {
        Ok(()) => Ok(Outcome::Shown(Box::new(flows.shown(flow, None).await?), Standing::Refused)),
        Err(error) if is_duplicate(&error) => {
            let taken = known::taken(&flows.visit, prepared).await?;
            flows.refuse(before, known::refusal(flows, taken.as_ref()).await?).await
        }
        Err(error) => Err(FlowError::outrun(error)),
    }
}

/// Calls the other web hooks about somebody who has signed up, in their order. Where one of them that must answer stands
/// before the hook that signs in, the session is stored when that one's turn has come.
async fn tell(
    flows: &Flows<'_>,
    flow: &Flow<RegistrationDetails>,
    identity: &Identity,
    hooks: &HookList,
    late: &[Change],
) -> Result<(), FlowError> {
    let visit = &flows.visit;
    let mut told = None;
    for step in hooks.steps() {
        match step {
            Step::Own(Hook::Session) => {
                if !late.is_empty() {
                    visit.commit(late).await?;
                }
            }
            Step::Web(hook) if hook.is_called_afterwards() => {
                let told = flows.told(flow, &mut told).await?;
                visit.ask(hook, HookEvent { flow: told, identity: Some(identity), session: None }).await?;
            }
            Step::Own(_) | Step::Web(_) => {}
        }
    }
    Ok(())
}

const fn is_duplicate(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(Conflict::Identifier | Conflict::Address | Conflict::ExternalId))
}
