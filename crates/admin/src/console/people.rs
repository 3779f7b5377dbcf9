//! `/console/people` and `/console/sessions`: people, their sessions, and what can be done about them.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use sessera_accounts::Accounts;
use sessera_accounts::flows::flow::Transport;
use sessera_console::Section;
use sessera_console::people::{self, Code, Found, PersonChange};
use sessera_console::templates::preview::{Fault, Outcome};
use sessera_issuer::apart::apart;
use sessera_issuer::preview::Preview;
use sessera_issuer::tried::TriedSession;
use sessera_model::{Identity, Uuid};
use sessera_store::{Change, Committer, IdentityFilter, Matching, Page, SessionFilter, Store};

use super::here::{Failed, PageContext, Sent, ok, shown};
use crate::identities::{Identities, find_identity, found_by};
use crate::recovery;
use crate::sessions::{Which, disable};
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{Parameters, Segment, parse_id};

/// How many people, and sessions of one, are shown.
const SHOWN: u32 = 50;

/// What the pages read and change, which handlers take as one part.
pub(super) struct People {
    store: Arc<dyn Store>,
    committer: Committer,
    accounts: Arc<Accounts>,
    identities: Identities,
}

impl FromRef<AdminState> for People {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            store: FromRef::from_ref(state),
            committer: FromRef::from_ref(state),
            accounts: FromRef::from_ref(state),
            identities: FromRef::from_ref(state),
        }
    }
}

/// What must be typed before everybody's sessions end.
#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    typed: String,
}

pub(super) async fn search(
    State(people): State<People>,
    here: PageContext,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let whom = parameters.get("whom").unwrap_or_default().trim();
    let mut found = Vec::new();
    if let Ok(id) = Uuid::parse_str(whom) {
        if let Some((stored, _)) = people.store.session(id).await? {
            return Ok(answer::see_other(&people::session_address(stored.session.id))?);
        }
        found.extend(people.store.identity(id).await?);
    } else if !whom.is_empty() {
        let filter = IdentityFilter {
            identifier: Some(found_by(whom, Matching::FirstBeginning)),
            ..IdentityFilter::default()
        };
        found = people.store.identities(&filter, &Page { after: None, limit: SHOWN + 1 }).await?;
    }
    let has_more = found.len() > SHOWN as usize;
    found.truncate(SHOWN as usize);
    let found = Found { whom, people: &found, has_more };
    Ok(ok(people::search(&here.frame(Some(Section::People)), found, here.may_operate())))
}

pub(super) async fn get(
    State(people): State<People>,
    here: PageContext,
    Segment(id): Segment,
    parameters: Parameters,
) -> Result<Response, Failed> {
    let person = find_identity(&*people.store, &id).await?;
    let filter = SessionFilter { identity_id: Some(person.id), ..SessionFilter::default() };
    let sessions = people.store.sessions(&filter, &Page { after: None, limit: SHOWN }).await?;
    let sessions: Vec<_> = sessions.into_iter().map(|(session, _)| session).collect();
    let is_done = parameters.get("done").is_some();
    let frame = here.frame(Some(Section::People));
    Ok(ok(people::person(&frame, &person, &sessions, here.may_operate(), is_done)))
}

pub(super) async fn session(
    State(people): State<People>,
    here: PageContext,
    Segment(id): Segment,
) -> Result<Response, Failed> {
    let (stored, person) = people.session(&id).await?;
    let tried = TriedSession::of(&stored, &person, here.now, &here.snapshot.schemas_url);
    let tried = tried.map_err(ApiError::internal)?;
    let (issuer, now) = (here.snapshot.issuer.clone(), here.now.seconds());
    // Mappers take their time.
    let tokens = apart(move || {
        let of = |(name, found): (&str, &Result<Arc<_>, _>)| {
            (name.to_owned(), outcome(found, &tried, &issuer.settings.issuer, now))
        };
        issuer.templates.list().into_iter().map(of).collect::<Vec<_>>()
    });
    let tokens = tokens.await;
    let frame = here.frame(Some(Section::People));
    Ok(ok(people::session(&frame, &stored, &person, &tokens, here.may_operate())))
}

/// What a template would make of a session.
fn outcome(
    found: &Result<Arc<sessera_tokenizer::Tokenizer>, sessera_issuer::templates::Broken>,
    session: &TriedSession,
    issuer: &str,
    now: i64,
) -> Outcome {
    let tokenizer = match found {
        Ok(tokenizer) => tokenizer,
        Err(broken) => return Outcome::Failed(Fault::from(broken)),
    };
    match Preview::of(tokenizer, &session.subject(issuer, Uuid::nil()), now) {
        Ok(preview) => Outcome::Made(Box::new(preview)),
        Err(error) => Outcome::Failed(Fault::from(&error)),
    }
}

