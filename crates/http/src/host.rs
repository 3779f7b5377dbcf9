//! Hosts as requests and addresses name them, taken apart and compared as a whole.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The host of `host[:port]` (RFC 9110, section 7.2), a name in small letters and without the dot of the root. `None`
/// when the text is anything more or less, such as one with a user.
pub fn parse(text: &str) -> Option<Host> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, rest) = bracketed.split_once(']')?;
            (
                Host::Ipv6(address.parse::<Ipv6Addr>().ok()?),
                rest.strip_prefix(':').or(rest.is_empty().then_some(""))?,
            )
        }
        None => {
            let (name, port) = text.split_once(':').unwrap_or((text, ""));
            (name.parse::<Ipv4Addr>().map(Host::Ipv4).ok().or_else(|| domain(name))?, port)
        }
    };
    let is_port =
        port.is_empty() || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
    is_port.then_some(host)
}

/// The host of an address, so that it can be compared with [`parse`]'s.
pub fn of(url: &Url) -> Option<Host> {
    match url.host()? {
        Host::Domain(name) => domain(name),
        Host::Ipv4(address) => Some(Host::Ipv4(address)),
        Host::Ipv6(address) => Some(Host::Ipv6(address)),
    }
}

fn domain(name: &str) -> Option<Host> {
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && label.bytes().all(is_letter)
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.split('.').all(is_label).then(|| Host::Domain(name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_taken_apart_as_a_whole() {
        for (text, host) in [
            ("id.example.org", "id.example.org"),
            ("ID.Example.ORG.:443", "id.example.org"),
            ("localhost:", "localhost"),
            ("192.0.2.1:80", "192.0.2.1"),
            ("[2001:DB8::1]:80", "[2001:db8::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(parse(text).map(|host| host.to_string()).as_deref(), Some(host), "{text}");
        }
        for bad in [
            "",
            ".",
            ":80",
            "a..b",
            "a b",
            "a,b",
            "a/b",
            "a@b",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:+1",
            "[",
            "[]",
            "[a]",
            "[::1]a",
            "[::1]:a",
            "[::1]]",
            "[192.0.2.1]",
            "[fe80::1%25eth0]",
            "a\\b",
            "a#b",
            "a?b",
            "a%2e",
            "ä",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_name_the_same_hosts() {
        for (url, host) in [
            ("http://Admin.Internal.:4434/x", "admin.internal"),
            ("http://127.1/", "127.0.0.1"),
            ("http://[0::1]/", "[::1]"),
        ] {
            let of = of(&Url::parse(url).expect("is an address"));
            assert_eq!(of, parse(host), "{url}");
        }
    }
}
