//! `/admin/rotation/{set}`: managed key sets, which rotate by themselves.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_issuer::key_sets::{self, KeySets, KeySetsError};
use sessera_issuer::managed_keys::{ManagedKeys, ManagedKeysError};
use sessera_model::{Clock, GoDuration, Timestamp};
use sessera_rotation::Revoked;
use sessera_store::KeySet;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::keys::put_to_use;
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{JsonBody, Path, Segment};
use sessera_node::Configuration;
use sessera_openapi::{ErrorBody, ManagedSetBody, RevokedKeyBody, RotatedBody};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(states, create)).routes(routes!(rotate)).routes(routes!(revoke))
}

/// What a managed set is made by.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateManagedKeySet)]
struct CreateBody {
    /// The algorithm, for example ES256. Needed for a new set; an adopted one keeps its own.
    alg: Option<String>,
    /// How long a key signs, as Go writes durations, for example 720h.
    period: String,
    /// Make a set that exists already a managed one.
    #[serde(default)]
    adopt: bool,
}

/// How a managed set is made.
pub(super) struct NewSet<'a> {
    /// The algorithm of its keys, where it is not one that is there.
    pub(super) algorithm: Option<&'a str>,
    /// How long a key signs.
    pub(super) period: &'a str,
    /// Whether it is one that is there.
    pub(super) adopt: bool,
}

/// The managed key sets, which handlers take as one part.
pub(super) struct ManagedSets {
    pub(super) sets: Arc<KeySets>,
    keys: Arc<ManagedKeys>,
    configuration: Arc<Configuration>,
    clock: Arc<dyn Clock>,
}

impl FromRef<AdminState> for ManagedSets {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            sets: FromRef::from_ref(state),
            keys: FromRef::from_ref(state),
            configuration: FromRef::from_ref(state),
            clock: FromRef::from_ref(state),
        }
    }
}

impl ManagedSets {
    /// Makes a managed set, or makes one that is there a managed one.
    pub(super) async fn make(&self, name: &str, wanted: NewSet<'_>) -> Result<KeySet, ApiError> {
        key_sets::check_name(name)?;
        let period: GoDuration =
            wanted.period.parse().map_err(|error| ApiError::bad_request(format!("The period: {error}.")))?;
        let turn = self.configuration.turn().await;
        let snapshot = turn.snapshot();
        let set = if wanted.adopt {
            self.keys.adopt(&snapshot.issuer, self.sets.find(name).await?, period).await?
        } else {
            let algorithm = wanted.algorithm.map(str::parse).transpose().map_err(KeySetsError::Key)?;
            self.keys.create(&snapshot.issuer, name, algorithm, period).await?
        };
        put_to_use(&turn).await?;
        Ok(set)
    }

    /// Lets the next key sign, and tells which one that is and when it begins.
    pub(super) async fn rotated(&self, name: &str) -> Result<(String, Timestamp), ApiError> {
        let turn = self.configuration.turn().await;
        let set = self.sets.find(name).await?;
        let (_, kid, activates_at) = self.keys.rotate(&turn.snapshot().issuer, set).await?;
        put_to_use(&turn).await?;
        Ok((kid, activates_at))
    }

    /// Takes a key out at once, and tells what that means.
    pub(super) async fn revoked(&self, name: &str, kid: &str) -> Result<Revoked, ApiError> {
        let turn = self.configuration.turn().await;
        let set = self.sets.find(name).await?;
        let (_, revoked) = self.keys.revoke(&turn.snapshot().issuer, set, kid).await?;
        put_to_use(&turn).await?;
        Ok(revoked)
    }

