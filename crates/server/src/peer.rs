//! Who is calling: the address and the program of a client, and which kind of answer it takes.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use sessera_config::TrustedProxies;

/// The longest `User-Agent` that is kept, in characters.
const MAX_USER_AGENT: usize = 512;

/// The peer of a connection, when the request came over one.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|ConnectInfo(address)| address.ip().to_canonical())))
    }
}

/// The address of a client: the peer's, or what trusted proxies say in `X-Forwarded-For` (or
/// `Forwarded`, RFC 7239): the nearest address that is no trusted proxy itself.
pub fn address(headers: &HeaderMap, peer: Peer, trusted: &TrustedProxies) -> Option<IpAddr> {
    let peer = peer.0?;
    if !trusted.contains(peer) {
        return Some(peer);
    }
    let mut client = peer;
    for told in forwarded(headers).iter().rev() {
        let Some(address) = told else { break };
        client = *address;
        if !trusted.contains(client) {
            break;
        }
    }
    Some(client)
}

/// The addresses in the order in which the proxies wrote them; `None` where one cannot be read.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lists = |name: &str| {
        let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).map(str::trim).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = lists("x-forwarded-for");
    if !told.is_empty() {
        return told.iter().map(|entry| node_address(entry)).collect();
    }
    lists("forwarded").iter().map(|element| node_address(parameter(element, "for")?)).collect()
}

/// An address with or without a port, in brackets or not.
fn node_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inner, _)| inner);
    let address = bare.parse().or_else(|_| bare.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// Under which scheme and host the client called, as a trusted proxy says in `X-Forwarded-Proto` and
/// `X-Forwarded-Host` (or `Forwarded`): `https://id.example.org`.
pub fn told_origin(headers: &HeaderMap, peer: Peer, trusted: &TrustedProxies) -> Option<String> {
    if !trusted.contains(peer.0?) {
        return None;
    }
    // The last entry is the one of the proxy that asks.
    let last = |name: &str| {
        let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        line.rsplit(',').next().map(|entry| entry.trim().to_owned())
    };
    let element = last("forwarded").unwrap_or_default();
    let scheme = last("x-forwarded-proto").or_else(|| parameter(&element, "proto").map(str::to_owned))?;
    let host = last("x-forwarded-host").or_else(|| parameter(&element, "host").map(str::to_owned))?;
    let url = url::Url::parse(&format!("{scheme}://{host}")).ok()?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    let is_web = matches!(url.scheme(), "http" | "https");
    (is_bare && is_web).then(|| url.origin().ascii_serialization())
}

/// The value of a parameter in an element of `Forwarded`.
fn parameter<'a>(element: &'a str, wanted: &str) -> Option<&'a str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
    })
}

/// The client's `User-Agent`, empty when there is none.
pub fn user_agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    agent.chars().take(MAX_USER_AGENT).collect()
}

/// Whether the client takes JSON rather than a page: it sends JSON, or prefers it by `Accept`.
pub fn wants_json(headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    header(header::CONTENT_TYPE).trim_start().to_ascii_lowercase().starts_with("application/json")
        || preference(header(header::ACCEPT), "application/json")
            > preference(header(header::ACCEPT), "text/html")
}

/// Whether the client names pages among what it takes, as browsers do when a person navigates.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    !wants_json(headers) && preference(accept, "text/html").1 == 3
}

