//! `/admin/keys/{set}`: key sets. The order of keys in a set is their owner's; the first one signs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_issuer::templates::{self, LocalSources, templates_with_set};
use sessera_jose::{Algorithm, Jwk, JwkSet, KeyError, generate, strict_json};
use sessera_store::{Change, Conflict, KeySet, StoreError, StoredKey};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{ApiError, NO_STORE};
use crate::openapi::ErrorBody;
use crate::request::{JsonBody, JsonText, Path, Segment};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get_set, create, put_set, delete_set))
        .routes(routes!(get_key, put_key, delete_key))
}

/// A JSON Web Key (RFC 7517).
#[derive(ToSchema)]
#[schema(as = JsonWebKey)]
#[expect(dead_code, reason = "describes the wire; keys are made of JSON")]
struct KeyBody {
    kid: String,
    kty: String,
    alg: String,
    #[schema(rename = "use")]
    key_use: String,
}

/// A JSON Web Key Set (RFC 7517, section 5).
#[derive(ToSchema)]
#[schema(as = JsonWebKeySet)]
#[expect(dead_code, reason = "describes the wire; key sets are made of JSON")]
struct KeySetBody {
    keys: Vec<KeyBody>,
}

/// What to make a key for.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateJsonWebKeySet)]
struct CreateBody {
    /// The algorithm, for example ES256.
    alg: String,
    /// The key's id; its thumbprint when empty.
    #[serde(default)]
    kid: String,
    /// `sig` when empty.
    #[serde(rename = "use", default)]
    key_use: String,
    /// Bits of an RSA key; 4096 when absent.
    bits: Option<usize>,
}

pub(super) fn key_error(error: KeyError) -> ApiError {
    ApiError::bad_request(format!("The key cannot be used: {error}."))
}

pub(super) fn no_set(name: &str) -> ApiError {
    ApiError::not_found(format!(
        "There is no key set \"{name}\". Create it with POST /admin/keys/{name} or \"sessera create jwk {name} --alg ES256\"."
    ))
}

/// Names of sets and keys: what can stand in a path and in `set://NAME` without surprises.
pub(super) fn checked_name(name: &str) -> Result<&str, ApiError> {
    let good = !name.is_empty() && name.len() <= 255 && !name.chars().any(|c| c.is_control() || c == '/');
    if good && name != "." && name != ".." {
        return Ok(name);
    }
    Err(ApiError::bad_request(
        "The name is empty, longer than 255 bytes, or holds '/' or control characters. Choose another one.",
    ))
}

fn answer(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response()
}

/// What this API shows: of a managed set the published keys, without private members.
fn shown(app: &App, stored: &KeySet, set: &JwkSet) -> Value {
    let Some(managed) = &stored.managed else { return set.to_private_json() };
    let timing = app.snapshot().config.session.rotation;
    let published = managed.rotation.published(app.clock.now(), &timing);
    let is_published = |kid: &str| published.iter().any(|key| key.kid == kid);
    let public = set.public();
    let keys: Vec<_> = public.keys().iter().filter(|key| is_published(key.kid())).collect();
    json!({ "keys": keys })
}

/// The keys of a managed set are changed by rotation only.
fn refuse_when_managed(set: &KeySet) -> Result<(), ApiError> {
    if set.managed.is_none() {
        return Ok(());
    }
    Err(ApiError::conflict(format!(
        "The key set \"{0}\" is managed: its keys are made and ended by rotation. Change it with \"sessera rotate jwk {0}\" or \"sessera revoke jwk {0} KID\".",
        set.name
    )))
}

fn to_set(stored: &KeySet) -> Result<JwkSet, ApiError> {
    let keys = stored.keys.iter().map(|key| Jwk::parse(key.jwk.expose().as_bytes()));
    let keys = keys.collect::<Result<Vec<_>, _>>().map_err(ApiError::internal)?;
    JwkSet::new(keys).map_err(ApiError::internal)
}

fn to_stored(app: &App, jwk: &Jwk) -> StoredKey {
    StoredKey {
        kid: jwk.kid().to_owned(),
        jwk: jwk.to_private_json().to_string().into(),
        created_at: app.clock.now(),
    }
}

