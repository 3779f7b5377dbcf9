//! A request to the public API: who calls, what they carry, and the parts that answer it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};
use sessera_accounts::Accounts;
use sessera_accounts::csrf;
use sessera_accounts::flows::flow::Transport;
use sessera_accounts::flows::skeleton::{Body, Flows};
use sessera_accounts::flows::visit::{BrowserHeader, Present, RequestDetails, Visit, Visitor};
use sessera_accounts::language::{self, Language, MAX_LIKED};
use sessera_accounts::rules::Rules;
use sessera_issuer::sessions::Presented;
use sessera_issuer::{LiveSession, Sessions};
use sessera_model::{Session, Timestamp};
use sessera_store::Asked;
use tracing::Span;
use tracing::field::display;

use crate::app::{AppState, Snapshot};
use crate::session_tokens::require_assurance;
use sessera_contract::answer::ApiError;
use sessera_http::cookies;
use sessera_http::forwarded::Origin;
use sessera_http::peer::{self, Peer};
use sessera_pages::Texts;
use sessera_pages::words::device;
use sessera_presented::{Carried, Opened, Openings, all_opened, carried, opened};

/// How many parameters of an address are looked at.
const MAX_PARAMETERS: usize = 100;

/// What a request says about its caller.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) headers: HeaderMap,
    method: Method,
    uri: Uri,
    peer: Peer,
}

/// What accounts know of the caller, and how the request came here.
struct Arrival {
    visitor: Visitor,
    is_https: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let peer = Peer::from_request_parts(parts, state).await?;
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        Ok(Self { headers: parts.headers.clone(), method: parts.method.clone(), uri, peer })
    }
}

impl Caller {
    /// What accounts know of the caller, and how the request came here.
    fn arrival(&self, snapshot: &Snapshot) -> Arrival {
        let rules = &snapshot.accounts.rules;
        let origin = Origin::of(&self.headers, self.peer, &rules.proxies);
        let mut liked = language::liked(self.header(header::ACCEPT_LANGUAGE));
        let language = Language::of_liked(&liked);
        liked.truncate(MAX_LIKED);
        let user_agent = peer::user_agent(&self.headers);
        let browser_header = if self.headers.contains_key(header::ORIGIN) {
            Some(BrowserHeader::Origin)
        } else {
            cookies::has_one_of_a_browser(&self.headers).then_some(BrowserHeader::Cookie)
        };
        let is_https = origin.is_https == Some(true);
        let form_cookie = rules.form_cookie.name(&rules.form_cookie_name, is_https);
        let browsers = cookies::values(&self.headers, &form_cookie);
        let travel_cookie = rules.travel_cookie.name(csrf::TRAVEL_COOKIE, is_https);
        let travellers = cookies::values(&self.headers, &travel_cookie);
        let visitor = Visitor {
            address: origin.address,
            device_name: device::name(self.texts(snapshot), &user_agent),
            user_agent,
            language,
            liked,
            browsers: browsers.map(str::to_owned).collect(),
            travellers: travellers.map(str::to_owned).collect(),
            request_url: self.request_url(rules, &origin),
            takes_json: peer::wants_json(&self.headers),
            browser_header,
            details: (rules.hooks.has_web_hooks || rules.tells_services)
                .then(|| self.details(&rules.hooks.told_headers)),
        };
        Arrival { visitor, is_https }
    }

    /// What others may be told of the request. `allowed` are names of headers, in small letters.
    fn details(&self, allowed: &[String]) -> RequestDetails {
        let is_allowed = |name: &&HeaderName| allowed.iter().any(|allowed| allowed == name.as_str());
        let header = |name: &HeaderName| {
            let values =
                self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
            (peer::written(name), values.map(Cow::into_owned).collect())
        };
        RequestDetails {
            method: self.method.to_string(),
            headers: self.headers.keys().filter(is_allowed).map(header).collect(),
            cookies: cookies::pairs(&self.headers).map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }

    /// The address that was called, under the public one.
    fn called(&self, rules: &Rules) -> String {
        rules.url(self.uri.path_and_query().map_or("", |path| path.as_str()))
    }

    /// The address that the client called, as far as it is known.
    fn request_url(&self, rules: &Rules, origin: &Origin) -> String {
        let called = self.called(rules);
        let told = origin.told().zip(called.strip_prefix(rules.base_url.as_str()));
        told.map_or_else(|| called.clone(), |(origin, path)| format!("{origin}/{path}"))
    }

    /// Whether the client is connected over https, as far as it is known.
    pub(crate) fn is_https(&self, rules: &Rules) -> bool {
        Origin::of(&self.headers, self.peer, &rules.proxies).is_https == Some(true)
    }

    /// What pages say, in the caller's language.
    pub(crate) fn texts<'b>(&self, snapshot: &'b Snapshot) -> &'b Texts {
        snapshot.branding.texts(self.header(header::ACCEPT_LANGUAGE))
    }

    /// The text of a header.
    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The sessions that a request to a flow opens.
#[derive(Default)]
pub(crate) struct CallersSessions {
    /// The one that it acts for.
    pub(crate) live: Option<Arc<LiveSession>>,
    /// The others, which end when somebody signs in.
    others: Vec<Session>,
}

/// Notes whose session a request acts for, for the log and the record.
fn note(opened: &Opened<'_>) {
    let identity_id = opened.live.session.identity_id;
    Span::current().record("identity_id", display(identity_id));
    Asked::note(|asked| asked.identity_id = Some(identity_id));
}

