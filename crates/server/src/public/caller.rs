//! A request to a flow: who calls, what they carry, and how they are answered.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use sessera_accounts::csrf;
use sessera_accounts::flows::flow::{Beginning, Details, Flow, Transport};
use sessera_accounts::flows::sign_in::Origin;
use sessera_accounts::language::Language;
use sessera_accounts::messages::Message;
use sessera_accounts::metrics::Limit;
use sessera_accounts::rules::Rules;
use sessera_issuer::LiveSession;
use sessera_issuer::sessions::Presented;
use sessera_model::{Timestamp, TokenHash, Uuid};
use sessera_store::{Change, FlowKind, StoreError};

use crate::app::{App, Snapshot};
use crate::client::{self, Peer};
use crate::credentials::{self, cookie};
use crate::error::ApiError;

/// What a request says about its caller.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) headers: HeaderMap,
    uri: Uri,
    peer: Peer,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let peer = Peer::from_request_parts(parts, state).await?;
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        Ok(Self { headers: parts.headers.clone(), uri, peer })
    }
}

impl Caller {
    /// The media type of the body, with its parameters.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.header(header::CONTENT_TYPE)
    }

    /// The language that the caller likes best.
    pub(crate) fn language(&self) -> Language {
        Language::accepted(self.header(header::ACCEPT_LANGUAGE))
    }

    /// The text of a header.
    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request with what it is judged by.