/// How much `Accept` (RFC 9110, section 12.5.1) prefers a media type: its weight in thousandths and
/// how exactly it is named.
fn preference(accept: &str, media_type: &str) -> (u16, u8) {
    let main = media_type.split('/').next().unwrap_or_default();
    let range = |entry: &str| {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let exactness = if name == media_type {
            3
        } else if name.strip_suffix("/*") == Some(main) {
            2
        } else if name == "*/*" {
            1
        } else {
            return None;
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        // The weight is between 0 and 1 after clamping; a not-a-number becomes 0.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000")]
        let weight = (weight.clamp(0.0, 1.0) * 1000.0) as u16;
        Some((exactness, weight))
    };
    let best = accept.split(',').filter_map(range).max_by_key(|(exactness, _)| *exactness);
    best.map_or((0, 0), |(exactness, weight)| if weight == 0 { (0, 0) } else { (weight, exactness) })
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

    fn seen(peer: &str, pairs: &[(&'static str, &'static str)]) -> String {
        let trusted = TrustedProxies::parse(["10.0.0.0/8", "::1"]).expect("parses");
        let peer = Peer(peer.parse().ok());
        address(&headers(pairs), peer, &trusted).map(|address| address.to_string()).unwrap_or_default()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let forged = [("x-forwarded-for", "1.2.3.4")];
        assert_eq!(seen("203.0.113.9", &forged), "203.0.113.9");
        assert_eq!(seen("10.1.1.1", &forged), "1.2.3.4");
        assert_eq!(seen("10.1.1.1", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.2.2.2")]), "1.2.3.4");
        assert_eq!(seen("10.1.1.1", &[("x-forwarded-for", "1.2.3.4, nonsense")]), "10.1.1.1");
        assert_eq!(seen("10.1.1.1", &[("x-forwarded-for", "1.2.3.4:567")]), "1.2.3.4");
        assert_eq!(seen("::1", &[("forwarded", "for=\"[2001:db8::7]:4711\";proto=https")]), "2001:db8::7");
        assert_eq!(seen("10.1.1.1", &[]), "10.1.1.1");
        assert_eq!(seen("", &forged), "");
    }

    #[test]
    fn scheme_and_host_come_from_trusted_proxies_only() {
        let told = |peer: &str, pairs: &[(&'static str, &'static str)]| {
            let trusted = TrustedProxies::parse(["10.0.0.0/8"]).expect("parses");
            told_origin(&headers(pairs), Peer(peer.parse().ok()), &trusted)
        };
        let both = [("x-forwarded-proto", "https"), ("x-forwarded-host", "id.example.org")];
        assert_eq!(told("10.1.1.1", &both).as_deref(), Some("https://id.example.org"));
        assert_eq!(told("203.0.113.9", &both), None);
        let chain = [("x-forwarded-proto", "http, https"), ("x-forwarded-host", "evil, id.example.org:8443")];
        assert_eq!(told("10.1.1.1", &chain).as_deref(), Some("https://id.example.org:8443"));
        let standard =
            [("forwarded", "for=1.2.3.4;proto=http;host=evil, proto=https;host=\"id.example.org\"")];
        assert_eq!(told("10.1.1.1", &standard).as_deref(), Some("https://id.example.org"));
        for bad in ["id.example.org/x", "id.example.org?x", "user@id.example.org", ""] {
            let pairs = [("x-forwarded-proto", "https"), ("x-forwarded-host", bad)];
            assert_eq!(told("10.1.1.1", &pairs), None, "{bad}");
        }
        assert_eq!(told("10.1.1.1", &both[..1]), None);
        let script = [("x-forwarded-proto", "javascript"), ("x-forwarded-host", "id.example.org")];
        assert_eq!(told("10.1.1.1", &script), None);
    }

    #[test]
    fn clients_say_what_they_take() {
        let wants = |accept| wants_json(&headers(&[("accept", accept)]));
        assert!(wants("application/json"));
        assert!(wants("application/json, text/plain, */*"));
        assert!(wants("text/html;q=0.5, application/json"));
        assert!(!wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!wants("*/*"));
        assert!(!wants("application/json;q=0, */*"));
        assert!(wants_json(&headers(&[("content-type", "application/json; charset=utf-8")])));
        assert!(!wants_json(&headers(&[])));
        assert!(wants_page(&headers(&[("accept", "text/html,*/*;q=0.8")])));
        assert!(!wants_page(&headers(&[("accept", "*/*")])));
    }

    #[test]
    fn a_long_user_agent_is_cut() {
        let mut map = HeaderMap::new();
        map.insert(header::USER_AGENT, HeaderValue::from_str(&"x".repeat(9000)).expect("is a value"));
        assert_eq!(user_agent(&map).len(), MAX_USER_AGENT);
        assert_eq!(user_agent(&headers(&[])), "");
    }
}
