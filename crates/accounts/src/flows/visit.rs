//! One request to a flow: who asks, and what it is judged by.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use sessera_model::{Device, Session, Timestamp, TokenHash, Uuid};
use sessera_store::{Change, Conflict, Event, FlowKind, SessionKind, StoreError};

use crate::accounts::Accounts;
use crate::csrf;
use crate::flows::error::FlowError;
use crate::flows::flow::{Beginning, Details, Flow, Transport};
use crate::flows::sign_in::{self, Proof, SignedIn};
use crate::identities::Surroundings;
use crate::language::Language;
use crate::left_behind;
use crate::limits::{self, Guess, GuessCounters};
use crate::mail::MailContext;
use crate::messages::Message;
use crate::metrics::Limit;
use crate::rules::Rules;
use crate::schema::IdentitySchemas;

/// How many bytes of the address are kept with which a flow was begun.
pub const MAX_REQUEST_URL: usize = 1024;

/// How many bytes the address may have to which a browser asks to return.
pub const MAX_RETURN_TO: usize = 2048;

/// What is known about somebody who asks.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The client's address, when it is known.
    pub address: Option<IpAddr>,
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// What a person calls the device that they sit at.
    pub device_name: String,
    /// The language in which to write to the person.
    pub language: Language,
    /// The tags of languages that they like, the best liked ones first.
    pub liked: Vec<String>,
    /// The cookies by which a browser is recognised before it has signed in. There are several when one was
    /// set for another path or domain, or by a program that served there before.
    pub browsers: Vec<String>,
    /// The cookies by which a browser is recognised that comes back from another site.
    pub travellers: Vec<String>,
    /// The address that the client called.
    pub request_url: String,
    /// Whether the client reads JSON rather than shows pages.
    pub takes_json: bool,
    /// The header by which the client shows that it is a browser.
    pub browser_header: Option<BrowserHeader>,
    /// What web hooks and services for messages may be told of the request, where there are any.
    pub details: Option<RequestDetails>,
}

/// What others may be told of a request.
#[derive(Clone, Default)]
pub struct RequestDetails {
    /// Its method.
    pub method: String,
    /// Its headers that the configuration allows, by the names that they have in HTTP/1.1.
    pub headers: Vec<(String, Vec<String>)>,
    /// Its cookies.
    pub cookies: Vec<(String, String)>,
}

impl fmt::Debug for RequestDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestDetails").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A header that browsers send and native clients do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserHeader {
    /// `Origin`.
    Origin,
    /// `Cookie`.
    Cookie,
}

/// The session of somebody who asks.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The session.
    pub session: &'a Session,
    /// How its token is kept.
    pub kind: SessionKind,
}

/// One request to a flow.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The parts that it works with.
    pub accounts: &'a Accounts,
    /// The rules of flows.
    pub rules: &'a Rules,
    /// The identity schemas.
    pub schemas: &'a IdentitySchemas,
    /// Who asks.
    pub visitor: &'a Visitor,
    /// The visitor's live session, where one was presented.
    pub session: Option<Present<'a>>,
    /// Other sessions that the visitor's browser could go on with.
    pub others: &'a [Session],
    /// The time of the request.
    pub now: Timestamp,
}

