//! Taking over the people of an Ory Kratos, with their sessions.
//!
//! Identities are carried over with their ids, schema ids, states, traits, metadata, addresses, times and
//! credentials, and live sessions with their ids, levels, methods and devices: Kratos keeps their tokens, so that their
//! hashes can be kept here, and nobody is signed out. Everything else is counted and named.
//!
//! A second run, after people were sent here, carries what changed at the other server meanwhile ([`changes`]).

mod changes;
mod keys;
mod mark;
mod people;
mod report;
mod sessions;
mod source;

use std::collections::BTreeSet;
use std::time::Duration;

use sessera_model::{CredentialKind, Timestamp, Uuid};

use crate::change::Change;
use crate::error::StoreError;
use crate::records::{NewSession, SessionFilter};
use crate::transfer::Tables;
use crate::{IdentityFilter, Page, Store, place_of};
use mark::Mark;
use people::Person;
pub use report::Imported;
use source::{As, Source};

/// How many rows of this side are looked at at once.
const PAGE: u32 = 200;

/// How far the clocks of two machines may be apart: what was changed so long before the last run is looked at once more.
const SKEW: Duration = Duration::from_mins(5);

/// A database that people can be taken into.
pub trait Target: Store + Tables {}

impl<T: Store + Tables> Target for T {}

/// Why nothing, or not everything, was taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target holds identities already.
    #[error("the target database has identities already, which did not come from there. Give an empty one")]
    NotEmpty,
    /// The target's people came from another server.
    #[error(
        "the people of the target database came from another Kratos, whose network is {0}. Give the database of that one, or an empty target"
    )]
    OtherSource(String),
    /// Several networks share the source.
    #[error(
        "the source holds {0} networks (tenants); one can be taken over. Copy the rows of one network into a database of its own first"
    )]
    ManyNetworks(usize),
}

/// The database of a Kratos, whose people can be taken over.
pub struct Kratos {
    source: Source,
    /// Absent when there is nobody.
    network: Option<String>,
    /// Whether this version of Kratos has external ids.
    has_external_ids: bool,
}

/// One run that takes people over.
struct Run<'a> {
    kratos: &'a Kratos,
    target: &'a dyn Store,
    /// Until when the last run has looked at everything.
    since: Option<Timestamp>,
    now: Timestamp,
    /// Until when the first run has looked at everything.
    first: Timestamp,
    /// What came from there and was made later than that.
    later: BTreeSet<Uuid>,
    done: Imported,
}

impl Kratos {
    /// Opens the database that `dsn` names, and makes sure that it is one of a Kratos. Nothing is changed in it.
    pub async fn open(dsn: &str) -> Result<Self, ImportError> {
        let source = Source::open(dsn).await?;
        let mut networks =
            source.read(&[("nid", As::Text)], "(SELECT DISTINCT nid FROM identities) networks", "").await?;
        if networks.len() > 1 {
            return Err(ImportError::ManyNetworks(networks.len()));
        }
        let network = networks.pop().and_then(|row| row.into_iter().next().flatten());
        let has_external_ids = source.has_column("identities", "external_id").await?;
        Ok(Self { source, network, has_external_ids })
    }

    /// Takes over its people, or what has changed since that was done.
    pub async fn import(&self, target: &dyn Target, now: Timestamp) -> Result<Imported, ImportError> {
        let mark = Mark::read(target).await?;
        match &mark {
            None => {
                let page = Page { after: None, limit: 1 };
                if !target.identities(&IdentityFilter::default(), &page).await?.is_empty() {
                    return Err(ImportError::NotEmpty);
                }
            }
            Some(Mark { network: Some(known), .. }) if self.network.as_ref() != Some(known) => {
                return Err(ImportError::OtherSource(known.clone()));
            }
            Some(_) => {}
        }
        let at = now - SKEW;
        let since = mark.as_ref().map(|mark| mark.at);
        let (first, later) = mark.map_or_else(|| (at, BTreeSet::new()), |mark| (mark.first, mark.later));
        let mut run = Run { kratos: self, target, since, now, first, later, done: Imported::default() };
        run.people().await?;
        run.sessions().await?;
        if since.is_some() {
            run.people_who_left().await?;
            run.sessions_that_left().await?;
        }
        run.count_the_rest().await?;
        let Run { later, done, .. } = run;
        Mark { network: self.network.clone(), at, first, later }.write(target).await?;
        Ok(done)
    }
}

