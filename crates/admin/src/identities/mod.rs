//! `/admin/identities`: one file for each thing that can be done with identities.

mod batch;
mod body;
mod create;
mod credentials;
mod delete;
mod get;
mod imports;
mod list;
mod patch;
mod replace;

use std::sync::Arc;

pub(crate) use list::found_by;

use axum::extract::FromRef;
use sessera_accounts::Accounts;
use sessera_accounts::identities::Surroundings;
use sessera_model::{Credential, Identity, Uuid};
use sessera_store::Store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer::ApiError;
use sessera_node::Snapshot;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create, batch::batch))
        .routes(routes!(get::get, replace::replace, patch::patch, delete::delete))
        .routes(routes!(get::get_by_external_id))
        .routes(routes!(credentials::delete_credential))
}

fn no_identity() -> ApiError {
    ApiError::not_found(
        "There is no identity with this id. It may have been deleted. GET /admin/identities and \"sessera list identities\" show those that are there.",
    )
}

/// The identity that a path names. The answer is 404 when there is none.
pub(super) async fn find_identity(store: &dyn Store, id: &str) -> Result<Identity, ApiError> {
    let id = Uuid::parse_str(id).map_err(|_| no_identity())?;
    store.identity(id).await?.ok_or_else(no_identity)
}

/// The stored identities, which handlers take as one part to make and change them.
pub(crate) struct Identities {
    accounts: Arc<Accounts>,
    snapshot: Arc<Snapshot>,
}

impl FromRef<AdminState> for Identities {
    fn from_ref(state: &AdminState) -> Self {
        Self { accounts: FromRef::from_ref(state), snapshot: FromRef::from_ref(state) }
    }
}

impl Identities {
    /// The identity that a path names, with its credentials. The answer is 404 when there is none.
    async fn find(&self, id: &str) -> Result<(Identity, Vec<Credential>), ApiError> {
        let store = &*self.accounts.store;
        let identity = find_identity(store, id).await?;
        let credentials = store.credentials(identity.id).await?;
        Ok((identity, credentials))
    }

    /// What making and changing identities needs.
    fn surroundings(&self) -> Surroundings<'_> {
        let Accounts { random, clock, .. } = &*self.accounts;
        Surroundings { schemas: &self.snapshot.accounts.schemas, random: &**random, now: clock.now() }
    }
}