pub(super) async fn before_end_one(
    State(people): State<People>,
    here: PageContext,
    Segment(id): Segment,
) -> Result<Response, Failed> {
    let (session, _) = people.session(&id).await?;
    Ok(ok(here.before(PersonChange::EndOne(session.id), None)))
}

pub(super) async fn end_one(
    State(people): State<People>,
    Segment(id): Segment,
    _sent: Sent,
) -> Result<Response, Failed> {
    let (session, person) = people.session(&id).await?;
    people.committer.commit(&[Change::RevokeSession { id: session.id, of: Some(person.id) }]).await?;
    done(person.id)
}

pub(super) async fn before_end(
    people: State<People>,
    here: PageContext,
    id: Segment,
) -> Result<Response, Failed> {
    people.asked(&here, &id, PersonChange::EndAll).await
}

pub(super) async fn end(
    State(people): State<People>,
    here: PageContext,
    Segment(id): Segment,
    _sent: Sent,
) -> Result<Response, Failed> {
    let person = find_identity(&*people.store, &id).await?;
    disable(&*people.store, &people.committer, Which::OfIdentities(vec![person.id]), here.now).await?;
    done(person.id)
}

pub(super) async fn before_disable(
    people: State<People>,
    here: PageContext,
    id: Segment,
) -> Result<Response, Failed> {
    people.asked(&here, &id, PersonChange::Disable).await
}

pub(super) async fn before_enable(
    people: State<People>,
    here: PageContext,
    id: Segment,
) -> Result<Response, Failed> {
    people.asked(&here, &id, PersonChange::Enable).await
}

pub(super) async fn switch_off(
    State(people): State<People>,
    Segment(id): Segment,
    _sent: Sent,
) -> Result<Response, Failed> {
    people.put_state(&id, "inactive").await
}

pub(super) async fn switch_on(
    State(people): State<People>,
    Segment(id): Segment,
    _sent: Sent,
) -> Result<Response, Failed> {
    people.put_state(&id, "active").await
}

pub(super) async fn before_recovery(
    people: State<People>,
    here: PageContext,
    id: Segment,
) -> Result<Response, Failed> {
    people.asked(&here, &id, PersonChange::Recovery).await
}

pub(super) async fn recover(
    State(people): State<People>,
    here: PageContext,
    Segment(id): Segment,
    _sent: Sent,
) -> Result<Response, Failed> {
    let person = find_identity(&*people.store, &id).await?;
    let rules = &here.snapshot.accounts.rules;
    let given = recovery::code_for(&people.accounts, rules, &id, None, Transport::Browser).await?;
    let code = Code { link: given.recovery_link, code: given.recovery_code, expires_at: given.expires_at };
    Ok(ok(people::code(&here.frame(Some(Section::People)), person.id, &code)))
}

pub(super) async fn before_everybody(here: PageContext) -> Result<Response, Failed> {
    Ok(ok(here.before(PersonChange::Everybody, None)))
}

pub(super) async fn everybody(
    State(people): State<People>,
    here: PageContext,
    sent: Sent,
) -> Result<Response, Failed> {
    let Typed { typed } = sent.read()?;
    if typed.trim() != people::TYPED {
        let error = ApiError::bad_request("That is not what was asked for. Nothing was ended.");
        return Ok(shown(here.before(PersonChange::Everybody, Some(error.reason())), error.status()));
    }
    let (count, has_more) = disable(&*people.store, &people.committer, Which::Everybodys, here.now).await?;
    Ok(ok(people::ended(&here.frame(Some(Section::People)), count, has_more)))
}

fn done(person: Uuid) -> Result<Response, Failed> {
    Ok(answer::see_other(&format!("{}?done=1", people::address(person)))?)
}

impl People {
    /// A session with its owner.
    async fn session(&self, id: &str) -> Result<(sessera_model::Session, Identity), ApiError> {
        let found = self.store.session(parse_id(id)?).await?;
        let found = found.ok_or_else(|| ApiError::not_found("There is no session with this id."))?;
        Ok((found.0.session, found.1))
    }

    /// The page before something is done to a person.
    async fn asked(
        &self,
        here: &PageContext,
        Segment(id): &Segment,
        before: fn(Uuid) -> PersonChange,
    ) -> Result<Response, Failed> {
        let person = find_identity(&*self.store, id).await?;
        Ok(ok(here.before(before(person.id), None)))
    }

    /// Says whether a person may sign in.
    async fn put_state(&self, id: &str, state: &str) -> Result<Response, Failed> {
        let operations = [json!({"op": "replace", "path": "/state", "value": state})];
        let person = self.identities.patched(id, &operations).await?.identity;
        done(person.id)
    }
}

impl PageContext {
    /// The page before something is done.
    fn before(&self, before: PersonChange, problem: Option<&str>) -> maud::Markup {
        people::before(&self.frame(Some(Section::People)), before, problem, self.may_operate())
    }
}
