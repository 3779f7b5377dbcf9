//! `GET /admin/identities`

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::Value;
use sessera_accounts::schema::normalise;
use sessera_model::{Actor, Credential, IdentityView, Uuid};
use sessera_store::{IdentifierFilter, IdentityFilter, Matching, Store};

use super::body::{included_kinds, show};
use sessera_contract::answer::{ApiError, NO_STORE};
use sessera_contract::paging::{Paging, TOTAL};
use sessera_contract::request::Parameters;
use sessera_node::Snapshot;
use sessera_openapi::{ErrorBody, IdentityBody};

/// The most ids that may be asked for at once.
const MAX_IDS: usize = 500;

/// List identities
///
/// They come in the order of their ids. Credentials are shown when an identifier or `include_credential` is given. With `page`
/// and without the parameters for parts, the header `X-Total-Count` tells how many identities there are.
#[utoipa::path(
    get,
    path = "/admin/identities",
    operation_id = "listIdentities",
    tag = "identity",
    params(
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
        ("ids" = Option<Vec<String>>, Query, description = "Only these, 500 at the most"),
        ("credentials_identifier" = Option<String>, Query, description = "Only who signs in with this: an e-mail address or a name, or the provider, a colon and the subject"),
        ("preview_credentials_identifier_similar" = Option<String>, Query, description = "Only who signs in with something that begins so"),
        ("include_credential" = Option<Vec<String>>, Query, description = "Kinds of credential to show more of"),
    ),
    security(("adminToken" = ["viewer"])),
    responses(
        (status = 200, description = "The identities", body = [IdentityBody]),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(store): State<Arc<dyn Store>>,
    State(snapshot): State<Arc<Snapshot>>,
    Extension(actor): Extension<Actor>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let paging = Paging::from_parameters(&parameters)?;
    let kinds = included_kinds(&parameters, &actor)?;
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
    let path = "/admin/identities";
    if paging.is_by_number() {
        let is_all = filter == IdentityFilter::default();
        let total = if is_all { store.count_identities().await? } else { body.len() as u64 };
        let link = paging.link_by_number(path, &parameters, total)?;
        let headers = [(header::LINK, link), (TOTAL, total.into()), (header::CACHE_CONTROL, NO_STORE)];
        return Ok((headers, Json(body)).into_response());
    }
    let headers = [(header::LINK, place.link(path, &parameters)?), (header::CACHE_CONTROL, NO_STORE)];
    Ok((headers, Json(body)).into_response())
}

/// Who signs in with a text, or with something that begins so.
pub(crate) fn found_by(text: &str, matching: Matching) -> IdentifierFilter {
    IdentifierFilter { typed: normalise::identifier(text), link: text.to_owned(), matching }
}

fn filter(parameters: &Parameters) -> Result<IdentityFilter, ApiError> {
    let not_a_uuid = |_| ApiError::bad_request("The parameter ids holds something that is not a UUID.");
    let ids: Vec<Uuid> =
        parameters.all("ids").map(Uuid::parse_str).collect::<Result<_, _>>().map_err(not_a_uuid)?;
    if ids.len() > MAX_IDS {
        return Err(ApiError::bad_request(format!("The parameter ids can hold {MAX_IDS} ids at the most.")));
    }
    let wanted = |name: &str, matching| {
        let text = parameters.get(name).filter(|text| !text.is_empty())?;
        Some(found_by(text, matching))
    };
    let (whole, beginning) = (
        wanted("credentials_identifier", Matching::Whole),
        wanted("preview_credentials_identifier_similar", Matching::Beginning),
    );
    let is_of_organization = parameters.get("organization_id").is_some();
    let filters = [!ids.is_empty(), whole.is_some(), beginning.is_some(), is_of_organization];
    if filters.into_iter().filter(|is_given| *is_given).count() > 1 {
        return Err(ApiError::bad_request(
            "The parameters ids, credentials_identifier, preview_credentials_identifier_similar and organization_id cannot be combined. Use one of them.",
        ));
    }
    Ok(IdentityFilter { ids, identifier: whole.or(beginning) })
}
