//! What a request carries to be recognised: a session token, cookies or a bearer token.

pub mod kratos;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use sessera_config::cookies::SessionCookie;
use sessera_http::cookies;
use sessera_issuer::sessions::{Presented, Recognised};
use sessera_issuer::{Compiled, IssuerError, LiveSession, Sessions};

/// Something that a request carries to be recognised.
#[derive(Clone, Copy, Debug)]
pub struct Carried<'a> {
    /// What opens the session.
    pub presented: Presented<'a>,
    /// When a browser forgets the cookie that it came in, in seconds; absent where it does not say.
    pub cookie_ends: Option<i64>,
}

/// A session and what opened it.
#[derive(Debug)]
pub struct Opened<'a> {
    /// What opened it.
    pub carried: Carried<'a>,
    /// The session.
    pub live: Arc<LiveSession>,
    /// Cookies that go to the caller, as an upstream told them.
    pub cookies: Arc<[Bytes]>,
}

/// What a request carries to be recognised, in the order in which it is tried until something opens a session.
///
/// The order is the wire contract's: `X-Session-Token` alone, or the session cookies (or the value of one in
/// `X-Session-Cookie`, for those who cannot set cookies) and `Authorization: Bearer`. There are several
/// cookies of one name when one was set for another path or domain, or by a program that served there before.
///
/// What an upstream set is passed on to it as it is, and only what comes first.
pub fn carried<'a>(headers: &'a HeaderMap, cookie: &'a SessionCookie) -> impl Iterator<Item = Carried<'a>> {
    let most = if cookie.is_of_upstream { 1 } else { usize::MAX };
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let other = |presented| Carried { presented, cookie_ends: None };
    let token = text("x-session-token");
    let has_no_token = token.is_none();
    let alone = text("x-session-cookie").filter(|_| has_no_token);
    let cookies = (has_no_token && alone.is_none()).then(|| cookies::values(headers, &cookie.name));
    let bearer = bearer(headers).filter(|_| has_no_token);
    let all_cookies = alone.into_iter().chain(cookies.into_iter().flatten()).map(|value| {
        let (token, cookie_ends) =
            if cookie.is_of_upstream { (value, Some(i64::MAX)) } else { cookies::parse_session_value(value) };
        Carried { presented: Presented::Cookie(token), cookie_ends }
    });
    let token = token.map(Presented::Token).map(other);
    token.into_iter().chain(all_cookies).chain(bearer.map(Presented::Bearer).map(other)).take(most)
}

/// Everything by which an upstream may recognise a request that is passed on, in whichever order it looks: of each kind
/// the first.
pub fn passed_on<'a>(
    headers: &'a HeaderMap,
    cookie: &'a SessionCookie,
) -> impl Iterator<Item = Presented<'a>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let cookies = [text("x-session-cookie"), cookies::values(headers, &cookie.name).next()];
    let cookies = cookies.into_iter().flatten().map(Presented::Cookie);
    let token = text("x-session-token").map(Presented::Token);
    token.into_iter().chain(cookies).chain(bearer(headers).map(Presented::Bearer))
}

/// The sessions that a request opens which is to change something.
#[derive(Debug, Default)]
pub struct Openings<'a> {
    /// The one that it acts for.
    pub acting: Option<Opened<'a>>,
    /// The others, which a browser would go on with after this one.
    pub others: Vec<Opened<'a>>,
}

/// The first thing that opens a live session, with that session.
pub async fn opened<'a>(
    sessions: &Sessions,
    compiled: &Compiled,
    all: impl Iterator<Item = Carried<'a>>,
) -> Result<Option<Opened<'a>>, IssuerError> {
    for carried in all {
        if let Some(opened) = open(sessions, compiled, carried).await? {
            return Ok(Some(opened));
        }
    }
    Ok(None)
}

/// All sessions that a request opens which is to change something.
///
/// Another host of the domain can plant a cookie in a browser, and nobody can tell which of several that was. So while
/// they open sessions of different people, the request acts for none of them.
pub async fn all_opened<'a>(
    sessions: &Sessions,
    compiled: &Compiled,
    all: impl Iterator<Item = Carried<'a>>,
) -> Result<Openings<'a>, IssuerError> {
    let mut found: Vec<Opened<'a>> = Vec::new();
    for carried in all {
        let is_cookie = matches!(carried.presented, Presented::Cookie(_));
        if !is_cookie && !found.is_empty() {
            break;
        }
        let Some(opened) = open(sessions, compiled, carried).await? else { continue };
        if found.iter().all(|known| known.live.session.id != opened.live.session.id) {
            found.push(opened);
        }
        if !is_cookie {
            break;
        }
    }
    let mut people = found.iter().map(|opened| opened.live.session.identity_id);
    let first = people.next();
    let is_of_one_person = first.is_some() && people.all(|identity_id| Some(identity_id) == first);
    let acting = is_of_one_person.then(|| found.remove(0));
    Ok(Openings { acting, others: found })
}

