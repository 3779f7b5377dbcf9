//! What the questions of proxies are judged by, as it follows from the snapshot of now.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use sessera_gateway::gateway::Now;
use sessera_node::{Snapshot, Snapshots};

/// What the gateway makes of a snapshot.
struct Derived {
    of: Weak<Snapshot>,
    gateway: Arc<sessera_gateway::Snapshot>,
}

impl Derived {
    fn new(snapshot: &Arc<Snapshot>) -> Self {
        let (issuer, accounts) = (snapshot.issuer.clone(), snapshot.accounts.clone());
        let gateway = sessera_gateway::Snapshot::compile(&snapshot.config, issuer, accounts);
        Self { of: Arc::downgrade(snapshot), gateway: Arc::new(gateway) }
    }
}

/// What questions are judged by: it follows the snapshot of now, and is made once for each.
pub(crate) fn following(snapshots: Snapshots) -> Now {
    let made = ArcSwap::from_pointee(Derived::new(&snapshots.current()));
    Arc::new(move || {
        let (now, known) = (snapshots.load(), made.load());
        // As long as there is a weak reference, no other snapshot is made at its address.
        if known.of.as_ptr() == Arc::as_ptr(&now) {
            return known.gateway.clone();
        }
        let next = Arc::new(Derived::new(&now));
        made.store(next.clone());
        next.gateway.clone()
    })
}
