//! Managed key sets of a running server: what is due is done, and the result is put to use.

use std::sync::Arc;

use sessera_issuer::ManagedKeys;
use sessera_issuer::managed_keys::ManagedKeysError;
use tokio::sync::watch;

use crate::app::App;
use crate::configuration::ChangeError;

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

/// Looks at the keys again and again until the server stops.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        let pause = ManagedKeys::pause(&app.snapshot().issuer.settings.timing);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = crate::http::listener::stopped(&mut stop) => return,
        }
        if let Err(error) = maintain(&app).await {
            tracing::error!("managed keys could not be looked after, it is tried again: {error}");
        }
    }
}

/// Does what is due, puts the result to use and renews the lease.
pub async fn maintain(app: &App) -> Result<(), MaintainError> {
    let _turn = app.configuration.turn().await;
    let snapshot = app.snapshot().clone();
    let look = app.managed_keys.look(&snapshot.issuer).await?;
    if look.outdated {
        app.configuration.recompile().await?;
    }
    app.managed_keys.confirm(look);
    Ok(())
}
