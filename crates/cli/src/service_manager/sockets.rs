//! Sockets that the service manager has opened (`sd_listen_fds(3)`).

use anyhow::{Context as _, Result, bail, ensure};
use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use sessera_server::Sockets;

/// Sockets that came with the process and were not looked at yet.
pub(crate) struct Inherited {
    descriptors: ListenFd,
    names: String,
}

impl Inherited {
    /// Takes them out of the environment, which may only be done before there are threads.
    pub(crate) fn take() -> Self {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        Self { descriptors: ListenFd::from_env(), names }
    }

    /// Sorts them by their names.
    pub(crate) fn sockets(mut self) -> Result<Sockets> {
        let mut sockets = Sockets::default();
        let mut names = self.names.split(':');
        for number in 0..self.descriptors.len() {
            let name = names.next().unwrap_or_default();
            let place = match name {
                "public" => &mut sockets.public,
                "admin" => &mut sockets.admin,
                "gateway" => &mut sockets.gateway,
                other => bail!(
                    "the service manager hands over a socket by the name \"{other}\": write FileDescriptorName=public, admin or \
                     gateway into its unit"
                ),
            };
            let refused = || format!("the socket \"{name}\" of the service manager cannot be used");
            let socket =
                self.descriptors.take_tcp_listener(number).with_context(refused)?.with_context(refused)?;
            ensure!(
                socket_acceptconn(&socket).is_ok_and(|listens| listens),
                "the socket \"{name}\" of the service manager is a connection: its unit must not say Accept=yes"
            );
            ensure!(
                place.replace(socket).is_none(),
                "the service manager hands over two sockets by the name \"{name}\": keep one ListenStream= in its unit"
            );
        }
        Ok(sockets)
    }
}
