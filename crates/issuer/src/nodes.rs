//! What other nodes change, this one drops from memory and reads again.

use std::sync::Arc;
use std::time::Duration;

use sessera_store::{Invalidation, Line, Store};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::sessions::SessionCache;

/// How often the configuration is looked at while the line to other nodes cannot be trusted.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Hears what other nodes change, and drops it from the cache. The configuration or the key sets may have changed
/// whenever the result says so.
pub fn listen(line: &Line, cache: Arc<SessionCache>) -> Arc<Notify> {
    let changed = Arc::new(Notify::new());
    let told = changed.clone();
    line.listen(Box::new(move |invalidation| {
        cache.invalidate(invalidation);
        match invalidation {
            Invalidation::Configuration | Invalidation::KeySets | Invalidation::Everything => {
                told.notify_one();
            }
            Invalidation::Token(_) | Invalidation::Session(_) | Invalidation::Identity(_) => {}
        }
    }));
    changed
}

/// Calls `reload` whenever another node has changed the configuration or the key sets, until it is told
/// to stop. `version` is the stored one that this node runs with.
pub async fn follow<F: Future<Output = ()>>(
    store: Arc<dyn Store>,
    changed: Arc<Notify>,
    mut version: [i64; 4],
    stop: CancellationToken,
    reload: impl Fn() -> F,
) {
    let mut clock = interval(LOOK_EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            () = changed.notified() => true,
            _ = clock.tick() => false,
            () = stop.cancelled() => return,
        };
        if !told && store.line().is_trusted() {
            continue;
        }
        match store.configuration_version().await {
            Ok(stored) if stored != version => {
                reload().await;
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
