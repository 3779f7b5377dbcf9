//! `/console/routes`: the routes of the gateway, and requests that are tried on them.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::Response;
use serde::Deserialize;
use sessera_config::sections::gateway::{Demand, OnMissing, Preflight, Route as Configured, RouteAal};
use sessera_console::Section;
use sessera_console::routes::{Fate, Header, Outcome, Route, Shown, Typed, page};
use sessera_console::templates::State as Became;
use sessera_gateway::decision::{self, Decision, Pass};
use sessera_gateway::dialect::Dialect;
use sessera_gateway::question::{Question, Target};
use sessera_gateway::tried::{CHOSEN, Rehearsal};
use sessera_issuer::LiveSession;
use sessera_issuer::apart::apart;
use sessera_model::{GoDuration, IdentityState};
use sessera_presented::without_cookie;
use sessera_store::{SessionKind, Store};
use url::Url;

use super::here::{Failed, PageContext, Sent, ok, shown};
use super::templates::TemplatePages;
use crate::state::AdminState;
use sessera_contract::answer::ApiError;

/// Headers in which a session comes beside its cookie.
const OF_SESSIONS: [&str; 2] = ["x-session-token", "x-session-cookie"];

/// What the page reads, which handlers take as one part.
pub(super) struct Gate {
    desk: TemplatePages,
    store: Arc<dyn Store>,
    rehearsal: Rehearsal,
}

impl FromRef<AdminState> for Gate {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            desk: FromRef::from_ref(state),
            store: FromRef::from_ref(state),
            rehearsal: FromRef::from_ref(state),
        }
    }
}

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    route: String,
    method: String,
    url: String,
    headers: String,
    whom: String,
}

/// A session that was chosen for a request.
struct Chosen {
    kind: SessionKind,
    /// Nothing where it opens nothing any more.
    live: Option<Arc<LiveSession>>,
}

pub(super) async fn get(State(gate): State<Gate>, here: PageContext) -> Result<Response, Failed> {
    let typed = Typed {
        method: "GET".into(),
        url: "https://app.example.org/".into(),
        headers: "Accept: text/html\n".into(),
        ..Typed::default()
    };
    let page = Shown {
        routes: gate.routes(&here).await?,
        typed,
        outcome: None,
        problem: None,
        has_people: here.snapshot.config.upstream.is_none(),
    };
    Ok(ok(self::page(&here.frame(Some(Section::Routes)), &page)))
}

pub(super) async fn attempt(
    State(gate): State<Gate>,
    here: PageContext,
    sent: Sent,
) -> Result<Response, Failed> {
    let Form { route, method, url, headers, whom } = sent.read()?;
    let routes = gate.routes(&here).await?;
    let typed = Typed { route, method, url, headers, whom };
    let outcome = gate.outcome(&here, &typed).await;
    let has_people = here.snapshot.config.upstream.is_none();
    let mut page = Shown { routes, typed, outcome: None, problem: None, has_people };
    let frame = here.frame(Some(Section::Routes));
    match outcome {
        Ok(outcome) => {
            page.outcome = Some(outcome);
            Ok(ok(self::page(&frame, &page)))
        }
        Err(error) => {
            page.problem = Some(error.reason().to_owned());
            Ok(shown(self::page(&frame, &page), error.status()))
        }
    }
}

impl Gate {
    /// All routes. There are none where no proxy asks.
    async fn routes(&self, here: &PageContext) -> Result<Vec<Route>, ApiError> {
        let config = &here.snapshot.config.gateway;
        if !config.enabled {
            return Err(ApiError::not_found(
                "The gateway is off, so no proxy asks. Set serve.gateway.enabled to have it answer.",
            ));
        }
        let states = self.desk.states(here).await?;
        let state = |template: &str| {
            let found = states.iter().find(|(name, _)| name == template);
            let missing = || Became::Broken(format!("There is no template \"{template}\"."));
            found.map_or_else(missing, |(_, state)| state.clone())
        };
        let route = |(name, route): (&String, &Configured)| Route {
            name: name.clone(),
            template: route.template.clone().map(|template| {
                let state = state(&template);
                (template, state)
            }),
            header: route.header.clone(),
            is_required: route.session == Demand::Required,
            aal: route.aal.map(RouteAal::as_str),
            schema_ids: route.schema_ids.clone(),
            redirects: route.on_missing == OnMissing::Redirect,
            headers: route.headers.iter().map(|(header, claim)| (header.clone(), claim.clone())).collect(),
            reuse: GoDuration::new(route.reuse).to_string(),
            passes_preflights: route.preflight == Preflight::Pass,
        };
        Ok(config.routes.iter().map(route).collect())
    }

