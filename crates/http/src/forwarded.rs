//! What trusted proxies say of the client for whom they ask: `Forwarded` (RFC 7239) and `X-Forwarded-For`, `-Proto` and
//! `-Host`.
//!
//! A proxy that sets the one passes on what its client wrote into the other. So each is believed only where it is the
//! one that the proxy sets, which `serve.public.proxy_headers` says, or where no client can have chosen it: it stands
//! alone, or both say the same.

use std::net::IpAddr;
use std::sync::Once;

use axum::http::HeaderMap;
use sessera_config::{Proxies, ProxyHeaders, TrustedProxies};
use url::Url;

use crate::peer::Peer;

mod element;

use element::Element;

/// The header of RFC 7239.
const FORWARDED: &str = "forwarded";

/// The older headers, which are one family.
const X_FORWARDED_FOR: &str = "x-forwarded-for";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";
const X_FORWARDED_HOST: &str = "x-forwarded-host";

/// Where a request came from and how, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// Whether the client asked over https; unknown when no proxy says so.
    pub is_https: Option<bool>,
    /// The host that the client asked, with its port where that is not the usual one.
    pub host: Option<String>,
}

impl Origin {
    /// Where the request of `peer` with these headers came from.
    pub fn of(headers: &HeaderMap, peer: Peer, proxies: &Proxies) -> Self {
        let trusted = &proxies.trusted;
        let Some(peer) = peer.0.filter(|peer| trusted.contains(*peer)) else {
            return Self { address: peer.0, ..Self::default() };
        };
        let told = match proxies.headers {
            ProxyHeaders::Forwarded => ForwardedHeaders::by_forwarded(headers),
            ProxyHeaders::XForwarded => ForwardedHeaders::by_x_forwarded(headers),
            ProxyHeaders::Either => {
                let (standard, older) =
                    (ForwardedHeaders::by_forwarded(headers), ForwardedHeaders::by_x_forwarded(headers));
                match (standard, older) {
                    (Some(standard), Some(older)) => {
                        return standard.origin(peer, trusted).where_equal(older.origin(peer, trusted), peer);
                    }
                    (told, None) | (None, told) => told,
                }
            }
        };
        told.unwrap_or_default().origin(peer, trusted)
    }

    /// The scheme and the host under which the client called: `https://id.example.org`.
    pub fn told(&self) -> Option<String> {
        let scheme = if self.is_https? { "https" } else { "http" };
        Some(format!("{scheme}://{}", self.host.as_deref()?))
    }

    /// What both say alike. Of anything else nobody knows which one the proxy has written.
    fn where_equal(self, other: Self, peer: IpAddr) -> Self {
        static TOLD: Once = Once::new();
        if self != other {
            TOLD.call_once(|| {
                tracing::warn!(
                    proxy = %peer,
                    "the headers Forwarded and X-Forwarded-For of a trusted proxy contradict each other, so neither is believed; say in serve.public.proxy_headers which of them it sets"
                );
            });
        }
        Self {
            address: if self.address == other.address { self.address } else { Some(peer) },
            is_https: self.is_https.filter(|_| self.is_https == other.is_https),
            host: self.host.filter(|host| other.host.as_ref() == Some(host)),
        }
    }
}

/// What one family of headers says.
#[derive(Debug, Default)]
struct ForwardedHeaders {
    /// Who asked whom, the client first; `None` where the address cannot be read.
    chain: Vec<Option<IpAddr>>,
    scheme: Option<String>,
    host: Option<String>,
}

impl ForwardedHeaders {
    /// What `Forwarded` says; nothing when it is absent. The proxy that asks has written the last element.
    fn by_forwarded(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(FORWARDED) {
            return None;
        }
        let mut elements = Vec::new();
        for line in headers.get_all(FORWARDED) {
            // Lines are read one by one, so that a client's broken one does not spoil the proxy's.
            match line.to_str().ok().and_then(Element::list) {
                Some(line) => elements.extend(line),
                None => elements.push(Element::default()),
            }
        }
        let chain = elements.iter().map(|element| node_address(element.get("for")?)).collect();
        let last = |name: &str| elements.last().and_then(|element| element.get(name)).map(str::to_owned);
        Some(Self { chain, scheme: last("proto"), host: last("host") })
    }

    /// What the older headers say; nothing when all of them are absent.
    fn by_x_forwarded(headers: &HeaderMap) -> Option<Self> {
        let family = [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST];
        if !family.iter().any(|name| headers.contains_key(*name)) {
            return None;
        }
        // A line that is no text counts as an entry that cannot be read.
        let entries = |name: &str| {
            let lines = headers.get_all(name).into_iter();
            lines.flat_map(|line| line.to_str().unwrap_or_default().split(',').map(str::trim)).collect()
        };
        let [addresses, schemes, hosts]: [Vec<&str>; 3] = family.map(entries);
        let last = |entries: &[&str]| entries.last().map(|entry| (*entry).to_owned());
        let chain = addresses.into_iter().map(node_address).collect();
        Some(Self { chain, scheme: last(&schemes), host: last(&hosts) })
    }

    /// The origin of the request: its address is the nearest one that is no trusted proxy's.
    fn origin(&self, peer: IpAddr, trusted: &TrustedProxies) -> Origin {
        let mut client = peer;
        for told in self.chain.iter().rev() {
            let Some(address) = told else { break };
            client = *address;
            if !trusted.contains(client) {
                break;
            }
        }
        let is_https = match self.scheme.as_deref() {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => Some(true),
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => Some(false),
            _ => None,
        };
        let host = is_https.zip(self.host.as_deref()).and_then(|(is_https, host)| host_of(is_https, host));
        Origin { address: Some(client), is_https, host }
    }
}

/// A host as it stands in an address, when it is a host and nothing more.
fn host_of(is_https: bool, text: &str) -> Option<String> {
    let scheme = if is_https { "https" } else { "http" };
    let url = Url::parse(&format!("{scheme}://{text}")).ok()?;
    let is_bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && !text.contains(['@', '/', '\\'])
        && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    let origin = url.origin().ascii_serialization();
    is_bare.then(|| origin.split_once("://").map(|(_, host)| host.to_owned())).flatten()
}

/// The address of a node (RFC 7239, section 6), with or without a port, in brackets or not. Nodes that hide
/// themselves (`unknown`, `_name`) have none.
fn node_address(text: &str) -> Option<IpAddr> {
    let address = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (inner, rest) = bracketed.split_once(']')?;
            (rest.is_empty() || is_port(rest.strip_prefix(':')?)).then(|| inner.parse().ok()).flatten()
        }
        None => text.parse().ok().or_else(|| {
            let (address, port) = text.split_once(':')?;
            is_port(port).then(|| address.parse().ok().filter(IpAddr::is_ipv4)).flatten()
        }),
    };
    address.map(|address: IpAddr| address.to_canonical())
}

/// Whether a text is the port of a node: a number, or a name that hides it.
fn is_port(text: &str) -> bool {
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = |name: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !name.is_empty() && name.bytes().all(is_letter)
    };
    is_number || text.strip_prefix('_').is_some_and(is_name)
}

#[cfg(test)]
mod tests;
