//! Who gets into the console: whoever has signed in there, and nobody by way of a page of another site.

use std::sync::Arc;

use axum::extract::{FromRef, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use sessera_config::AdminConfig;
use sessera_console::Section;
use sessera_http::host;
use sessera_model::{Clock, Role};
use sessera_store::{Asked, Committer};
use url::Url;

use super::here::{Failed, PageContext};
use super::stay::{Recognised, Stay, Stays};
use super::{OPEN, role_of};
use crate::guard::{check_host, check_site, require, tell_refused, what};
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_node::Snapshots;

/// What decides who gets in.
#[derive(Clone)]
pub(super) struct ConsoleGuard {
    snapshots: Snapshots,
    stays: Stays,
    committer: Committer,
    clock: Arc<dyn Clock>,
}

impl FromRef<AdminState> for ConsoleGuard {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            snapshots: FromRef::from_ref(state),
            stays: FromRef::from_ref(state),
            committer: FromRef::from_ref(state),
            clock: FromRef::from_ref(state),
        }
    }
}

/// Lets a request pass, with its [`Stay`] as an extension, or says why not.
pub(super) async fn check(State(door): State<ConsoleGuard>, request: Request, next: Next) -> Response {
    let what = what(&request);
    let response = answered(&door, request, next).await;
    tell_refused(&door.committer, what, &response);
    response
}

async fn answered(door: &ConsoleGuard, mut request: Request, next: Next) -> Response {
    let judged = {
        let snapshot = door.snapshots.load();
        is_from_here(&snapshot.config.admin, &request)
    };
    let (stay, is_new) = match judged {
        Ok(()) => match door.stay(request.headers()).await {
            Ok(found) => found,
            Err(error) => return door.page(&door.stays.of_nobody(), request.headers(), &error),
        },
        // Whoever it is, nothing of them is looked at.
        Err(error) => return door.page(&door.stays.of_nobody(), request.headers(), &error),
    };
    if let Err(response) = door.enter(&stay, &request) {
        return door.finish(*response, &stay, is_new);
    }
    let headers = request.headers().clone();
    request.extensions_mut().insert(stay.clone());
    let mut response = next.run(request).await;
    // Whoever has signed in or out is somebody else from now on.
    let other = response.extensions_mut().remove::<Stay>();
    let is_new = is_new || other.is_some();
    let stay = other.unwrap_or(stay);
    if let Some(Failed(error)) = response.extensions_mut().remove() {
        response = door.page(&stay, &headers, &error);
    }
    door.finish(response, &stay, is_new)
}

impl ConsoleGuard {
    /// Who asks, and whether their browser does not know it yet.
    async fn stay(&self, headers: &HeaderMap) -> Result<(Stay, bool), ApiError> {
        let is_open = self.snapshots.load().config.admin.tokens.is_empty();
        Ok(match self.stays.recognise(headers).await? {
            Recognised::Stay(stay) if stay.actor.is_some() || !is_open => (stay, false),
            // Whose token has ended is told so first, as at the API, where nobody needs one.
            Recognised::Ended => (self.stays.of_nobody(), true),
            _ if is_open => (self.stays.of_anybody(), true),
            _ => (self.stays.of_nobody(), true),
        })
    }

    /// Lets somebody in who may do what they ask for.
    fn enter(&self, stay: &Stay, request: &Request) -> Result<(), Box<Response>> {
        let path = request.uri().path();
        let is_open = OPEN.iter().any(|open| path.starts_with(open));
        let Some(actor) = &stay.actor else {
            if is_open {
                return Ok(());
            }
            if request.method() == Method::GET {
                let to = request.uri().path_and_query().map_or("", |path| path.as_str());
                let to: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
                let response = answer::see_other(&format!("{}?to={to}", super::SIGN_IN));
                return Err(Box::new(response.unwrap_or_else(|_| answer::fault())));
            }
            let error = ApiError::unproven("You are not signed in any more. Sign in, and do it again.");
            return Err(Box::new(self.page(stay, request.headers(), &error)));
        };
        // Somebody who may have signed out is told how the server is, and nothing else.
        if let Some(error) = stay.doubt.as_ref().filter(|_| !is_open && path != Section::Overview.path()) {
            return Err(Box::new(self.page(stay, request.headers(), error)));
        }
        Asked::note(|asked| asked.actor = Some(actor.clone()));
        let needed = if request.method().is_safe() || is_open {
            Role::Viewer
        } else {
            role_of(request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str))
        };
        require(actor, needed).map_err(|error| Box::new(self.page(stay, request.headers(), &error)))
    }

    /// A page that says what went wrong.
    fn page(&self, stay: &Stay, headers: &HeaderMap, error: &ApiError) -> Response {
        PageContext::new(stay.clone(), self.snapshots.current(), headers, self.clock.now()).problem(error)
    }

    fn finish(&self, mut response: Response, stay: &Stay, is_new: bool) -> Response {
        if is_new && let Err(error) = self.stays.keep(stay, &mut response) {
            tracing::error!(reason = error.reason(), "the cookie of the console could not be set");
        }
        response
    }
}

/// Refuses what a browser asks for a page of another site, and a change that no page of this console asks for.
fn is_from_here(config: &AdminConfig, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let target = request.uri().authority().map(axum::http::uri::Authority::as_str);
    if config.tokens.is_empty() {
        check_host(config, headers, target)?;
    }
    check_site(headers)?;
    if request.method().is_safe() && !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin.is_some_and(|origin| is_own_origin(config, headers, target, origin)) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "A browser sent this for a page of another site, as its header Origin says, or it was no browser. Open the console itself. Behind a proxy, set serve.admin.base_url to the address under which browsers reach it.",
    )
    .with_id("security_csrf_violation"))
}

/// Whether an origin is that of the console: of the host that was asked, or of the configured address.
fn is_own_origin(config: &AdminConfig, headers: &HeaderMap, target: Option<&str>, origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let is_configured = Url::parse(&config.base_url).is_ok_and(|own| own.origin() == url.origin());
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(target).unwrap_or_default();
    let written = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let is_asked = written.is_some_and(|written| written.eq_ignore_ascii_case(asked));
    url.origin().is_tuple() && host::of(&url).is_some() && (is_configured || is_asked)
}
