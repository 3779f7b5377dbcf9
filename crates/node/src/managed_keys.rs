//! Managed key sets of a running node: what is due is done, and the result is put to use.

use std::sync::Arc;

use sessera_issuer::ManagedKeys;
use sessera_issuer::managed_keys::ManagedKeysError;
use tokio_util::sync::CancellationToken;

use crate::configuration::{ChangeError, Configuration};

/// Managed keys could not be looked after.
#[derive(Debug, thiserror::Error)]
pub enum MaintainError {
    /// What is due cannot be done.
    #[error(transparent)]
    Keys(#[from] ManagedKeysError),
    /// The keys cannot be put to use.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Looks at the keys again and again until it is told to stop.
pub async fn run(configuration: Arc<Configuration>, keys: Arc<ManagedKeys>, stop: CancellationToken) {
    loop {
        let pause = ManagedKeys::pause(&configuration.snapshot().issuer.settings.timing);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = maintain(&configuration, &keys).await {
            tracing::error!("managed keys could not be looked after, it is tried again: {error}");
        }
    }
}

/// Does what is due, puts the result to use and renews the lease.
pub async fn maintain(configuration: &Configuration, keys: &ManagedKeys) -> Result<(), MaintainError> {
    let turn = configuration.turn().await;
    let look = keys.look(&turn.snapshot().issuer).await?;
    if look.outdated {
        turn.recompile().await?;
    }
    keys.confirm(look);
    Ok(())
}