    /// States and timeline of a managed set. No key material stands in it.
    fn describe(&self, set: &KeySet) -> Result<Value, ManagedKeysError> {
        let managed = set.managed.as_ref().ok_or_else(|| ManagedKeysError::NotManaged(set.name.clone()))?;
        let timing = self.configuration.snapshot().issuer.settings.timing;
        let now = self.clock.now();
        let states = managed.schedule.states(now, &timing).into_iter().map(|(key, state)| {
            json!({
                "kid": key.kid, "state": state, "published_at": key.published_at,
                "activates_at": key.activates_at, "revoked_at": key.revoked_at,
                "max_ttl": key.max_ttl, "has_private": key.has_private,
            })
        });
        Ok(json!({
            "set": set.name, "alg": managed.algorithm, "period": managed.schedule.period, "now": now,
            "timing": timing, "keys": states.collect::<Value>(),
            "timeline": managed.schedule.timeline(now, &timing),
        }))
    }
}

/// Show the keys of a managed set with their states
///
/// The answer also tells when each key will enter which state.
#[utoipa::path(get, path = "/admin/rotation/{set}", operation_id = "getManagedKeySet", tag = "rotation",
    params(("set" = String, Path, description = "Name of the set")),
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "States and timeline", body = ManagedSetBody), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "The set is not managed", body = ErrorBody)))]
async fn states(State(sets): State<ManagedSets>, Segment(name): Segment) -> Result<Response, ApiError> {
    let set = sets.sets.find(&name).await?;
    Ok(answer::ok(sets.describe(&set)?))
}

/// Create a managed set, or make one that exists a managed one
///
/// Its keys rotate by themselves. No private key ever leaves the server.
#[utoipa::path(post, path = "/admin/rotation/{set}", operation_id = "createManagedKeySet", tag = "rotation",
    params(("set" = String, Path, description = "Name of the set")), request_body = CreateBody,
    security(("adminToken" = ["owner"])),
    responses((status = 201, description = "States and timeline", body = ManagedSetBody), (status = 400, description = "The times or the algorithm do not fit", body = ErrorBody), (status = 409, description = "The set is there already", body = ErrorBody), (status = 404, description = "There is no set to adopt", body = ErrorBody)))]
async fn create(
    State(sets): State<ManagedSets>,
    Segment(name): Segment,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    let wanted = NewSet { algorithm: body.alg.as_deref(), period: &body.period, adopt: body.adopt };
    let set = sets.make(&name, wanted).await?;
    Ok(answer::created(sets.describe(&set)?))
}

/// Let the next key sign as soon as all verifiers can know it
#[utoipa::path(post, path = "/admin/rotation/{set}/rotate", operation_id = "rotateManagedKeySet", tag = "rotation",
    params(("set" = String, Path, description = "Name of the set")),
    security(("adminToken" = ["owner"])),
    responses((status = 200, description = "The next key and when it begins to sign", body = RotatedBody), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "The set is not managed", body = ErrorBody)))]
async fn rotate(State(sets): State<ManagedSets>, Segment(name): Segment) -> Result<Response, ApiError> {
    let (kid, activates_at) = sets.rotated(&name).await?;
    Ok(answer::ok(json!({ "set": name, "kid": kid, "activates_at": activates_at })))
}

/// Take a compromised key out at once
///
/// The prepared key signs from now on. Verifiers may accept tokens of the revoked key until `accepted_until`,
/// because they keep the set that they fetched before.
#[utoipa::path(post, path = "/admin/rotation/{set}/keys/{kid}/revoke", operation_id = "revokeManagedKey", tag = "rotation",
    params(("set" = String, Path, description = "Name of the set"), ("kid" = String, Path, description = "Id of the key")),
    security(("adminToken" = ["owner"])),
    responses((status = 200, description = "The key that signs now, and until when others may accept the old one", body = RevokedKeyBody), (status = 404, description = "There is none", body = ErrorBody), (status = 409, description = "The set is not managed", body = ErrorBody)))]
async fn revoke(
    State(sets): State<ManagedSets>,
    Path((name, kid)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let revoked = sets.revoked(&name, &kid).await?;
    Ok(answer::ok(json!({
        "set": name, "kid": kid, "signer": revoked.signer, "accepted_until": revoked.accepted_until,
    })))
}