/// Stores a set and compiles the templates that read it; the caller has its turn to do so. A set that
/// would break a template that works is refused.
async fn store(app: &App, set: KeySet) -> Result<(), ApiError> {
    let mut sets = app.store.key_sets().await?;
    sets.retain(|known| known.name != set.name);
    sets.push(set.clone());
    let snapshot = app.snapshot();
    for (name, _) in templates_with_set(&snapshot.config.templates, &set.name) {
        let works = snapshot.issuer.templates.get(name).is_some_and(Result::is_ok);
        let sources = LocalSources::new(&sets);
        let template = &snapshot.config.templates[name];
        if let (true, Err(broken)) = (works, templates::compile(name, template, &sources)) {
            return Err(ApiError::conflict(format!(
                "The tokenizer template \"{name}\" signs with this set and would stop working: {broken}. Change the template first."
            )));
        }
    }
    app.commit(&[Change::PutKeySet(set)]).await?;
    reload(app).await
}

/// Puts changed key sets to use.
pub(super) async fn reload(app: &App) -> Result<(), ApiError> {
    app.live
        .recompile(app)
        .await
        .map_err(|error| ApiError::internal(format!("after a change of keys: {error}")))
}

/// Reads a body as strict JSON: a member that comes twice is refused, because two readers could see two
/// different keys.
fn strict(text: &JsonText) -> Result<Value, ApiError> {
    strict_json::parse(&text.0)
        .map_err(|error| ApiError::bad_request(format!("The body is no JSON that can be used: {error}.")))
}

/// List all key sets
///
/// Public members only.
#[utoipa::path(get, path = "/admin/keys", operation_id = "listJsonWebKeySets", tag = "jwk",
    responses((status = 200, description = "Names and public keys of all sets")))]
async fn list(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let mut sets = Vec::new();
    for stored in app.store.key_sets().await? {
        let set = to_set(&stored)?;
        let (keys, count) = match &stored.managed {
            Some(_) => (shown(&app, &stored, &set)["keys"].take(), None),
            None => (json!(set.public().keys()), Some(set.keys().len())),
        };
        let count = count.unwrap_or_else(|| keys.as_array().map_or(0, Vec::len));
        sets.push(json!({ "set": stored.name, "keys": keys, "key_count": count }));
    }
    Ok(answer(StatusCode::OK, Value::Array(sets)))
}

/// Get a key set
///
/// Private members included, in the order of the set. The header `ETag` tells its version.
#[utoipa::path(get, path = "/admin/keys/{set}", operation_id = "getJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")),
    responses((status = 200, description = "The set", body = KeySetBody), (status = 404, description = "There is none", body = ErrorBody)))]
async fn get_set(State(app): State<Arc<App>>, Segment(name): Segment) -> Result<Response, ApiError> {
    let stored = app.store.key_set(&name).await?.ok_or_else(|| no_set(&name))?;
    let mut response = answer(StatusCode::OK, shown(&app, &stored, &to_set(&stored)?));
    response.headers_mut().insert(header::ETAG, etag(stored.version)?);
    Ok(response)
}

/// The version of a set as an entity tag (RFC 9110, section 8.8.3).
fn etag(version: i64) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(&format!("\"{version}\"")).map_err(ApiError::internal)
}

/// Create a key
///
/// Adds it at the end of the set, so that the key that signs stays the same; makes the set when it is not there.
#[utoipa::path(post, path = "/admin/keys/{set}", operation_id = "createJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")), request_body = CreateBody,
    responses((status = 201, description = "The new key, private members included", body = KeySetBody), (status = 400, description = "It cannot be made", body = ErrorBody)))]
