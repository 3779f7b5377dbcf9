//! What the handlers of the console take from a request, and how they answer.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use maud::Markup;
use serde::de::DeserializeOwned;
use sessera_accounts::language::Language;
use sessera_console::page::{CSRF, POLICY};
use sessera_console::{Frame, Section};
use sessera_model::{Actor, Clock, Role, Timestamp};

use super::stay::{Stay, Stays};
use crate::state::AdminState;
use sessera_contract::answer::ApiError;
use sessera_contract::answer::Status;
use sessera_contract::html::document;
use sessera_node::Snapshot;

/// The places of the console, in their order.
const SECTIONS: [Section; 8] = [
    Section::Overview,
    Section::Templates,
    Section::Keys,
    Section::People,
    Section::Routes,
    Section::Token,
    Section::Record,
    Section::Settings,
];

/// Whoever looks at a page, and what it is made of.
pub(super) struct PageContext {
    pub(super) stay: Stay,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) now: Timestamp,
    language: Language,
    /// The places that there are.
    sections: Vec<Section>,
}

impl FromRequestParts<AdminState> for PageContext {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &AdminState) -> Result<Self, Failed> {
        let stay = stay(&parts.extensions)?;
        let clock: Arc<dyn Clock> = FromRef::from_ref(state);
        Ok(Self::new(stay, FromRef::from_ref(state), &parts.headers, clock.now()))
    }
}

/// The stay that the guard has found.
fn stay(extensions: &axum::http::Extensions) -> Result<Stay, ApiError> {
    extensions.get::<Stay>().cloned().ok_or_else(|| ApiError::internal("the console is not guarded"))
}

impl PageContext {
    pub(super) fn new(stay: Stay, snapshot: Arc<Snapshot>, headers: &HeaderMap, now: Timestamp) -> Self {
        let languages = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let has_people = snapshot.config.upstream.is_none();
        let has_routes = snapshot.config.gateway.enabled;
        let is_there = |section: &Section| match section {
            Section::People => has_people,
            Section::Routes => has_routes,
            _ => true,
        };
        let sections = SECTIONS.into_iter().filter(is_there).collect();
        Self { stay, snapshot, now, language: Language::accepted(languages), sections }
    }

    /// What stands around a page.
    pub(super) fn frame(&self, section: Option<Section>) -> Frame<'_> {
        Frame {
            language: self.language,
            site: &self.snapshot.accounts.rules.site_name,
            actor: self.stay.actor.as_ref(),
            ends: self.stay.ends,
            csrf: &self.stay.csrf,
            now: self.now,
            sections: &self.sections,
            section,
        }
    }

    /// What whoever looks may do. The guard lets nobody in who is not known.
    pub(super) fn role(&self) -> Role {
        self.stay.actor.as_ref().map_or(Role::Viewer, Actor::role)
    }

    /// Whether they may change templates, sessions and people.
    pub(super) fn may_operate(&self) -> bool {
        self.role() >= Role::Operator
    }

    /// Whether they may change keys.
    pub(super) fn may_own(&self) -> bool {
        self.role() >= Role::Owner
    }

    /// A page that says what went wrong.
    pub(super) fn problem(&self, error: &ApiError) -> Response {
        shown(self.frame(None).problem(error.reason()), error.status())
    }
}

/// A page that is what was asked for.
pub(super) fn ok(page: Markup) -> Response {
    shown(page, Status::DONE)
}

/// A page with a status.
pub(super) fn shown(page: Markup, status: Status) -> Response {
    document(page, POLICY, status)
}

/// Why there is no page. The guard shows it on one.
#[derive(Clone, Debug)]
pub(super) struct Failed(pub(super) ApiError);

impl<E> From<E> for Failed
where
    ApiError: From<E>,
{
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = self.0.clone().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A form that a page of the console has sent.
pub(super) struct Sent(Bytes);

impl FromRequest<AdminState> for Sent {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &AdminState) -> Result<Self, Failed> {
        let stay = stay(request.extensions())?;
        let body = Bytes::from_request(request, state).await.map_err(ApiError::internal)?;
        let mut fields = url::form_urlencoded::parse(&body);
        let csrf = fields.find(|(name, _)| name == CSRF).map(|(_, value)| value.into_owned());
        let csrf = csrf.unwrap_or_default();
        if !Stays::from_ref(state).has_made(&stay, &csrf) {
            return Err(ApiError::forbidden(
                "The form is not one that this browser was shown, or somebody has signed in or out since. Load the page again, and do it again.",
            )
            .with_id("security_csrf_violation")
            .into());
        }
        Ok(Self(body))
    }
}

impl Sent {
    /// The fields that a page asks for. Others are passed over.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_urlencoded::from_bytes(&self.0)
            .map_err(|error| ApiError::bad_request(format!("The form cannot be read: {error}.")))
    }

    /// All fields by their names.
    pub(super) fn fields(&self) -> impl Iterator<Item = (String, String)> {
        url::form_urlencoded::parse(&self.0).into_owned()
    }
}
