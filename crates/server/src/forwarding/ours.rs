//! Paths that begin as this server's own do. What stands there is never the upstream's, also when there is nothing.

/// Where paths of the public API begin.
const PUBLIC: [&str; 10] = [
    "/sessions/whoami",
    "/oauth2/token",
    "/self-service/exchange",
    "/.well-known/jwks",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/status",
    "/health",
    "/metrics",
    "/openapi.json",
];

/// Where paths of the admin API begin.
const ADMIN: [&str; 16] = [
    "/admin/keys",
    "/admin/rotation",
    "/admin/tokens",
    "/admin/audit",
    "/admin/events",
    "/admin/sinks",
    "/admin/upstream",
    "/admin/health",
    "/admin/metrics",
    "/projects",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/health",
    "/metrics",
    "/console",
    "/openapi.json",
];

/// Whether a path of the public API, as [`sessera_http::paths::plain`] reads it, is this server's.
pub(super) fn is_public(path: &str) -> bool {
    PUBLIC.iter().any(|ours| path.starts_with(ours))
}

/// Whether a path of the admin API is this server's.
pub(super) fn is_admin(path: &str) -> bool {
    ADMIN.iter().any(|ours| path.starts_with(ours))
}
