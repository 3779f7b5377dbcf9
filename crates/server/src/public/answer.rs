//! How flows are answered: JSON to clients that take it, redirections to browsers on pages.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sessera_accounts::csrf;
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::{Standing, Transport};
use sessera_accounts::flows::method::Departure;
use sessera_accounts::flows::sign_in::SignedIn;
use sessera_accounts::flows::skeleton::{Kind, Replaced, Shown};
use sessera_accounts::rules::Rules;
use sessera_issuer::sessions::Presented;
use sessera_model::{Identity, IdentityView, Secret, Session, SessionView, Timestamp, Uuid};
use sessera_store::{Change, FlowKind};

use crate::public::caller::Call;
use crate::public::error_page;
use sessera_contract::answer::ApiError;
use sessera_contract::answer::{self, Status};
use sessera_http::{cookies, peer};

impl Call {
    /// A flow that was begun: its JSON, or the way to its page.
    pub(crate) fn begun<K: Kind>(&self, shown: &Shown<K>) -> Result<Response, ApiError> {
        let flow = &shown.flow;
        let mut response = if self.wants_json(flow.transport) {
            answer::ok(shown.to_json())
        } else {
            answer::see_other(&self.rules().page(K::KIND, flow.id))?
        };
        self.set_new_browser(&mut response, shown.new_cookie.as_deref())?;
        Ok(response)
    }

    /// A flow that is not begun because somebody is signed in already: an error, or the way on for a
    /// browser on a page.
    pub(crate) fn signed_in_already(
        &self,
        transport: Transport,
        return_to: Option<&str>,
    ) -> Result<Response, ApiError> {
        if self.wants_json(transport) {
            return Err(FlowError::SignedInAlready(transport).into());
        }
        answer::see_other(
            &self.return_to(return_to)?.unwrap_or_else(|| self.rules().default_return.to_string()),
        )
    }

    /// A flow whose submission is answered by its form: as JSON, or on its page.
    pub(crate) fn shown<K: Kind>(&self, shown: &Shown<K>, standing: Standing) -> Result<Response, ApiError> {
        let flow = &shown.flow;
        if self.wants_json(flow.transport) {
            return Ok(answer::form(standing, shown.to_json()));
        }
        let page = self.rules().page(K::KIND, flow.id);
        if K::KIND == FlowKind::Registration && flow.has_errors() {
            // The wire contract has 302 here and 303 everywhere else.
            return answer::found(&page);
        }
        answer::see_other(&page)
    }

    /// A flow that has ended, when it is submitted: the way to the one that takes its place.
    pub(crate) fn replaced<K: Kind>(&self, replaced: &Replaced<K>) -> Result<Response, ApiError> {
        let flow = &replaced.by;
        let mut response = if self.wants_json(flow.transport) {
            let error = match replaced.expired_at {
                Some(_) => ApiError::gone(
                    "The flow has ended, because it was not completed in time. Go on with the one in use_flow_id.",
                )
                .with_id("self_service_flow_expired"),
                None => ApiError::gone(
                    "The flow has been completed. Go on with the one in use_flow_id, which says so too.",
                )
                .with_id("self_service_flow_replaced"),
            };
            let mut body = error.to_json();
            if let Some(expired_at) = replaced.expired_at {
                body["expired_at"] = json!(expired_at);
                body["since"] =
                    json!(u64::try_from(self.now.since(expired_at).as_nanos()).unwrap_or(u64::MAX));
            }
            body["use_flow_id"] = json!(flow.id.to_string());
            error.answer_with(body)
        } else {
            answer::see_other(&self.rules().page(K::KIND, flow.id))?
        };
        self.set_new_browser(&mut response, replaced.new_cookie.as_deref())?;
        Ok(response)
    }

    /// A flow that has begun for whoever opened a link that is good no more: the way to it, whatever they take.
    pub(crate) fn begun_again<K: Kind>(&self, replaced: &Replaced<K>) -> Result<Response, ApiError> {
        let mut response = answer::see_other(&self.rules().page(K::KIND, replaced.by.id))?;
        self.set_new_browser(&mut response, replaced.new_cookie.as_deref())?;
        Ok(response)
    }

