//! `/.well-known/...`: what verifiers need, and the script for passkeys.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::options;
use sessera_issuer::published::{self, PublishedSet};
use sessera_issuer::{Lease, StatusLists};
use sessera_jose::base64url;
use sessera_model::Clock;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{AppState, Snapshot};
use crate::assets;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{Path, Segment};
use sessera_openapi::{DiscoveryBody, ErrorBody, KeySetBody};

const KEYS: &str = "/.well-known/jwks.json";
const TEMPLATE_KEYS: &str = "/.well-known/jwks/{file}";
const CONFIGURATION: &str = "/.well-known/openid-configuration";
const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
const STATUS_LIST: &str = "/.well-known/status/{template}/{list}";

/// The routes. Pages of every origin read them, also with headers that browsers ask about beforehand.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    router_of_tokens().routes(routes!(passkeys_script))
}

/// The routes for verifiers of tokens alone.
pub(crate) fn router_of_tokens() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(jwks))
        .routes(routes!(template_jwks))
        .routes(routes!(configuration))
        .routes(routes!(authorization_server))
        .routes(routes!(status_list))
        .route(KEYS, options(preflight))
        .route(TEMPLATE_KEYS, options(preflight))
        .route(CONFIGURATION, options(preflight))
        .route(AUTHORIZATION_SERVER, options(preflight))
        .route(STATUS_LIST, options(preflight))
}

/// Get the public keys of all tokenizer templates
///
/// The keys are for everybody. Those that will sign soon are among them, and those that signed stay until their
/// last token has ended. Keep the set no longer than `Cache-Control` says.
#[utoipa::path(get, path = KEYS, operation_id = "discoverJsonWebKeys", tag = "wellknown",
    responses((status = 200, description = "A JSON Web Key Set (RFC 7517)", body = KeySetBody, content_type = "application/jwk-set+json"), (status = 304, description = "It is what you have")))]
async fn jwks(State(shown): State<PublishedKeys>, headers: HeaderMap) -> Response {
    let set = shown.snapshot.issuer.published.set(None, shown.clock.now());
    set.map_or_else(answer::nothing_here, |set| shown.answer(&headers, set))
}

/// Get the public keys of one tokenizer template
#[utoipa::path(get, path = TEMPLATE_KEYS, operation_id = "discoverTemplateKeys", tag = "wellknown",
    params(("file" = String, Path, description = "Name of the template and `.json`")),
    responses((status = 200, description = "A JSON Web Key Set (RFC 7517)", body = KeySetBody, content_type = "application/jwk-set+json"), (status = 304, description = "It is what you have"), (status = 404, description = "There is no such template", body = ErrorBody)))]
async fn template_jwks(
    State(shown): State<PublishedKeys>,
    Segment(file): Segment,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let set = file
        .strip_suffix(".json")
        .and_then(|template| shown.snapshot.issuer.published.set(Some(template), shown.clock.now()));
    let set = set.ok_or_else(|| {
        ApiError::not_found(
            "There is no tokenizer template of that name that works. The path is /.well-known/jwks/TEMPLATE.json.",
        )
    })?;
    Ok(shown.answer(&headers, set))
}

/// Get the discovery document
///
/// The document is for verifiers that trust an issuer by its address. It names the keys and the algorithms of its
/// tokens (OpenID Connect Discovery 1.0). An issuer that a template names and that lies below the public address
/// has its own document and keys below its own path.
#[utoipa::path(get, path = CONFIGURATION, operation_id = "discoverConfiguration", tag = "wellknown",
    responses((status = 200, description = "Issuer, address of the keys, algorithms", body = DiscoveryBody), (status = 304, description = "It is what you have")))]
async fn configuration(State(snapshot): State<Arc<Snapshot>>, headers: HeaderMap) -> Response {
    let document = published::document(&snapshot.issuer.settings, &snapshot.issuer.templates);
    let max_age = snapshot.issuer.settings.timing.max_age.get();
    let document = document.to_string();
    cacheable(&headers, "application/json", &tag(&document), document, max_age)
}

