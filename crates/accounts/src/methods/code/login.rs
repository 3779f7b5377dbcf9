//! Signing in by a code, or confirming by one as the second factor who one is.

use async_trait::async_trait;
use serde_json::{Value, json};
use sessera_model::{AssuranceLevel, Credential, CredentialKind, Identity, IdentityState, Timestamp};
use sessera_store::Change;

use super::sent::{self, CODE, CodeVerdict, Owner, Sent, resends};
use super::{Code, form, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, LoginDetails, Standing, State};
use crate::flows::method::{Able, LoginAttempt, LoginMethod, LoginVerdict, LoginView, Proven};
use crate::flows::sign_in::Proof;
use crate::flows::visit::Visit;
use crate::messages::{Message, common};
use crate::methods::identifier;
use crate::schema::{Address, normalise};
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Node, Nodes};

/// What a code proves that signs in.
pub(super) const FIRST: Proof = Proof::first_factor(CODE);

/// What a code proves that is asked for afterwards.
const SECOND: Proof = Proof::second_factor(CODE);

#[async_trait]
impl LoginMethod for Code {
    fn level(&self) -> AssuranceLevel {
        self.factor.unwrap_or(AssuranceLevel::Aal1)
    }

    fn is_set_up(&self, credentials: &[Credential]) -> bool {
        !addresses(credentials).is_empty()
    }

    /// With one address and no other second factor, the code is sent at once.
    async fn begin(
        &self,
        visit: &Visit<'_>,
        flow: &mut Flow<LoginDetails>,
        able: Able<'_>,
    ) -> Result<Vec<Change>, FlowError> {
        let addresses = addresses(able.credentials);
        let ([address], Some(owner)) = (&addresses[..], flow.details.identity_id) else {
            return Ok(Vec::new());
        };
        if self.level() == AssuranceLevel::Aal1 || !able.has_no_choice {
            return Ok(Vec::new());
        }
        match sent::send(visit, flow, &addresses, Owner::Known(owner)).await? {
            Ok(changes) => {
                flow.values.insert("identifier".into(), address.value.as_str().into());
                flow.say(messages::SECOND_FACTOR_SENT);
                Ok(changes)
            }
            // The form has a button for the address, which says why when it is chosen.
            Err(_) => Ok(Vec::new()),
        }
    }

    fn nodes(&self, view: &LoginView<'_>, nodes: &mut Nodes) {
        let is_first = self.level() == AssuranceLevel::Aal1;
        match view.flow.state {
            State::ChooseMethod if is_first => choose(view, nodes),
            State::ChooseMethod => {
                for address in addresses(view.credentials) {
                    let button = Input::submit("address", &address.value).node(Group::CODE);
                    nodes.push(25, button.label(address_label(&address)));
                }
            }
            _ if view.flow.has_errors() => {
                nodes.push(10, Input::new("identifier", InputKind::Hidden).node(Group::DEFAULT));
                nodes.extend(25, form::fields_after_error(messages::LOGIN_LABEL));
            }
            _ => {
                nodes.push(10, if is_first { identifier::hidden(view) } else { hidden_address(view) });
                nodes.extend(25, form::fields(messages::LOGIN_LABEL));
            }
        }
    }

    fn takes(&self, submission: &Submission) -> bool {
        // The buttons for addresses name no method.
        submission.method() == Some(CODE)
            || submission.method().is_none() && submission.get("address").is_some()
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        let sends = attempt.flow.state == State::ChooseMethod || resends(attempt.submission);
        match (self.level(), sends) {
            (AssuranceLevel::Aal2, true) => send_to_own(attempt).await,
            (AssuranceLevel::Aal2, false) => confirm(attempt).await,
            (_, true) => send(attempt).await,
            (_, false) => sign_in(attempt).await,
        }
    }
}

/// The form in which a way to sign in is chosen.
fn choose(view: &LoginView<'_>, nodes: &mut Nodes) {
    if !view.asks_for_identifier_first() {
        nodes.put(10, identifier::field(view));
    }
    // Where somebody was named just now, the contract has the password first.
    let place = if view.offers_anew() { 35 } else { 25 };
    nodes.push(place, Input::submit("method", CODE).node(Group::CODE).label(messages::SIGN_IN));
}