    /// A session as its owner sees it, with whose it is when that may be told.
    pub(crate) fn session_json(&self, signed_in: &SignedIn, identity: Option<&Identity>) -> Value {
        let identity = identity.map(|identity| (identity, IdentityView::public(&self.snapshot.schemas_url)));
        signed_in.session.to_json(self.now, SessionView { identity, devices: true })
    }

    /// The session token of a native client after a proof: the new one, or the one that it has.
    pub(crate) fn native_token(&self, signed_in: &SignedIn) -> Option<String> {
        let new = signed_in.token.as_ref().map(Secret::expose);
        new.or_else(|| self.presented_token()).map(str::to_owned)
    }

    /// Gives a browser its session, and a new cookie for forms: what somebody may have planted before
    /// is worth nothing afterwards.
    pub(crate) fn set_session(&self, response: &mut Response, signed_in: &SignedIn) -> Result<(), ApiError> {
        self.set_session_with(response, signed_in, &self.new_browser())
    }

    /// Gives a browser its session, and the cookie for forms that a flow is bound to already.
    pub(crate) fn set_session_with(
        &self,
        response: &mut Response,
        signed_in: &SignedIn,
        form_cookie: &str,
    ) -> Result<(), ApiError> {
        self.set_session_cookie(response, signed_in)?;
        self.set_browser(response, form_cookie)
    }

    /// Gives a browser its session, and leaves its cookie for forms as it is.
    pub(crate) fn set_session_cookie(
        &self,
        response: &mut Response,
        signed_in: &SignedIn,
    ) -> Result<(), ApiError> {
        if let Some(token) = &signed_in.token {
            let (rules, session) = (self.rules(), &signed_in.session);
            set_session_cookie(response, rules, session, token.expose(), self.now, self.is_https)?;
        }
        Ok(())
    }

    /// Gives a browser the cookie of its session once more, as clients of Kratos expect it. One that presents several is
    /// left alone: the others open nothing.
    pub(crate) fn set_same_session_cookie(
        &self,
        response: &mut Response,
        session: &Session,
    ) -> Result<(), ApiError> {
        let mut cookies = self.carried().filter_map(|carried| match carried.presented {
            Presented::Cookie(token) => Some(token),
            Presented::Token(_) | Presented::Bearer(_) => None,
        });
        if let (Some(only), None) = (cookies.next(), cookies.next()) {
            set_session_cookie(response, self.rules(), session, only, self.now, self.is_https)?;
        }
        Ok(())
    }

    /// Takes a browser's session away.
    pub(crate) fn clear_session(&self, response: &mut Response) -> Result<(), ApiError> {
        let cookie = &self.rules().cookie;
        cookies::set(response, &cookie.name, "", Some(0), &cookie.scope, self.is_https)?;
        self.set_browser(response, &self.new_browser())
    }

    /// A new value for the cookie by which a browser is recognised.
    pub(crate) fn new_browser(&self) -> String {
        csrf::new_cookie(self.accounts.random.as_ref())
    }

    /// Gives a browser the cookie by which it is recognised from now on, where there is a new one.
    pub(crate) fn set_new_browser(
        &self,
        response: &mut Response,
        value: Option<&str>,
    ) -> Result<(), ApiError> {
        value.map_or(Ok(()), |value| self.set_browser(response, value))
    }

    /// Gives a browser the cookie by which it is recognised before it has signed in.
    pub(crate) fn set_browser(&self, response: &mut Response, value: &str) -> Result<(), ApiError> {
        let (rules, max_age) = (self.rules(), Some(csrf::COOKIE_MAX_AGE));
        let name = rules.form_cookie.name(&rules.form_cookie_name, self.is_https);
        Ok(cookies::set(response, &name, value, max_age, &rules.form_cookie, self.is_https)?)
    }

