//! Cookies: how they are read, and how they are set.

use std::fmt::Write as _;

use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use sessera_config::cookies::CookieScope;
use sessera_model::Timestamp;

/// The most values of one name that are looked at. Browsers send as many as there are paths and domains for
/// which the cookie was set.
const MAX_VALUES: usize = 10;

/// How names of cookies begin that content delivery networks, firewalls and load balancers add to every
/// request: they do not say that a browser sent it.
const OF_PROXIES: &[&str] = &[
    // Cloudflare
    "__cf",
    "_cfuvid",
    "cf_",
    // Amazon
    "AWSALB",
    "AWSELB",
    "aws-waf-token",
    // Google
    "GCLB",
    "GCILB",
    // Microsoft
    "ARRAffinity",
    "ApplicationGatewayAffinity",
    "ASLBSA",
    // Akamai
    "ak_bmsc",
    "bm_",
    "_abck",
    "akaalb_",
    "akavpau_",
    "AKA_",
    // Imperva
    "incap_ses_",
    "visid_incap_",
    "nlbi_",
    // F5
    "BIGipServer",
    "f5_",
    "f5avr",
    // Citrix
    "NSC_",
    "citrix_ns_id",
    // Alibaba, DigitalOcean, Oracle
    "acw_tc",
    "DO-LB",
    "X-Oracle-BMC-LBS-Route",
    // Barracuda, Fortinet, Radware, Sucuri
    "BNI_",
    "BNES_",
    "FGTServer",
    "cookiesession1",
    "rdwr",
    "sucuri_cloudproxy_",
    // HAProxy, ingress-nginx, Heroku
    "SERVERID",
    "INGRESSCOOKIE",
    "heroku-session-affinity",
    // Fly
    "fly-instance",
    "fly-machine",
    // DataDome, Radware's bot manager
    "datadome",
    "__uzm",
    // Balancers in front of Java
    "JSESSIONID",
];

/// The whole name of the cookie of nginx's sticky sessions. Names of others begin so.
const OF_NGINX: &[u8] = b"route";

/// Whether a name is one of F5's firewall: `TS` and the number of a rule in hexadecimal.
fn is_of_f5(name: &[u8]) -> bool {
    name.strip_prefix(b"TS")
        .and_then(|rest| rest.get(..6))
        .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// The cookies of a request, by name and value (RFC 6265, section 4.2). Whatever bytes others have in theirs
/// is nothing to us.
fn all(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')).map(pair)
}

/// The name and the value of a cookie.
fn pair(pair: &[u8]) -> (&[u8], &[u8]) {
    let pair = pair.trim_ascii();
    let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
    (&pair[..end], pair.get(end + 1..).unwrap_or_default())
}

/// The cookies of a request that are text, by name and value.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let text = |(name, value)| {
        let (name, value) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?);
        Some((name, value.trim_matches('"'))).filter(|(name, _)| !name.is_empty())
    };
    all(headers).filter_map(text)
}

/// The values of the cookies of a name, in the order in which they were sent. Some proxies join lines by commas, which no
/// value has (RFC 6265, section 4.1.1).
pub fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| matches!(byte, b';' | b',')).map(pair))
        .filter(move |(found, _)| *found == name.as_bytes())
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
        .map(|value| value.trim_matches('"'))
        .filter(|value| !value.is_empty())
        .take(MAX_VALUES)
}

/// Whether a request has a cookie that only browsers have: one that no proxy on the way has set.
pub fn has_one_of_a_browser(headers: &HeaderMap) -> bool {
    let is_of_proxy = |name: &[u8]| {
        name == OF_NGINX
            || is_of_f5(name)
            || OF_PROXIES.iter().any(|start| {
                name.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start.as_bytes()))
            })
    };
    all(headers).any(|(name, _)| !name.is_empty() && !is_of_proxy(name))
}

/// The value of a session cookie: the session's token, and when a browser forgets the cookie. By the latter
/// it is seen whether the session has been made longer since.
pub fn session_value(token: &str, ends: Timestamp) -> String {
    format!("{token}.{}", ends.seconds())
}