impl Run<'_> {
    async fn people(&mut self) -> Result<(), StoreError> {
        let mut after = Uuid::nil().to_string();
        loop {
            let Kratos { source, has_external_ids, .. } = self.kratos;
            let part = people::part(source, *has_external_ids, &after, &mut self.done).await?;
            for person in part.people {
                self.person(person).await?;
            }
            match part.last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    async fn person(&mut self, person: Person) -> Result<(), StoreError> {
        let identity = &person.identity;
        let (id, schema, created_at) = (identity.id, identity.schema_id.clone(), identity.created_at);
        let addresses = identity.verifiable_addresses.len() + identity.recovery_addresses.len();
        let ours = match self.since {
            Some(since) => self.target.identity(id).await?.zip(Some(since)),
            None => None,
        };
        let is_known = ours.is_some();
        let changes = match ours {
            Some((ours, since)) => {
                let credentials = self.target.credentials(id).await?;
                changes::known_person(person, ours, &credentials, since)
            }
            // They were deleted here.
            None if self.later.contains(&id) => return Ok(()),
            None => changes::new_person(person, self.since),
        };
        if changes.is_empty() {
            return Ok(());
        }
        match self.target.commit(&changes).await {
            Ok(()) if is_known => self.done.changed += 1,
            Ok(()) => {
                self.came(id, created_at);
                self.done.identities += 1;
                self.done.addresses += addresses as u64;
                *self.done.schemas.entry(schema).or_default() += 1;
            }
            Err(StoreError::Conflict(conflict)) => {
                self.done.refused.push((id.to_string(), conflict.to_string()));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        for change in changes {
            if let Change::PutCredential(put) = change {
                *self.done.credentials.entry(CredentialKind::as_str(put.kind())).or_default() += 1;
            }
        }
        Ok(())
    }

    async fn sessions(&mut self) -> Result<(), StoreError> {
        let mut after = Uuid::nil().to_string();
        loop {
            let part = sessions::part(&self.kratos.source, &after, &mut self.done).await?;
            let mut all = Vec::new();
            for theirs in &part.sessions {
                let ours = match self.since {
                    Some(_) => self.target.session(theirs.new.session.id).await?,
                    None => None,
                };
                let ours = ours.as_ref().map(|(stored, _)| stored);
                if ours.is_none() && self.later.contains(&theirs.new.session.id) {
                    // It has ended here.
                    continue;
                }
                match changes::session(theirs, ours, self.since, self.now) {
                    Some(change) => all.push(change),
                    None if ours.is_none() && self.since.is_none() => {
                        self.done.leave("sessions that have ended");
                    }
                    None => {}
                }
            }
            self.commit_sessions(&all).await?;
            match part.last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    /// Commits changes of sessions: all at once, or one by one when one of them is refused.
    async fn commit_sessions(&mut self, all: &[Change]) -> Result<(), StoreError> {
        if all.is_empty() {
            return Ok(());
        }
        match self.target.commit(all).await {
            Ok(()) => self.count_sessions(all),
            Err(StoreError::Conflict(_)) => {
                for change in all {
                    match self.target.commit(std::slice::from_ref(change)).await {
                        Ok(()) => self.count_sessions(std::slice::from_ref(change)),
                        Err(StoreError::Conflict(_)) => {
                            self.done.leave("sessions of people who may not sign in, or were not carried");
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn count_sessions(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::InsertSession(NewSession { session, .. }) => {
                    self.came(session.id, session.issued_at);
                    self.done.sessions += 1;
                }
                _ => self.done.changed_sessions += 1,
            }
        }
    }

    /// Remembers of something that it came from the other server, where its time does not say so.
    fn came(&mut self, id: Uuid, made_at: Timestamp) {
        if made_at > self.first {
            self.later.insert(id);
        }
    }

    /// Whether something that is here came from the other server.
    fn is_from_there(&self, id: Uuid, made_at: Timestamp) -> bool {
        made_at <= self.first || self.later.contains(&id)
    }

    /// Deletes the people here who came from the other server and are not there any more. Others signed up here, so they
    /// stay.
    async fn people_who_left(&mut self) -> Result<(), StoreError> {
        let mut page = Page { after: None, limit: PAGE };
        loop {
            let known = self.target.identities(&IdentityFilter::default(), &page).await?;
            let Some(last) = known.last() else { return Ok(()) };
            page.after = Some(last.id);
            let came = known.iter().filter(|identity| self.is_from_there(identity.id, identity.created_at));
            for id in self.missing("identities", came.map(|identity| identity.id).collect()).await? {
                match self.target.commit(&[Change::DeleteIdentity(id)]).await {
                    Ok(()) => self.done.deleted += 1,
                    Err(StoreError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Ends the sessions here that came from the other server and are not there any more.
    async fn sessions_that_left(&mut self) -> Result<(), StoreError> {
        let filter = SessionFilter { live: Some((true, self.now)), ..SessionFilter::default() };
        let mut page = Page { after: None, limit: PAGE };
        loop {
            let known = self.target.sessions(&filter, &page).await?;
            let Some((last, _)) = known.last() else { return Ok(()) };
            page.after = Some(place_of(last));
            let sessions = known.iter().map(|(session, _)| session);
            let came = sessions.filter(|session| self.is_from_there(session.id, session.issued_at));
            let gone = self.missing("sessions", came.map(|session| session.id).collect()).await?;
            let ended: Vec<Change> =
                gone.into_iter().map(|id| Change::RevokeSession { id, of: None }).collect();
            self.commit_sessions(&ended).await?;
        }
    }

    /// Those of some ids that a table of the other server does not have.
    async fn missing(&self, table: &str, mut ids: Vec<Uuid>) -> Result<Vec<Uuid>, StoreError> {
        if ids.is_empty() {
            return Ok(ids);
        }
        let list: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
        let wanted = format!("WHERE id IN ({})", list.join(", "));
        let rows = self.kratos.source.read(&[("id", As::Text)], table, &wanted).await?;
        let there: Vec<Uuid> = rows.iter().filter_map(|row| Uuid::parse_str(row[0].as_ref()?).ok()).collect();
        ids.retain(|id| !there.contains(id));
        Ok(ids)
    }

    /// Counts what has no place here: messages were meant for the old server.
    async fn count_the_rest(&mut self) -> Result<(), StoreError> {
        let count = self.kratos.source.read(&[("count(*)", As::Text)], "courier_messages", "").await?;
        let count = count.first().and_then(|row| row[0].as_ref()?.parse().ok()).unwrap_or(0);
        if count > 0 {
            self.done.left.insert("messages in the courier's list".to_owned(), count);
        }
        Ok(())
    }
}
