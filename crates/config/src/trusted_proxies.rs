//! Which proxies are believed.

use std::net::IpAddr;

use serde_json::Value;

use crate::kind::Kind;
use crate::problem::Findings;
use crate::section::choice;
use crate::setting::Setting;

choice! {
    /// The headers by which proxies say for whom they ask.
    pub enum ProxyHeaders {
        /// The one that stands alone, and what both say alike.
        Either = "either",
        /// `Forwarded` (RFC 7239).
        Forwarded = "forwarded",
        /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
        XForwarded = "x-forwarded",
    }
}

/// Which proxies are believed when they say for whom they ask, and by which headers they say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// The proxies.
    pub trusted: TrustedProxies,
    /// The headers.
    pub headers: ProxyHeaders,
}

/// Networks whose proxies are believed when they say for whom they ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<(IpAddr, u8)>);

/// What counts as one client: an address, and of IPv6 the network of 64 bits, which is what one subscriber gets.
pub fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

impl TrustedProxies {
    /// Reads addresses (`10.0.0.1`) and networks (`10.0.0.0/8`). The error is the entry that is neither.
    pub fn parse<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, String> {
        let network = |entry: &str| {
            let (address, prefix) = entry.split_once('/').map_or((entry, None), |(a, p)| (a, Some(p)));
            let address: IpAddr = address.parse().ok()?;
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?;
            (prefix <= bits).then_some((address, prefix))
        };
        entries
            .into_iter()
            .map(|entry| network(entry.as_ref().trim()).ok_or_else(|| entry.as_ref().to_owned()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Networks by their addresses and the lengths of their prefixes, which are not longer than the addresses.
    pub(crate) fn of_addresses(networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Whether nobody is believed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every address is believed.
    pub fn is_everybody(&self) -> bool {
        self.0.iter().any(|(_, prefix)| *prefix == 0)
    }

    /// Whether there are some, and none of them on this machine.
    pub fn is_elsewhere(&self) -> bool {
        !self.0.is_empty() && !self.0.iter().any(|(network, prefix)| *prefix == 0 || network.is_loopback())
    }

    /// Whether an address is a trusted proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|(network, prefix)| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(*prefix);
                network.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(*prefix);
                network.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            _ => false,
        })
    }
}

impl Setting for TrustedProxies {
    const KIND: Kind = Kind::List(&Kind::Text);

    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let entries = Vec::<String>::read(value, kind, at, found)?;
        let networks = entries.iter().enumerate().filter_map(|(place, entry)| match Self::parse([entry]) {
            Ok(Self(networks)) => Some(networks),
            Err(entry) => {
                found.wrong(
                    format!("{at}/{place}"),
                    format!("\"{entry}\" is neither an address (10.0.0.1) nor a network (10.0.0.0/8)"),
                );
                None
            }
        });
        Some(Self(networks.flatten().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_strictly() {
        let all = TrustedProxies::parse(["0.0.0.0/0"]).expect("parses");
        assert!(all.contains(IpAddr::from([9, 9, 9, 9])));
        let one = TrustedProxies::parse(["192.168.1.1"]).expect("parses");
        assert!(!one.contains(IpAddr::from([192, 168, 1, 2])));
        for bad in ["10.0.0.0/33", "ten", "10.0.0.0/-1", ""] {
            assert_eq!(TrustedProxies::parse([bad]), Err(bad.to_owned()));
        }
    }
}