/// Takes the value of a session cookie apart. One of an earlier version does not say when it ends.
pub fn parse_session_value(value: &str) -> (&str, Option<i64>) {
    let parts = value.rsplit_once('.').filter(|(_, ends)| ends.bytes().all(|byte| byte.is_ascii_digit()));
    match parts.and_then(|(token, ends)| Some((token, ends.parse().ok()?))) {
        Some((token, ends)) => (token, Some(ends)),
        None => (value, None),
    }
}

/// Sets a cookie. It lives for `max_age` seconds, or as long as the browser is open. An error when a header cannot hold
/// the name or the value.
pub fn set(
    response: &mut Response,
    name: &str,
    value: &str,
    max_age: Option<u64>,
    scope: &CookieScope,
    is_https: bool,
) -> Result<(), InvalidHeaderValue> {
    let mut cookie = format!("{name}={value}; Path={}", scope.path);
    if let Some(domain) = &scope.domain {
        let _ = write!(cookie, "; Domain={domain}");
    }
    if let Some(max_age) = max_age {
        let _ = write!(cookie, "; Max-Age={max_age}");
    }
    cookie.push_str("; HttpOnly");
    if scope.secure || is_https {
        cookie.push_str("; Secure");
    }
    let _ = write!(cookie, "; SameSite={}", scope.same_site.as_str());
    let cookie = HeaderValue::from_str(&cookie)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    fn found(lines: &[&[u8]]) -> Vec<String> {
        values(&headers(lines), "s").map(str::to_owned).collect()
    }

    #[test]
    fn all_values_of_a_name_are_found_whatever_stands_around_them() {
        assert_eq!(found(&[b"s=1; x=2; s=3", b"s=\"4\";s=5"]), ["1", "3", "4", "5"]);
        assert_eq!(found(&["n=é; s=1".as_bytes(), b"\xff\xfe=\xff; ;=;;s=2;s"]), ["1", "2"]);
        assert_eq!(found(&[b"s=\xff; s=; s=\"\"; s=a=b; S=2; ss=3"]), ["a=b"]);
        assert_eq!(found(&[b""]), [""; 0]);
        assert_eq!(found(&[b"s=1;".repeat(1000).as_slice()]).len(), MAX_VALUES);
    }

    #[test]
    fn cookies_of_proxies_do_not_make_a_browser() {
        for line in [
            "",
            ";",
            " ; ",
            "__cf_bm=x; __cflb=y; cf_clearance=z; _cfuvid=1",
            "AWSALB=x; AWSALBCORS=x; AWSALBAPP-0=_remove_; AWSELB=1",
            "ARRAffinity=1; ARRAffinitySameSite=1; ApplicationGatewayAffinityCORS=1; GCLB=\"x\"",
            "BIGipServerpool_id=1.2.3; incap_ses_1_2=x; visid_incap_2=y; ak_bmsc=1; bm_sv=2; serverid=s1",
            "route=x; TS01abcd=x; TS01abcdef_77=x; datadome=x; __uzma=x; __uzmb=1; fly-instance=x; JSESSIONID=x",
        ] {
            assert!(!has_one_of_a_browser(&headers(&[line.as_bytes()])), "{line}");
        }
        for line in [
            "ory_kratos_session=x",
            "csrf_token_x=1",
            "__cf_bm=x; theme=dark",
            "x",
            "n=\u{e9}",
            "router=1",
            "TSx=1",
            "TS01=1",
        ] {
            assert!(has_one_of_a_browser(&headers(&[line.as_bytes()])), "{line}");
        }
    }

    #[test]
    fn a_session_cookie_says_when_it_ends() {
        let value = session_value("ory_st_x", Timestamp::from_seconds(1_800_000_000));
        assert_eq!(parse_session_value(&value), ("ory_st_x", Some(1_800_000_000)));
        for old in ["ory_st_x", "a.b.c", "x.", "x.99999999999999999999", ".-1"] {
            assert_eq!(parse_session_value(old).1, None, "{old}");
        }
        assert_eq!(parse_session_value("ory_st_x").0, "ory_st_x");
    }
}