async fn create(
    State(app): State<Arc<App>>,
    Segment(name): Segment,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    checked_name(&name)?;
    let algorithm: Algorithm = body.alg.parse().map_err(key_error)?;
    if !body.kid.is_empty() {
        checked_name(&body.kid)?;
    }
    let key_use = match body.key_use.as_str() {
        "" | "sig" => "sig",
        "enc" => "enc",
        _ => return Err(ApiError::bad_request("The member use must be sig or enc.")),
    };
    let bits = body.bits.unwrap_or(generate::DEFAULT_RSA_BITS);
    let kid = Some(body.kid);
    // Making a long RSA key takes seconds of computing.
    let made = tokio::task::spawn_blocking(move || generate::key(algorithm, kid, bits)).await;
    let jwk = made.map_err(ApiError::internal)?.map_err(key_error)?.with_use(key_use);
    let _turn = app.live.turn().await;
    let mut set = app.store.key_set(&name).await?.unwrap_or_else(|| KeySet::new(name, Vec::new()));
    refuse_when_managed(&set)?;
    if set.keys.iter().any(|key| key.kid == jwk.kid()) {
        return Err(ApiError::conflict(format!(
            "The set has a key with the id \"{}\" already. Choose another kid.",
            jwk.kid()
        )));
    }
    set.keys.push(to_stored(&app, &jwk));
    store(&app, set).await?;
    let made = JwkSet::new(vec![jwk]).map_err(key_error)?;
    Ok(answer(StatusCode::CREATED, made.to_private_json()))
}

/// Replace a key set
///
/// The set becomes what was sent, in the order in which it was sent. With the header `If-Match`, only while it
/// has that version.
#[utoipa::path(put, path = "/admin/keys/{set}", operation_id = "setJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")), request_body = KeySetBody,
    responses((status = 200, description = "The set", body = KeySetBody), (status = 400, description = "It is no key set", body = ErrorBody), (status = 412, description = "It has another version than If-Match says", body = ErrorBody)))]
async fn put_set(
    State(app): State<Arc<App>>,
    Segment(name): Segment,
    headers: HeaderMap,
    text: JsonText,
) -> Result<Response, ApiError> {
    checked_name(&name)?;
    let set = JwkSet::from_value(strict(&text)?).map_err(key_error)?;
    let _turn = app.live.turn().await;
    let known = app.store.key_set(&name).await?.unwrap_or_else(|| KeySet::new(name, Vec::new()));
    refuse_when_managed(&known)?;
    if headers
        .get(header::IF_MATCH)
        .is_some_and(|wanted| etag(known.version).is_ok_and(|etag| etag != wanted))
    {
        return Err(ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            "The key set was changed in the meantime.",
            "The key set has another version than the header If-Match says. Read the set again and repeat the change.",
        ));
    }
    let keys = set.keys().iter().map(|jwk| {
        let stored = to_stored(&app, jwk);
        // A key that stays keeps its age.
        let same = known.keys.iter().find(|key| key.kid == stored.kid && key.jwk == stored.jwk);
        same.cloned().unwrap_or(stored)
    });
    let keys = keys.collect();
    store(&app, KeySet { keys, ..known }).await?;
    Ok(answer(StatusCode::OK, set.to_private_json()))
}

/// Delete a key set
///
/// A set that a tokenizer template signs with cannot be deleted.
#[utoipa::path(delete, path = "/admin/keys/{set}", operation_id = "deleteJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "A template uses it", body = ErrorBody)))]
async fn delete_set(State(app): State<Arc<App>>, Segment(name): Segment) -> Result<StatusCode, ApiError> {
    let _turn = app.live.turn().await;
    refuse_when_used(&app, &name)?;
    match app.commit(&[Change::DeleteKeySet(name.clone())]).await {
        Err(StoreError::Conflict(Conflict::Missing)) => return Err(no_set(&name)),
        other => other?,
    }
    reload(&app).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refuse_when_used(app: &App, set: &str) -> Result<(), ApiError> {
    let snapshot = app.snapshot();
    match templates_with_set(&snapshot.config.templates, set).next() {
        Some((template, _)) => Err(ApiError::conflict(format!(
            "The tokenizer template \"{template}\" signs with the set \"{set}\". Give the template another set first."
        ))),
        None => Ok(()),
    }
}

/// Get a key
#[utoipa::path(get, path = "/admin/keys/{set}/{kid}", operation_id = "getJsonWebKey", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set"), ("kid" = String, Path, description = "Id of the key")),
    responses((status = 200, description = "A set with the key", body = KeySetBody), (status = 404, description = "There is none", body = ErrorBody)))]