/// A request of somebody to the public API, with the parts that answer it. Handlers take it as it is.
pub(crate) struct Call {
    pub(crate) accounts: Arc<Accounts>,
    sessions: Arc<Sessions>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) caller: Caller,
    pub(crate) now: Timestamp,
    /// Whether the client is connected over https, as far as it is known.
    pub(crate) is_https: bool,
    visitor: Visitor,
}

impl FromRequestParts<AppState> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let (accounts, snapshot) = (Arc::<Accounts>::from_ref(state), Arc::<Snapshot>::from_ref(state));
        let Arrival { visitor, is_https } = caller.arrival(&snapshot);
        if let Some(address) = visitor.address {
            Span::current().record("client", display(address));
            Asked::note(|asked| asked.address = Some(address));
        }
        let now = accounts.clock.now();
        Ok(Self { accounts, sessions: FromRef::from_ref(state), snapshot, caller, now, visitor, is_https })
    }
}

impl Call {
    /// The rules of all flows.
    pub(crate) fn rules(&self) -> &Rules {
        &self.snapshot.accounts.rules
    }

    /// What the request carries to be recognised.
    pub(crate) fn carried(&self) -> impl Iterator<Item = Carried<'_>> {
        carried(&self.caller.headers, &self.rules().cookie)
    }

    /// The session token of the request, which cookies are none of.
    pub(crate) fn presented_token(&self) -> Option<&str> {
        self.carried().find_map(|carried| match carried.presented {
            Presented::Token(token) | Presented::Bearer(token) => Some(token),
            Presented::Cookie(_) => None,
        })
    }

    /// The live session of the request and what opened it, if it presents one.
    pub(crate) async fn opened(&self) -> Result<Option<Opened<'_>>, ApiError> {
        let opened = opened(&self.sessions, &self.snapshot.issuer, self.carried()).await?;
        Ok(opened.inspect(note))
    }

    /// The sessions that the request opens, when it is to change something.
    async fn openings(&self) -> Result<Openings<'_>, ApiError> {
        let mut openings = all_opened(&self.sessions, &self.snapshot.issuer, self.carried()).await?;
        openings.acting = openings.acting.inspect(note);
        Ok(openings)
    }

    /// The live session that the request acts for and what opened it, if it presents one.
    pub(crate) async fn acting(&self) -> Result<Option<Opened<'_>>, ApiError> {
        Ok(self.openings().await?.acting)
    }

    /// The live session that the request acts for, if it presents one.
    pub(crate) async fn session(&self) -> Result<Option<Arc<LiveSession>>, ApiError> {
        Ok(self.acting().await?.map(|opened| opened.live))
    }

    /// The sessions that the request opens, as flows know them.
    pub(crate) async fn present(&self) -> Result<CallersSessions, ApiError> {
        let Openings { acting, others } = self.openings().await?;
        let others = others.into_iter().map(|opened| opened.live.session.clone()).collect();
        Ok(CallersSessions { live: acting.map(|opened| opened.live), others })
    }

    /// Makes sure that the caller's session has proven what reading it asks for. The answer is 403 otherwise.
    pub(crate) async fn require_assurance(&self, live: &LiveSession) -> Result<(), ApiError> {
        require_assurance(&self.sessions, &self.snapshot, live).await
    }

    /// The request as accounts see it. `live` is the caller's session.
    pub(crate) fn visit<'b>(&'b self, live: Option<&'b LiveSession>) -> Visit<'b> {
        Visit {
            accounts: &self.accounts,
            rules: &self.snapshot.accounts.rules,
            schemas: &self.snapshot.accounts.schemas,
            visitor: &self.visitor,
            session: live.map(|live| Present { session: &live.session, kind: live.kind }),
            others: &[],
            now: self.now,
        }
    }

    /// The flows as somebody sees them who signs in, which ends whatever else this browser could go on with.
    pub(crate) fn flows_ending<'b>(&'b self, present: &'b CallersSessions) -> Flows<'b> {
        let mut flows = self.flows(present.live.as_deref());
        flows.visit.others = &present.others;
        flows
    }

    /// The flows as the caller sees them. `live` is the caller's session.
    pub(crate) fn flows<'b>(&'b self, live: Option<&'b LiveSession>) -> Flows<'b> {
        Flows { visit: self.visit(live), methods: &self.snapshot.accounts.methods }
    }

    /// The body of a submission.
    pub(crate) fn body<'b>(&'b self, bytes: &'b [u8]) -> Body<'b> {
        Body { content_type: self.caller.header(header::CONTENT_TYPE), bytes }
    }

    /// Counts a request of the caller that leaves something behind. The answer is 429 when there were too many.
    pub(crate) async fn count(&self) -> Result<(), ApiError> {
        Ok(self.visit(None).count().await?)
    }

    /// Whether the answer is JSON. Native clients always take JSON.
    pub(crate) fn wants_json(&self, transport: Transport) -> bool {
        transport == Transport::Api || self.visitor.takes_json
    }

    /// The cookie by which a browser is recognised before it has signed in.
    pub(crate) fn browser(&self) -> Option<&str> {
        self.visitor.browsers.first().map(String::as_str)
    }

    /// Whether a browser says that a page of another site led to this request.
    pub(crate) fn comes_from_another_site(&self) -> bool {
        self.caller.headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
    }

    /// The parameters of the address that was called, in their order.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let query = self.caller.uri.query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).into_owned().take(MAX_PARAMETERS).collect()
    }

    /// The address that was called, under the public one.
    pub(crate) fn called(&self) -> String {
        self.caller.called(self.rules())
    }

    /// The address that a browser asked to return to. The answer is 400 when it is not allowed.
    pub(crate) fn return_to(&self, asked: Option<&str>) -> Result<Option<String>, ApiError> {
        Ok(self.visit(None).return_to(asked)?)
    }
}
