//! One's own account: profile, password, second factors, passkeys.
//!
//! Everything here needs a session that has proven all factors its owner has set up. What opens the
//! account (passwords, factors, identifiers, addresses) changes only soon after signing in.

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_config::sections::hooks::Hook;
use sessera_model::{AssuranceLevel, Credential, Identity, IdentityView, Session, Uuid};
use sessera_store::{Change, Conflict, FlowKind, StoreError};

use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::flow::{
    Beginning, BegunVerification, Flow, Kept, SettingsDetails, Standing, State, Transport,
};
use crate::flows::hooks::{HookEvent, impossible};
use crate::flows::method::{Owner, SettingsEdit, SettingsVerdict, SettingsView};
use crate::flows::sign_in::{self, Proof, SignedIn};
use crate::flows::skeleton::{Begun, Flows, Kind, Outcome, Shown};
use crate::flows::trip::{Back, Trip};
use crate::flows::visit::{Present, Visit};
use crate::identities::{IdentityError, PreparedIdentity};
use crate::messages::{MessageId, common};
use crate::submission::{Submission, ValueKind};
use crate::ui::{Container, Group, Input, Nodes};

/// Somebody has changed something of their own account.
#[derive(Debug)]
pub struct Saved {
    /// The flow with its form.
    pub shown: Shown<SettingsDetails>,
    /// The session with which it was changed.
    pub session: Session,
    /// That session after a factor was set up, where one was.
    pub signed_in: Option<SignedIn>,
    /// The verification flow that a client is told to show.
    pub verification: Option<BegunVerification>,
}

/// What a submission is judged by.
#[derive(Debug)]
pub struct Account {
    identity: Identity,
    credentials: Vec<Credential>,
    kinds: Vec<(String, ValueKind)>,
}

#[async_trait]
impl Kind for SettingsDetails {
    type Wish = ();
    type Context = Account;
    type Done = Saved;

    const EXPIRED: MessageId = common::SETTINGS_EXPIRED;

    async fn may_begin(flows: &Flows<'_>, _: Transport, (): &()) -> Result<(), FlowError> {
        session(flows).await.map(|_| ())
    }

    async fn start(flows: &Flows<'_>, beginning: Beginning, (): ()) -> Result<Begun<Self>, FlowError> {
        let present = flows.visit.session.ok_or(FlowError::NotSignedIn)?;
        begin(flows, beginning, present.session.identity_id).await.map(Begun::from)
    }

    async fn start_again(
        flows: &Flows<'_>,
        beginning: Beginning,
        ended: &Flow<Self>,
    ) -> Result<Begun<Self>, FlowError> {
        begin(flows, beginning, ended.details.identity_id).await.map(Begun::from)
    }

    async fn may_read(flows: &Flows<'_>) -> Result<(), FlowError> {
        session(flows).await.map(|_| ())
    }

    async fn may_submit(flows: &Flows<'_>, _: Option<&Flow<Self>>) -> Result<(), FlowError> {
        session(flows).await.map(|_| ())
    }

    fn check_owner(flows: &Flows<'_>, flow: &Flow<Self>) -> Result<(), FlowError> {
        let owner = flows.visit.session.map(|present| present.session.identity_id);
        if owner == Some(flow.details.identity_id) { Ok(()) } else { Err(FlowError::AnotherPerson) }
    }

    async fn prepare(flows: &Flows<'_>, flow: &mut Flow<Self>) -> Result<Account, FlowError> {
        let (identity, credentials) = account(&flows.visit, flow.details.identity_id).await?;
        flow.clear_errors();
        flow.values.clear();
        let fields = flows.visit.schemas.get(&identity.schema_id).map(|schema| schema.fields());
        let fields = fields.unwrap_or_default().iter();
        let kinds = fields.map(|field| (field.name().to_owned(), field.kind)).collect();
        Ok(Account { identity, credentials, kinds })
    }

    fn value_kind(account: &Account, field: &str) -> ValueKind {
        let known = account.kinds.iter().find(|(name, _)| name == field);
        known.map_or(ValueKind::Text, |(_, kind)| *kind)
    }

