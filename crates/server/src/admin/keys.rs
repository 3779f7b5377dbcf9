//! `/admin/keys/{set}`: key sets. The order of keys in a set is their owner's; the first one signs.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_issuer::templates::{self, LocalSources, templates_with_set};
use sessera_jose::{Algorithm, Jwk, JwkSet, KeyError, generate, strict_json};
use sessera_model::{Clock, Timestamp};
use sessera_rotation::Timing;
use sessera_store::{Change, Committer, KeySet, Store, StoredKey};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer;
use crate::app::{AppState, Snapshot};
use crate::configuration::{Configuration, Turn};
use crate::error::ApiError;
use crate::openapi::{ErrorBody, KeyBody, KeySetBody, KeySetSummaryBody};
use crate::request::{JsonBody, JsonText, Path, Segment};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get_set, create, put_set, delete_set))
        .routes(routes!(get_key, put_key, delete_key))
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

/// What this API shows: of a managed set the published keys, without private members.
fn shown(stored: &KeySet, set: &JwkSet, timing: &Timing, now: Timestamp) -> Value {
    let Some(managed) = &stored.managed else { return set.to_private_json() };
    let published = managed.rotation.published(now, timing);
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

fn to_stored(jwk: &Jwk, now: Timestamp) -> StoredKey {
    StoredKey { kid: jwk.kid().to_owned(), jwk: jwk.to_private_json().to_string().into(), created_at: now }
}

/// The stored key sets, which handlers take as one part to change them.
struct KeySets {
    store: Arc<dyn Store>,
    committer: Committer,
    configuration: Arc<Configuration>,
    clock: Arc<dyn Clock>,
}

impl FromRef<AppState> for KeySets {
    fn from_ref(state: &AppState) -> Self {
        Self {
            store: FromRef::from_ref(state),
            committer: FromRef::from_ref(state),
            configuration: FromRef::from_ref(state),
            clock: FromRef::from_ref(state),
        }
    }
}

impl KeySets {
    /// The set with this name, or an empty one.
    async fn find_or_new(&self, name: String) -> Result<KeySet, ApiError> {
        Ok(self.store.key_set(&name).await?.unwrap_or_else(|| KeySet::new(name, Vec::new())))
    }

    /// Stores a set and compiles the templates that read it. A set that would break a template that works
    /// is refused.
    async fn put(&self, turn: &Turn<'_>, set: KeySet) -> Result<(), ApiError> {
        let mut sets = self.store.key_sets().await?;
        sets.retain(|known| known.name != set.name);
        sets.push(set.clone());
        let snapshot = turn.snapshot();
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
        self.commit(turn, Change::PutKeySet(set)).await
    }

    /// Deletes a set. One that a tokenizer template signs with cannot be deleted.
    async fn delete(&self, turn: &Turn<'_>, name: &str) -> Result<(), ApiError> {
        refuse_when_used(&turn.snapshot(), name)?;
        match self.commit(turn, Change::DeleteKeySet(name.to_owned())).await {
            Err(error) if error.is_not_found() => Err(no_set(name)),
            outcome => outcome,
        }
    }

    async fn commit(&self, turn: &Turn<'_>, change: Change) -> Result<(), ApiError> {
        self.committer.commit(&[change]).await?;
        put_to_use(turn).await
    }
}

/// Puts changed key sets to use.
pub(super) async fn put_to_use(turn: &Turn<'_>) -> Result<(), ApiError> {
    let compiled = turn.recompile().await;
    compiled.map_err(|error| ApiError::internal(format!("after a change of keys: {error}")))
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
    responses((status = 200, description = "Names and public keys of all sets", body = [KeySetSummaryBody])))]
async fn list(
    State(store): State<Arc<dyn Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
) -> Result<Response, ApiError> {
    let (timing, now) = (snapshot.issuer.settings.timing, clock.now());
    let mut sets = Vec::new();
    for stored in store.key_sets().await? {
        let set = to_set(&stored)?;
        let (keys, count) = match &stored.managed {
            Some(_) => (shown(&stored, &set, &timing, now)["keys"].take(), None),
            None => (json!(set.public().keys()), Some(set.keys().len())),
        };
        let count = count.unwrap_or_else(|| keys.as_array().map_or(0, Vec::len));
        sets.push(json!({ "set": stored.name, "keys": keys, "key_count": count }));
    }
    Ok(answer::ok(Value::Array(sets)))
}

/// Get a key set
///
/// Private members included, in the order of the set. The header `ETag` tells its version.
#[utoipa::path(get, path = "/admin/keys/{set}", operation_id = "getJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")),
    responses((status = 200, description = "The set", body = KeySetBody), (status = 404, description = "There is none", body = ErrorBody)))]
async fn get_set(
    State(store): State<Arc<dyn Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    Segment(name): Segment,
) -> Result<Response, ApiError> {
    let stored = store.key_set(&name).await?.ok_or_else(|| no_set(&name))?;
    let mut response =
        answer::ok(shown(&stored, &to_set(&stored)?, &snapshot.issuer.settings.timing, clock.now()));
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
    responses((status = 201, description = "The new key, private members included", body = KeySetBody), (status = 400, description = "It cannot be made", body = ErrorBody), (status = 409, description = "The set is managed, or a template needs it as it is", body = ErrorBody)))]
