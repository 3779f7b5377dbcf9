//! Who may call the admin API.
//!
//! Whoever sends an admin token, as far as its role goes, or a token of the configuration, which is an owner's. Without
//! tokens in the configuration, programs need none: a web page must not reach it,
//! neither by asking across origins nor by a name that it makes point here (DNS rebinding), so requests
//! need a host that can only mean this server, no Origin, no word of a browser that another site's page asks, and JSON
//! bodies.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, MatchedPath, Request, State};
use axum::http::request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Body as _;
use url::{Host, Url};

use crate::roles::{self, Roles};
use crate::state::AdminState;
use crate::{introspect, revoke};
use sessera_config::AdminConfig;
use sessera_contract::answer::{ApiError, Status};
use sessera_contract::observe::known_method;
use sessera_http::host;
use sessera_http::media_type::is_json;
use sessera_model::{Actor, Role, Secret};
use sessera_node::Snapshots;
use sessera_node::admin_tokens::AdminTokens;
use sessera_presented::bearer;
use sessera_store::{AdminToken, Asked, Committer, Event, StoreError};

/// What decides who may ask.
#[derive(Clone)]
pub(crate) struct Guard {
    /// The configuration, which may have tokens.
    snapshots: Snapshots,
    /// Tokens with names and roles.
    tokens: Arc<AdminTokens>,
    /// Hears who was refused.
    committer: Committer,
    /// What each route needs.
    roles: Arc<Roles>,
    /// Whether what no route has goes on to an upstream.
    has_upstream: bool,
}

/// Lets a request pass, with its [`Actor`] as an extension, or answers why not.
pub(crate) async fn check(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let presented = bearer(request.headers()).map(Secret::from);
    let token = match &presented {
        Some(presented) => guard.tokens.recognise(presented.expose()).await,
        None => Ok(None),
    };
    let token = match token {
        Ok(token) => token,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let judged = {
        let snapshot = guard.snapshots.load();
        // HTTP/2 names the host there, and so may requests of HTTP/1.1.
        let target = request.uri().authority().map(axum::http::uri::Authority::as_str);
        // Introspection takes forms, as its specification wants. It changes nothing, and a web page that
        // sends one is told by its Origin.
        let takes_forms = [introspect::PATH, revoke::PATH].contains(&request.uri().path());
        let has_body = !request.body().is_end_stream() && !takes_forms;
        let actor = judge(&snapshot.config.admin, token, has_body, request.headers(), target);
        actor.and_then(|actor| {
            Asked::note(|asked| asked.actor = Some(actor.clone()));
            guard.require_role(actor, &request)
        })
    };
    let what = what(&request);
    let response = match judged {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    tell_refused(&guard.committer, what, &response);
    response
}

/// Tells whoever must be able to reconstruct it that somebody was refused what they may not do, as the answer says: by a guard,
/// or by a handler that has seen what exactly they want.
pub(super) fn tell_refused(committer: &Committer, what: String, response: &Response) {
    if [Status::UNPROVEN, Status::NOT_ALLOWED].contains(&Status::of(response)) {
        committer.happened(&Event::AdminRefused { what });
    }
}

/// What a request asks for, without what its sender chose in it.
pub(super) fn what(request: &Request) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("another path", MatchedPath::as_str);
    format!("{} {route}", known_method(request.method()))
}

impl Guard {
    /// The guard of routes that need these roles.
    pub(crate) fn new(state: &AdminState, roles: Roles, has_upstream: bool) -> Self {
        Self {
            snapshots: FromRef::from_ref(state),
            tokens: FromRef::from_ref(state),
            committer: FromRef::from_ref(state),
            roles: Arc::new(roles),
            has_upstream,
        }
    }

    /// Whoever asks, unless the request needs a higher role than theirs.
    fn require_role(&self, actor: Actor, request: &Request) -> Result<Actor, ApiError> {
        let needed = match request.extensions().get::<MatchedPath>() {
            Some(route) => self.roles.needed(request.method(), route),
            None if self.has_upstream => roles::of_forwarded(request.method(), request.uri()),
            // Everybody may hear that there is nothing.
            None => Role::Viewer,
        };
        require(&actor, needed).map(|()| actor)
    }
}

/// With what somebody got in whose answer goes on, so that it ends with that.
pub(crate) struct Standing {
    snapshots: Snapshots,
    tokens: Arc<AdminTokens>,
    presented: Secret,
}

impl FromRequestParts<AdminState> for Standing {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut request::Parts,
        state: &AdminState,
    ) -> Result<Self, Self::Rejection> {
        let presented = Secret::from(bearer(&parts.headers).unwrap_or_default());
        Ok(Self { snapshots: FromRef::from_ref(state), tokens: FromRef::from_ref(state), presented })
    }
}

impl Standing {
    /// Whether they would still get in. Every role may read, so the role is not asked for.
    pub(crate) async fn lasts(&self) -> Result<bool, StoreError> {
        let given = self.presented.expose();
        {
            let admin = &self.snapshots.load().config.admin;
            let is_open = admin.tokens.is_empty() && !AdminTokens::is_one(given);
            if is_open || has_configured(admin, given) {
                return Ok(true);
            }
        }
        Ok(self.tokens.recognise(given).await?.is_some())
    }
}

