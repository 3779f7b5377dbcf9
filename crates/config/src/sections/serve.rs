//! `serve`: where Sessera listens, and how long clients may take.

use std::time::Duration;

use crate::address::WrittenUrl;
use crate::host::ListeningHost;
use crate::origins::OriginPattern;
use crate::section::section;
use crate::strong::Strong;
use crate::trusted_proxies::{ProxyHeaders, TrustedProxies};

section! {
    /// Where Sessera listens.
    pub struct Serve {
        /// The public API.
        public: Public,
        /// The admin API.
        admin: Admin,
        /// Where proxies ask about the requests of their clients.
        gateway: Gateway,
        /// How long clients, and the end, may take. They count from the next start.
        timeouts: Timeouts,
    }
}

section! {
    /// Where proxies ask about the requests of their clients. It counts from the next start, but for `trusted_proxies`.
    pub struct Gateway {
        /// Answer the questions of proxies.
        enabled: bool = false,
        /// The address to listen on. On another one than loopback, `trusted_proxies` must say who may ask.
        host: ListeningHost = "127.0.0.1",
        /// The port to listen on, for HTTP and gRPC.
        port: u16 = 4435,
        /// Addresses or networks of the proxies that may ask, and that are believed when they say for whom. Default: those of this machine.
        @restricts trusted_proxies: TrustedProxies,
    }
}

section! {
    /// The public API.
    pub struct Public {
        /// The address under which clients reach the public API; as it is written, the issuer of tokens. Default: from host and port, with a slash at its end.
        @restricts base_url: Option<WrittenUrl>,
        /// The address to listen on.
        host: ListeningHost = "127.0.0.1",
        /// The port to listen on. Default: 4433, or 4533 with session.upstream.url.
        port: Option<u16>,
        /// Requests of other origins.
        cors: Cors,
        /// Addresses or networks of proxies that are believed when they say for whom they ask. Default: none.
        trusted_proxies: TrustedProxies,
        /// The headers by which those proxies say so: forwarded (Forwarded), x-forwarded (X-Forwarded-For, -Proto and -Host), or either, which believes one that stands alone, and what both say alike. A proxy must write or remove every header that is believed, or its clients choose what they say.
        @restricts proxy_headers: ProxyHeaders = "either",
    }
}

section! {
    /// Requests of other origins.
    pub struct Cors {
        /// Answer requests of other origins.
        enabled: bool = false,
        /// Origins that may ask, as browsers send them. One * in an origin stands for one character or more, as in `https://*.example.org`; * alone is every origin.
        @restricts allowed_origins: Vec<OriginPattern> = "*",
        /// Methods they may use.
        @restricts allowed_methods: Vec<String> = "POST, GET, PUT, PATCH, DELETE",
        /// Headers they may send; * is every header.
        @restricts allowed_headers: Vec<String> = "Authorization, Content-Type, Max-Age, X-Session-Token, X-XSRF-TOKEN, X-CSRF-Token",
        /// Headers they may read.
        exposed_headers: Vec<String> = "Content-Type",
        /// Whether cookies go along, for origins that are named or end with a domain that is; never for *.
        @restricts allow_credentials: bool = true,
        /// How many seconds a preflight answer is good for; 0 says nothing about it.
        max_age: u32 = 0,
    }
}

/// What the admin API asks for. Whoever has it can do everything, so it is longer than a password.
pub type AdminToken = Strong<24>;

section! {
    /// The admin API.
    pub struct Admin {
        /// The address under which operators reach the admin API. Default: from host and port.
        base_url: Option<WrittenUrl>,
        /// The address to listen on.
        host: ListeningHost = "127.0.0.1",
        /// The port to listen on. Default: 4434, or 4534 with session.upstream.url.
        port: Option<u16>,
        /// Bearer tokens that the admin API asks for, of owners; several may be good at once, and admin tokens are good beside them. Default: none.
        @restricts token: Vec<AdminToken>,
        /// Serve the admin API on another address than loopback without a token.
        insecure: bool = false,
    }
}

section! {
    /// How long clients, and the end, may take.
    pub struct Timeouts {
        /// How long a client may take to send the head of a request, also of the next one on a kept connection.
        head: Duration [1..=i64::MAX] = "30s",
        /// How long a client may take to read an answer.
        answer: Duration [1..=i64::MAX] = "30s",
        /// How long the server goes on taking connections after SIGTERM, with readiness red, so that load balancers turn away first.
        drain: Duration = "0s",
        /// How long requests in flight may take after that; then they are cut off.
        grace: Duration = "20s",
    }
}
