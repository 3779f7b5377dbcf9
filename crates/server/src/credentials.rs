//! What a request presents to be recognised: a session token, a cookie or a bearer token.

use axum::http::{HeaderMap, header};

use sessera_issuer::sessions::Presented;

/// What the request presents, or nothing.
///
/// The order is the wire contract's: `X-Session-Token`, the session cookie (or its value alone in
/// `X-Session-Cookie`, for those who cannot set cookies), `Authorization: Bearer`.
pub fn presented<'a>(headers: &'a HeaderMap, cookie_name: &str) -> Option<Presented<'a>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    if let Some(token) = text("x-session-token") {
        return Some(Presented::Token(token));
    }
    if let Some(cookie) = text("x-session-cookie").or_else(|| cookie(headers, cookie_name)) {
        return Some(Presented::Cookie(cookie));
    }
    bearer(headers).map(Presented::Bearer)
}

/// The value of a cookie (RFC 6265, section 4.2); the first one when a name comes twice.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| value.trim_matches('"'))
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

    fn found(pairs: &[(&'static str, &'static str)]) -> Option<(bool, String)> {
        let headers = headers(pairs);
        presented(&headers, "ory_kratos_session")
            .map(|p| (matches!(p, Presented::Cookie(_)), p.as_str().to_owned()))
    }

    #[test]
    fn the_order_is_token_cookie_bearer() {
        let all = [
            ("authorization", "Bearer c"),
            ("cookie", "other=x; ory_kratos_session=b"),
            ("x-session-token", "a"),
        ];
        assert_eq!(found(&all), Some((false, "a".into())));
        assert_eq!(found(&all[..2]), Some((true, "b".into())));
        assert_eq!(found(&all[..1]), Some((false, "c".into())));
        assert_eq!(found(&[("x-session-cookie", "d"), all[1]]), Some((true, "d".into())));
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn what_presents_nothing_is_nothing() {
        assert_eq!(found(&[("x-session-token", "")]), None);
        assert_eq!(found(&[("cookie", "ory_kratos_session=")]), None);
        assert_eq!(found(&[("cookie", "ory_kratos_session")]), None);
        assert_eq!(found(&[("authorization", "Basic abc")]), None);
        assert_eq!(found(&[("authorization", "Bearer  ")]), None);
        assert_eq!(found(&[("authorization", "bearer x")]), Some((false, "x".into())));
    }
}
