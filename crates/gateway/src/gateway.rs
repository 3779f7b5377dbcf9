//! The judge of questions: one decision, in whichever dialect it was asked for.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use prometheus::IntCounterVec;
use serde_json::Value;
use sessera_config::gateway::DEFAULT_ROUTE;
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::upstream::{Refusal, RefusalKind, UpstreamError};
use sessera_issuer::{Assurance, IssuerError, ReusedTokens, Sessions};
use sessera_presented::{Opened, carried, kratos, opened};
use sessera_telemetry::Traces;
use tracing::Span;

use crate::decision::{Admitted, Decision, LeftOut};
use crate::dialect::Dialect;
use crate::health::Health;
use crate::question::Question;
use crate::routes::Route;
use crate::snapshot::Snapshot;

/// When to ask again where nobody says so.
const SOON: Duration = Duration::from_secs(1);

/// What questions without a route are counted under. No route can have this name.
const NO_ROUTE: &str = "(none)";

/// What is said while an upstream wants to be asked less often.
const PAUSE: &str = "The upstream that keeps the sessions asked for a pause.";

/// Where the snapshot of now comes from.
pub type Now = Arc<dyn Fn() -> Arc<Snapshot> + Send + Sync>;

/// Judges the questions of proxies.
#[derive(Clone)]
pub struct Gateway {
    /// The snapshot of now.
    pub now: Now,
    /// Live sessions.
    pub sessions: Arc<Sessions>,
    /// Tokens of them.
    pub tokens: Arc<ReusedTokens>,
    /// Decisions by route, dialect and outcome.
    pub decisions: IntCounterVec,
    /// Questions about clients with a session cookie of an Ory Kratos, by its form.
    pub kratos_cookies: IntCounterVec,
    /// Traces of requests, where they are configured.
    pub traces: Option<Arc<Traces>>,
    /// Says over gRPC whether questions are answered.
    pub health: Health,
}

impl Gateway {
    /// Judges a question of `peer`.
    pub async fn decide(&self, peer: Option<IpAddr>, question: &Question<'_>) -> Decision {
        let now = (self.now)();
        let decision = match self.judge_at_once(&now, peer, question) {
            Some((decision, _)) => decision,
            None => self.judge(&now, question).await,
        };
        self.told(&now, question, &decision, Span::current);
        decision
    }

    /// What is decided of a question that a proxy may ask. Nobody is told of it.
    pub async fn judged(&self, question: &Question<'_>) -> Decision {
        let now = (self.now)();
        let Some(route) = now.routes.get(question.route) else { return no_route(question) };
        match self.judge_route_at_once(&now, route, question, &mut TokenSteps::default()) {
            Some(decision) => decision,
            None => self.judge(&now, question).await,
        }
    }

    /// Judges a question where that needs no waiting. The steps are those of a token that was made. `request` is the span in
    /// which the log hears of it, which is made only where there is something to say.
    pub fn decide_at_once(
        &self,
        peer: Option<IpAddr>,
        question: &Question<'_>,
        request: impl Fn() -> Span,
    ) -> Option<(Decision, TokenSteps)> {
        let now = (self.now)();
        let judged = self.judge_at_once(&now, peer, question)?;
        self.told(&now, question, &judged.0, request);
        Some(judged)
    }

    fn judge_at_once(
        &self,
        now: &Snapshot,
        peer: Option<IpAddr>,
        question: &Question<'_>,
    ) -> Option<(Decision, TokenSteps)> {
        let mut steps = TokenSteps::default();
        let decision = if is_stranger(now, peer) {
            Decision::Stranger { peer: peer.map(|peer| peer.to_canonical()) }
        } else if let Some(route) = now.routes.get(question.route) {
            self.judge_route_at_once(now, route, question, &mut steps)?
        } else {
            no_route(question)
        };
        Some((decision, steps))
    }

    fn judge_route_at_once(
        &self,
        now: &Snapshot,
        route: &Route,
        question: &Question<'_>,
        steps: &mut TokenSteps,
    ) -> Option<Decision> {
        if route.passes_preflights && question.is_preflight() {
            return Some(Decision::pass(now, route, question, None));
        }
        if let Some(name) = question.contradiction() {
            let refused = Decision::Contradiction(name);
            return Some(insufficient(now, route, question, refused));
        }
        let Some(first) = carried(question.headers, &now.rules().cookie).next() else {
            return Some(without_session(now, route, question));
        };
        let presented = first.presented;
        let live = self.sessions.in_memory(&now.issuer, presented)?;
        if !presented.may_open(live.kind)
            || !route.takes(&live)
            || Sessions::proves(&now.issuer, &live, asked(now, route)) != Some(true)
        {
            return None;
        }
        let token = match &route.token {
            None => None,
            Some(token) => Some(self.tokens.at_once(&now.issuer, token.wanted(), &live, steps)?),
        };
        let admitted = Admitted { carried: first, token, cookies: Arc::default() };
        Some(Decision::pass(now, route, question, Some(admitted)))
    }

