//! `/admin/identities`: one file for each thing that can be done with identities.

mod batch;
mod body;
mod create;
mod credentials;
mod delete;
mod get;
mod list;
mod patch;
mod replace;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use sessera_accounts::identities::Surroundings;
use sessera_model::{Identity, Uuid};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{App, Snapshot};
use crate::error::ApiError;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create, batch::batch))
        .routes(routes!(get::get, replace::replace, patch::patch, delete::delete))
        .routes(routes!(get::get_by_external_id))
        .routes(routes!(credentials::delete_credential))
}

fn no_identity() -> ApiError {
    ApiError::not_found("There is no identity with this id. It may have been deleted.")
}

/// The identity that a path names. 404 when there is none.
pub(super) async fn find_identity(app: &App, id: &str) -> Result<Identity, ApiError> {
    let id = Uuid::parse_str(id).map_err(|_| no_identity())?;
    app.store.identity(id).await?.ok_or_else(no_identity)
}

/// What making and changing identities needs.
fn surroundings<'a>(app: &'a App, snapshot: &'a Snapshot) -> Surroundings<'a> {
    Surroundings { schemas: &snapshot.accounts.schemas, random: app.random.as_ref(), now: app.clock.now() }
}
