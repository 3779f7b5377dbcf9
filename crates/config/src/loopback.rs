//! Addresses of this machine.

use std::net::IpAddr;

/// Whether only this machine can reach an address.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
