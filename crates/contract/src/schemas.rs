//! `GET /schemas` and `GET /schemas/{id}`: the identity schemas, for clients that make forms.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use sessera_accounts::schema::{IdentitySchema, IdentitySchemas};
use sessera_node::Snapshot;
use sessera_openapi::ErrorBody;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::ApiError;
use crate::paging::Paging;
use crate::request::{Parameters, Segment};

/// The routes, which both ports have.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Snapshot>: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// An identity schema with its id.
#[derive(Serialize, ToSchema)]
struct SchemaBody {
    /// Its id.
    id: String,
    /// The JSON Schema.
    schema: Value,
}

/// List identity schemas
#[utoipa::path(
    get,
    path = "/schemas",
    operation_id = "listIdentitySchemas",
    tag = "identity",
    params(
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
    ),
    responses(
        (status = 200, description = "The schemas", body = [SchemaBody]),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
async fn list(State(snapshot): State<Arc<Snapshot>>, parameters: Parameters) -> Result<Response, ApiError> {
    let (schemas, place) = Paging::from_parameters(&parameters)?.part(snapshot.accounts.schemas.iter());
    let shown = schemas
        .into_iter()
        .map(|schema| SchemaBody { id: schema.id().to_owned(), schema: schema.document().clone() });
    let body = Json(shown.collect::<Vec<_>>());
    let link = place.link("/schemas", &parameters)?;
    Ok(([(header::LINK, link)], body).into_response())
}

/// Get an identity schema
///
/// The id stands in the path as it is, or encoded as base64url without padding.
#[utoipa::path(
    get,
    path = "/schemas/{id}",
    operation_id = "getIdentitySchema",
    tag = "identity",
    params(("id" = String, Path, description = "The schema's id, plain or as base64url")),
    responses(
        (status = 200, description = "The JSON Schema", body = Object),
        (status = 404, description = "There is no such schema", body = ErrorBody),
    )
)]
async fn get(State(snapshot): State<Arc<Snapshot>>, Segment(id): Segment) -> Result<Json<Value>, ApiError> {
    let schema = find(&snapshot.accounts.schemas, &id).ok_or_else(|| {
        ApiError::not_found(
            "There is no identity schema with this id. GET /schemas lists those that are configured.",
        )
    })?;
    Ok(Json(schema.document().clone()))
}

fn find<'a>(schemas: &'a IdentitySchemas, id: &str) -> Option<&'a IdentitySchema> {
    let plain = schemas.get(id).map(AsRef::as_ref);
    plain.or_else(|| {
        let decoded = URL_SAFE_NO_PAD.decode(id.trim_end_matches('=')).ok()?;
        schemas.get(std::str::from_utf8(&decoded).ok()?).map(AsRef::as_ref)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_or_base64url() {
        let schemas = IdentitySchemas::built_in().unwrap();
        for id in ["default", "ZGVmYXVsdA", "ZGVmYXVsdA=="] {
            assert_eq!(find(&schemas, id).map(IdentitySchema::id), Some("default"), "{id}");
        }
        for id in ["nope", "", "bm9wZQ", "_w"] {
            assert!(find(&schemas, id).is_none(), "{id}");
        }
    }
}
