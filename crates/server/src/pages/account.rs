//! What pages call the account of the person who is signed in.

use sessera_accounts::flows::method::Owner;
use sessera_model::Uuid;

use crate::public::caller::Call;
use sessera_contract::answer::ApiError;

/// What an account is called.
pub(super) async fn account(call: &Call, identity_id: Uuid) -> Result<String, ApiError> {
    let store = &call.accounts.store;
    let identity = store.identity(identity_id).await?.ok_or_else(ApiError::unauthorized)?;
    let credentials = store.credentials(identity_id).await?;
    let schema = call.snapshot.accounts.schemas.get(&identity.schema_id).map(AsRef::as_ref);
    Ok(Owner { identity: &identity, credentials: &credentials, schema }.account_name())
}
