//! What has to be thought of when requests are passed on.
//!
//! Method, path, query, body and the headers that are meant for the other end stay as they are. What concerns one
//! connection alone is left out (RFC 9110, section 7.6.1), so nobody can pass a second request off as a part of the
//! first.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use sessera_http::paths::{leads_up, plain};
use sessera_model::{Secret, Uuid};

/// Headers that concern one connection, beside those that `Connection` names.
const OF_CONNECTIONS: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers in which proxies name the client by one address. Other proxies pass on what the client wrote into them.
const ADDRESSES: [&str; 7] = [
    "x-real-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "x-client-ip",
    "x-cluster-client-ip",
    "fastly-client-ip",
];

/// What a GET changes: signing out, and the links of mails that prove an address or let somebody in again.
const CHANGING_GETS: [&str; 3] =
    ["/self-service/logout", "/self-service/recovery", "/self-service/verification"];

/// Below it come the answers of other providers, which sign in, link accounts and prove more about a session.
const ANSWERS_OF_PROVIDERS: &str = "/self-service/methods/";

/// How native clients sign out, with the session token in the body.
const NATIVE_LOGOUT: &str = "/self-service/logout/api";

/// Whether a request to the public API can change the session of whoever sends it.
pub fn can_change_sessions(parts: &Parts) -> bool {
    let path = plain(parts.uri.path());
    let path = path.trim_end_matches('/');
    !is_safe(&parts.method) || CHANGING_GETS.contains(&path) || path.starts_with(ANSWERS_OF_PROVIDERS)
}

/// Whether the body of a request holds the session token that is to end.
pub fn is_native_logout(parts: &Parts) -> bool {
    !is_safe(&parts.method) && plain(parts.uri.path()).trim_end_matches('/') == NATIVE_LOGOUT
}

/// The session tokens in the body of a logout of a native client.
///
/// Kratos reads it as Go does: whatever the case of the name is, the last one counts that is no null, and what stands behind the object
/// does not. So each one counts here.
pub fn tokens_of_logout(body: &[u8]) -> Vec<Secret> {
    let first = serde_json::Deserializer::from_slice(body).into_iter::<Members>().next();
    let Some(Ok(Members(members))) = first else { return Vec::new() };
    // Two letters outside of ASCII are taken for an s and a k.
    let is_named = |name: &str| name.to_lowercase().to_uppercase() == "SESSION_TOKEN";
    let named = members.iter().filter(|(name, _)| is_named(name));
    named.filter_map(|(_, value)| value.as_str()).map(|token| Secret::new(token.to_owned())).collect()
}

/// The members of an object, also those of one name.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct OfObject;

        impl<'de> Visitor<'de> for OfObject {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        value.deserialize_map(OfObject)
    }
}

/// What a request to the admin API may change: what has the ids in its path, or all when there is none.
pub fn changed_by_operator(parts: &Parts) -> Vec<Option<Uuid>> {
    if is_safe(&parts.method) {
        return Vec::new();
    }
    let path = plain(parts.uri.path());
    let ids = path.split('/').filter_map(|part| Uuid::parse_str(part).ok());
    let ids: Vec<_> = ids.map(Some).collect();
    if ids.is_empty() { vec![None] } else { ids }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Why a request is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpassable {
    /// It would make a WebSocket or a tunnel of the connection.
    #[error(
        "A connection that becomes another one, such as a WebSocket, is not passed on. Ask the upstream directly."
    )]
    Upgrade,
    /// Its body is encoded for the way in a manner that would be lost.
    #[error(
        "The body is sent with a Transfer-Encoding other than \"chunked\". Send it as it is, or name its encoding in Content-Encoding."
    )]
    Encoding,
    /// Its `Host` is none.
    #[error("The header Host must be a host, perhaps with a port.")]
    Host,
    /// Its path could lead out of the path below which the upstream's API lies.
    #[error("The path must begin with a slash and have no parts such as \"..\".")]
    Path,
}

