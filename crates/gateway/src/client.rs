//! For whom a proxy asks.

use std::net::IpAddr;

use axum::http::HeaderMap;
use sessera_config::{Proxies, ProxyHeaders};
use sessera_http::forwarded::Origin;
use sessera_http::peer::Peer;
use tracing::Span;
use tracing::field::display;

use crate::gateway::Gateway;

/// Notes in the log for whom the proxy asks.
pub(crate) fn note(gateway: &Gateway, peer: Option<IpAddr>, headers: &HeaderMap) {
    let proxies = Proxies { trusted: (gateway.now)().trusted.clone(), headers: ProxyHeaders::XForwarded };
    if let Some(client) = Origin::of(headers, Peer(peer), &proxies).address {
        Span::current().record("client", display(client));
    }
}