pub(crate) struct Visit<'a> {
    pub(crate) app: &'a App,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) caller: &'a Caller,
    pub(crate) now: Timestamp,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(app: &'a App, snapshot: &'a Snapshot, caller: &'a Caller) -> Self {
        Self { app, snapshot, caller, now: app.clock.now() }
    }

    /// The rules of all flows.
    pub(crate) fn rules(&self) -> &'a Rules {
        &self.snapshot.accounts.rules
    }

    /// The session token or cookie of the request.
    pub(crate) fn presented(&self) -> Option<Presented<'a>> {
        credentials::presented(&self.caller.headers, &self.rules().cookie.name)
    }

    /// The live session of the request, if it presents one.
    pub(crate) async fn session(&self) -> Result<Option<Arc<LiveSession>>, ApiError> {
        Ok(self.app.sessions.optional(&self.snapshot.issuer, self.presented()).await?)
    }

    /// From where a proof is given.
    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.address(), user_agent: client::user_agent(&self.caller.headers) }
    }

    /// The language in which to write to the caller.
    pub(crate) fn language(&self) -> Language {
        self.caller.language()
    }

    /// The caller's address, when it is known.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        client::address(&self.caller.headers, self.caller.peer, &self.rules().trusted_proxies)
    }

    /// Counts a submission of the caller. 429 when there were too many.
    pub(crate) fn admit(&self) -> Result<(), ApiError> {
        let Some(address) = self.address() else { return Ok(()) };
        let outcome = self.app.accounts.limits.request(self.rules().limits, address, self.now);
        outcome.map_err(|wait| {
            self.app.accounts.metrics.limit_hit(Limit::Requests);
            ApiError::too_many_requests(wait)
        })
    }

    /// Whether the answer is JSON. Native clients always take JSON.
    pub(crate) fn wants_json(&self, transport: Transport) -> bool {
        transport == Transport::Api || client::wants_json(&self.caller.headers)
    }

    /// The cookie by which a browser is recognised before it has signed in.
    pub(crate) fn browser(&self) -> Option<&'a str> {
        cookie(&self.caller.headers, &csrf::cookie_name(&self.rules().base_url))
    }

    /// The address that was called, under the public one.
    pub(crate) fn called(&self) -> String {
        self.rules().url(self.caller.uri.path_and_query().map_or("", |path| path.as_str()))
    }

    /// The address that the client called, as far as it is known.
    fn request_url(&self) -> String {
        let called = self.called();
        let told = self.told_origin().zip(called.strip_prefix(self.rules().base_url.as_str()));
        told.map_or_else(|| called.clone(), |(origin, path)| format!("{origin}/{path}"))
    }

    /// Whether the client is connected over https.
    pub(crate) fn is_secure(&self) -> bool {
        self.rules().cookie.secure || self.told_origin().is_some_and(|origin| origin.starts_with("https:"))
    }

    fn told_origin(&self) -> Option<String> {
        client::told_origin(&self.caller.headers, self.caller.peer, &self.rules().trusted_proxies)
    }

    /// How a flow of a kind begins. With it comes the new cookie for a browser that has none yet.
    pub(crate) fn begin(
        &self,
        kind: FlowKind,
        transport: Transport,
        return_to: Option<&str>,
    ) -> Result<(Beginning, Option<String>), ApiError> {
        let rules = self.rules();
        let (browser, new_cookie) = match (transport, self.browser()) {
            (Transport::Api, _) => (None, None),
            (Transport::Browser, Some(cookie)) => (Some(TokenHash::of(cookie)), None),
            (Transport::Browser, None) => {
                let cookie = csrf::new_cookie(self.app.random.as_ref());
                (Some(TokenHash::of(&cookie)), Some(cookie))
            }
        };
        let beginning = Beginning {
            id: self.app.random.uuid(),
            transport,
            now: self.now,
            expires_at: self.now + rules.rules(kind).lifespan,
            request_url: self.request_url(),
            return_to: self.return_to(return_to)?,
            browser,
        };
        Ok((beginning, new_cookie))
    }

    /// The address that a browser asked to return to. 400 when it is not allowed.
    pub(crate) fn return_to(&self, asked: Option<&str>) -> Result<Option<String>, ApiError> {
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(None) };
        match self.rules().checked_return(asked) {
            Some(checked) => Ok(Some(checked)),
            None => Err(ApiError::bad_request(
                "The address in return_to is not allowed. Add it to selfservice.allowed_return_urls or leave it out.",
            )),
        }
    }

    /// The flow with this id, as a query gives it.
    pub(crate) async fn flow<D: Details>(&self, id: Option<&str>) -> Result<Flow<D>, ApiError> {
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| {
            ApiError::bad_request("The id of the flow is missing. Begin a flow and send its id along.")
        })?;
        let unknown = || {
            ApiError::not_found(
                "There is no such flow. It was completed, has ended long ago or never existed; begin a new one.",
            )
        };
        let id = Uuid::parse_str(id).map_err(|_| unknown())?;
        let record = self.app.store.flow(id).await?.ok_or_else(unknown)?;
        Flow::from_record(&record)?.ok_or_else(unknown)
    }

    /// Makes sure that a browser's flow is read by the browser that began it. 403 otherwise.
    pub(crate) fn check_browser<D>(&self, flow: &Flow<D>) -> Result<(), ApiError> {
        // A flow that the server began, for a link in a message, belongs to whoever opens it.
        let is_open = flow.transport == Transport::Api || flow.browser.is_none();
        if is_open || csrf::is_same_browser(flow.browser.as_ref(), self.browser()) {
            Ok(())
        } else {
            Err(csrf_violation())
        }
    }

    /// Makes sure that a submission comes from the form that was made for it. The message is for a
    /// native flow that a browser calls, which no browser has a reason to do.
    pub(crate) fn check_submission<D>(
        &self,
        flow: &Flow<D>,
        token: Option<&str>,
    ) -> Result<Option<Message>, ApiError> {
        if flow.transport == Transport::Browser {
            let browser = self.browser().filter(|cookie| {
                (flow.browser.is_none() || csrf::is_same_browser(flow.browser.as_ref(), Some(cookie)))
                    && token
                        .is_some_and(|token| csrf::is_form_token(&self.rules().keys, cookie, flow.id, token))
            });
            return if browser.is_some() { Ok(None) } else { Err(csrf_violation()) };
        }
        let headers = &self.caller.headers;
        let refusal = if headers.contains_key(header::ORIGIN) {
            "The request has an Origin header, so a browser sent it, but the flow is one for native clients. Begin a browser flow instead."
        } else if headers.contains_key(header::COOKIE) {
            "The request has a Cookie header, so a browser sent it, but the flow is one for native clients. Begin a browser flow instead."
        } else {
            return Ok(None);
        };
        Ok(Some(Message::invalid(refusal)))
    }

    /// The token for a flow's form: empty for native clients.
    pub(crate) fn form_token<D>(&self, flow: &Flow<D>, new_cookie: Option<&str>) -> String {
        match (flow.transport, new_cookie.or_else(|| self.browser())) {
            (Transport::Browser, Some(cookie)) => {
                csrf::form_token(&self.rules().keys, self.app.random.as_ref(), cookie, flow.id)
            }
            _ => String::new(),
        }
    }

    /// Keeps what became of a failed submission. When another request was faster, its outcome stays.
    pub(crate) async fn keep<D: Details>(&self, flow: &mut Flow<D>) -> Result<(), ApiError> {
        match self.update(flow, Vec::new()).await {
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a flow together with other changes. When another request was faster, nothing is kept and
    /// the answer is 409, so that no attempt goes uncounted.
    pub(crate) async fn keep_with<D: Details>(
        &self,
        flow: &mut Flow<D>,
        changes: Vec<Change>,
    ) -> Result<(), ApiError> {
        self.update(flow, changes).await.map_err(outrun)
    }

    async fn update<D: Details>(
        &self,
        flow: &mut Flow<D>,
        mut changes: Vec<Change>,
    ) -> Result<(), StoreError> {
        flow.updated_at = self.now;
        changes.push(flow.update()?);
        self.app.commit(&changes).await?;
        flow.version += 1;
        Ok(())
    }
}

/// What is told to the slower one of two requests that use the same flow, code or session.
pub(crate) fn outrun(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict(_) => ApiError::conflict(
            "Another request has used this flow or code just now. Read the flow again, or begin a new one.",
        ),
        other => other.into(),
    }
}

/// 403: the form was not made for this browser.
fn csrf_violation() -> ApiError {
    ApiError::forbidden(
        "The form does not belong to this browser, or cookies are blocked. Begin the flow again and allow cookies.",
    )
    .with_id("security_csrf_violation")
}
