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
use sessera_model::Identity;
use sessera_store::{Change, Conflict, FlowKind, StoreError};

use crate::flows::addresses;
use crate::flows::error::FlowError;
use crate::flows::flow::{
    Beginning, BegunVerification, Flow, RegistrationDetails, RegistrationStep, Standing, State, Transport,
};
use crate::flows::method::{RegistrationAttempt, RegistrationVerdict, RegistrationView};
use crate::flows::sign_in::{Proof, SignedIn};
use crate::flows::skeleton::{Flows, Kind, Outcome};
use crate::flows::visit::Visit;
use crate::identities::PreparedIdentity;
use crate::left_behind;
use crate::messages::{MessageId, common};
use crate::schema::IdentitySchema;
use crate::submission::{Submission, ValueKind};
use crate::ui::{Container, Group, Input, Nodes};

/// Somebody has signed up.
#[derive(Debug)]
pub struct Registered {
    /// Who went through the flow.
    pub transport: Transport,
    /// Where a browser wanted to go.
    pub return_to: Option<String>,
    /// Who it is.
    pub identity: Identity,
    /// The first session, where signing up signs in too.
    pub signed_in: Option<SignedIn>,
    /// The verification flow that a client is told to show.
    pub verification: Option<BegunVerification>,
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

    async fn start(flows: &Flows<'_>, beginning: Beginning, (): ()) -> Result<Flow<Self>, FlowError> {
        let schema_id = flows.visit.schemas.default().id().to_owned();
        let details = Self { schema_id, step: RegistrationStep::Profile };
        Ok(Flow::begin(beginning, State::ChooseMethod, details))
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
            flow,
            schema: &schema,
            asks_for_profile: step == RegistrationStep::Profile && rules.registration_in_two_steps,
            asks_for_credentials: step == RegistrationStep::Credentials && rules.registration_in_two_steps,
        };
        let mut form = Container::new(rules.action(FlowKind::Registration, flow.id));
        form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::DEFAULT));
        let mut nodes = Nodes::default();
        for method in flows.methods.registration() {
            method.nodes(&view, &mut nodes);
        }
        nodes.fill(&mut form);
        let first = schema.fields().first().map(|field| field.name().to_owned());
        flow.fill(&mut form, first.as_deref());
        let mut members = Map::new();
        members.insert("organization_id".into(), Value::Null);
        Ok((form, members))
    }

    async fn submit(
        flows: &Flows<'_>,
        mut flow: Flow<Self>,
        schema: Self::Context,
        submission: &Submission,
    ) -> Result<Outcome<Self>, FlowError> {
        flow.transient_payload = submission.get("transient_payload").cloned();
        flow.keep_traits(&submission.traits());
        let rules = flows.visit.rules;
        let method = flows.methods.registration().find(|method| method.takes(rules, submission));
        let Some(method) = method else {
            return flows.refuse(flow, common::NO_REGISTRATION_METHOD).await;
        };
        let mut attempt = RegistrationAttempt { visit: &flows.visit, flow, schema, submission };
        match method.submit(&mut attempt).await? {
            RegistrationVerdict::Again => flows.again(attempt.flow, Standing::Refused).await,
            RegistrationVerdict::Prepared { identity, proof } => {
                end(flows, attempt.flow, *identity, proof).await
            }
        }
    }
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

/// Ends the flow and stores the identity, with what follows from it. Where duplicates are hidden, a flow of
/// somebody who has an account already ends alike, and whoever has the address learns of it by mail.
async fn end(
    flows: &Flows<'_>,
    flow: Flow<RegistrationDetails>,
    mut prepared: PreparedIdentity,
    proof: Proof,
) -> Result<Outcome<RegistrationDetails>, FlowError> {
    let visit = &flows.visit;
    let hooks = visit.rules.hooks.registration.of(proof.method);
    let hides_duplicates = visit.rules.hides_duplicates;
    let is_taken = hides_duplicates && is_taken(visit, &prepared).await?;
    let (begun, messages) = addresses::begin_for(visit, &flow, &mut prepared.identity)?;
    let signed_in =
        hooks.has(Hook::Session).then(|| visit.new_session(flow.transport, prepared.identity.id, proof));
    // The end of the flow comes first: the slower one of two submissions is told of that.
    let all_but_identity: Vec<Change> = [flow.consume()].into_iter().chain(messages).collect();
    let mut all = all_but_identity.clone();
    all.splice(1..1, prepared.changes());
    all.extend(signed_in.as_ref().map(|signed_in| signed_in.change.clone()));
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
        Ok(()) => Ok(Outcome::Done(Box::new(Registered {
            transport: flow.transport,
            return_to: flow.return_to,
            identity: prepared.identity,
            signed_in,
            verification: begun.into_iter().next().filter(|_| hooks.has(Hook::ShowVerificationUi)),
        }))),
        Err(error) if is_duplicate(&error) => flows.refuse(flow, common::DUPLICATE).await,
        Err(StoreError::Conflict(Conflict::Changed | Conflict::Missing)) => {
            Err(FlowError::CompletedElsewhere)
        }
        Err(error) => Err(error.into()),
    }
}

const fn is_duplicate(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(Conflict::Identifier | Conflict::Address | Conflict::ExternalId))
}

/// Whether somebody has an identifier or an address of the one who signs up.
async fn is_taken(visit: &Visit<'_>, prepared: &PreparedIdentity) -> Result<bool, StoreError> {
    let store = &visit.accounts.store;
    let mut is_taken = false;
    for credential in prepared.credentials() {
        for identifier in &credential.identifiers {
            is_taken |= store.identity_by_identifier(credential.kind, identifier).await?.is_some();
        }
    }
    for address in &prepared.identity.verifiable_addresses {
        is_taken |= store.identity_by_address(&address.via, &address.value).await?.is_some();
    }
    for address in &prepared.identity.recovery_addresses {
        is_taken |= store.identity_by_address(&address.via, &address.value).await?.is_some();
    }
    Ok(is_taken)
}