/// Get the authorization server metadata
///
/// It is the discovery document for clients of OAuth 2.0 (RFC 8414). That of an issuer that a template names and
/// that lies below the public address has the path of the issuer behind this one.
#[utoipa::path(get, path = AUTHORIZATION_SERVER, operation_id = "discoverAuthorizationServer", tag = "wellknown",
    responses((status = 200, description = "Issuer, address of the keys, algorithms", body = DiscoveryBody), (status = 304, description = "It is what you have")))]
async fn authorization_server(snapshot: State<Arc<Snapshot>>, headers: HeaderMap) -> Response {
    configuration(snapshot, headers).await
}

/// Get the script for passkeys and security keys
///
/// The forms of flows name it. Its functions ask the browser for a key and submit the form.
#[utoipa::path(get, path = "/.well-known/ory/webauthn.js", operation_id = "getWebAuthnJavaScript", tag = "frontend",
    responses((status = 200, description = "A script", body = String, content_type = "text/javascript"), (status = 404, description = "Passkeys and security keys are off", body = ErrorBody)))]
async fn passkeys_script(State(snapshot): State<Arc<Snapshot>>) -> Result<Response, ApiError> {
    let methods = &snapshot.accounts.methods;
    if !methods.has("passkey") && !methods.has("webauthn") {
        return Err(ApiError::not_found(
            "Passkeys and security keys are off. Set selfservice.methods.passkey.enabled or webauthn.enabled.",
        ));
    }
    Ok(assets::passkeys())
}

/// Get a status list
///
/// The list is for verifiers of tokens with the claim `status`, which names this address. A token whose bit is 1
/// must be refused, because its session was revoked or has ended. The list is signed with the keys of the template
/// (Token Status List, draft-ietf-oauth-status-list). Keep it no longer than `Cache-Control` or its claim `ttl`
/// says.
#[utoipa::path(get, path = STATUS_LIST, operation_id = "getStatusList", tag = "wellknown",
    params(("template" = String, Path, description = "Name of the template"), ("list" = String, Path, description = "Number of the list")),
    responses((status = 200, description = "A signed token of the type `statuslist+jwt`", body = String, content_type = "application/statuslist+jwt"), (status = 304, description = "It is what you have"), (status = 404, description = "There is no such list", body = ErrorBody)))]
async fn status_list(
    State(status_lists): State<Arc<StatusLists>>,
    State(snapshot): State<Arc<Snapshot>>,
    Path((template, list)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // A list has one address, so its number has no sign and no zeros before it.
    let number = list.parse::<u64>().ok().filter(|number| number.to_string() == list);
    let served = match number {
        Some(number) => status_lists.get(&snapshot.issuer, &template, number).await?,
        None => None,
    };
    let served = served.ok_or_else(|| {
        ApiError::not_found(
            "There is no status list of that number for a tokenizer template of that name with status_list.",
        )
    })?;
    Ok(cacheable(&headers, "application/statuslist+jwt", &served.tag, served.token.clone(), served.max_age))
}

/// What verifiers are shown, which handlers take as one part.
pub(crate) struct PublishedKeys {
    snapshot: Arc<Snapshot>,
    lease: Arc<Lease>,
    clock: Arc<dyn Clock>,
}

impl FromRef<AppState> for PublishedKeys {
    fn from_ref(state: &AppState) -> Self {
        Self {
            snapshot: FromRef::from_ref(state),
            lease: FromRef::from_ref(state),
            clock: FromRef::from_ref(state),
        }
    }
}

impl PublishedKeys {
    /// `PATH/.well-known/openid-configuration` and `PATH/.well-known/jwks.json` of an issuer that a template
    /// names, where `PATH` is that of the issuer below the public address, and its metadata of RFC 8414, which
    /// is at `/.well-known/oauth-authorization-server/PATH`. Nothing when there is no such issuer.
    ///
    /// This is asked for paths that no route has, so an issuer never hides a part of the API.
    pub(crate) fn of_issuer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        if !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return None;
        }
        let (issuer, file) = match path.strip_prefix(AUTHORIZATION_SERVER) {
            Some(behind) => (behind.strip_prefix('/')?, "oauth-authorization-server"),
            None => path.strip_prefix('/')?.split_once("/.well-known/")?,
        };
        let published = &self.snapshot.issuer.published;
        let found = match file {
            "openid-configuration" | "oauth-authorization-server" => {
                let document = published.issuer_document(issuer)?.to_string();
                let max_age = self.snapshot.issuer.settings.timing.max_age.get();
                Some(cacheable(headers, "application/json", &tag(&document), document, max_age))
            }
            "jwks.json" => Some(self.answer(headers, published.issuer_set(issuer, self.clock.now())?)),
            _ => None,
        };
        if *method == Method::OPTIONS { found.map(|_| allowed_to_everybody()) } else { found }
    }

    /// A set. When this node does not know for sure which keys are good, nobody may keep its answer.
    fn answer(&self, headers: &HeaderMap, set: PublishedSet) -> Response {
        let is_sure = self.lease.check(self.clock.now(), &self.snapshot.issuer.settings.timing).is_ok();
        let max_age = if is_sure { set.max_age } else { Duration::ZERO };
        cacheable(headers, "application/jwk-set+json", &tag(&set.json), set.json, max_age)
    }
}

