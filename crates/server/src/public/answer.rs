//! How flows are answered: JSON to clients that take it, redirections to browsers on pages.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sessera_accounts::csrf;
use sessera_accounts::flows::flow::{Details, Flow, Transport};
use sessera_accounts::flows::sign_in::SignedIn;
use sessera_model::{IdentityView, SessionView, Timestamp, Uuid};
use sessera_store::{Change, FlowKind};

use crate::client;
use crate::error::{ApiError, NO_STORE};
use crate::public::caller::Visit;

/// JSON that must not be kept.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// Sends a browser elsewhere. 303: whatever the method was, it goes on with GET.
pub(crate) fn redirect(url: &str) -> Result<Response, ApiError> {
    let location = HeaderValue::from_str(url).map_err(ApiError::internal)?;
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, NO_STORE)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// 422: a script must send the browser elsewhere.
pub(crate) fn location_change(url: &str) -> ApiError {
    ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "The browser has to go elsewhere.",
        "To go on, open the address in redirect_browser_to in the browser.",
    )
    .with_id("browser_location_change_required")
    .with_redirect(url)
}

/// 400: somebody is signed in already.
pub(crate) fn already_signed_in() -> ApiError {
    ApiError::bad_request(
        "A session is there already. Sign out first, or ask for refresh=true to sign in again.",
    )
    .with_id("session_already_available")
}