/// Refuses whoever asks for what needs a higher role than theirs.
pub(crate) fn require(actor: &Actor, needed: Role) -> Result<(), ApiError> {
    if actor.may(needed) {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "You ask with {actor}, which has the role {}, and this needs the role {needed}. An owner makes a token with it: sessera create admin-token NAME --role {needed}",
        actor.role()
    ))
    .with_message("The role of the admin token is not enough."))
}

/// Who asks. `token` is the one with a name that the request presents, if that is good.
fn judge(
    config: &AdminConfig,
    token: Option<AdminToken>,
    has_body: bool,
    headers: &HeaderMap,
    target: Option<&str>,
) -> Result<Actor, ApiError> {
    let given = bearer(headers).unwrap_or_default();
    if has_configured(config, given) {
        return Ok(Actor::Configured);
    }
    if let Some(AdminToken { name, role, .. }) = token {
        return Ok(Actor::Token { name, role });
    }
    if AdminTokens::is_one(given) {
        return Err(ApiError::unproven(
            "The admin token is not good: it has ended, or it was deleted. List those that there are with \"sessera list admin-tokens\".",
        ));
    }
    if !config.tokens.is_empty() && !given.is_empty() {
        return Err(ApiError::unproven(
            "The token that was sent is not known here. Send an admin token, or one of serve.admin.token; the command line takes it from SESSERA_ADMIN_TOKEN.",
        ));
    }
    if !config.tokens.is_empty() {
        return Err(ApiError::unproven(
            "The admin API asks for a token. Send an admin token, or one of serve.admin.token, as \"Authorization: Bearer TOKEN\"; the command line takes it from SESSERA_ADMIN_TOKEN.",
        ));
    }
    check_host(config, headers, target)?;
    if headers.contains_key(header::ORIGIN) {
        return Err(ApiError::forbidden(
            "The request has an Origin header, so a web page sent it. Web pages may not call the admin API; call it from a back end.",
        ));
    }
    check_site(headers)?;
    if has_body && !is_json(headers) {
        return Err(ApiError::forbidden(
            "The body is not declared as JSON. Send the header Content-Type: application/json; without a token the admin API takes nothing else, because forms of web pages could send it.",
        ));
    }
    Ok(Actor::Anybody)
}

/// Refuses a request whose host somebody else may have made point here. `target` is the host that its address names.
pub(super) fn check_host(
    config: &AdminConfig,
    headers: &HeaderMap,
    target: Option<&str>,
) -> Result<(), ApiError> {
    // Every place that names a host must name this machine, because each may be the one that somebody else looks at.
    let named = headers.get_all(header::HOST).iter().map(|value| value.to_str().unwrap_or_default());
    let mut named = named.chain(target).peekable();
    if named.peek().is_none() || !named.all(|host| is_own_host(config, host)) {
        return Err(ApiError::forbidden(
            "The admin API without a token answers only requests to a loopback address, localhost or the host of serve.admin.base_url. Set serve.admin.base_url to the name under which it is reached, or serve.admin.token.",
        ));
    }
    Ok(())
}

/// Refuses what a browser asks for a page of another site.
pub(super) fn check_site(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_own_site = |site: &HeaderValue| matches!(site.as_bytes(), b"none" | b"same-origin");
    if !headers.get_all("sec-fetch-site").iter().all(is_own_site) {
        return Err(ApiError::forbidden(
            "The header Sec-Fetch-Site says that a browser asks for a page of another site. Web pages may not call the admin API; call it from a back end.",
        ));
    }
    Ok(())
}

/// Whether a token is one of the configuration. It is compared with all of them in full, so that time tells nothing.
pub(super) fn has_configured(config: &AdminConfig, given: &str) -> bool {
    config.tokens.iter().fold(false, |good, token| token.matches(given) | good)
}