/// Refuses what cannot be passed on. Other protocols that a client offers may be ignored (RFC 9110, section 7.8), but who
/// asks for a WebSocket has nothing from another answer.
pub fn check(parts: &Parts) -> Result<(), Unpassable> {
    let mut offers = parts.headers.get_all(header::UPGRADE).iter();
    let is_web_socket = |offer: &HeaderValue| {
        String::from_utf8_lossy(offer.as_bytes()).to_ascii_lowercase().contains("websocket")
    };
    if parts.method == Method::CONNECT || offers.any(is_web_socket) {
        return Err(Unpassable::Upgrade);
    }
    let path = parts.uri.path();
    if !path.starts_with('/') || path.contains('\\') || leads_up(&plain(path)) {
        return Err(Unpassable::Path);
    }
    let lower = path.to_ascii_lowercase();
    if lower.contains("%5c") {
        return Err(Unpassable::Path);
    }
    // What is passed on is sent in chunks anew, and says no more how it was encoded before.
    let mut codings = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if !codings.next().is_none_or(is_chunked) || codings.next().is_some() {
        return Err(Unpassable::Encoding);
    }
    if !parts.headers.get_all(header::HOST).iter().all(is_host) {
        return Err(Unpassable::Host);
    }
    Ok(())
}

/// Whether a value names a host, perhaps with a port (RFC 9112, section 3.2).
fn is_host(value: &HeaderValue) -> bool {
    value.is_empty()
        || value
            .to_str()
            .is_ok_and(|text| !text.contains('@') && text.parse::<axum::http::uri::Authority>().is_ok())
}

/// Leaves out what concerns one connection alone.
pub fn leave_connection_out(headers: &mut HeaderMap) {
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    // Who is asked is for everybody on the way, whatever a client says of it.
    let named: Vec<HeaderName> = named.filter(|name| *name != header::HOST).collect();
    for name in named.into_iter().chain(OF_CONNECTIONS).chain([PROXY_CONNECTION]) {
        headers.remove(name);
    }
}

/// Leaves out of an answer what concerns one connection alone. A length beside chunks is none (RFC 9112, section 6.3).
pub fn leave_connection_out_of_answer(headers: &mut HeaderMap) {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    leave_connection_out(headers);
}

/// Adds the cookies that came with a question before, which are for whoever made the request. What the answer itself says
/// of a cookie is newer.
pub fn add_cookies(headers: &mut HeaderMap, told_before: &[Bytes]) {
    let name =
        |cookie: &[u8]| cookie.split(|byte| *byte == b'=').next().map(|name| name.trim_ascii().to_vec());
    let newer: Vec<_> =
        headers.get_all(header::SET_COOKIE).iter().map(|value| name(value.as_bytes())).collect();
    for cookie in told_before.iter().filter(|cookie| !newer.contains(&name(cookie))) {
        if let Ok(value) = HeaderValue::from_bytes(cookie) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}

/// Whom a request of HTTP/2 asks, as HTTP/1.1 says it (RFC 9113, section 8.3.1).
pub fn name_the_host(parts: &mut Parts) {
    if !parts.headers.contains_key(header::HOST)
        && let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(header::HOST, host);
    }
}

/// HTTP/2 may send cookies one by one, which HTTP/1.1 may not (RFC 9113, section 8.2.3).
pub fn join_cookies(headers: &mut HeaderMap) {
    let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if all.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, joined);
    }
}

