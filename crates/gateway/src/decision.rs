//! What becomes of a question.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use bytes::Bytes;
use sessera_issuer::GivenToken;
use sessera_issuer::sessions::Presented;
use sessera_presented::{Carried, without_cookie};

use crate::question::Question;
use crate::routes::Route;
use crate::snapshot::Snapshot;
use crate::values;

/// The longest token that goes into a header. Proxies refuse longer ones without a word.
const LONGEST_TOKEN: usize = 8 * 1024;

/// An empty value, which takes the place of what a client sent.
pub(crate) const EMPTY: HeaderValue = HeaderValue::from_static("");

/// The headers in which sessions come and that mean nothing to apps.
const OF_SESSIONS: [HeaderName; 2] =
    [HeaderName::from_static("x-session-token"), HeaderName::from_static("x-session-cookie")];

/// How the tokens of sessions begin, those of an Ory Kratos among them.
const SESSION_TOKEN: &str = "ory_st_";

/// What becomes of a question.
#[derive(Debug)]
pub enum Decision {
    /// The request passes.
    Pass(Pass),
    /// Nobody is signed in.
    SignIn {
        /// Where the browser is sent to sign in; nothing where it cannot be sent.
        way: Option<String>,
    },
    /// A header by which somebody is recognised stands there more than once, so nobody is.
    Contradiction(&'static HeaderName),
    /// The session has to prove a second factor.
    SecondFactor {
        /// Where that is done.
        page: String,
        /// Whether the browser can be sent there.
        is_way: bool,
    },
    /// The session is good, and its owner may not pass. The text says why, and whom to ask.
    Forbidden(String),
    /// Whoever asks is no proxy that may ask.
    Stranger {
        /// Its address, where that is known.
        peer: Option<IpAddr>,
    },
    /// Something that the answer takes is not there right now.
    Unavailable {
        /// What, and what to do about it.
        reason: String,
        /// When to ask again.
        retry_after: Duration,
    },
    /// There is no route of the name that the question gives. The text says what to do about it.
    NoRoute(String),
    /// Somebody has to mend something. The text says what.
    Fault(String),
}

/// How a request passes.
#[derive(Debug)]
pub struct Pass {
    /// Whether it has a session.
    pub has_session: bool,
    /// Every header that the app is promised, and those of the client that do not reach it as they came.
    pub headers: Vec<(HeaderName, Fate)>,
    /// The token that the app gets.
    pub token: Option<Arc<GivenToken>>,
    /// Cookies that go to the client, as an upstream told them.
    pub cookies: Arc<[Bytes]>,
    /// The claims that do not fit the headers that they are for, which are empty instead.
    pub left_out: Vec<LeftOut>,
}

/// A claim that is too long for its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The header.
    pub header: HeaderName,
    /// The name of the claim.
    pub claim: String,
}

/// What becomes of a header of the client's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has this value, whatever the client sent.
    Set(HeaderValue),
    /// It does not reach the app.
    Remove,
    /// It reaches the app as it came, which may be not at all.
    Keep(Option<HeaderValue>),
}

/// A session that lets a request pass.
pub(crate) struct Admitted<'a> {
    pub(crate) carried: Carried<'a>,
    pub(crate) token: Option<Arc<GivenToken>>,
    pub(crate) cookies: Arc<[Bytes]>,
}

impl Decision {
    /// Its name where decisions are counted and logged.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Pass(_) => "pass",
            Self::SignIn { .. } | Self::Contradiction(_) => "sign_in",
            Self::SecondFactor { .. } => "second_factor",
            Self::Forbidden(_) => "forbidden",
            Self::Stranger { .. } => "stranger",
            Self::Unavailable { .. } => "unavailable",
            Self::NoRoute(_) => "no_route",
            Self::Fault(_) => "fault",
        }
    }

    /// The request passes with a session, or without one.
    pub(crate) fn pass(
        now: &Snapshot,
        route: &Route,
        question: &Question<'_>,
        admitted: Option<Admitted<'_>>,
    ) -> Self {
        let opened_by = admitted.as_ref().map(|admitted| admitted.carried.presented);
        let (token, cookies) =
            admitted.map_or_else(|| (None, Arc::default()), |admitted| (admitted.token, admitted.cookies));
        let (mut headers, mut left_out) = (Vec::with_capacity(8), Vec::new());
        if let Some(of_route) = &route.token {
            let is_authorization = of_route.header == header::AUTHORIZATION;
            let fate = match &token {
                None => Fate::Remove,
                Some(token) => {
                    let text = if is_authorization { token.with_scheme() } else { token.alone() };
                    if token.alone().len() > LONGEST_TOKEN {
                        return Self::Fault(too_long(of_route.wanted().template, token.alone().len()));
                    }
                    // A token has letters, digits and a few signs.
                    HeaderValue::from_maybe_shared(text).map_or(Fate::Remove, Fate::Set)
                }
            };
            headers.push((of_route.header.clone(), fate));
            for (name, claim) in &of_route.claims {
                let value =
                    token.as_ref().map_or(Ok(EMPTY), |token| values::of_claim(token.claims().get(claim)));
                let value = value.unwrap_or_else(|values::TooLong| {
                    left_out.push(LeftOut { header: name.clone(), claim: claim.clone() });
                    EMPTY
                });
                headers.push((name.clone(), if value.is_empty() { Fate::Remove } else { Fate::Set(value) }));
            }
        }
        headers.push((header::COOKIE, cookie(now, question)));
        headers.extend(OF_SESSIONS.map(|name| (name, Fate::Remove)));
        if !headers.iter().any(|(name, _)| *name == header::AUTHORIZATION) {
            // What opens a session is nothing that the app should be able to use, whether or not it opened this one.
            let opens = matches!(opened_by, Some(Presented::Bearer(_))) || names_a_session(question);
            let fate = if opens {
                Fate::Remove
            } else {
                Fate::Keep(question.headers.get(header::AUTHORIZATION).cloned())
            };
            headers.push((header::AUTHORIZATION, fate));
        }
        Self::Pass(Pass { has_session: opened_by.is_some(), headers, token, cookies, left_out })
    }
}

/// Whether the client's `Authorization` has the token of a session in it.
fn names_a_session(question: &Question<'_>) -> bool {
    let has_one = |line: &HeaderValue| {
        let mut parts = line.as_bytes().windows(SESSION_TOKEN.len());
        parts.any(|part| part == SESSION_TOKEN.as_bytes())
    };
    question.headers.get_all(header::AUTHORIZATION).iter().any(has_one)
}

/// What becomes of the client's cookies: all but that of the session reach the app.
fn cookie(now: &Snapshot, question: &Question<'_>) -> Fate {
    match without_cookie(question.headers, &now.rules().cookie.name) {
        None => Fate::Remove,
        // Several lines become one.
        Some(left) if question.headers.get_all(header::COOKIE).iter().eq([&left]) => Fate::Keep(Some(left)),
        Some(left) => Fate::Set(left),
    }
}

fn too_long(template: &str, length: usize) -> String {
    format!(
        "The token of the template \"{template}\" is {length} bytes long, and proxies take {LONGEST_TOKEN} at the most in a header. Let its claims mapper put less into it."
    )
}
