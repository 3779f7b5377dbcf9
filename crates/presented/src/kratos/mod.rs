//! Session cookies of an Ory Kratos from which people moved here. They are read, never made: a request with one is looked at
//! as if it had ours, which says that a browser forgets it at once, so the first whoami gives a browser one that lasts.

mod gob;
mod securecookie;
mod versioned;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use sessera_config::cookies::SessionCookie;
use sessera_http::cookies;
use sessera_model::{Secret, Timestamp};

/// In which the value of a cookie comes alone.
const ALONE: HeaderName = HeaderName::from_static("x-session-cookie");

/// The most values that are opened.
const MAX_VALUES: usize = 10;

/// The longest value that Kratos makes, in bytes.
const MAX_VALUE: usize = 4096;

/// The shortest that is looked at. It is far longer than those that are made here.
const MIN_VALUE: usize = 100;

/// What a cookie has the session token under.
const MEMBER: &str = "session_token";

/// How a Kratos has sealed a cookie.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Form {
    /// With gorilla's securecookie.
    Securecookie,
    /// With a version in front, which is the newer form.
    V1,
}

impl Form {
    /// Both forms.
    pub const ALL: [Self; 2] = [Self::Securecookie, Self::V1];

    /// The form of a value that has a chance to be one.
    fn of(value: &str) -> Option<Self> {
        if !(MIN_VALUE..=MAX_VALUE).contains(&value.len()) {
            return None;
        }
        let (form, sealed) = match value.strip_prefix(versioned::PREFIX) {
            Some(sealed) => (Self::V1, sealed),
            None => (Self::Securecookie, value),
        };
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
        sealed.bytes().all(is_base64).then_some(form)
    }

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Securecookie => "securecookie",
            Self::V1 => "v1",
        }
    }

    /// The session token in a value of this form. `None` when none of the secrets has sealed it.
    fn session_token(self, name: &str, value: &str, secrets: &[Secret]) -> Option<String> {
        let token = match self {
            Self::Securecookie => securecookie::session_token(name, value, secrets),
            Self::V1 => versioned::session_token(name, value, secrets),
        };
        // It becomes the value of a cookie.
        let is_plain = |token: &str| token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        token.filter(|token| !token.is_empty() && is_plain(token))
    }
}

/// The session token in values that are an object.
fn member_of_object(values: &Value) -> Option<String> {
    values.get(MEMBER)?.as_str().map(str::to_owned)
}

/// A request as it would be with cookies of ours.
#[derive(Debug, Eq, PartialEq)]
pub struct Translated {
    /// Its headers.
    pub headers: HeaderMap,
    /// The forms that its cookies had.
    pub forms: BTreeSet<Form>,
}

/// A request with the session cookies of a Kratos in the form that they have here. `None` when there are none.
pub fn translated(headers: &HeaderMap, cookie: &SessionCookie) -> Option<Translated> {
    let has_one = || {
        let alone = headers.get(ALONE).and_then(|value| value.to_str().ok());
        cookies::values(headers, &cookie.name).chain(alone).any(|value| Form::of(value).is_some())
    };
    if cookie.is_of_upstream || cookie.kratos_secrets.is_empty() || !has_one() {
        return None;
    }
    let (mut values, mut forms) = (0, BTreeSet::new());
    let mut open = |value: &[u8]| {
        let value = std::str::from_utf8(value).ok()?.trim_matches('"');
        let form = Form::of(value).filter(|_| values < MAX_VALUES)?;
        values += 1;
        let token = form.session_token(&cookie.name, value, &cookie.kratos_secrets)?;
        forms.insert(form);
        Some(cookies::session_value(&token, Timestamp::default()))
    };
    let mut changed = headers.clone();
    if let Some(value) = headers.get(ALONE).and_then(|value| open(value.as_bytes())) {
        changed.insert(ALONE, HeaderValue::try_from(value).ok()?);
    }
    changed.remove(header::COOKIE);
    for line in headers.get_all(header::COOKIE) {
        let mut pairs: Vec<Vec<u8>> = Vec::new();
        for pair in line.as_bytes().split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            let value = pair.strip_prefix(cookie.name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
            match value.and_then(&mut open) {
                Some(value) => pairs.push([cookie.name.as_bytes(), b"=", value.as_bytes()].concat()),
                None => pairs.push(pair.to_vec()),
            }
        }
        let line = Bytes::from(pairs.join(&b"; "[..]));
        changed.append(header::COOKIE, HeaderValue::from_maybe_shared(line).ok()?);
    }
    (!forms.is_empty()).then_some(Translated { headers: changed, forms })
}

#[cfg(test)]
mod tests {
    use super::securecookie::tests::{COOKIES, NAME, TOKEN, secrets};
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
        let Translated { headers: seen, forms } = translated(&sent, &cookie()).unwrap();
        assert!(forms.iter().eq(&[Form::Securecookie]));
        let lines: Vec<_> = seen.get_all(header::COOKIE).iter().map(|line| line.to_str().unwrap()).collect();
        let first = format!("a=1; {NAME}={TOKEN}.0; b=\"2\"; {NAME}=ory_st_x.5; not_{NAME}={sealed}");
        assert_eq!(lines, [first.as_str(), &format!("{NAME}={TOKEN}.0")]);
        assert_eq!(seen[header::ACCEPT], "*/*");
        let alone = translated(&headers(&[(ALONE, sealed.into())]), &cookie()).unwrap();
        assert_eq!(alone.headers["x-session-cookie"], format!("{TOKEN}.0").as_str());
    }

    #[test]
    fn the_newer_form_is_read_too_and_told_from_the_older_one() {
        let newer = versioned::tests::COOKIES[0];
        let of = |value: &str| headers(&[(header::COOKIE, format!("{NAME}={value}"))]);
        let seen = translated(&of(newer), &cookie()).unwrap();
        assert_eq!(seen.headers[header::COOKIE], format!("{NAME}={TOKEN}.0").as_str());
        assert!(seen.forms.iter().eq(&[Form::V1]));
        let both = translated(&of(&format!("{newer}; {NAME}={}", COOKIES[0])), &cookie()).unwrap();
        assert!(both.forms.iter().eq(&[Form::Securecookie, Form::V1]));
        assert_eq!(translated(&of(&newer.replacen("v1.", "v2.", 1)), &cookie()), None);
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
        let line = seen.headers[header::COOKIE].to_str().unwrap();
        assert_eq!(line.matches(TOKEN).count(), MAX_VALUES);
    }

    #[test]
    fn what_is_too_short_or_too_long_or_no_base64_is_not_looked_at() {
        let longest = "A".repeat(MAX_VALUE);
        assert_eq!(Form::of(&longest), Some(Form::Securecookie));
        for value in
            ["", "MTc5", "ory_st_x.1800000000", &format!("{longest}A"), &longest.replacen('A', ".", 1)]
        {
            assert_eq!(Form::of(value), None, "{value}");
        }
    }
}
