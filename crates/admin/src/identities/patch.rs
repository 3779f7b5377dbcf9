//! `PATCH /admin/identities/{id}`: JSON Patch (RFC 6902), with the liberties of [`sessera_model::json_patch`].
//!
//! The patch is applied to the identity as `GET` shows it, without its credentials. Traits, metadata,
//! state, schema and external id can be changed, and whether an address is verified; everything else
//! follows or stays.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;
use sessera_accounts::identities::{IdentityDraft, PreparedIdentity};
use sessera_model::json_patch::{Budget, Operation, PatchError};
use sessera_model::{Identity, IdentityView};

use super::Identities;
use super::body::{AddressBody, mark_verified, private_json, show, state};
use sessera_contract::answer::ApiError;
use sessera_contract::request::{JsonBody, Segment};
use sessera_openapi::{ErrorBody, IdentityBody, JsonPatchBody};

/// The most operations of one patch.
const MAX_OPERATIONS: usize = 1000;

/// How many bytes of JSON the copies of one patch may add.
const MAX_COPIED: usize = 1024 * 1024;

/// What can be changed as a whole and in part.
const CHANGEABLE: [&str; 6] =
    ["traits", "metadata_public", "metadata_admin", "state", "schema_id", "external_id"];

/// What can be changed of a verifiable address. Its status follows from whether it is verified.
const CHANGEABLE_OF_ADDRESS: [&str; 3] = ["verified", "verified_at", "status"];

/// Change an identity
#[utoipa::path(
    patch,
    path = "/admin/identities/{id}",
    operation_id = "patchIdentity",
    tag = "identity",
    params(("id" = String, Path, description = "The identity's id")),
    request_body(content = Vec<JsonPatchBody>, description = "A JSON Patch (RFC 6902)"),
    security(("adminToken" = ["operator"])),
    responses(
        (status = 200, description = "The identity", body = IdentityBody),
        (status = 400, description = "The patch cannot be applied, or its result is not good", body = ErrorBody),
        (status = 404, description = "There is no such identity", body = ErrorBody),
        (status = 409, description = "Somebody else changed it, or an identifier belongs to somebody else", body = ErrorBody),
    )
)]
pub(super) async fn patch(
    State(identities): State<Identities>,
    Segment(id): Segment,
    JsonBody(operations): JsonBody<Vec<Value>>,
) -> Result<Response, ApiError> {
    let patched = identities.patched(&id, &operations).await?;
    Ok(private_json(&show(&identities.snapshot, &patched.identity, patched.credentials(), &[])))
}

impl Identities {
    /// Changes the identity that a path names by the operations of a patch.
    pub(crate) async fn patched(&self, id: &str, operations: &[Value]) -> Result<PreparedIdentity, ApiError> {
        let (identity, stored_credentials) = self.find(id).await?;
        let mut document = identity.to_json(IdentityView::admin(&self.snapshot.schemas_url));
        apply(operations, &mut document)?;
        let draft = draft(&identity, &document)?;
        let surroundings = self.surroundings();
        let mut prepared = PreparedIdentity::update(identity, stored_credentials, draft, surroundings)?;
        mark_verified(&mut prepared.identity, &addresses(&document)?, surroundings.now);
        self.accounts.committer.commit(&prepared.changes()).await?;
        Ok(prepared)
    }
}

fn apply(operations: &[Value], document: &mut Value) -> Result<(), ApiError> {
    if operations.len() > MAX_OPERATIONS {
        return Err(ApiError::bad_request(format!(
            "A patch can have {MAX_OPERATIONS} operations at the most. Send several patches."
        )));
    }
    let mut budget = Budget::new(MAX_COPIED);
    for (index, operation) in operations.iter().enumerate() {
        apply_one(operation, document, &mut budget).map_err(|PatchError { pointer, message }| {
            ApiError::bad_request(format!(
                "Operation {index} of the patch fails, at \"{pointer}\": {message}."
            ))
        })?;
    }
    Ok(())
}

fn apply_one(operation: &Value, document: &mut Value, budget: &mut Budget) -> Result<(), PatchError> {
    let operation = Operation::parse(operation)?;
    if let Some(path) = operation.changes().find(|path| !is_changeable(path)) {
        let what = CHANGEABLE.join(", ");
        return Err(PatchError::new(
            path,
            format!("this cannot be changed. What can: {what}, and verifiable_addresses/N/verified"),
        ));
    }
    operation.apply(document, budget)
}

fn is_changeable(path: &str) -> bool {
    let mut names = path.split('/').skip(1);
    match (names.next(), names.next(), names.next(), names.next()) {
        (Some("verifiable_addresses"), Some(_), Some(member), None) => {
            CHANGEABLE_OF_ADDRESS.contains(&member)
        }
        (Some(member), ..) => CHANGEABLE.contains(&member),
        _ => false,
    }
}

