//! Ports that nobody else takes.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Context as _, Result};
use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1 on which nobody listens, and which nobody else is given for as long as this value lives.
///
/// A bound socket keeps it. As it does not listen, and lets others use its address (`SO_REUSEADDR`), a server that
/// asks for this very port gets it, as often as it is started.
pub(crate) struct OwnPort {
    number: u16,
    _kept: Socket,
}

impl OwnPort {
    /// Takes any port that is free.
    pub(crate) fn take() -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?.as_socket().context("a port has no number")?;
        Ok(Self { number: address.port(), _kept: socket })
    }

    pub(crate) const fn number(&self) -> u16 {
        self.number
    }
}