    async fn form(
        flows: &Flows<'_>,
        flow: &Flow<Self>,
        csrf_token: String,
    ) -> Result<(Container, Map<String, Value>), FlowError> {
        let visit = &flows.visit;
        let (identity, credentials) = account(visit, flow.details.identity_id).await?;
        let view = SettingsView {
            rules: visit.rules,
            flow,
            owner: owner(visit, &identity, &credentials),
            ways_in: flows.methods.ways_in(&credentials),
        };
        let mut form = Container::new(visit.rules.action(FlowKind::Settings, flow.id));
        form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::DEFAULT));
        let mut nodes = Nodes::default();
        for method in flows.methods.settings() {
            method.nodes(&view, &mut nodes);
        }
        nodes.fill(&mut form);
        flow.fill(&mut form, None);
        let mut members = Map::new();
        let schemas_url = visit.rules.url("schemas/");
        members.insert("identity".into(), identity.to_json(IdentityView::public(&schemas_url)));
        members.insert("organization_id".into(), Value::Null);
        if let Some(active) = &flow.details.active {
            members.insert("active".into(), active.as_str().into());
        }
        Ok((form, members))
    }

    async fn submit(
        flows: &Flows<'_>,
        mut flow: Flow<Self>,
        account: Account,
        submission: &Submission,
    ) -> Result<Outcome<Self>, FlowError> {
        flow.keep_payload(submission);
        let method = flows.methods.settings().find(|method| method.takes(&flow, submission));
        let Some(method) = method else {
            return flows.refuse(flow, common::NO_SETTINGS_METHOD).await;
        };
        let mut edit = edit(flows, flow, account, submission)?;
        let verdict = method.submit(&mut edit).await?;
        judged(flows, edit, method.name(), verdict).await
    }

    async fn returned(
        flows: &Flows<'_>,
        flow: Flow<Self>,
        account: Account,
        trip: &Trip,
        back: &Back,
    ) -> Result<Outcome<Self>, FlowError> {
        let Some(method) = flows.methods.named(&trip.method).and_then(|method| method.settings()) else {
            return flows.refuse(flow, common::NO_SETTINGS_METHOD).await;
        };
        let submission = Submission::default();
        let mut edit = edit(flows, flow, account, &submission)?;
        let verdict = method.returned(&mut edit, trip, back).await;
        if matches!(verdict, Ok(SettingsVerdict::Refused) | Err(_)) {
            let owner = Some(edit.identity.id);
            flows.visit.tell_refused(Some((FlowKind::Settings, edit.flow.id)), owner, method.name());
        }
        judged(flows, edit, method.name(), verdict?).await
    }
}

/// A submission as methods see it.
fn edit<'a>(
    flows: &'a Flows<'a>,
    flow: Flow<SettingsDetails>,
    account: Account,
    submission: &'a Submission,
) -> Result<SettingsEdit<'a>, FlowError> {
    Ok(SettingsEdit {
        visit: &flows.visit,
        session: flows.visit.session.ok_or(FlowError::NotSignedIn)?,
        flow,
        ways_in: flows.methods.ways_in(&account.credentials),
        identity: account.identity,
        credentials: account.credentials,
        submission,
    })
}

/// What follows from what a method says.
async fn judged(
    flows: &Flows<'_>,
    edit: SettingsEdit<'_>,
    method: &str,
    verdict: SettingsVerdict,
) -> Result<Outcome<SettingsDetails>, FlowError> {
    match verdict {
        SettingsVerdict::Refused => flows.again(edit.flow, Standing::Refused).await,
        SettingsVerdict::Shown(changes) if changes.is_empty() => {
            flows.again(edit.flow, Standing::Accepted).await
        }
        SettingsVerdict::Shown(changes) => flows.counted(edit.flow, Standing::Accepted, changes).await,
        SettingsVerdict::Saved { changes, enrolled } => save(flows, edit, method, changes, enrolled).await,
        SettingsVerdict::Elsewhere(departure) => flows.depart(edit.flow, departure).await,
    }
}

/// The session of the visit, which must have proven all factors that its owner has, where the rules ask for
/// that.
pub async fn session<'a>(flows: &Flows<'a>) -> Result<Present<'a>, FlowError> {
    let present = flows.visit.session.ok_or(FlowError::NotSignedIn)?;
    let is_proven = present.session.assurance_level >= AssuranceLevel::Aal2;
    if flows.visit.rules.settings_need_highest_aal && !is_proven {
        let credentials = flows.visit.accounts.store.credentials(present.session.identity_id).await?;
        if flows.methods.has_second_factor(&credentials) {
            let sign_in = flows.visit.rules.url("self-service/login/browser?aal=aal2");
            return Err(FlowError::SecondFactorMissing { sign_in });
        }
    }
    Ok(present)
}

/// A new flow, with what the methods need in it.
pub(super) async fn begin(
    flows: &Flows<'_>,
    beginning: Beginning,
    identity_id: Uuid,
) -> Result<Flow<SettingsDetails>, FlowError> {
    let details = SettingsDetails { identity_id, active: None, kept: Kept::default() };
    let mut flow = Flow::begin(beginning, State::ShowForm, details);
    let (identity, credentials) = account(&flows.visit, identity_id).await?;
    let owner = owner(&flows.visit, &identity, &credentials);
    for method in flows.methods.settings() {
        method.begin(&flows.visit, &mut flow, owner)?;
    }
    Ok(flow)
}