    /// What becomes of a request as it was typed.
    async fn outcome(&self, here: &PageContext, typed: &Typed) -> Result<Outcome, ApiError> {
        let method = Method::from_bytes(typed.method.trim().as_bytes())
            .map_err(|_| ApiError::bad_request("This is no method of a request. Most are GET or POST."))?;
        let url = Url::parse(typed.url.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                ApiError::bad_request("This is no address of a page, such as https://app.example.org/.")
            })?;
        let mut headers = read_headers(&typed.headers)?;
        let chosen = self.chosen(here, typed.whom.trim()).await?;
        if let Some(chosen) = &chosen {
            carry(chosen.kind, &here.snapshot.accounts.rules.cookie.name, &mut headers);
        }
        let route = typed.route.clone();
        let template =
            here.snapshot.config.gateway.routes.get(&route).and_then(|route| route.template.clone());
        let (rehearsal, live) = (self.rehearsal.clone(), chosen.and_then(|chosen| chosen.live));
        // A mapper takes its time.
        let runtime = tokio::runtime::Handle::current();
        let judged = apart(move || {
            let question = Question {
                dialect: Dialect::ForwardAuth,
                route: Some(&route),
                method: method.as_str(),
                is_method_certain: true,
                headers: &headers,
                target: Target::of_url(url.as_str()),
            };
            let decision = runtime.block_on(rehearsal.judge(&question, live));
            decision.map(|decision| told(decision, &headers, template.as_deref().unwrap_or_default()))
        });
        judged.await.map_err(ApiError::internal)
    }

    /// The session of whoever was typed. Nothing when nobody was.
    async fn chosen(&self, here: &PageContext, whom: &str) -> Result<Option<Chosen>, ApiError> {
        if whom.is_empty() || here.snapshot.config.upstream.is_some() {
            return Ok(None);
        }
        let found = self.desk.found(here, whom).await?;
        let found = match found {
            Some((session, _)) => self.store.session(session.id).await?,
            None => None,
        };
        let Some((stored, identity)) = found else {
            return Err(ApiError::bad_request(TemplatePages::nobody(whom)));
        };
        let is_good = stored.session.is_live(here.now) && identity.state == IdentityState::Active;
        let (kind, schemas_url) = (stored.kind, here.snapshot.issuer.schemas_url.clone());
        let live = LiveSession::of_stored(stored, &identity, here.now, schemas_url)?;
        Ok(Some(Chosen { kind, live: is_good.then(|| Arc::new(live)) }))
    }
}

/// Headers as they are typed, one on a line.
fn read_headers(text: &str) -> Result<HeaderMap, ApiError> {
    let mut headers = HeaderMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or_default();
        let read = (HeaderName::from_bytes(name.trim().as_bytes()), HeaderValue::from_str(value.trim()));
        let (Ok(name), Ok(value)) = read else {
            let shown: String = line.chars().take(64).collect();
            return Err(ApiError::bad_request(format!(
                "\"{shown}\" is no header. Write each one on a line, for example Accept: text/html."
            )));
        };
        let is_added = headers.try_append(name, value).is_ok();
        if !is_added {
            return Err(ApiError::bad_request("There are too many headers."));
        }
    }
    Ok(headers)
}

/// Puts the session that was chosen into a request, as a client of its kind does it, in place of any other one.
fn carry(kind: SessionKind, cookie_name: &str, headers: &mut HeaderMap) {
    for name in OF_SESSIONS {
        headers.remove(name);
    }
    let others = without_cookie(headers, cookie_name);
    headers.remove(header::COOKIE);
    let own = format!("{cookie_name}={CHOSEN}");
    let cookies = match (kind, &others) {
        (SessionKind::Native, _) => {
            headers.insert(HeaderName::from_static(OF_SESSIONS[0]), HeaderValue::from_static(CHOSEN));
            others
        }
        (SessionKind::Browser, None) => HeaderValue::try_from(own).ok(),
        (SessionKind::Browser, Some(others)) => {
            let line = [others.as_bytes(), b"; ", own.as_bytes()].concat();
            HeaderValue::from_bytes(&line).ok()
        }
    };
    headers.extend(cookies.map(|cookies| (header::COOKIE, cookies)));
}

/// A decision as the page shows it.
fn told(decision: Decision, sent: &HeaderMap, template: &str) -> Outcome {
    match decision {
        Decision::Pass(pass) => passes(&pass, sent, template),
        Decision::SignIn { way } => Outcome::SignIn(way),
        // The headers of a trial stand in it once each.
        Decision::Contradiction(_) => Outcome::SignIn(None),
        Decision::SecondFactor { page, is_way } => Outcome::SecondFactor(page, is_way),
        Decision::Forbidden(_) => Outcome::Forbidden,
        Decision::Unavailable { reason, .. } => Outcome::Unavailable(reason),
        Decision::NoRoute(reason) | Decision::Fault(reason) => Outcome::Fault(reason),
        Decision::Stranger { .. } => Outcome::Fault("Whoever asks is no proxy that may ask.".into()),
    }
}

fn passes(pass: &Pass, sent: &HeaderMap, template: &str) -> Outcome {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let came = |name: &HeaderName| {
        let values: Vec<String> = sent.get_all(name).iter().map(text).collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    let is_token = |value: &HeaderValue| {
        pass.token.as_ref().filter(|token| {
            [token.with_scheme(), token.alone()].iter().any(|text| value.as_bytes() == &text[..])
        })
    };
    let judged = pass.headers.iter().map(|(name, fate)| {
        let fate = match fate {
            decision::Fate::Set(value) => match is_token(value) {
                Some(token) => Fate::Token(template.to_owned(), token.alone().len()),
                None => Fate::Set(text(value)),
            },
            decision::Fate::Remove => Fate::Removed,
            decision::Fate::Keep(_) => Fate::Kept,
        };
        Header { name: name.to_string(), sent: came(name), fate }
    });
    let others = sent.keys().filter(|name| pass.headers.iter().all(|(known, _)| known != *name));
    let others = others.map(|name| Header { name: name.to_string(), sent: came(name), fate: Fate::Kept });
    Outcome::Passes {
        has_session: pass.has_session,
        headers: judged.chain(others).collect(),
        claims: pass.token.as_ref().map(|token| token.claims().clone()),
    }
}
