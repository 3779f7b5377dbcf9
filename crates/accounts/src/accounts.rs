//! The parts that everything in this crate works with.

use std::fmt;
use std::sync::Arc;

use sessera_model::{Clock, Random};
use sessera_store::{Committer, Store};
use tokio::sync::Notify;

use crate::breaches::Breaches;
use crate::hooks::WebHooks;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::password::PasswordHashing;
use crate::providers::Providers;

/// The parts, made once when a program starts. What can be configured anew is in a
/// [`Snapshot`](crate::Snapshot).
pub struct Accounts {
    /// Where identities, credentials, flows and codes are read from.
    pub store: Arc<dyn Store>,
    /// Where changes of them go.
    pub committer: Committer,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids, tokens and codes come from.
    pub random: Arc<dyn Random>,
    /// The bounded pool in which passwords are hashed.
    pub passwords: PasswordHashing,
    /// Who knows of passwords from breaches. It is asked only where that is configured.
    pub breaches: Breaches,
    /// Who asks other providers that vouch for people.
    pub providers: Arc<dyn Providers>,
    /// Others who are told what happens in flows, where that is configured.
    pub web_hooks: WebHooks,
    /// Counters against abuse.
    pub limits: Limits,
    /// What happens, in numbers.
    pub metrics: Metrics,
    /// Tells the courier that a message was put into the outbox; see
    /// [`WakeCourier`](crate::courier::WakeCourier).
    pub message_waits: Arc<Notify>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("committer", &self.committer).finish_non_exhaustive()
    }
}
