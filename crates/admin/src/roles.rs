//! Which role each route of the admin API needs. A route declares it in its description, and what the guard asks for is
//! read from there, so the two cannot differ.

use std::collections::HashMap;

use axum::extract::MatchedPath;
use axum::http::{Method, Uri};
use sessera_model::Role;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa_axum::router::OpenApiRouter;

use crate::state::AdminState;
use sessera_contract::openapi::{self, ADMIN_TOKEN};
use sessera_contract::request::Parameters;
use sessera_http::paths;

/// The route that describes all others, which does not describe itself.
pub(super) const DOCUMENT: &str = "/openapi.json";

/// The roles of all routes that a document describes, by path and method.
pub(crate) struct Roles(HashMap<String, Vec<(Method, Role)>>);

impl Roles {
    /// Those that the descriptions of a document declare.
    pub(super) fn of(document: &OpenApi) -> Self {
        let declared = document.paths.paths.iter().map(|(path, item)| {
            let of_methods = openapi::operations(item).into_iter().filter_map(|(method, operation)| {
                let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).ok()?;
                Some((method, declared(operation)?))
            });
            (path.clone(), of_methods.collect())
        });
        Self(declared.collect())
    }

    /// What a request to a route needs. What nobody has declared is left to owners.
    pub(super) fn needed(&self, method: &Method, route: &MatchedPath) -> Role {
        let path = route.as_str();
        if path == DOCUMENT {
            return Role::Viewer;
        }
        // Health and version stand under /admin once more.
        let known = self.0.get(path).or_else(|| self.0.get(path.strip_prefix("/admin")?));
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let declared = known.into_iter().flatten().find(|(known, _)| known == method);
        declared.map_or(Role::Owner, |(_, role)| *role)
    }
}

/// The role that the description of a route declares.
fn declared(operation: &Operation) -> Option<Role> {
    let security = operation.security.as_deref().unwrap_or_default();
    Role::ALL.into_iter().find(|role| security.contains(&requirement(*role)))
}

fn requirement(role: Role) -> SecurityRequirement {
    SecurityRequirement::new(ADMIN_TOKEN, [role.as_str()])
}

/// Routes that the public port has too, where they say nothing of roles: on the admin port viewers may ask.
pub(super) fn for_viewers(mut router: OpenApiRouter<AdminState>) -> OpenApiRouter<AdminState> {
    for item in router.get_openapi_mut().paths.paths.values_mut() {
        for (_, operation) in openapi::operations_mut(item) {
            operation.security = Some(vec![requirement(Role::Viewer)]);
        }
    }
    router
}

/// What a request needs that is passed on to an upstream. Viewers get what is known to hold no secrets; messages, for
/// example, hold codes.
pub(super) fn of_forwarded(method: &Method, uri: &Uri) -> Role {
    let reads = method == Method::GET || method == Method::HEAD;
    // The upstream may read the path as it stands there, or decoded.
    let plain = paths::plain(uri.path());
    let is_known = |path: &str| {
        let below = |known: &str| {
            path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        ["/admin/identities", "/admin/sessions", "/schemas", "/version", "/health"].into_iter().any(below)
    };
    let is_known = is_known(uri.path()) && is_known(&plain) && !paths::leads_up(&plain);
    let parameters = Parameters::parse(uri.query().unwrap_or_default());
    let shows_credentials = parameters.is_ok_and(|all| all.get("include_credential").is_some());
    if reads && is_known && !shows_credentials { Role::Viewer } else { Role::Operator }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_tells_viewers_no_secrets() {
        let needed = |method: Method, uri: &'static str| of_forwarded(&method, &Uri::from_static(uri));
        for uri in
            ["/admin/identities?page_size=1", "/admin/identities/x", "/admin/sessions", "/schemas/default"]
        {
            assert_eq!(needed(Method::GET, uri), Role::Viewer, "{uri}");
            assert_eq!(needed(Method::DELETE, uri), Role::Operator, "{uri}");
        }
        for uri in [
            "/admin/courier/messages",
            "/admin/identities/x?include_credential=oidc",
            "/admin/identities?a=b&include%5fcredential=oidc",
            "/admin/identitiesx",
            "/admin/identities/..%2fcourier/messages",
            "/admin/identities/%252e%252e/courier/messages",
            "/admin/identities%2f..%2fcourier/messages",
        ] {
            assert_eq!(needed(Method::GET, uri), Role::Operator, "{uri}");
        }
    }
}