    async fn judge(&self, now: &Snapshot, question: &Question<'_>) -> Decision {
        let Some(route) = now.routes.get(question.route) else { return no_route(question) };
        if let Some(translated) = kratos::translated(question.headers, &now.rules().cookie) {
            for form in translated.forms {
                self.kratos_cookies.with_label_values(&[form.name()]).inc();
            }
            return self
                .judge_whole(now, route, &Question { headers: &translated.headers, ..*question })
                .await;
        }
        self.judge_whole(now, route, question).await
    }

    async fn judge_whole(&self, now: &Snapshot, route: &Route, question: &Question<'_>) -> Decision {
        let judged = self.judge_route(now, route, question).await;
        judged.unwrap_or_else(|error| refused(now, route, question, error))
    }

    async fn judge_route(
        &self,
        now: &Snapshot,
        route: &Route,
        question: &Question<'_>,
    ) -> Result<Decision, IssuerError> {
        let all = carried(question.headers, &now.rules().cookie);
        let opened = opened(&self.sessions, &now.issuer, all).await?;
        let Some(Opened { carried, live, cookies }) = opened else {
            return Ok(without_session(now, route, question));
        };
        if !route.takes(&live) {
            return Ok(insufficient(now, route, question, of_another_schema(route)));
        }
        self.sessions.require(&now.issuer, &live, asked(now, route)).await?;
        let token = match &route.token {
            None => None,
            Some(token) => {
                let mut steps = TokenSteps::default();
                let made = self.tokens.token(&now.issuer, token.wanted(), &live, &mut steps).await;
                if let Some(traces) = &self.traces {
                    Context::map_current(|request| traces.token(request, steps));
                }
                Some(made?)
            }
        };
        let admitted = Admitted { carried, token, cookies };
        Ok(Decision::pass(now, route, question, Some(admitted)))
    }

    /// Counts and logs what was decided, in the span of the `request`.
    fn told(&self, now: &Snapshot, question: &Question<'_>, decision: &Decision, request: impl Fn() -> Span) {
        let (dialect, outcome) = (question.dialect.as_str(), decision.outcome());
        // Whoever asks may name what they like, and each name of a route that is none would be one more number.
        let is_route = !matches!(decision, Decision::Stranger { .. } | Decision::NoRoute(_));
        let route = if is_route { question.route_name() } else { NO_ROUTE };
        self.decisions.with_label_values(&[route, dialect, outcome]).inc();
        match decision {
            Decision::Fault(reason) | Decision::NoRoute(reason) if now.may_tell(reason) => {
                request().in_scope(|| {
                    tracing::warn!(
                        route,
                        dialect,
                        reason,
                        "a request of a proxy cannot be judged; this is told once a minute"
                    );
                });
            }
            Decision::Stranger { peer } if now.may_tell("stranger") => {
                let peer = peer.map(|peer| peer.to_string()).unwrap_or_default();
                request().in_scope(|| {
                    tracing::warn!(
                        peer,
                        dialect,
                        "somebody asks who is no proxy that serve.gateway.trusted_proxies names; this is told once a minute"
                    );
                });
            }
            Decision::Pass(pass) => {
                let identity = || pass.token.as_ref().and_then(|token| token.claims().get("sub")?.as_str());
                for LeftOut { header, claim } in &pass.left_out {
                    if now.may_tell(&format!("{route} {claim}")) {
                        request().in_scope(|| {
                            tracing::warn!(
                                route,
                                claim,
                                %header,
                                identity = identity().unwrap_or_default(),
                                "the claim is too long for a header, which is empty instead; this is told once a minute"
                            );
                        });
                    }
                }
            }
            _ => {}
        }
        tracing::debug!(route, dialect, outcome, method = question.method, "decided");
    }
}

/// Whether somebody is no proxy that may ask.
pub(crate) fn is_stranger(now: &Snapshot, peer: Option<IpAddr>) -> bool {
    !peer.is_some_and(|peer| now.trusted.contains(peer))
}

/// What a session has to have proven.
fn asked(now: &Snapshot, route: &Route) -> Assurance {
    route.assurance.unwrap_or(now.issuer.settings.assurance)
}