/// The address to which a code was sent as the second factor.
fn hidden_address(view: &LoginView<'_>) -> Node {
    let node = Input::new("identifier", InputKind::Hidden).node(Group::CODE);
    let sent = Sent::of(&view.flow.details.kept);
    match sent.as_ref().and_then(Sent::address) {
        Some(address) => node.label(address_label(address)),
        None => node,
    }
}

fn address_label(address: &Address) -> Message {
    let context = json!({ "address": address.value, "channel": address.via });
    Message::with_context(messages::ADDRESS, context)
}

/// The addresses to which somebody may have codes sent.
pub(super) fn addresses(credentials: &[Credential]) -> Vec<Address> {
    let code = credentials.iter().find(|credential| credential.kind == CredentialKind::Code);
    let kept = code.and_then(|code| code.config.expose().get("addresses")).and_then(Value::as_array);
    let address = |kept: &Value| {
        let text = |member: &str| Some(kept.get(member)?.as_str()?.to_owned());
        Some(Address { via: text("channel")?, value: text("address")? })
    };
    kept.into_iter().flatten().filter_map(address).collect()
}

/// What was typed or chosen as the address, or else the address to which a code was sent before.
fn named(attempt: &mut LoginAttempt<'_>) -> Result<Option<String>, Message> {
    let submission = attempt.submission;
    let typed = match submission.text("identifier")? {
        Some(typed) => Some(typed),
        None => submission.text("address")?,
    };
    let before = || Sent::of(&attempt.flow.details.kept)?.address().map(|address| address.value.clone());
    let named = typed.map(str::to_owned).or_else(before);
    if let Some(named) = &named {
        attempt.flow.values.insert("identifier".into(), named.as_str().into());
    }
    Ok(named)
}

/// The verdict that something is wrong with a field.
fn refuse_at(attempt: &mut LoginAttempt<'_>, field: &str, message: impl Into<Message>) -> LoginVerdict {
    attempt.flow.say_at(field, message);
    LoginVerdict::Refused(Standing::Refused)
}

/// Somebody who signs in by codes to an address, with that address.
async fn owner_of(visit: &Visit<'_>, identifier: &str) -> Result<Option<(Identity, Address)>, FlowError> {
    let identifier = normalise::identifier(identifier);
    let store = &visit.accounts.store;
    let Some(owner) = store.identity_by_identifier(CredentialKind::Code, &identifier).await? else {
        return Ok(None);
    };
    let known = addresses(&store.credentials(owner.id).await?);
    Ok(known.into_iter().find(|address| address.value == identifier).map(|address| (owner, address)))
}

/// Sends a code to an address with which somebody signs in.
async fn send(attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
    let identifier = match named(attempt) {
        Ok(Some(identifier)) => identifier,
        Ok(None) => return Ok(refuse_at(attempt, "identifier", Message::required("identifier"))),
        Err(message) => return Ok(refuse_at(attempt, "identifier", message)),
    };
    let Some((owner, address)) = owner_of(attempt.visit, &identifier).await? else {
        return Ok(attempt.refuse(messages::UNKNOWN));
    };
    let sent = sent::send(attempt.visit, &mut attempt.flow, &[address], Owner::Known(owner.id)).await?;
    Ok(further(attempt, sent, messages::LOGIN_SENT))
}

/// Sends a code to an address of the person who is signed in.
async fn send_to_own(attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
    let address = match named(attempt) {
        Ok(Some(address)) => address,
        Ok(None) => return Ok(refuse_at(attempt, "address", Message::required("address"))),
        Err(message) => return Ok(refuse_at(attempt, "address", message)),
    };
    let (owner, credentials) = signed_in(attempt.visit).await?;
    let address = normalise::identifier(&address);
    let own = addresses(&credentials).into_iter().find(|own| own.value == address);
    let Some(own) = own else { return Ok(attempt.refuse(messages::UNKNOWN)) };
    let sent = sent::send(attempt.visit, &mut attempt.flow, &[own], Owner::Known(owner.id)).await?;
    Ok(further(attempt, sent, messages::SECOND_FACTOR_SENT))
}