/// Says who asks, and under which address. What clients say of themselves about that is believed only when they are
/// proxies that are trusted. `client` is the address for which they ask, as far as it is known.
pub fn tell_of_the_client(
    headers: &mut HeaderMap,
    peer: Option<IpAddr>,
    client: Option<IpAddr>,
    is_trusted: bool,
    scheme: &'static str,
) {
    let told = headers.keys().filter(|name| {
        // Programs behind CGI take an underscore for a hyphen.
        let text = name.as_str().replace('_', "-");
        let is_disguised = text != name.as_str();
        let is_of_proxies =
            ["x-forwarded-", "x-original-", "cf-"].iter().any(|family| text.starts_with(family));
        let is_of_sessions = text.starts_with("x-session-");
        *name == header::FORWARDED
            || ADDRESSES.contains(&text.as_str())
            || ((is_disguised || !is_trusted) && is_of_proxies)
            || (is_disguised && is_of_sessions)
    });
    for name in told.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
    if let Some(client) = client.and_then(|client| HeaderValue::from_str(&client.to_string()).ok()) {
        headers.insert(REAL_IP, client);
    }
    if let Some(peer) = peer {
        let before = headers.get_all(&FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let mut chain: Vec<Cow<'_, str>> = before.map(Cow::from).collect();
        chain.push(peer.to_string().into());
        let chain = HeaderValue::from_str(&chain.join(", "));
        if let Ok(chain) = chain {
            headers.insert(FORWARDED_FOR, chain);
        }
    }
    if let (false, Some(host)) = (headers.contains_key(&FORWARDED_HOST), headers.get(header::HOST).cloned()) {
        headers.insert(FORWARDED_HOST, host);
    }
    if !headers.contains_key(&FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn what_concerns_a_connection_is_left_out_and_nothing_else() {
        let mut all = headers(&[
            ("connection", "keep-alive, X-Mine"),
            ("connection", "te , bad name, host"),
            ("host", "a.example"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "close"),
            ("x-mine", "1"),
            ("x-other", "2"),
            ("cookie", "a=b"),
        ]);
        leave_connection_out(&mut all);
        assert_eq!(all, headers(&[("host", "a.example"), ("x-other", "2"), ("cookie", "a=b")]));
    }

    #[test]
    fn paths_that_lead_up_and_connections_that_change_are_refused() {
        let checked = |method: &str, path: &str, upgrade: bool| {
            let mut request = axum::http::Request::builder().method(method).uri(path);
            if upgrade {
                request = request.header("upgrade", "websocket");
            }
            check(&request.body(()).unwrap().into_parts().0).is_ok()
        };
        for path in ["/", "/a/b", "/a..b/...", "/a/%2e%2ehidden"] {
            assert!(checked("GET", path, false), "{path}");
            assert!(!checked("GET", path, true), "{path}");
        }
        for path in [
            "/..",
            "/a/../b",
            "/%2e%2E/b",
            "/a/.%2e",
            "/./a",
            "/a%5c..%5cb",
            "*",
            "/a/..%2fb",
            "/a%2f..%2Fb",
            "/a/%252e%252e/b",
            "/a%252f..%252fb",
            "/a/..;/b",
        ] {
            assert!(!checked("GET", path, false), "{path}");
        }
        assert!(!checked("CONNECT", "example.org:443", false));
        let offered = Request::builder().uri("/a").header("upgrade", "h2c").body(()).unwrap().into_parts().0;
        assert_eq!(check(&offered), Ok(()));
    }

    #[test]
    fn the_token_of_a_logout_is_found_as_kratos_finds_it() {
        let found = |body: &str| -> Vec<String> {
            tokens_of_logout(body.as_bytes()).iter().map(|token| token.expose().to_owned()).collect()
        };
        for body in [
            r#"{"session_token":"t"}"#,
            r#"{"Session_Token":"t"}"#,
            r#"{"\u017fession_to\u212aen":"t"}"#,
            r#"{"session_token":"t","session_token":null}"#,
            r#" {"session_token":"t"} and more"#,
        ] {
            assert_eq!(found(body), ["t"], "{body}");
        }
        assert_eq!(found(r#"{"session_token":"x","SESSION_TOKEN":"t"}"#), ["x", "t"]);
        assert_eq!(found(r#"{"session_token":"x","session_token":"t"}"#), ["x", "t"]);
        for body in ["", "[]", r#"{"session_token":1}"#, r#"{"session_token":"t""#, "session_token=t"] {
            assert_eq!(found(body), [""; 0], "{body}");
        }
    }

    #[test]
    fn a_body_whose_encoding_would_be_lost_and_a_host_that_is_none_are_refused() {
        let checked = |name: &'static str, value: &'static str| {
            check(&Request::builder().uri("/a").header(name, value).body(()).unwrap().into_parts().0)
        };
        for good in
            [("transfer-encoding", "Chunked "), ("host", "a.example:80"), ("host", "[::1]"), ("host", "")]
        {
            assert_eq!(checked(good.0, good.1), Ok(()), "{good:?}");
        }
        for coding in ["gzip, chunked", "identity", "chunked, chunked"] {
            assert_eq!(checked("transfer-encoding", coding), Err(Unpassable::Encoding), "{coding}");
        }
        for host in ["evil.example/path?x", "a@b", "a b"] {
            assert_eq!(checked("host", host), Err(Unpassable::Host), "{host}");
        }
    }

    #[test]
    fn only_what_is_known_of_a_client_is_told() {
        let (peer, client) = ([127, 0, 0, 1].into(), [9, 9, 9, 9].into());
        let sent = || {
            headers(&[
                ("host", "id.example"),
                ("x-real-ip", "6.6.6.6"),
                ("true-client-ip", "6.6.6.6"),
                ("cf-connecting-ip", "6.6.6.6"),
                ("cf-ipcountry", "AQ"),
                ("x-forwarded-for", "9.9.9.9"),
                ("x-forwarded_for", "6.6.6.6"),
                ("x_session_token", "another"),
            ])
        };
        let mut told = sent();
        tell_of_the_client(&mut told, Some(peer), Some(peer), false, "https");
        let known = [
            ("host", "id.example"),
            ("x-real-ip", "127.0.0.1"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-host", "id.example"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(told, headers(&known));
        let mut told = sent();
        tell_of_the_client(&mut told, Some(peer), Some(client), true, "https");
        let known = [
            ("host", "id.example"),
            ("x-real-ip", "9.9.9.9"),
            ("cf-ipcountry", "AQ"),
            ("x-forwarded-for", "9.9.9.9, 127.0.0.1"),
            ("x-forwarded-host", "id.example"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(told, headers(&known));
    }

    #[test]
    fn the_length_of_an_answer_in_chunks_is_none() {
        let mut both =
            headers(&[("content-length", "3"), ("transfer-encoding", "chunked"), ("x-other", "2")]);
        leave_connection_out_of_answer(&mut both);
        assert_eq!(both, headers(&[("x-other", "2")]));
        let mut one = headers(&[("content-length", "3")]);
        leave_connection_out_of_answer(&mut one);
        assert_eq!(one, headers(&[("content-length", "3")]));
    }

    #[test]
    fn a_cookie_that_was_told_before_gives_way_to_that_of_the_answer() {
        let before: Vec<Bytes> = vec!["s=1; Path=/".into(), "other=1".into()];
        let mut answer = headers(&[("set-cookie", "s =; Max-Age=0")]);
        add_cookies(&mut answer, &before);
        assert_eq!(answer, headers(&[("set-cookie", "s =; Max-Age=0"), ("set-cookie", "other=1")]));
    }

    #[test]
    fn cookies_that_came_one_by_one_become_one_line() {
        let mut all = headers(&[("cookie", "a=1"), ("cookie", "b=2; c=3")]);
        join_cookies(&mut all);
        assert_eq!(all, headers(&[("cookie", "a=1; b=2; c=3")]));
    }

    fn parts(method: &str, path: &str) -> Parts {
        Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_reads_changes_nothing_but_where_browsers_are_sent() {
        for (method, path, changes) in [
            ("GET", "/self-service/login/browser", false),
            ("HEAD", "/sessions", false),
            ("OPTIONS", "/self-service/settings", false),
            ("GET", "/self-service/logout?token=x", true),
            ("GET", "/self-service/logout/?token=x", true),
            ("GET", "/self-service/log%6fut?token=x", true),
            ("GET", "//self-service%2flogout?token=x", true),
            ("GET", "/self-service/logout/browser", false),
            ("GET", "/self-service/recovery?flow=x&token=y", true),
            ("GET", "/self-service/recovery/flows?id=x", false),
            ("GET", "/self-service/verification?flow=x&token=y", true),
            ("GET", "/self-service/verification/browser", false),
            ("GET", "/self-service/methods/oidc/callback/google?code=x", true),
            ("POST", "/self-service/settings?flow=x", true),
            ("DELETE", "/self-service/logout/api", true),
            ("DELETE", "/sessions/x", true),
            ("PROPFIND", "/x", true),
        ] {
            assert_eq!(can_change_sessions(&parts(method, path)), changes, "{method} {path}");
        }
    }

    #[test]
    fn an_operator_changes_what_the_path_names_or_all() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let changed = |method: &str, path: &str| changed_by_operator(&parts(method, path));
        assert_eq!(changed("GET", &format!("/admin/identities/{one}")), []);
        assert_eq!(changed("DELETE", &format!("/admin/identities/{one}/sessions")), [Some(one)]);
        assert_eq!(changed("PATCH", &format!("/admin/x/{one}/y/{other}")), [Some(one), Some(other)]);
        assert_eq!(changed("PATCH", "/admin/identities"), [None]);
        assert_eq!(changed("DELETE", "/admin/identities/ada"), [None]);
    }
}
