//! The ways in which proxies ask.

/// A way in which proxies ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A question beside the request, whose answer is read by its status alone: nginx, APISIX, Kong, HAProxy.
    AuthRequest,
    /// A question beside the request, whose answer goes to the client when it is no: Traefik, Caddy.
    ForwardAuth,
    /// The request itself, as Envoy asks over HTTP.
    ExtAuthz,
    /// The request in a message, as Envoy asks over gRPC.
    Grpc,
}

impl Dialect {
    /// Its name where decisions are counted and logged.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthRequest => "auth-request",
            Self::ForwardAuth => "forward-auth",
            Self::ExtAuthz => "ext-authz",
            Self::Grpc => "ext-authz-grpc",
        }
    }
}