fn further(
    attempt: &mut LoginAttempt<'_>,
    sent: Result<Vec<Change>, Message>,
    message: impl Into<Message>,
) -> LoginVerdict {
    match sent {
        Ok(changes) => {
            attempt.flow.say(message);
            LoginVerdict::Further(changes)
        }
        Err(message) => attempt.refuse(message),
    }
}

/// Whoever is signed in, with their credentials.
async fn signed_in(visit: &Visit<'_>) -> Result<(Identity, Vec<Credential>), FlowError> {
    let present = visit.session.ok_or(FlowError::FirstFactorMissing)?;
    // Read in this order, so that the version that is written back is not newer than what was checked.
    let identity = visit.accounts.store.identity(present.session.identity_id).await?;
    let identity = identity.ok_or(FlowError::OwnerGone)?;
    let credentials = visit.accounts.store.credentials(identity.id).await?;
    Ok((identity, credentials))
}

/// The code that was typed. When there is none, the flow says so.
fn typed(attempt: &mut LoginAttempt<'_>) -> Option<String> {
    attempt.required("code")
}

/// Judges a code that signs in.
async fn sign_in(attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
    let identifier = named(attempt).ok().flatten().unwrap_or_default();
    let Some(code) = typed(attempt) else { return Ok(LoginVerdict::Refused(Standing::Refused)) };
    let Some((owner, address)) = owner_of(attempt.visit, &identifier).await? else {
        return Ok(attempt.refuse(messages::UNKNOWN));
    };
    attempt.suspect = Some(owner.id);
    let sent = Sent::of(&attempt.flow.details.kept);
    let is_of_owner = sent.as_ref().and_then(Sent::address).is_none_or(|sent| *sent == address);
    // A code that was sent to somebody else is as wrong as any.
    let code = if is_of_owner { code } else { String::new() };
    let changes = match sent::try_sent_code(attempt.visit, &mut attempt.flow, &code).await? {
        CodeVerdict::Right(_, changes) => changes,
        CodeVerdict::Wrong => return Ok(LoginVerdict::Counted(Standing::Refused)),
        CodeVerdict::Not => return Ok(LoginVerdict::Refused(Standing::Refused)),
    };
    if owner.state != IdentityState::Active {
        attempt.flow.say(common::ACCOUNT_DISABLED);
        return Ok(LoginVerdict::Counted(Standing::Disabled));
    }
    Ok(proven(attempt.visit, owner, &address, None, FIRST, changes))
}

/// Judges a code of the person who is signed in.
async fn confirm(attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
    // What was chosen is shown again; whose code it is, the session says.
    let _ = named(attempt);
    let Some(code) = typed(attempt) else { return Ok(LoginVerdict::Refused(Standing::Refused)) };
    let (owner, credentials) = signed_in(attempt.visit).await?;
    attempt.suspect = Some(owner.id);
    let (address, changes) = match sent::try_sent_code(attempt.visit, &mut attempt.flow, &code).await? {
        CodeVerdict::Right(address, changes) => (address, changes),
        CodeVerdict::Wrong => return Ok(LoginVerdict::Counted(Standing::Refused)),
        CodeVerdict::Not => return Ok(LoginVerdict::Refused(Standing::Refused)),
    };
    // Somebody may have given the address up since the code was sent.
    if !addresses(&credentials).contains(&address) {
        attempt.flow.say(messages::UNKNOWN);
        return Ok(LoginVerdict::Counted(Standing::Refused));
    }
    let code = credentials.iter().find(|credential| credential.kind == CredentialKind::Code);
    let since = code.map(|code| code.updated_at);
    Ok(proven(attempt.visit, owner, &address, since, SECOND, changes))
}

/// The verdict on somebody who has proven that they have an address.
fn proven(
    visit: &Visit<'_>,
    mut identity: Identity,
    address: &Address,
    enrolled_at: Option<Timestamp>,
    proof: Proof,
    mut changes: Vec<Change>,
) -> LoginVerdict {
    if sent::verify(&mut identity, address, visit.now) {
        changes.push(Change::UpdateIdentity(identity.clone()));
    }
    LoginVerdict::Proven(Box::new(Proven { identity, proof, enrolled_at, changes, may_wait: Vec::new() }))
}