fn no_route(question: &Question<'_>) -> Decision {
    let shown: String = question.route_name().chars().take(128).collect();
    if let Some(extension) = shown.strip_prefix('?').filter(|_| question.dialect == Dialect::Grpc) {
        return Decision::NoRoute(format!(
            "The context extension \"{extension}\" names no route. Write route: NAME into context_extensions in the configuration of Envoy, or none for the route \"{DEFAULT_ROUTE}\"."
        ));
    }
    if shown.starts_with('?') {
        return Decision::NoRoute(format!(
            "The query \"{shown}\" names no route. Write ?route=NAME into the configuration of the proxy, or no query for the route \"{DEFAULT_ROUTE}\"."
        ));
    }
    Decision::NoRoute(format!(
        "There is no route \"{shown}\". Add it under /gateway/routes, or name another one in the configuration of the proxy."
    ))
}

/// What becomes of a session whose owner has an identity schema that the route does not take. Which ones it takes is not for
/// everybody to know.
fn of_another_schema(route: &Route) -> Decision {
    Decision::Forbidden(format!(
        "The session is good, but the identity schema of its owner is none of those that the route \"{}\" takes (schema_ids). Ask whoever runs this service for access.",
        route.name
    ))
}

/// What becomes of a request that brings no session.
fn without_session(now: &Snapshot, route: &Route, question: &Question<'_>) -> Decision {
    if !route.is_required {
        return Decision::pass(now, route, question, None);
    }
    let is_way = route.redirects && question.opens_page();
    Decision::SignIn { way: is_way.then(|| now.sign_in(original(now, question).as_deref())) }
}

/// What becomes of a request with a session that does not do: where no session is needed, it is none.
fn insufficient(now: &Snapshot, route: &Route, question: &Question<'_>, otherwise: Decision) -> Decision {
    if route.is_required { otherwise } else { Decision::pass(now, route, question, None) }
}

/// The session has to prove a second factor. An upstream may have `told` where.
fn second_factor(now: &Snapshot, route: &Route, question: &Question<'_>, told: Option<&str>) -> Decision {
    let page = now.second_factor(told, original(now, question).as_deref());
    let is_way = route.redirects && question.opens_page();
    insufficient(now, route, question, Decision::SecondFactor { page, is_way })
}

/// The address that the client asked for.
fn original(now: &Snapshot, question: &Question<'_>) -> Option<String> {
    question.target.url(now.is_https())
}

/// What becomes of a question whose answer failed.
fn refused(now: &Snapshot, route: &Route, question: &Question<'_>, error: IssuerError) -> Decision {
    let later = |reason: String, retry_after| Decision::Unavailable { reason, retry_after };
    let template = route.token.as_ref().map_or("", |token| token.wanted().template);
    match error {
        error if error.is_no_session() => without_session(now, route, question),
        IssuerError::SecondFactorNeeded => second_factor(now, route, question, None),
        IssuerError::Upstream(UpstreamError::Refused(refusal)) => match refusal.kind {
            // A session token that the upstream cannot read opens nothing.
            RefusalKind::NoSession | RefusalKind::Malformed => without_session(now, route, question),
            RefusalKind::Forbidden => forbidden_elsewhere(now, route, question, &refusal),
            RefusalKind::TooMany => later(PAUSE.into(), refusal.retry_after.unwrap_or(SOON)),
        },
        IssuerError::Upstream(UpstreamError::Paused(left)) => later(PAUSE.into(), left),
        error @ (IssuerError::KeyUnavailable | IssuerError::NoLease(_)) => later(sentence(&error), SOON),
        error if error.is_unavailable() => later("Sessions cannot be looked up.".into(), SOON),
        IssuerError::Refused { template, reason } => Decision::Fault(format!(
            "The template \"{template}\" cannot be used for this session: {reason}. The log of the server has the details."
        )),
        IssuerError::BrokenTemplate { .. } | IssuerError::NoSuchTemplate(_) => Decision::Fault(format!(
            "The template \"{template}\" of the route \"{}\" cannot be used. \"sessera list templates\" says why.",
            route.name
        )),
        error => {
            tracing::error!(%error, "internal error");
            Decision::Fault("The server could not judge the request. Its log says why.".into())
        }
    }
}

/// What becomes of a session that an upstream does not show.
fn forbidden_elsewhere(
    now: &Snapshot,
    route: &Route,
    question: &Question<'_>,
    refusal: &Refusal,
) -> Decision {
    let told: Value = serde_json::from_slice(&refusal.body).unwrap_or_default();
    if told["error"]["id"] == "session_aal2_required" {
        second_factor(now, route, question, told["redirect_browser_to"].as_str())
    } else {
        let reason = "The server that keeps the sessions does not let this one be used. It says why in its own log: ask whoever runs it.";
        insufficient(now, route, question, Decision::Forbidden(reason.into()))
    }
}

fn sentence(error: &IssuerError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
