//! `GET /admin/identities`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sessera_accounts::schema::normalise;
use sessera_model::{Credential, IdentityView, Uuid};
use sessera_store::{IdentityFilter, Store};

use super::body::{included_kinds, show};
use crate::app::Snapshot;
use crate::error::{ApiError, NO_STORE};
use crate::openapi::{ErrorBody, IdentityBody};
use crate::paging::Paging;
use crate::request::Parameters;

/// The most ids that may be asked for at once.
const MAX_IDS: usize = 500;

/// List identities
///
/// They come in the order of their ids. Credentials are shown when an identifier or `include_credential` is given.
#[utoipa::path(
    get,
    path = "/admin/identities",
    operation_id = "listIdentities",
    tag = "identity",
    params(
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
        ("ids" = Option<Vec<String>>, Query, description = "Only these, 500 at the most"),
        ("credentials_identifier" = Option<String>, Query, description = "Only who signs in with this"),
        ("include_credential" = Option<Vec<String>>, Query, description = "Kinds of credential to show more of"),
    ),
    responses(
        (status = 200, description = "The identities", body = [IdentityBody]),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(store): State<Arc<dyn Store>>,
    State(snapshot): State<Arc<Snapshot>>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let paging = Paging::from_parameters(&parameters)?;
    let kinds = included_kinds(&parameters)?;
    let filter = filter(&parameters)?;
    // Nobody belongs to an organization here.
    let mut identities = if parameters.get("organization_id").is_some() {
        Vec::new()
    } else {
        store.identities(&filter, &paging.query()).await?
    };
    let place = paging.cut(&mut identities, |identity| identity.id);
    let body: Vec<Value> = if kinds.is_some() || filter.identifier.is_some() {
        let ids: Vec<Uuid> = identities.iter().map(|identity| identity.id).collect();
        let all = store.credentials_of(&ids).await?;
        let kinds = kinds.unwrap_or_default();
        let with_credentials = identities.iter().map(|identity| {
            let own = all.iter().filter(|(owner, _)| *owner == identity.id);
            let own: Vec<Credential> = own.map(|(_, credential)| credential.clone()).collect();
            show(&snapshot, identity, &own, &kinds)
        });
        with_credentials.collect()
    } else {
        let view = IdentityView::admin(&snapshot.schemas_url);
        identities.iter().map(|identity| identity.to_json(view)).collect()
    };
    let headers =
        [(header::LINK, place.link("/admin/identities", &parameters)?), (header::CACHE_CONTROL, NO_STORE)];
    Ok((headers, Json(body)).into_response())
}

fn filter(parameters: &Parameters) -> Result<IdentityFilter, ApiError> {
    let not_a_uuid = |_| ApiError::bad_request("The parameter ids holds something that is not a UUID.");
    let ids: Vec<Uuid> =
        parameters.all("ids").map(Uuid::parse_str).collect::<Result<_, _>>().map_err(not_a_uuid)?;
    if ids.len() > MAX_IDS {
        return Err(ApiError::bad_request(format!("The parameter ids can hold {MAX_IDS} ids at the most.")));
    }
    if parameters.get("preview_credentials_identifier_similar").is_some() {
        return Err(ApiError::bad_request(
            "There is no search for similar identifiers. Use credentials_identifier with the whole identifier.",
        ));
    }
    let identifier = parameters.get("credentials_identifier").map(normalise::identifier);
    if !ids.is_empty() && identifier.is_some() {
        return Err(ApiError::bad_request(
            "The parameters ids and credentials_identifier cannot be combined. Use one of them.",
        ));
    }
    Ok(IdentityFilter { ids, identifier })
}
