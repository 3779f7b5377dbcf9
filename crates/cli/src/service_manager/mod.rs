//! The service manager, systemd or another one that speaks its protocol: what it is told, and the sockets that it hands over.

mod notify;
mod sockets;

pub(crate) use notify::{ServiceManager, watchdog};
pub(crate) use sockets::Inherited;
