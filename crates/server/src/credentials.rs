//! What a request presents to be recognised: a session token, cookies or a bearer token.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use sessera_config::cookies::SessionCookie;
use sessera_http::cookies;
use sessera_issuer::sessions::{Presented, Recognised};
use sessera_issuer::{Compiled, IssuerError, LiveSession, Sessions};

/// A credential of a request.
#[derive(Clone, Copy, Debug)]
pub struct Credential<'a> {
    /// What opens the session.
    pub presented: Presented<'a>,
    /// When a browser forgets the cookie that it came in, in seconds; absent where it does not say.
    pub cookie_ends: Option<i64>,
}

/// A session and the credential that opened it.
pub(crate) struct Opened<'a> {
    pub(crate) credential: Credential<'a>,
    pub(crate) live: Arc<LiveSession>,
    /// Cookies that go to the caller, as an upstream told them.
    pub(crate) cookies: Arc<[Bytes]>,
}

/// The credentials of a request in the order in which they are tried until one opens a session.
///
/// The order is the wire contract's: `X-Session-Token` alone, or the session cookies (or the value of one in
/// `X-Session-Cookie`, for those who cannot set cookies) and `Authorization: Bearer`. There are several
/// cookies of one name when one was set for another path or domain, or by a program that served there before.
///
/// What an upstream set is passed on to it as it is, and the first credential alone.
pub fn presented<'a>(
    headers: &'a HeaderMap,
    cookie: &'a SessionCookie,
) -> impl Iterator<Item = Credential<'a>> {
    let most = if cookie.is_of_upstream { 1 } else { usize::MAX };
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let other = |presented| Credential { presented, cookie_ends: None };
    let token = text("x-session-token");
    let has_no_token = token.is_none();
    let alone = text("x-session-cookie").filter(|_| has_no_token);
    let cookies = (has_no_token && alone.is_none()).then(|| cookies::values(headers, &cookie.name));
    let bearer = bearer(headers).filter(|_| has_no_token);
    let all_cookies = alone.into_iter().chain(cookies.into_iter().flatten()).map(|value| {
        let (token, cookie_ends) =
            if cookie.is_of_upstream { (value, Some(i64::MAX)) } else { cookies::parse_session_value(value) };
        Credential { presented: Presented::Cookie(token), cookie_ends }
    });
    let token = token.map(Presented::Token).map(other);
    token.into_iter().chain(all_cookies).chain(bearer.map(Presented::Bearer).map(other)).take(most)
}

/// The first of some credentials that opens a live session, with that session.
pub(crate) async fn opened<'a>(
    sessions: &Sessions,
    compiled: &Compiled,
    credentials: impl Iterator<Item = Credential<'a>>,
) -> Result<Option<Opened<'a>>, IssuerError> {
    for credential in credentials {
        match sessions.recognised(compiled, credential.presented).await {
            Ok(Recognised { live, cookies }) => return Ok(Some(Opened { credential, live, cookies })),
            Err(error) if error.is_no_session() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    /// The kinds and texts of what a request presents.
    fn found(pairs: &[(&'static str, &'static str)]) -> Vec<(&'static str, String)> {
        let headers = headers(pairs);
        let kind = |presented| match presented {
            Presented::Token(_) => "token",
            Presented::Cookie(_) => "cookie",
            Presented::Bearer(_) => "bearer",
        };
        let cookie = cookie(false);
        let all = presented(&headers, &cookie);
        all.map(|one| (kind(one.presented), one.presented.as_str().to_owned())).collect()
    }

    #[test]
    fn the_order_is_token_cookies_bearer() {
        let all = [
            ("authorization", "Bearer c"),
            ("cookie", "other=x; ory_kratos_session=b.1800000000; ory_kratos_session=old"),
            ("x-session-token", "a"),
        ];
        let (token, b, old, bearer) = (
            ("token", "a".to_owned()),
            ("cookie", "b".to_owned()),
            ("cookie", "old".to_owned()),
            ("bearer", "c".to_owned()),
        );
        assert_eq!(found(&all), [token]);
        assert_eq!(found(&all[..2]), [b, old, bearer.clone()]);
        assert_eq!(found(&all[..1]), [bearer]);
        assert_eq!(found(&[("x-session-cookie", "d.1"), all[1]]), [("cookie", "d".to_owned())]);
        assert_eq!(found(&[]), []);
    }

    fn cookie(is_of_upstream: bool) -> SessionCookie {
        let mut cookie = sessera_config::Config::from_tree(&serde_json::json!({})).unwrap().session.cookie;
        cookie.is_of_upstream = is_of_upstream;
        cookie
    }

    #[test]
    fn the_cookie_of_an_upstream_is_taken_as_it_is_and_nothing_else_is_tried() {
        let headers = headers(&[
            ("cookie", "ory_kratos_session=b.1800000000; ory_kratos_session=old"),
            ("authorization", "Bearer c"),
        ]);
        let cookie = cookie(true);
        let all: Vec<_> = presented(&headers, &cookie).collect();
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(
            all[0].presented == Presented::Cookie("b.1800000000") && all[0].cookie_ends == Some(i64::MAX)
        );
    }

    #[test]
    fn what_presents_nothing_is_nothing() {
        assert_eq!(found(&[("x-session-token", "")]), []);
        assert_eq!(found(&[("cookie", "ory_kratos_session=")]), []);
        assert_eq!(found(&[("cookie", "ory_kratos_session")]), []);
        assert_eq!(found(&[("authorization", "Basic abc")]), []);
        assert_eq!(found(&[("authorization", "Bearer  ")]), []);
        assert_eq!(found(&[("authorization", "bearer x")]), [("bearer", "x".to_owned())]);
    }
}
