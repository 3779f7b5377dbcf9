//! `/admin/keys/{set}`: key sets. The order of keys in a set is their owner's; the first one signs.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_issuer::key_sets::{self, KeySets, KeySetsError, NewKey};
use sessera_jose::{Jwk, JwkSet, strict_json};
use sessera_model::{Clock, Timestamp};
use sessera_rotation::Timing;
use sessera_store::{Committer, Event, KeySet};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{JsonBody, JsonText, Path, Segment};
use sessera_node::configuration::{Configuration, Turn};
use sessera_openapi::{ErrorBody, KeyBody, KeySetBody, KeySetSummaryBody};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
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

/// The key sets, which handlers take as one part.
pub(super) struct EditedSets {
    sets: Arc<KeySets>,
    configuration: Arc<Configuration>,
    clock: Arc<dyn Clock>,
    committer: Committer,
}

impl FromRef<AdminState> for EditedSets {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            sets: FromRef::from_ref(state),
            configuration: FromRef::from_ref(state),
            clock: FromRef::from_ref(state),
            committer: FromRef::from_ref(state),
        }
    }
}

impl EditedSets {
    /// When keys are published, by the rule and the time of now.
    fn moment(&self) -> (Timing, Timestamp) {
        (self.configuration.snapshot().issuer.settings.timing, self.clock.now())
    }

    /// Makes a key and adds it at the end of a set.
    pub(super) async fn make(
        &self,
        name: &str,
        algorithm: &str,
        kid: String,
        key_use: &'static str,
        bits: Option<usize>,
    ) -> Result<Jwk, ApiError> {
        key_sets::check_name(name)?;
        let algorithm = algorithm.parse().map_err(KeySetsError::Key)?;
        let jwk = NewKey { algorithm, kid, key_use, bits }.generate().await?;
        let turn = self.configuration.turn().await;
        let (snapshot, version) = turn.fresh().await?;
        self.sets.judged_by(version).add(&snapshot.issuer, name, &jwk).await?;
        put_to_use(&turn).await?;
        Ok(jwk)
    }

    /// Makes a key the first of its set, so that it signs from now on.
    pub(super) async fn promote(&self, name: &str, kid: &str) -> Result<(), ApiError> {
        let turn = self.configuration.turn().await;
        let (snapshot, version) = turn.fresh().await?;
        let set = self.sets.find(name).await?;
        let promoted = key_sets::with_first(&key_sets::keys(&set)?, kid)
            .ok_or_else(|| KeySetsError::NoSuchKey { set: name.to_owned(), kid: kid.to_owned() })?;
        let is_expected = |known| known == set.version;
        self.sets.judged_by(version).replace(&snapshot.issuer, name, &promoted, is_expected).await?;
        put_to_use(&turn).await
    }

    /// A set or one of its keys, as the API shows it.
    fn shown(&self, set: &KeySet, kid: Option<&str>) -> Result<Value, KeySetsError> {
        let (timing, now) = self.moment();
        let keys = key_sets::shown(set, kid, &timing, now)?;
        // Of a managed set the public halves are shown.
        if set.managed.is_none() {
            self.committer.happened(&Event::KeysShown { key_set: set.name.clone() });
        }
        Ok(json!({ "keys": keys }))
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
/// Only the public members of keys are shown.
#[utoipa::path(get, path = "/admin/keys", operation_id = "listJsonWebKeySets", tag = "jwk",
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "Names and public keys of all sets", body = [KeySetSummaryBody])))]
async fn list(State(edited): State<EditedSets>) -> Result<Response, ApiError> {
    let (timing, now) = edited.moment();
    let mut shown = Vec::new();
    for set in edited.sets.all().await? {
        let all = key_sets::keys(&set)?;
        let (keys, count) = match key_sets::published(&set, &timing, now)? {
            Some(published) => (json!(published), published.len()),
            None => (json!(all.public().keys()), all.keys().len()),
        };
        shown.push(json!({ "set": set.name, "keys": keys, "key_count": count }));
    }
    Ok(answer::ok(Value::Array(shown)))
}

/// Get a key set
///
/// Keys are shown with their private members, in the order of the set. The header `ETag` tells the version of the
/// set.
#[utoipa::path(get, path = "/admin/keys/{set}", operation_id = "getJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")),
    security(("adminToken" = ["owner"])),
    responses((status = 200, description = "The set", body = KeySetBody), (status = 404, description = "There is none", body = ErrorBody)))]
async fn get_set(State(edited): State<EditedSets>, Segment(name): Segment) -> Result<Response, ApiError> {
    let set = edited.sets.find(&name).await?;
    let mut response = answer::ok(edited.shown(&set, None)?);
    response.headers_mut().insert(header::ETAG, etag(set.version)?);
    Ok(response)
}

/// The version of a set as an entity tag (RFC 9110, section 8.8.3).
fn etag(version: i64) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(&format!("\"{version}\"")).map_err(ApiError::internal)
}

/// Create a key
///
/// The key is added at the end of the set, so that the key that signs stays the same. A set that is not there is
/// made.
#[utoipa::path(post, path = "/admin/keys/{set}", operation_id = "createJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")), request_body = CreateBody,
    security(("adminToken" = ["owner"])),
    responses((status = 201, description = "The new key, private members included", body = KeySetBody), (status = 400, description = "It cannot be made", body = ErrorBody), (status = 409, description = "The set is managed, or a template needs it as it is", body = ErrorBody)))]
