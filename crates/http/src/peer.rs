//! Who is calling: the other end of the connection and the program of a client, and which kind of answer it takes.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, header};

/// The longest `User-Agent` that is kept, in characters.
const MAX_USER_AGENT: usize = 512;

/// The peer of a connection, when the request came over one.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub Option<IpAddr>);

impl Peer {
    /// That of a request with these extensions.
    pub fn of(extensions: &Extensions) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        Self(peer.map(|ConnectInfo(address)| address.ip().to_canonical()))
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The client's `User-Agent`, empty when there is none.
pub fn user_agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    agent.chars().take(MAX_USER_AGENT).collect()
}

/// The name of a header as programs of old write it: `X-Session-Token`.
pub fn written(name: &HeaderName) -> String {
    let capital = |part: &str| {
        let mut part = part.to_owned();
        if let Some(first) = part.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        part
    };
    name.as_str().split('-').map(capital).collect::<Vec<_>>().join("-")
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

/// Whether `Accept` names a media type itself, and does not exclude it.
pub fn accepts(accept: &str, media_type: &str) -> bool {
    let (weight, exactness) = preference(accept, media_type);
    weight > 0 && exactness == 3
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
    use axum::http::header::{ACCEPT, CONTENT_TYPE};

    fn headers<const N: usize>(pairs: [(HeaderName, &'static str); N]) -> HeaderMap {
        pairs.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect()
    }

    #[test]
    fn clients_say_what_they_take() {
        let wants = |accept| wants_json(&headers([(ACCEPT, accept)]));
        assert!(wants("application/json"));
        assert!(wants("application/json, text/plain, */*"));
        assert!(wants("text/html;q=0.5, application/json"));
        assert!(!wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!wants("*/*"));
        assert!(!wants("application/json;q=0, */*"));
        assert!(wants_json(&headers([(CONTENT_TYPE, "application/json; charset=utf-8")])));
        assert!(!wants_json(&HeaderMap::new()));
        assert!(wants_page(&headers([(ACCEPT, "text/html,*/*;q=0.8")])));
        assert!(!wants_page(&headers([(ACCEPT, "*/*")])));
    }

    #[test]
    fn names_of_headers_are_written_as_of_old() {
        for (name, expected) in [("accept", "Accept"), ("sec-ch-ua", "Sec-Ch-Ua"), ("x--y-", "X--Y-")] {
            assert_eq!(written(&HeaderName::from_static(name)), expected);
        }
    }

    #[test]
    fn a_long_user_agent_is_cut() {
        let mut map = HeaderMap::new();
        map.insert(header::USER_AGENT, HeaderValue::from_str(&"x".repeat(9000)).expect("is a value"));
        assert_eq!(user_agent(&map).len(), MAX_USER_AGENT);
        assert_eq!(user_agent(&HeaderMap::new()), "");
    }
}