async fn create(
    State(sets): State<KeySets>,
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
    let turn = sets.configuration.turn().await;
    let mut set = sets.find_or_new(name).await?;
    refuse_when_managed(&set)?;
    if set.keys.iter().any(|key| key.kid == jwk.kid()) {
        return Err(ApiError::conflict(format!(
            "The set has a key with the id \"{}\" already. Choose another kid.",
            jwk.kid()
        )));
    }
    set.keys.push(to_stored(&jwk, sets.clock.now()));
    sets.put(&turn, set).await?;
    let made = JwkSet::new(vec![jwk]).map_err(key_error)?;
    Ok(answer::created(made.to_private_json()))
}

/// Replace a key set
///
/// The set becomes what was sent, in the order in which it was sent. With the header `If-Match`, only while it
/// has that version.
#[utoipa::path(put, path = "/admin/keys/{set}", operation_id = "setJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")), request_body = KeySetBody,
    responses((status = 200, description = "The set", body = KeySetBody), (status = 400, description = "It is no key set", body = ErrorBody), (status = 412, description = "It has another version than If-Match says", body = ErrorBody), (status = 409, description = "The set is managed, or a template needs it as it is", body = ErrorBody)))]
async fn put_set(
    State(sets): State<KeySets>,
    Segment(name): Segment,
    headers: HeaderMap,
    text: JsonText,
) -> Result<Response, ApiError> {
    checked_name(&name)?;
    let set = JwkSet::from_value(strict(&text)?).map_err(key_error)?;
    let turn = sets.configuration.turn().await;
    let known = sets.find_or_new(name).await?;
    refuse_when_managed(&known)?;
    if headers
        .get(header::IF_MATCH)
        .is_some_and(|wanted| etag(known.version).is_ok_and(|etag| etag != wanted))
    {
        return Err(ApiError::precondition_failed(
            "The key set has another version than the header If-Match says. Read the set again and repeat the change.",
        )
        .with_message("The key set was changed in the meantime."));
    }
    let keys = set.keys().iter().map(|jwk| {
        let stored = to_stored(jwk, sets.clock.now());
        // A key that stays keeps its age.
        let same = known.keys.iter().find(|key| key.kid == stored.kid && key.jwk == stored.jwk);
        same.cloned().unwrap_or(stored)
    });
    let keys = keys.collect();
    sets.put(&turn, KeySet { keys, ..known }).await?;
    Ok(answer::ok(set.to_private_json()))
}

/// Delete a key set
///
/// A set that a tokenizer template signs with cannot be deleted.
#[utoipa::path(delete, path = "/admin/keys/{set}", operation_id = "deleteJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "A template uses it", body = ErrorBody)))]
async fn delete_set(State(sets): State<KeySets>, Segment(name): Segment) -> Result<Response, ApiError> {
    let turn = sets.configuration.turn().await;
    sets.delete(&turn, &name).await?;
    Ok(answer::no_content())
}

fn refuse_when_used(snapshot: &Snapshot, set: &str) -> Result<(), ApiError> {
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
    State(store): State<Arc<dyn Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    Path((name, kid)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let stored = store.key_set(&name).await?.ok_or_else(|| no_set(&name))?;
    let set = to_set(&stored)?;
    let key = set.find(&kid).ok_or_else(|| no_key(&name, &kid))?;
    let set = JwkSet::new(vec![key.clone()]).map_err(ApiError::internal)?;
    Ok(answer::ok(shown(&stored, &set, &snapshot.issuer.settings.timing, clock.now())))
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
    responses((status = 200, description = "The key", body = KeyBody), (status = 400, description = "It is no key", body = ErrorBody), (status = 409, description = "The set is managed, or a template needs it as it is", body = ErrorBody)))]
async fn put_key(
    State(sets): State<KeySets>,
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
    let turn = sets.configuration.turn().await;
    let mut set = sets.find_or_new(name).await?;
    refuse_when_managed(&set)?;
    let stored = to_stored(&jwk, sets.clock.now());
    match set.keys.iter_mut().find(|key| key.kid == kid) {
        Some(known) => *known = stored,
        None => set.keys.push(stored),
    }
    sets.put(&turn, set).await?;
    Ok(answer::ok(jwk.to_private_json()))
}

/// Delete a key
#[utoipa::path(delete, path = "/admin/keys/{set}/{kid}", operation_id = "deleteJsonWebKey", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set"), ("kid" = String, Path, description = "Id of the key")),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "A template uses it", body = ErrorBody)))]
async fn delete_key(
    State(sets): State<KeySets>,
    Path((name, kid)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let turn = sets.configuration.turn().await;
    let mut set = sets.store.key_set(&name).await?.ok_or_else(|| no_set(&name))?;
    refuse_when_managed(&set)?;
    let before = set.keys.len();
    set.keys.retain(|key| key.kid != kid);
    if set.keys.len() == before {
        return Err(no_key(&name, &kid));
    }
    sets.put(&turn, set).await?;
    Ok(answer::no_content())
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