/// Whether a host, perhaps with a port, can only mean this server.
fn is_own_host(config: &AdminConfig, text: &str) -> bool {
    let Some(host) = host::parse(text) else { return false };
    let is_loopback = match &host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    };
    // Where everybody may ask, so may those who ask by address: a name can be made to point here by
    // somebody else, an address cannot.
    let by_address = config.insecure && !matches!(host, Host::Domain(_));
    let by_name = || Url::parse(&config.base_url).ok().and_then(|own| host::of(&own)) == Some(host.clone());
    is_loopback || by_address || by_name()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    use sessera_config::Config;

    fn status(admin: Value, has_body: bool, pairs: &[(&'static str, &'static str)]) -> u16 {
        let config = Config::from_tree(&json!({ "serve": { "admin": admin } })).unwrap().admin;
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        judge(&config, None, has_body, &headers, None).map_or_else(|error| error.code(), |_| 200)
    }

    #[test]
    fn without_a_token_only_this_machine_may_ask() {
        let ask = |pairs: &[(&'static str, &'static str)]| status(json!({}), false, pairs);
        for host in [
            "127.0.0.1:4434",
            "localhost:4434",
            "[::1]:4434",
            "127.0.0.1",
            "LOCALHOST",
            "localhost.",
            "127.9.9.9",
        ] {
            assert_eq!(ask(&[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:4434",
            "127.0.0.1.evil.example",
            "",
            ":4434",
            "[::1].evil.example",
            "[::1]evil.example:4434",
            "[::1",
            "::1",
            "[localhost]",
            "localhost:evil.example",
            "localhost:4434@evil.example",
            "localhost@evil.example",
            "user@localhost",
            "localhost/.evil.example",
            "localhost:4434:80",
            "localhost, evil.example",
            "localhost evil.example",
            "localhost..",
            "localhost:123456",
            "evil.localhost",
        ] {
            assert_eq!(ask(&[("host", host)]), 403, "{host}");
        }
        assert_eq!(ask(&[]), 403);
        assert_eq!(ask(&[("host", "localhost"), ("origin", "http://localhost:4434")]), 403);
        for host in ["admin.internal:4434", "ADMIN.internal", "admin.internal."] {
            let named = json!({"base_url": "http://admin.internal:4434/"});
            assert_eq!(status(named, false, &[("host", host)]), 200, "{host}");
        }
    }

    #[test]
    fn every_place_that_names_a_host_names_this_machine() {
        let config = Config::from_tree(&json!({})).unwrap().admin;
        let ask = |hosts: &[&'static str], target: Option<&str>| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            judge(&config, None, false, &headers, target).map_or_else(|error| error.code(), |_| 200)
        };
        assert_eq!(ask(&["localhost"], Some("127.0.0.1:4434")), 200);
        assert_eq!(ask(&[], Some("localhost:4434")), 200);
        assert_eq!(ask(&["localhost"], Some("evil.example")), 403);
        assert_eq!(ask(&["evil.example"], Some("localhost")), 403);
        assert_eq!(ask(&["localhost"], Some("user@localhost")), 403);
        assert_eq!(ask(&["localhost", "evil.example"], None), 403);
        assert_eq!(ask(&["evil.example", "localhost"], None), 403);
    }

    #[test]
    fn what_a_browser_asks_for_another_site_s_page_is_refused_whatever_it_is() {
        for has_body in [false, true] {
            let ask = |pairs: &[(&'static str, &'static str)]| {
                let json = [("host", "localhost"), ("content-type", "application/json")];
                status(json!({}), has_body, &[&json, pairs].concat())
            };
            for site in ["none", "same-origin"] {
                assert_eq!(ask(&[("sec-fetch-site", site)]), 200, "{site}");
            }
            for site in ["cross-site", "same-site", "Cross-Site", "", "new"] {
                assert_eq!(ask(&[("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")]), 403, "{site}");
            }
            assert_eq!(ask(&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")]), 403);
        }
    }

    #[test]
    fn bodies_are_declared_as_json() {
        let post = |content_type: &'static str| {
            status(json!({}), true, &[("host", "localhost"), ("content-type", content_type)])
        };
        assert_eq!(post("application/json"), 200);
        assert_eq!(post("application/json-patch+json; charset=utf-8"), 200);
        assert_eq!(post("text/plain"), 403);
        assert_eq!(post("application/x-www-form-urlencoded"), 403);
        assert_eq!(status(json!({}), false, &[("host", "localhost")]), 200);
    }

    #[test]
    fn with_tokens_one_of_them_is_asked_for() {
        let tokens = || json!({"host": "0.0.0.0", "token": ["the-old-token-of-the-admin-api", "the-new-token-of-the-admin-api"]});
        let ask = |authorization: &'static str| status(tokens(), false, &[("authorization", authorization)]);
        assert_eq!(ask("Bearer the-old-token-of-the-admin-api"), 200);
        assert_eq!(ask("Bearer the-new-token-of-the-admin-api"), 200);
        assert_eq!(ask("Bearer other"), 401);
        assert_eq!(ask("Basic the-old-token-of-the-admin-api"), 401);
        assert_eq!(status(tokens(), false, &[("host", "localhost")]), 401);
    }

    #[test]
    fn where_everybody_may_ask_web_pages_still_may_not() {
        let ask = |has_body: bool, pairs: &[(&'static str, &'static str)]| {
            let open = json!({"host": "0.0.0.0", "insecure": true, "base_url": "http://sessera:4434/"});
            status(open, has_body, pairs)
        };
        for host in ["127.0.0.1:4434", "10.1.2.3:4434", "[fd00::1]:4434", "sessera:4434"] {
            assert_eq!(ask(false, &[("host", host)]), 200, "{host}");
        }
        assert_eq!(ask(false, &[("host", "evil.example:4434")]), 403);
        assert_eq!(ask(false, &[("host", "10.1.2.3:4434"), ("origin", "http://evil.example")]), 403);
        assert_eq!(ask(true, &[("host", "10.1.2.3"), ("content-type", "text/plain")]), 403);
    }
}