fn draft(identity: &Identity, document: &Value) -> Result<IdentityDraft, ApiError> {
    let present = |member: &str| document.get(member).filter(|value| !value.is_null());
    let text = |member: &'static str| match present(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => {
            Err(ApiError::bad_request(format!("The patch leaves {member} as something else than text.")))
        }
    };
    Ok(IdentityDraft {
        schema_id: text("schema_id")?.unwrap_or_else(|| identity.schema_id.clone()),
        traits: document.get("traits").cloned().unwrap_or_default(),
        state: text("state")?.map_or(Ok(identity.state), |word| state(&word))?,
        external_id: text("external_id")?,
        metadata_public: present("metadata_public").cloned(),
        metadata_admin: present("metadata_admin").cloned(),
    })
}

/// The addresses as the patch leaves them.
fn addresses(document: &Value) -> Result<Vec<AddressBody>, ApiError> {
    let Some(addresses) = document.get("verifiable_addresses") else { return Ok(vec![]) };
    serde_json::from_value(addresses.clone()).map_err(|error| {
        ApiError::bad_request(format!("The patch leaves verifiable_addresses in the wrong form: {error}."))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(patch: Value) -> Result<Value, String> {
        let operations: Vec<Value> = serde_json::from_value(patch).unwrap();
        let mut document = json!({
            "id": "1", "traits": {"email": "a"}, "metadata_public": null, "state": "active",
            "verifiable_addresses": [{"value": "a", "verified": false}]
        });
        apply(&operations, &mut document).map(|()| document).map_err(|error| error.reason().to_owned())
    }

    #[test]
    fn what_is_not_the_identity_s_own_cannot_be_changed() {
        for (op, path) in [
            ("replace", "/id"),
            ("replace", ""),
            ("add", "/credentials"),
            ("add", "/credentials/password"),
            ("replace", "/created_at"),
            ("replace", "/verifiable_addresses"),
            ("replace", "/verifiable_addresses/0/value"),
            ("add", "/recovery_addresses/0"),
            ("add", "/traitsx"),
        ] {
            let refused = patched(json!([{"op": op, "path": path, "value": 1}])).unwrap_err();
            assert!(refused.contains("cannot be changed"), "{path}: {refused}");
        }
        assert!(patched(json!([{"op": "move", "from": "/id", "path": "/traits/id"}])).is_err());
    }

    #[test]
    fn what_can_be_changed_is_changed() {
        let document = patched(json!([
            {"op": "test", "path": "/id", "value": "1"},
            {"op": "replace", "path": "/traits/email", "value": "b"},
            {"op": "add", "path": "/metadata_public", "value": {"plan": "pro"}},
            {"op": "add", "path": "/external_id", "value": "crm"},
            {"op": "copy", "from": "/id", "path": "/traits/id"},
            {"op": "replace", "path": "/verifiable_addresses/0/verified", "value": true}
        ]))
        .unwrap();
        assert_eq!(document["traits"], json!({"email": "b", "id": "1"}));
        assert_eq!(document["metadata_public"]["plan"], "pro");
        assert_eq!(document["verifiable_addresses"][0]["verified"], true);
    }

    #[test]
    fn a_patch_that_fails_says_where() {
        let failed = patched(json!([
            {"op": "replace", "path": "/state", "value": "inactive"},
            {"op": "remove", "path": "/traits/nope"}
        ]));
        let reason = failed.unwrap_err();
        assert!(reason.contains("Operation 1") && reason.contains("/traits/nope"), "{reason}");
        assert!(patched(json!([{"op": "test", "path": "/state", "value": "inactive"}])).is_err());
    }

    #[test]
    fn parents_are_made_only_where_something_can_be_changed() {
        let document = patched(json!([
            {"op": "add", "path": "/metadata_public/limits/daily", "value": 3},
            {"op": "add", "path": "/metadata_admin/notes/-", "value": "first"},
            {"op": "replace", "path": "/traits/name/first", "value": "Ada"},
            {"op": "replace", "path": "/external_id", "value": "crm"}
        ]));
        let document = document.unwrap();
        assert_eq!(document["metadata_public"], json!({"limits": {"daily": 3}}));
        assert_eq!(document["metadata_admin"], json!({"notes": ["first"]}));
        assert_eq!(document["traits"], json!({"email": "a", "name": {"first": "Ada"}}));
        let absent = json!([{"op": "replace", "path": "/verifiable_addresses/9/verified", "value": true}]);
        assert!(patched(absent).unwrap_err().contains("no place"));
    }

    #[test]
    fn copies_cannot_grow_without_end() {
        let mut patch = vec![json!({"op": "add", "path": "/traits/a", "value": "x".repeat(1000)})];
        for index in 0..50 {
            patch.push(json!({"op": "copy", "from": "/traits", "path": format!("/traits/{index}")}));
        }
        let refused = patched(Value::Array(patch)).unwrap_err();
        assert!(refused.contains("too large"), "{refused}");
    }
}
