//! What other nodes change, this one drops from memory and reads again.

use std::sync::Arc;
use std::time::Duration;

use sessera_store::Invalidation;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::{http, serve};

/// How often the configuration is looked at while the line to other nodes cannot be trusted.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Hears what other nodes change. The configuration may have changed whenever the result says so.
pub(crate) fn listen(app: &App) -> Arc<Notify> {
    let changed = Arc::new(Notify::new());
    let (told, cache) = (changed.clone(), app.sessions.cache.clone());
    app.store.line().listen(Box::new(move |invalidation| {
        cache.invalidate(invalidation);
        if matches!(
            invalidation,
            Invalidation::Configuration | Invalidation::KeySets | Invalidation::Everything
        ) {
            told.notify_one();
        }
    }));
    changed
}

/// Reads the configuration again whenever another node has changed it. `version` is the stored one that
/// this node runs with.
pub(crate) async fn follow(
    app: Arc<App>,
    changed: Arc<Notify>,
    mut version: [i64; 4],
    mut stop: watch::Receiver<bool>,
) {
    let mut clock = interval(LOOK_EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            () = changed.notified() => true,
            _ = clock.tick() => false,
            () = http::listener::stopped(&mut stop) => return,
        };
        if !told && app.store.line().is_trusted() {
            continue;
        }
        match app.store.configuration_version().await {
            Ok(stored) if stored != version => {
                serve::reload(&app).await;
                version = stored;
            }
            Ok(_) => {}
            // What was told is looked at again; without being told, the next look comes by itself.
            Err(error) => {
                tracing::debug!(%error, "the version of the configuration cannot be read");
                if told {
                    changed.notify_one();
                }
            }
        }
    }
}