impl Visit<'_> {
    /// A flow that was begun: its JSON, or the way to its page.
    pub(crate) fn begun<D: Details>(
        &self,
        flow: &Flow<D>,
        body: &Value,
        new_cookie: Option<&str>,
    ) -> Result<Response, ApiError> {
        let mut response = if self.wants_json(flow.transport) {
            json(StatusCode::OK, body)
        } else {
            redirect(&self.rules().page(D::KIND, flow.id))?
        };
        if let Some(cookie) = new_cookie {
            self.set_browser(&mut response, cookie)?;
        }
        Ok(response)
    }

    /// A flow whose submission is answered by its form: as JSON with the given status, or on its page.
    pub(crate) fn shown<D: Details>(
        &self,
        status: StatusCode,
        flow: &Flow<D>,
        body: &Value,
    ) -> Result<Response, ApiError> {
        if self.wants_json(flow.transport) {
            return Ok(json(status, body));
        }
        let mut response = redirect(&self.rules().page(D::KIND, flow.id))?;
        if D::KIND == FlowKind::Registration && flow.has_errors() {
            // The contract has 302 here and 303 everywhere else.
            *response.status_mut() = StatusCode::FOUND;
        }
        Ok(response)
    }

    /// A flow that has ended, when it is read.
    pub(crate) fn ended<D: Details>(&self, flow: &Flow<D>) -> ApiError {
        let kind = D::KIND.as_str();
        let (way, word) = match flow.transport {
            Transport::Api => ("api", "api"),
            Transport::Browser => ("browser", "redirect_to"),
        };
        let mut url = self.rules().url(&format!("self-service/{kind}/{way}"));
        if let Some(return_to) = &flow.return_to {
            url.push_str("?return_to=");
            url.extend(url::form_urlencoded::byte_serialize(return_to.as_bytes()));
        }
        ApiError::gone("The flow has ended, because it was not completed in time. Begin a new one.")
            .with_id("self_service_flow_expired")
            .with_details(json!({ word: url, "return_to": flow.return_to.clone().unwrap_or_default() }))
    }

    /// A flow that has ended, when it is submitted: the way to the one that takes its place.
    pub(crate) fn replaced<D: Details>(
        &self,
        expired_at: Timestamp,
        new: &Flow<D>,
    ) -> Result<Response, ApiError> {
        if !self.wants_json(new.transport) {
            return redirect(&self.rules().page(D::KIND, new.id));
        }
        let error = ApiError::gone(
            "The flow has ended, because it was not completed in time. Go on with the one in use_flow_id.",
        )
        .with_id("self_service_flow_expired");
        let mut body = error.to_json();
        body["expired_at"] = json!(expired_at);
        body["since"] = json!(u64::try_from(self.now.since(expired_at).as_nanos()).unwrap_or(u64::MAX));
        body["use_flow_id"] = json!(new.id.to_string());
        Ok(json(error.status(), &body))
    }

    /// A session as its owner sees it.
    pub(crate) fn session_json(&self, signed_in: &SignedIn, identity: &sessera_model::Identity) -> Value {
        let view = IdentityView::public(&self.snapshot.schemas_url);
        signed_in.session.to_json(self.now, SessionView { identity: Some((identity, view)), devices: true })
    }

    /// The session token of a native client after a proof: the new one, or the one that it has.
    pub(crate) fn native_token(&self, signed_in: &SignedIn) -> Option<String> {
        let new = signed_in.token.as_ref().map(|token| token.expose().to_owned());
        new.or_else(|| self.presented().map(|presented| presented.as_str().to_owned()))
    }

    /// Gives a browser its session, and a new cookie for forms: what somebody may have planted before
    /// is worth nothing afterwards.
    pub(crate) fn set_session(&self, response: &mut Response, signed_in: &SignedIn) -> Result<(), ApiError> {
        let cookie = csrf::new_cookie(self.app.random.as_ref());
        self.set_session_with(response, signed_in, &cookie)
    }

    /// The same with a cookie for forms that a flow is bound to already.
    pub(crate) fn set_session_with(
        &self,
        response: &mut Response,
        signed_in: &SignedIn,
        form_cookie: &str,
    ) -> Result<(), ApiError> {
        if let Some(token) = &signed_in.token {
            let cookie = &self.rules().cookie;
            let age = signed_in.session.expires_at.since(self.now).as_secs();
            let age = if cookie.persistent { Some(age) } else { None };
            self.set_cookie(response, &cookie.name, token.expose(), age)?;
        }
        self.set_browser(response, form_cookie)
    }

    /// Takes a browser's session away.
    pub(crate) fn clear_session(&self, response: &mut Response) -> Result<(), ApiError> {
        self.set_cookie(response, &self.rules().cookie.name, "", Some(0))?;
        self.set_browser(response, &csrf::new_cookie(self.app.random.as_ref()))
    }

    /// Gives a browser the cookie by which it is recognised before it has signed in.
    pub(crate) fn set_browser(&self, response: &mut Response, value: &str) -> Result<(), ApiError> {
        let name = csrf::cookie_name(&self.rules().base_url);
        self.set_cookie(response, &name, value, Some(csrf::COOKIE_MAX_AGE))
    }

    fn set_cookie(
        &self,
        response: &mut Response,
        name: &str,
        value: &str,
        max_age: Option<u64>,
    ) -> Result<(), ApiError> {
        use std::fmt::Write as _;
        let rules = &self.rules().cookie;
        let mut cookie = format!("{name}={value}; Path={}", rules.path);
        if let Some(domain) = &rules.domain {
            let _ = write!(cookie, "; Domain={domain}");
        }
        if let Some(max_age) = max_age {
            let _ = write!(cookie, "; Max-Age={max_age}");
        }
        cookie.push_str("; HttpOnly");
        if self.is_secure() {
            cookie.push_str("; Secure");
        }
        let _ = write!(cookie, "; SameSite={}", rules.same_site);
        let cookie = HeaderValue::from_str(&cookie).map_err(ApiError::internal)?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
        Ok(())
    }

    /// An error: to a browser on a page as a redirection to the page for errors, JSON to all others.
    pub(crate) async fn error(&self, error: ApiError) -> Response {
        if !client::wants_page(&self.caller.headers) {
            return error.into_response();
        }
        match self.keep_error(&error).await.and_then(|id| redirect(&self.rules().error_page(id))) {
            Ok(response) => response,
            Err(_) => error.into_response(),
        }
    }

    async fn keep_error(&self, error: &ApiError) -> Result<Uuid, ApiError> {
        let id = self.app.random.uuid();
        let body = json!({ "created_at": self.now, "error": error.to_json()["error"] });
        let record = sessera_store::Flow {
            id,
            kind: FlowKind::Error,
            body: body.to_string(),
            expires_at: self.now + self.rules().login.lifespan,
            version: 1,
        };
        self.app.commit(&[Change::InsertFlow(record)]).await?;
        Ok(id)
    }
}