async fn get_key(
    State(app): State<Arc<App>>,
    Path((name, kid)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let stored = app.store.key_set(&name).await?.ok_or_else(|| no_set(&name))?;
    let set = to_set(&stored)?;
    let key = set.find(&kid).ok_or_else(|| no_key(&name, &kid))?;
    let set = JwkSet::new(vec![key.clone()]).map_err(ApiError::internal)?;
    Ok(answer(StatusCode::OK, shown(&app, &stored, &set)))
}

fn no_key(name: &str, kid: &str) -> ApiError {
    ApiError::not_found(format!(
        "The key set \"{name}\" has no key \"{kid}\". List its keys with GET /admin/keys/{name}."
    ))
}

/// Replace a key
///
/// It keeps its place in the set; a new one is added at the end.
#[utoipa::path(put, path = "/admin/keys/{set}/{kid}", operation_id = "setJsonWebKey", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set"), ("kid" = String, Path, description = "Id of the key")), request_body = KeyBody,
    responses((status = 200, description = "The key", body = KeyBody), (status = 400, description = "It is no key", body = ErrorBody)))]
async fn put_key(
    State(app): State<Arc<App>>,
    Path((name, kid)): Path<(String, String)>,
    text: JsonText,
) -> Result<Response, ApiError> {
    checked_name(&name)?;
    checked_name(&kid)?;
    let value = strict(&text)?;
    let named = value.get("kid").and_then(Value::as_str).filter(|named| !named.is_empty());
    if named.is_some_and(|named| named != kid) {
        return Err(ApiError::bad_request(
            "The member kid differs from the id in the path. Make them the same.",
        ));
    }
    let jwk = Jwk::from_value(value).map_err(key_error)?.with_kid(kid.clone());
    let _turn = app.live.turn().await;
    let mut set = app.store.key_set(&name).await?.unwrap_or_else(|| KeySet::new(name, Vec::new()));
    refuse_when_managed(&set)?;
    let stored = to_stored(&app, &jwk);
    match set.keys.iter_mut().find(|key| key.kid == kid) {
        Some(known) => *known = stored,
        None => set.keys.push(stored),
    }
    store(&app, set).await?;
    Ok(answer(StatusCode::OK, jwk.to_private_json()))
}

/// Delete a key
#[utoipa::path(delete, path = "/admin/keys/{set}/{kid}", operation_id = "deleteJsonWebKey", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set"), ("kid" = String, Path, description = "Id of the key")),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "A template uses it", body = ErrorBody)))]
async fn delete_key(
    State(app): State<Arc<App>>,
    Path((name, kid)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let _turn = app.live.turn().await;
    let mut set = app.store.key_set(&name).await?.ok_or_else(|| no_set(&name))?;
    refuse_when_managed(&set)?;
    let before = set.keys.len();
    set.keys.retain(|key| key.kid != kid);
    if set.keys.len() == before {
        return Err(no_key(&name, &kid));
    }
    store(&app, set).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    #[tokio::test]
    async fn a_set_is_replaced_only_while_it_has_the_version_that_was_read() {
        let server = TestServer::start().await;
        for kid in ["a", "b"] {
            let body = json!({"alg": "ES256", "kid": kid});
            assert_eq!(server.admin("POST", "/admin/keys/s", Some(body)).await.status, 201);
        }
        let read = server.admin("GET", "/admin/keys/s", None).await;
        let version = read.header("etag").to_owned();
        let mut turned = read.body.clone();
        turned["keys"].as_array_mut().unwrap().reverse();
        let put = |version: String| {
            let (server, body) = (&server, turned.clone());
            async move { server.admin_with("PUT", "/admin/keys/s", &[("if-match", &version)], Some(body)).await }
        };
        let ages = |set: &KeySet| set.keys.iter().map(|key| key.created_at).collect::<Vec<_>>();
        let before = ages(&server.app.store.key_set("s").await.unwrap().unwrap());
        server.clock.advance(std::time::Duration::from_secs(60));
        assert_eq!(put(version.clone()).await.status, 200);
        let after = server.app.store.key_set("s").await.unwrap().unwrap();
        assert_eq!((after.keys[0].kid.as_str(), ages(&after)), ("b", before), "keys keep their age");
        let outdated = put(version).await;
        assert_eq!(outdated.status, 412);
        assert!(outdated.reason().contains("Read the set again"));
    }
}