/// The live session that something opens.
async fn open<'a>(
    sessions: &Sessions,
    compiled: &Compiled,
    carried: Carried<'a>,
) -> Result<Option<Opened<'a>>, IssuerError> {
    match sessions.recognised(compiled, carried.presented).await {
        Ok(Recognised { live, cookies }) => Ok(Some(Opened { carried, live, cookies })),
        Err(error) if error.is_no_session() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The header `Cookie` without the cookies of a name; nothing when no other cookie is in it. Several lines of it become
/// one, as in HTTP/1.1 there may be only one (RFC 6265, section 5.4).
pub fn without_cookie(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    let is_named = |pair: &[u8]| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        pair[..end].trim_ascii() == name.as_bytes()
    };
    let mut left = Vec::new();
    for line in headers.get_all(header::COOKIE) {
        for pair in line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
            // Some proxies join lines by commas.
            let mut parts = pair.split(|byte| *byte == b',').filter(|part| !is_named(part));
            let Some(first) = parts.next().filter(|first| !first.is_empty()) else { continue };
            left.extend_from_slice(if left.is_empty() { b"" } else { b"; " });
            left.extend_from_slice(first.trim_ascii());
            for part in parts {
                left.push(b',');
                left.extend_from_slice(part);
            }
        }
    }
    // The bytes are those of values of headers.
    (!left.is_empty()).then(|| HeaderValue::from_maybe_shared(Bytes::from(left)).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let all = carried(&headers, &cookie);
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
        let all: Vec<_> = carried(&headers, &cookie).collect();
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(
            all[0].presented == Presented::Cookie("b.1800000000") && all[0].cookie_ends == Some(i64::MAX)
        );
    }

    #[test]
    fn an_upstream_may_recognise_a_request_by_whatever_it_carries() {
        let headers = headers(&[
            ("authorization", "Bearer c"),
            ("cookie", "ory_kratos_session=b; ory_kratos_session=old"),
            ("x-session-token", "a"),
            ("x-session-cookie", "d"),
        ]);
        let cookie = cookie(true);
        let all: Vec<_> = passed_on(&headers, &cookie).map(|one| one.as_str().to_owned()).collect();
        assert_eq!(all, ["a", "d", "b", "c"]);
    }

    #[test]
    fn the_session_cookie_is_left_out() {
        let left = |lines: &[&'static str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            without_cookie(&headers(&lines), "s").map(|line| line.to_str().unwrap().to_owned())
        };
        assert_eq!(left(&["a=1; s=x; b=2", "s=y;c=3"]).as_deref(), Some("a=1; b=2; c=3"));
        assert_eq!(left(&["s =x; ss=1;; S=2"]).as_deref(), Some("ss=1; S=2"));
        assert_eq!(left(&["s=x; s=y", "s"]), None);
        assert_eq!(left(&[]), None);
    }

    #[test]
    fn cookies_that_a_proxy_joined_by_commas_are_told_apart() {
        for (line, tokens, left) in [
            ("x=1,ory_kratos_session=S", vec!["S"], Some("x=1")),
            ("x=1, ory_kratos_session=S; y=2,3", vec!["S"], Some("x=1; y=2,3")),
            ("ory_kratos_session=S,x=1", vec!["S"], Some("x=1")),
            ("ory_kratos_session=S,ory_kratos_session=T", vec!["S", "T"], None),
            ("x=1,2; y=a,b=c", vec![], Some("x=1,2; y=a,b=c")),
        ] {
            let presented: Vec<_> = found(&[("cookie", line)]).into_iter().map(|(_, text)| text).collect();
            assert_eq!(presented, tokens, "{line}");
            let left = left.map(HeaderValue::from_static);
            assert_eq!(without_cookie(&headers(&[("cookie", line)]), "ory_kratos_session"), left, "{line}");
        }
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