/// The person whose settings they are, as stored now.
async fn account(visit: &Visit<'_>, id: Uuid) -> Result<(Identity, Vec<Credential>), FlowError> {
    let identity = visit.accounts.store.identity(id).await?.ok_or(FlowError::NotSignedIn)?;
    let credentials = visit.accounts.store.credentials(id).await?;
    Ok((identity, credentials))
}

fn owner<'a>(visit: &Visit<'a>, identity: &'a Identity, credentials: &'a [Credential]) -> Owner<'a> {
    let schema = visit.schemas.get(&identity.schema_id).map(AsRef::as_ref);
    Owner { identity, credentials, schema }
}

/// Commits what was changed by a method, under a new version of the identity, together with what follows:
/// codes for new addresses, the level that a new factor proves, and the end of other sessions.
async fn save(
    flows: &Flows<'_>,
    edit: SettingsEdit<'_>,
    method: &str,
    mut changes: Vec<Change>,
    enrolled: Option<Proof>,
) -> Result<Outcome<SettingsDetails>, FlowError> {
    let visit = &flows.visit;
    let hooks = visit.rules.hooks.settings.of(method);
    let SettingsEdit { session, mut flow, mut identity, credentials, .. } = edit;
    let mut told = None;
    for hook in hooks.before_it_is_done() {
        let told = flows.told(&flow, &mut told).await?;
        let happening = HookEvent { flow: told, identity: Some(&identity), session: Some(session.session) };
        let change = match visit.ask(hook, happening).await {
            Ok(None) => continue,
            Ok(Some(change)) => change,
            Err(stop) => return flows.stopped(flow, stop).await,
        };
        let draft = change.draft(&identity);
        let now = after(&credentials, &changes);
        let mut prepared = match PreparedIdentity::update(identity, now, draft, visit.surroundings()) {
            Ok(prepared) => prepared,
            Err(IdentityError::InvalidTraits(violations)) => {
                flow.values.clear();
                flow.say_violations_of_hook(violations);
                return flows.again(flow, Standing::Refused).await;
            }
            Err(error) => return Err(impossible(hook, &error)),
        };
        change.mark_addresses(&mut prepared.identity, visit.now);
        changes.extend(prepared.credential_changes());
        identity = prepared.identity;
    }
    identity.updated_at = visit.now;
    let (begun, messages) = addresses::begin_for(visit, &flow, &mut identity)?;
    let signed_in = enrolled.map(|proof| visit.enrolled_session(session, proof));
    let before = flow.clone();
    flow.clear_messages();
    flow.values.clear();
    flow.say(common::SETTINGS_SAVED);
    flow.state = State::Success;
    let mut all = vec![Change::UpdateIdentity(identity.clone())];
    all.extend(changes);
    all.extend(messages);
    all.extend(signed_in.as_ref().map(|signed_in| signed_in.change.clone()));
    if hooks.has(Hook::RevokeActiveSessions) {
        all.push(sign_in::end_others(session.session));
    }
    all.push(flow.update()?);
    match visit.commit(&all).await {
        Ok(()) => {
            let shown = flows.shown(flow, None).await?;
            let mut told = None;
            for hook in hooks.web().filter(|hook| hook.is_called_afterwards()) {
                let flow = &*told.get_or_insert_with(|| shown.to_json());
                let happening = HookEvent { flow, identity: Some(&identity), session: Some(session.session) };
                visit.ask(hook, happening).await?;
            }
            let session = session.session.clone();
            let verification = begun.into_iter().next().filter(|_| hooks.has(Hook::ShowVerificationUi));
            Ok(Outcome::Done(Box::new(Saved { shown, session, signed_in, verification })))
        }
        Err(StoreError::Conflict(Conflict::Identifier | Conflict::Address)) => {
            flows.refuse(before, common::DUPLICATE).await
        }
        Err(error) => Err(FlowError::outrun(error)),
    }
}

/// The credentials as they are after changes.
fn after(credentials: &[Credential], changes: &[Change]) -> Vec<Credential> {
    let mut after = credentials.to_vec();
    for change in changes {
        match change {
            Change::PutCredential(put) => {
                after.retain(|credential| credential.kind != put.credential.kind);
                after.push(put.credential.clone());
            }
            Change::DeleteCredential { kind, .. } => after.retain(|credential| credential.kind != *kind),
            _ => {}
        }
    }
    after
}