async fn create(
    State(edited): State<EditedSets>,
    Segment(name): Segment,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    let key_use = match body.key_use.as_str() {
        "" | "sig" => "sig",
        "enc" => "enc",
        _ => return Err(ApiError::bad_request("The member use must be sig or enc.")),
    };
    let jwk = edited.make(&name, &body.alg, body.kid, key_use, body.bits).await?;
    Ok(answer::created(JwkSet::new(vec![jwk]).map_err(KeySetsError::Key)?.to_private_json()))
}

/// Replace a key set
///
/// The set becomes what was sent, in the order in which it was sent. With the header `If-Match` it is replaced only
/// while it has that version.
#[utoipa::path(put, path = "/admin/keys/{set}", operation_id = "setJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")), request_body = KeySetBody,
    security(("adminToken" = ["owner"])),
    responses((status = 200, description = "The set", body = KeySetBody), (status = 400, description = "It is no key set", body = ErrorBody), (status = 412, description = "It has another version than If-Match says", body = ErrorBody), (status = 409, description = "The set is managed, or a template needs it as it is", body = ErrorBody)))]
async fn put_set(
    State(edited): State<EditedSets>,
    Segment(name): Segment,
    headers: HeaderMap,
    text: JsonText,
) -> Result<Response, ApiError> {
    key_sets::check_name(&name)?;
    let keys = JwkSet::from_value(strict(&text)?).map_err(KeySetsError::Key)?;
    let turn = edited.configuration.turn().await;
    let is_expected = |version| {
        let wanted = headers.get(header::IF_MATCH);
        wanted.is_none_or(|wanted| etag(version).is_ok_and(|etag| etag == wanted))
    };
    let (snapshot, version) = turn.fresh().await?;
    edited.sets.judged_by(version).replace(&snapshot.issuer, &name, &keys, is_expected).await?;
    put_to_use(&turn).await?;
    Ok(answer::ok(keys.to_private_json()))
}

/// Delete a key set
///
/// A set that a tokenizer template signs with cannot be deleted.
#[utoipa::path(delete, path = "/admin/keys/{set}", operation_id = "deleteJsonWebKeySet", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set")),
    security(("adminToken" = ["owner"])),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "A template uses it", body = ErrorBody)))]
async fn delete_set(State(edited): State<EditedSets>, Segment(name): Segment) -> Result<Response, ApiError> {
    let turn = edited.configuration.turn().await;
    let (snapshot, version) = turn.fresh().await?;
    edited.sets.judged_by(version).delete(&snapshot.issuer, &name).await?;
    put_to_use(&turn).await?;
    Ok(answer::no_content())
}

/// Get a key
#[utoipa::path(get, path = "/admin/keys/{set}/{kid}", operation_id = "getJsonWebKey", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set"), ("kid" = String, Path, description = "Id of the key")),
    security(("adminToken" = ["owner"])),
    responses((status = 200, description = "A set with the key", body = KeySetBody), (status = 404, description = "There is none", body = ErrorBody)))]
async fn get_key(
    State(edited): State<EditedSets>,
    Path((name, kid)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let set = edited.sets.find(&name).await?;
    Ok(answer::ok(edited.shown(&set, Some(&kid))?))
}

/// Replace a key
///
/// It keeps its place in the set; a new one is added at the end.
#[utoipa::path(put, path = "/admin/keys/{set}/{kid}", operation_id = "setJsonWebKey", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set"), ("kid" = String, Path, description = "Id of the key")), request_body = KeyBody,
    security(("adminToken" = ["owner"])),
    responses((status = 200, description = "The key", body = KeyBody), (status = 400, description = "It is no key", body = ErrorBody), (status = 409, description = "The set is managed, or a template needs it as it is", body = ErrorBody)))]
async fn put_key(
    State(edited): State<EditedSets>,
    Path((name, kid)): Path<(String, String)>,
    text: JsonText,
) -> Result<Response, ApiError> {
    key_sets::check_name(&name)?;
    key_sets::check_name(&kid)?;
    let value = strict(&text)?;
    let named = value.get("kid").and_then(Value::as_str).filter(|named| !named.is_empty());
    if named.is_some_and(|named| named != kid) {
        return Err(ApiError::bad_request(
            "The member kid differs from the id in the path. Make them the same.",
        ));
    }
    let jwk = Jwk::from_value(value).map_err(KeySetsError::Key)?.with_kid(kid);
    let turn = edited.configuration.turn().await;
    let (snapshot, version) = turn.fresh().await?;
    edited.sets.judged_by(version).put_key(&snapshot.issuer, &name, &jwk).await?;
    put_to_use(&turn).await?;
    Ok(answer::ok(jwk.to_private_json()))
}

/// Delete a key
#[utoipa::path(delete, path = "/admin/keys/{set}/{kid}", operation_id = "deleteJsonWebKey", tag = "jwk",
    params(("set" = String, Path, description = "Name of the set"), ("kid" = String, Path, description = "Id of the key")),
    security(("adminToken" = ["owner"])),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "A template uses it", body = ErrorBody)))]
async fn delete_key(
    State(edited): State<EditedSets>,
    Path((name, kid)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let turn = edited.configuration.turn().await;
    let (snapshot, version) = turn.fresh().await?;
    edited.sets.judged_by(version).delete_key(&snapshot.issuer, &name, &kid).await?;
    put_to_use(&turn).await?;
    Ok(answer::no_content())
}
