//! Session cookies of an Ory Kratos from which people moved here. They are read, never made: a request with one is looked at
//! as if it had ours, which says that a browser forgets it at once, so the first whoami gives a browser one that lasts.

mod gob;
mod sealed;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sessera_config::cookies::SessionCookie;
use sessera_http::cookies;
use sessera_model::Timestamp;

/// In which the value of a cookie comes alone.
const ALONE: HeaderName = HeaderName::from_static("x-session-cookie");

/// The most values that are opened.
const MAX_VALUES: usize = 10;

/// The headers with the session cookies of a Kratos in the form that they have here. `None` when there are none.
pub fn translated(headers: &HeaderMap, cookie: &SessionCookie) -> Option<HeaderMap> {
    let has_one = || {
        let alone = headers.get(ALONE).and_then(|value| value.to_str().ok());
        cookies::values(headers, &cookie.name).chain(alone).any(sealed::may_be_one)
    };
    if cookie.is_of_upstream || cookie.kratos_secrets.is_empty() || !has_one() {
        return None;
    }
    let mut values = 0;
    let mut open = |value: &[u8]| {
        let value = std::str::from_utf8(value).ok()?.trim_matches('"');
        if !sealed::may_be_one(value) || values == MAX_VALUES {
            return None;
        }
        values += 1;
        let token = sealed::session_token(&cookie.name, value, &cookie.kratos_secrets)?;
        Some(cookies::session_value(&token, Timestamp::default()))
    };
    let mut changed = headers.clone();
    let mut is_changed = false;
    if let Some(value) = headers.get(ALONE).and_then(|value| open(value.as_bytes())) {
        changed.insert(ALONE, HeaderValue::try_from(value).ok()?);
        is_changed = true;
    }
    changed.remove(header::COOKIE);
    for line in headers.get_all(header::COOKIE) {
        let mut pairs: Vec<Vec<u8>> = Vec::new();
        for pair in line.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            let value = pair.strip_prefix(cookie.name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
            match value.and_then(&mut open) {
                Some(value) => {
                    pairs.push([cookie.name.as_bytes(), b"=", value.as_bytes()].concat());
                    is_changed = true;
                }
                None => pairs.push(pair.to_vec()),
            }
        }
        let line = Bytes::from(pairs.join(&b"; "[..]));
        changed.append(header::COOKIE, HeaderValue::from_maybe_shared(line).ok()?);
    }
    is_changed.then_some(changed)
}

#[cfg(test)]
mod tests {
    use super::sealed::tests::{COOKIES, NAME, TOKEN, secrets};
    use super::*;

    fn cookie() -> SessionCookie {
        let mut cookie = sessera_config::Config::from_tree(&serde_json::json!({})).unwrap().session.cookie;
        cookie.kratos_secrets = secrets();
        cookie
    }

    fn headers(pairs: &[(HeaderName, String)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::try_from(value).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn cookies_of_a_kratos_become_ours_and_others_stay_as_they_are() {
        let sealed = COOKIES[0];
        let line = format!("a=1; {NAME}={sealed};b=\"2\"; {NAME}=ory_st_x.5; not_{NAME}={sealed}");
        let sent = headers(&[
            (header::COOKIE, line),
            (header::COOKIE, format!("{NAME}=\"{}\"", COOKIES[1])),
            (header::ACCEPT, "*/*".into()),
        ]);
        let seen = translated(&sent, &cookie()).unwrap();
        let lines: Vec<_> = seen.get_all(header::COOKIE).iter().map(|line| line.to_str().unwrap()).collect();
        let first = format!("a=1; {NAME}={TOKEN}.0; b=\"2\"; {NAME}=ory_st_x.5; not_{NAME}={sealed}");
        assert_eq!(lines, [first.as_str(), &format!("{NAME}={TOKEN}.0")]);
        assert_eq!(seen[header::ACCEPT], "*/*");
        let alone = translated(&headers(&[(ALONE, sealed.into())]), &cookie()).unwrap();
        assert_eq!(alone["x-session-cookie"], format!("{TOKEN}.0").as_str());
    }

    #[test]
    fn without_one_nothing_is_changed() {
        let sealed = |name: &str| headers(&[(header::COOKIE, format!("{name}={}", COOKIES[0]))]);
        assert_eq!(translated(&HeaderMap::new(), &cookie()), None);
        assert_eq!(
            translated(&headers(&[(header::COOKIE, format!("{NAME}={TOKEN}.1800000000"))]), &cookie()),
            None
        );
        assert_eq!(translated(&sealed("other"), &cookie()), None);
        let none = SessionCookie { kratos_secrets: vec![], ..cookie() };
        let upstream_s = SessionCookie { is_of_upstream: true, ..cookie() };
        for other in [none, upstream_s] {
            assert_eq!(translated(&sealed(NAME), &other), None);
        }
        let many = format!("{NAME}={}; ", COOKIES[0]).repeat(MAX_VALUES + 1);
        let seen = translated(&headers(&[(header::COOKIE, many)]), &cookie()).unwrap();
        let line = seen[header::COOKIE].to_str().unwrap();
        assert_eq!(line.matches(TOKEN).count(), MAX_VALUES);
    }
}