impl Visit<'_> {
    /// What making identities needs.
    pub fn surroundings(&self) -> Surroundings<'_> {
        Surroundings { schemas: self.schemas, random: self.accounts.random.as_ref(), now: self.now }
    }

    /// Counts a request that leaves something behind. The error is that there were too many, or that they left too
    /// much.
    pub async fn count(&self) -> Result<(), FlowError> {
        let Some(address) = self.visitor.address else { return Ok(()) };
        let (limits, accounts) = (self.rules.limits, self.accounts);
        accounts.limits.room(limits, address, self.now).map_err(|wait| {
            accounts.metrics.limit_hit(Limit::Bytes);
            FlowError::TooMany(wait)
        })?;
        let outcome = match accounts.limits.request(limits, address, self.now) {
            Ok(()) if accounts.store.line().is_shared() => {
                let taken = limits::shared_request(&self.rules.keys, limits, address, self.now);
                self.take(taken).await?
            }
            outcome => outcome,
        };
        outcome.map_err(|wait| {
            accounts.metrics.limit_hit(Limit::Requests);
            FlowError::TooMany(wait)
        })
    }

    /// Takes a place for a guess, before anybody looks at it. A client that takes JSON is told of it as an error
    /// when there is none; the message is for the form of all others.
    pub async fn take_place(
        &self,
        transport: Transport,
        guess: Guess<'_>,
    ) -> Result<Result<GuessCounters, Message>, FlowError> {
        let counters = GuessCounters::of(guess, self.visitor.address, &self.rules.keys, self.rules.limits);
        let counted = counters.counters();
        let taken = (!counted.is_empty()).then_some(Change::TakeAttempt { counters: counted, at: self.now });
        let Err(wait) = self.take(taken).await? else { return Ok(Ok(counters)) };
        self.accounts.metrics.limit_hit(Limit::Failures);
        if self.takes_json(transport) {
            return Err(FlowError::TooMany(wait));
        }
        Ok(Err(Message::too_many_attempts(wait)))
    }

    /// Counts a code that is to be sent for something, to an address and to whoever is known to have it. The error
    /// within is the time after which one may be sent.
    pub async fn may_send(
        &self,
        purpose: &str,
        owner: Option<Uuid>,
        address: &str,
    ) -> Result<Result<(), Duration>, StoreError> {
        let rules = self.rules;
        let counted = limits::sent_code(&rules.keys, rules.limits, purpose, owner, address, self.now);
        let taken = self.take(counted).await?;
        if taken.is_err() {
            self.accounts.metrics.limit_hit(Limit::Codes);
        }
        Ok(taken)
    }

    /// Tells whoever must be able to reconstruct it that somebody could not prove who they are, in a flow when there is one.
    /// `suspect` is who it would have been, when that is known.
    pub fn tell_refused(&self, flow: Option<(FlowKind, Uuid)>, suspect: Option<Uuid>, method: &str) {
        let method = method.to_owned();
        self.accounts.committer.happened(&Event::ProofRefused { flow, identity_id: suspect, method });
    }

    /// Takes a guess back from its counters, because it could not be looked at.
    pub async fn give_back(&self, counters: &GuessCounters) -> Result<(), StoreError> {
        let changes = counters.given_back();
        if changes.is_empty() { Ok(()) } else { self.commit(&changes).await }
    }

    /// Commits that an attempt was made. The error within is the time after which the next one is taken.
    async fn take(&self, change: Option<Change>) -> Result<Result<(), Duration>, StoreError> {
        let Some(change) = change else { return Ok(Ok(())) };
        match self.commit(std::slice::from_ref(&change)).await {
            Ok(()) => Ok(Ok(())),
            Err(StoreError::Conflict(Conflict::Limited)) => {
                let Change::TakeAttempt { counters, at } = change else { return Ok(Err(Duration::ZERO)) };
                let keys: Vec<_> = counters.iter().map(|(key, _)| *key).collect();
                let found = self.accounts.store.counters(&keys).await?;
                let waits = found.iter().zip(&counters).map(|(found, (_, most))| found.wait(*most, at));
                Ok(Err(waits.max().unwrap_or_default()))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the answer is JSON. Native clients always take JSON.
    pub fn takes_json(&self, transport: Transport) -> bool {
        transport == Transport::Api || self.visitor.takes_json
    }

    /// The cookie by which a browser is recognised before it has signed in; of several the first.
    pub fn browser(&self) -> Option<&str> {
        self.visitor.browsers.first().map(String::as_str)
    }

    /// The cookie of the browser that began a flow, when this is that browser.
    fn browser_of<D>(&self, flow: &Flow<D>) -> Option<&str> {
        let mut all = self.visitor.browsers.iter().map(String::as_str);
        all.find(|cookie| csrf::is_same_browser(flow.browser.as_ref(), Some(cookie)))
    }

    /// The hash of that cookie, as flows keep it.
    pub fn browser_hash(&self) -> Option<TokenHash> {
        self.browser().map(TokenHash::of)
    }

    /// The hash of the cookie by which this browser is recognised when it comes back from another site, and the cookie
    /// itself for one that has none yet.
    pub fn traveller(&self) -> (TokenHash, Option<String>) {
        match self.visitor.travellers.first() {
            Some(cookie) => (TokenHash::of(cookie), None),
            None => {
                let cookie = self.new_browser();
                (TokenHash::of(&cookie), Some(cookie))
            }
        }
    }

    /// A new value for that cookie.
    pub fn new_browser(&self) -> String {
        csrf::new_cookie(self.accounts.random.as_ref())
    }

    /// How a flow of a kind begins. With it comes the new cookie for a browser that has none yet.
    pub fn beginning(
        &self,
        kind: FlowKind,
        transport: Transport,
        return_to: Option<&str>,
    ) -> Result<(Beginning, Option<String>), FlowError> {
        let (browser, new_cookie) = match (transport, self.browser_hash()) {
            (Transport::Api, _) => (None, None),
            (Transport::Browser, Some(browser)) => (Some(browser), None),
            (Transport::Browser, None) => {
                let cookie = self.new_browser();
                (Some(TokenHash::of(&cookie)), Some(cookie))
            }
        };
        let beginning = Beginning {
            id: self.accounts.random.uuid(),
            transport,
            now: self.now,
            expires_at: self.now + self.rules.rules(kind).lifespan,
            request_url: start_of(&self.visitor.request_url, MAX_REQUEST_URL).to_owned(),
            return_to: self.return_to(return_to)?,
            browser,
        };
        Ok((beginning, new_cookie))
    }

    /// The address that a browser asked to return to, checked.
    pub fn return_to(&self, asked: Option<&str>) -> Result<Option<String>, FlowError> {
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(None) };
        if asked.len() > MAX_RETURN_TO {
            return Err(FlowError::ReturnTooLong);
        }
        self.rules.checked_return(asked).map(Some).ok_or(FlowError::ReturnNotAllowed)
    }

    /// The flow with this id, as an address gives it.
    pub async fn flow<D: Details>(&self, id: Option<&str>) -> Result<Flow<D>, FlowError> {
        let id = id.filter(|id| !id.is_empty()).ok_or(FlowError::MissingId)?;
        let id = Uuid::parse_str(id).map_err(|_| FlowError::Unknown)?;
        let record = self.accounts.store.flow(id).await?.ok_or(FlowError::Unknown)?;
        Flow::from_record(&record)?.ok_or(FlowError::Unknown)
    }

    /// Makes sure that a browser's flow is read by the browser that began it.
    pub fn check_browser<D>(&self, flow: &Flow<D>) -> Result<(), FlowError> {
        // A flow that the server began, for a link in a message, belongs to whoever opens it.
        let is_open = flow.transport == Transport::Api || flow.browser.is_none();
        if is_open || self.browser_of(flow).is_some() { Ok(()) } else { Err(FlowError::AnotherBrowser) }
    }

    /// Makes sure that a submission comes from a form that was made for this browser. The message is for a
    /// native flow that a browser calls, which no browser has a reason to do.
    pub fn check_submission<D>(
        &self,
        flow: &Flow<D>,
        token: Option<&str>,
    ) -> Result<Option<Message>, FlowError> {
        if flow.transport == Transport::Browser {
            let is_from_form = self.visitor.browsers.iter().any(|cookie| {
                (flow.browser.is_none() || csrf::is_same_browser(flow.browser.as_ref(), Some(cookie)))
                    && token.is_some_and(|token| csrf::is_form_token(&self.rules.keys, cookie, token))
            });
            return if is_from_form { Ok(None) } else { Err(FlowError::AnotherBrowser) };
        }
        let refusal = match self.visitor.browser_header {
            Some(BrowserHeader::Origin) => {
                "The request has an Origin header, so a browser sent it, but the flow is one for native clients. Begin a browser flow instead."
            }
            Some(BrowserHeader::Cookie) => {
                "The request has a Cookie header, so a browser sent it, but the flow is one for native clients. Begin a browser flow instead."
            }
            None => return Ok(None),
        };
        Ok(Some(Message::invalid(refusal)))
    }

    /// What a message is about that the request causes in a flow. It has headers of the request only where a service may be
    /// told of them.
    pub fn about<D>(&self, flow: &Flow<D>) -> MailContext {
        let told = self.visitor.details.as_ref().filter(|_| self.rules.tells_services);
        MailContext {
            request_url: flow.request_url.clone(),
            transient_payload: flow.transient_payload.clone(),
            request_headers: told.map(|told| told.headers.iter().cloned().collect()).unwrap_or_default(),
            liked: self.visitor.liked.clone(),
            ..MailContext::default()
        }
    }

    /// The token for a flow's form: empty for native clients.
    pub fn form_token<D>(&self, flow: &Flow<D>, new_cookie: Option<&str>) -> String {
        let known = || self.browser_of(flow).or_else(|| self.browser());
        match (flow.transport, new_cookie.or_else(known)) {
            (Transport::Browser, Some(cookie)) => {
                csrf::form_token(&self.rules.keys, self.accounts.random.as_ref(), cookie)
            }
            _ => String::new(),
        }
    }

    /// Commits changes, all or nothing. What they leave behind counts for the client.
    pub async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.accounts.committer.commit(changes).await?;
        self.leaves(left_behind::bytes(changes));
        Ok(())
    }

    /// Counts bytes that the client leaves behind.
    pub fn leaves(&self, bytes: i64) {
        if let Some(address) = self.visitor.address {
            self.accounts.limits.left(self.rules.limits, address, bytes, self.now);
        }
    }

    /// Keeps what became of a failed submission. When another request was faster, its outcome stays.
    pub async fn keep<D: Details>(&self, flow: &mut Flow<D>) -> Result<(), FlowError> {
        match self.update(flow, Vec::new()).await {
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a flow together with other changes. When another request was faster, nothing is kept, so
    /// that no attempt goes uncounted.
    pub async fn keep_with<D: Details>(
        &self,
        flow: &mut Flow<D>,
        changes: Vec<Change>,
    ) -> Result<(), FlowError> {
        self.update(flow, changes).await.map_err(FlowError::outrun)
    }

    async fn update<D: Details>(
        &self,
        flow: &mut Flow<D>,
        mut changes: Vec<Change>,
    ) -> Result<(), StoreError> {
        flow.updated_at = self.now;
        let changed = flow.update()?;
        let kept = flow.kept_bytes;
        if let Change::UpdateFlow(record) = &changed {
            flow.kept_bytes = record.body.len();
        }
        changes.push(changed);
        self.commit(&changes).await?;
        self.leaves(left_behind::growth(kept, flow.kept_bytes));
        flow.version += 1;
        Ok(())
    }

    /// A new session of somebody who has given a proof in a flow.
    pub fn new_session(&self, transport: Transport, identity_id: Uuid, proof: Proof) -> SignedIn {
        let kind = match transport {
            Transport::Api => SessionKind::Native,
            Transport::Browser => SessionKind::Browser,
        };
        let (random, lifespan) = (self.accounts.random.as_ref(), self.rules.session_lifespan);
        sign_in::begin(random, self.now, lifespan, identity_id, proof, self.device(), kind)
    }

    /// A session that is there after a further proof.
    pub fn renewed_session(&self, present: Present<'_>, proof: Proof) -> SignedIn {
        let (random, lifespan) = (self.accounts.random.as_ref(), self.rules.session_lifespan);
        sign_in::renew(random, self.now, lifespan, present.session, proof, self.device(), present.kind)
    }

    /// A session that is there after its owner has set up what they prove.
    pub fn enrolled_session(&self, present: Present<'_>, proof: Proof) -> SignedIn {
        sign_in::enrol(self.accounts.random.as_ref(), self.now, present.session, proof, present.kind)
    }

    /// The changes that end the sessions of the visit which are not the one that replaces them.
    pub fn end_replaced(&self, by: &Session) -> impl Iterator<Item = Change> {
        let all = self.session.map(|present| present.session).into_iter().chain(self.others);
        let new = by.id;
        all.filter(move |session| session.id != new)
            .map(|session| Change::RevokeSession { id: session.id, of: Some(session.identity_id) })
    }

    /// From where a proof is given.
    fn device(&self) -> Device {
        Device {
            id: self.accounts.random.uuid(),
            ip_address: self.visitor.address.map(|address| address.to_string()).unwrap_or_default(),
            user_agent: self.visitor.user_agent.clone(),
            location: String::new(),
        }
    }
}

/// As much of the beginning of a text as has that many bytes.
fn start_of(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}