    /// Gives a browser that cookie with an answer, unless it has one or the answer gives it one.
    pub(crate) fn recognised(&self, mut response: Response) -> Response {
        let rules = self.rules();
        let name = rules.form_cookie.name(&rules.form_cookie_name, self.is_https);
        let mut given = response.headers().get_all(header::SET_COOKIE).iter();
        if self.browser().is_some() || given.any(|cookie| cookie.as_bytes().starts_with(name.as_bytes())) {
            return response;
        }
        match self.set_browser(&mut response, &self.new_browser()) {
            Ok(()) => response,
            Err(error) => error.into_response(),
        }
    }

    /// Sends somebody to another site.
    pub(crate) fn departs(&self, transport: Transport, departure: &Departure) -> Result<Response, ApiError> {
        let mut response = if self.wants_json(transport) {
            ApiError::location_change(&departure.url).into_response()
        } else {
            answer::see_other(&departure.url)?
        };
        self.set_traveller(&mut response, departure.new_cookie.as_deref())?;
        Ok(response)
    }

    /// Gives a browser the cookie by which it is recognised when it comes back from another site, where there is a new
    /// one.
    pub(crate) fn set_traveller(&self, response: &mut Response, value: Option<&str>) -> Result<(), ApiError> {
        let Some(value) = value else { return Ok(()) };
        let (rules, max_age) = (self.rules(), Some(csrf::TRAVEL_COOKIE_MAX_AGE));
        let name = rules.travel_cookie.name(csrf::TRAVEL_COOKIE, self.is_https);
        Ok(cookies::set(response, &name, value, max_age, &rules.travel_cookie, self.is_https)?)
    }

    /// An answer, or an error as [`Call::error`] tells it.
    pub(crate) async fn or_error(&self, outcome: Result<Response, ApiError>) -> Response {
        match outcome {
            Ok(response) => response,
            Err(error) => self.error(error).await,
        }
    }

    /// What a browser is answered that begins something: an answer or an error, after which it is recognised.
    pub(crate) async fn begun_or_error(&self, outcome: Result<Response, ApiError>) -> Response {
        self.recognised(self.or_error(outcome).await)
    }

    /// An error: to a browser on a page as a redirection to the page for errors, JSON to all others. What cannot be kept
    /// until that page asks for it is shown at once.
    pub(crate) async fn error(&self, error: ApiError) -> Response {
        if !peer::wants_page(&self.caller.headers) {
            return error.into_response();
        }
        // To keep an error is a request too, of which there were too many.
        if error.status() == Status::TOO_MANY {
            return error_page::page(self, &error);
        }
        match self.keep_error(&error).await.and_then(|id| answer::see_other(&self.rules().error_page(id))) {
            Ok(response) => response,
            Err(_) => error_page::page(self, &error),
        }
    }

    async fn keep_error(&self, error: &ApiError) -> Result<Uuid, ApiError> {
        self.count().await?;
        let id = self.accounts.random.uuid();
        let body = json!({ "created_at": self.now, "error": error.to_json()["error"] });
        let record = sessera_store::Flow {
            id,
            kind: FlowKind::Error,
            body: body.to_string(),
            expires_at: self.now + self.rules().login.lifespan,
            version: 1,
        };
        self.visit(None).commit(&[Change::InsertFlow(record)]).await?;
        Ok(id)
    }
}

/// Gives a browser the cookie of a session, which it keeps until the session ends.
pub(crate) fn set_session_cookie(
    response: &mut Response,
    rules: &Rules,
    session: &Session,
    token: &str,
    now: Timestamp,
    is_https: bool,
) -> Result<(), ApiError> {
    let cookie = &rules.cookie;
    let max_age = cookie.persistent.then(|| session.expires_at.since(now).as_secs());
    let value = cookies::session_value(token, session.expires_at);
    Ok(cookies::set(response, &cookie.name, &value, max_age, &cookie.scope, is_https)?)
}