/// What browsers are told that ask beforehand whether a page may read an answer which is for everybody.
async fn preflight() -> Response {
    allowed_to_everybody()
}

fn allowed_to_everybody() -> Response {
    let mut response = answer::no_content();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What tells a body from others.
fn tag(body: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.as_bytes());
    format!("\"{}\"", base64url::encode(&digest.as_ref()[..16]))
}

/// An answer for everybody, which caches may keep.
fn cacheable(
    asked: &HeaderMap,
    content_type: &'static str,
    tag: &str,
    body: String,
    max_age: Duration,
) -> Response {
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // Weak ones and strong ones are the same here (RFC 9110, section 13.1.2).
    let strong = tag.trim_start_matches("W/");
    let is_known = known.is_some_and(|known| {
        known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == strong)
    });
    let mut response = if is_known { answer::not_modified() } else { body.into_response() };
    let headers = response.headers_mut();
    if !is_known {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    // Both are made of digits and base64url, which headers can hold.
    for (name, value) in [
        (header::ETAG, tag.to_owned()),
        (header::CACHE_CONTROL, format!("public, max-age={}", max_age.as_secs())),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestServer;

    async fn server() -> TestServer {
        let server = TestServer::start().await;
        server.maintain().await;
        for (set, algorithm) in [("a", "ES256"), ("b", "EdDSA"), ("shared", "HS256")] {
            let path = format!("/admin/keys/{set}");
            assert_eq!(server.admin("POST", &path, Some(json!({"alg": algorithm}))).await.status, 201);
        }
        let templates = json!({
            "a": {"jwks_url": "set://a"}, "again": {"jwks_url": "set://a"}, "b": {"jwks_url": "set://b"},
            "shared": {"jwks_url": "set://shared"},
        });
        let patch = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
            "value": templates}]);
        assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
        server
    }

    #[tokio::test]
    async fn verifiers_find_the_public_keys() {
        let server = server().await;
        let all = server.public("GET", "/.well-known/jwks.json", &[], None).await;
        assert_eq!(all.header("content-type"), "application/jwk-set+json");
        assert_eq!(all.header("cache-control"), "public, max-age=300");
        assert_eq!(all.header("access-control-allow-origin"), "*");
        // Each key once, and nothing of the shared secret.
        let keys = all.body["keys"].as_array().unwrap();
        assert_eq!(keys.iter().map(|key| &key["kty"]).collect::<Vec<_>>(), ["EC", "OKP"]);
        assert!(!all.body.to_string().contains("\"d\"") && !all.body.to_string().contains("\"k\""));
        let one = server.public("GET", "/.well-known/jwks/b.json", &[], None).await;
        assert_eq!(one.body["keys"].as_array().unwrap().len(), 1);
        let none = server.public("GET", "/.well-known/jwks/shared.json", &[], None).await;
        assert_eq!(none.body, json!({"keys": []}));
        for path in ["/.well-known/jwks/nobody.json", "/.well-known/jwks/a"] {
            assert_eq!(server.public("GET", path, &[], None).await.status, 404, "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again() {
        let server = server().await;
        let first = server.public("GET", "/.well-known/jwks.json", &[], None).await;
        let tag = first.header("etag").to_owned();
        let second = server.public("GET", "/.well-known/jwks.json", &[("if-none-match", &tag)], None).await;
        assert_eq!((second.status, second.header("etag")), (304, tag.as_str()));
        let other = server.public("GET", "/.well-known/jwks.json", &[("if-none-match", "\"x\"")], None).await;
        assert_eq!(other.status, 200);
    }

    #[tokio::test]
    async fn the_issuer_is_what_tokens_say() {
        let server = server().await;
        server.person("ada@example.org").await;
        let (token, _) = server.signed_in("ada@example.org").await;
        let whoami = server
            .public("GET", "/sessions/whoami?tokenize_as=a", &[("x-session-token", &token)], None)
            .await;
        let keys = server.public("GET", "/.well-known/jwks.json", &[], None).await;
        let set = sessera_jose::JwkSet::parse(keys.body.to_string().as_bytes()).unwrap().public();
        let verified =
            sessera_jose::verify::verify(whoami.body["tokenized"].as_str().unwrap(), &set).unwrap();
        let document = server.public("GET", "/.well-known/openid-configuration", &[], None).await.body;
        assert_eq!(document["issuer"], verified.claims().unwrap()["iss"]);
        assert_eq!(document["jwks_uri"], "http://127.0.0.1:4433/.well-known/jwks.json");
        assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256", "EdDSA"]));
    }

    /// What a signed token says.
    fn payload(token: &str) -> serde_json::Value {
        let payload = sessera_jose::base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice(&payload).unwrap()
    }

    #[tokio::test]
    async fn the_issuer_is_the_public_address_as_it_is_written_everywhere() {
        for written in [
            "https://id.example.org",
            "https://id.example.org/",
            "https://ID.Example.org:443/auth",
            "http://127.0.0.1:4433",
        ] {
            let server = TestServer::configured(json!({"serve": {"public": {"base_url": written}}})).await;
            assert_eq!(
                server.admin("POST", "/admin/keys/a", Some(json!({"alg": "ES256"}))).await.status,
                201
            );
            let templates = json!({
                "t": {"jwks_url": "set://a", "status_list": true, "bearer": true, "audience": written},
                "tenant": {"jwks_url": "set://a", "issuer": format!("{}/tenant", written.trim_end_matches('/'))},
            });
            let path = "/services/identity/config/session/whoami/tokenizer/templates";
            let patch = json!([{"op": "add", "path": path, "value": templates}]);
            assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
            server.person("ada@example.org").await;
            let (token, _) = server.signed_in("ada@example.org").await;
            let auth = [("x-session-token", token.as_str())];
            let whoami = server.public("GET", "/sessions/whoami?tokenize_as=t", &auth, None).await;
            let jwt = whoami.body["tokenized"].as_str().unwrap();
            let introspected = server.admin_form("/oauth2/introspect", &format!("token={jwt}")).await.body;
            assert_eq!((&introspected["active"], &introspected["iss"]), (&json!(true), &json!(written)));
            let base = written.trim_end_matches('/');
            let uri = payload(jwt)["status"]["status_list"]["uri"].as_str().unwrap().to_owned();
            assert!(uri.starts_with(&format!("{base}/.well-known/status/t/")), "{uri}");
            for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
                let document = server.public("GET", path, &[], None).await.body;
                assert_eq!(document["issuer"], written);
                assert_eq!(document["jwks_uri"], format!("{base}/.well-known/jwks.json"));
                assert_eq!(document["token_endpoint"], format!("{base}/oauth2/token"));
            }
            for path in [
                "/tenant/.well-known/openid-configuration",
                "/tenant/.well-known/oauth-authorization-server",
                "/.well-known/oauth-authorization-server/tenant",
            ] {
                let document = server.public("GET", path, &[], None).await.body;
                assert_eq!(document["issuer"], format!("{base}/tenant"), "{path}");
            }
            let bearer = format!("Bearer {jwt}");
            let known = server.public("GET", "/sessions/whoami", &[("authorization", &bearer)], None).await;
            assert_eq!(known.status, 200, "{known:?}");
            let list = server.public("GET", uri.strip_prefix(base).unwrap(), &[], None).await;
            assert_eq!(payload(&list.text)["sub"], uri);
        }
    }

    #[tokio::test]
    async fn an_issuer_below_the_public_address_has_its_own_document() {
        let server = server().await;
        let base = server.app.snapshot().config.public.base_url.clone();
        let templates = json!({
            "one": {"jwks_url": "set://a", "issuer": format!("{base}tenants/one")},
            "two": {"jwks_url": "set://b", "issuer": format!("{base}tenants/two/")},
            "too": {"jwks_url": "set://a", "issuer": format!("{base}tenants/two/")},
            "twin": {"jwks_url": "set://a", "issuer": format!("{base}tenants/two")},
            "secret": {"jwks_url": "set://shared", "issuer": format!("{base}secret")},
            "api": {"jwks_url": "set://a", "issuer": format!("{base}schemas")},
            "other": {"jwks_url": "set://a", "issuer": "https://other.example.org/x"},
        });
        let patch = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
            "value": templates}]);
        assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
        server.person("ada@example.org").await;
        let (token, _) = server.signed_in("ada@example.org").await;
        for (template, algorithms) in [("one", vec!["ES256"]), ("two", vec!["ES256", "EdDSA"])] {
            // A verifier goes from the iss of a token to the document, and from there to the keys.
            let path = format!("/sessions/whoami?tokenize_as={template}");
            let whoami = server.public("GET", &path, &[("x-session-token", &token)], None).await;
            let jwt = whoami.body["tokenized"].as_str().unwrap();
            let claims = payload(jwt);
            let issuer = claims["iss"].as_str().unwrap();
            let below = |url: &str| format!("/{}", url.strip_prefix(&base).unwrap());
            let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            let document = server.public("GET", &below(&address), &[], None).await;
            assert_eq!((document.status, &document.body["issuer"]), (200, &claims["iss"]), "{document:?}");
            assert_eq!(document.body["id_token_signing_alg_values_supported"], json!(algorithms));
            assert_eq!(document.header("cache-control"), "public, max-age=300");
            assert_eq!(document.header("access-control-allow-origin"), "*");
            let tag = document.header("etag").to_owned();
            let again = server.public("GET", &below(&address), &[("if-none-match", &tag)], None).await;
            assert_eq!(again.status, 304);
            let keys =
                server.public("GET", &below(document.body["jwks_uri"].as_str().unwrap()), &[], None).await;
            let set = sessera_jose::JwkSet::parse(keys.body.to_string().as_bytes()).unwrap().public();
            assert_eq!(set.keys().len(), algorithms.len(), "only the keys of its own templates");
            sessera_jose::verify::verify(jwt, &set).unwrap();
        }
        let shared = server.public("GET", "/secret/.well-known/jwks.json", &[], None).await;
        assert_eq!((shared.status, &shared.body), (200, &json!({"keys": []})));
        // What the API has stays what it is, and no other path is one of an issuer.
        assert_eq!(server.public("GET", "/schemas/default", &[], None).await.status, 200);
        for (method, path) in [
            ("GET", "/x/.well-known/openid-configuration"),
            ("GET", "/tenants/.well-known/openid-configuration"),
            ("GET", "/tenants/one/.well-known/other"),
            ("GET", "//tenants/one/.well-known/jwks.json"),
            ("POST", "/tenants/one/.well-known/jwks.json"),
        ] {
            assert_eq!(server.public(method, path, &[], None).await.status, 404, "{method} {path}");
        }
        let root = server.public("GET", "/.well-known/openid-configuration", &[], None).await;
        assert_eq!(root.body["issuer"], base);
    }
}
