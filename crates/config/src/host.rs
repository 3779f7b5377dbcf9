//! The host of a server as it is written in the configuration.

use std::net::Ipv6Addr;

use serde_json::Value;
use url::{Host as UrlHost, Url};

use crate::kind::Kind;
use crate::problem::Findings;
use crate::setting::Setting;
use crate::shown::without_secrets;

/// The name or the address of a host, perhaps with a port: `api.example.org`, `10.0.0.1:8443`, `[::1]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host(pub String);

/// Whether a text is a host and nothing more, so that an address made of it leads to that host.
fn is_host(text: &str) -> bool {
    let Ok(url) = Url::parse(&format!("https://{text}/")) else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let has_name = match url.host() {
        Some(UrlHost::Domain(name)) => !name.starts_with(['.', '-']) && !name.contains(".."),
        Some(_) => true,
        None => false,
    };
    text.chars().all(plain) && !text.ends_with(':') && has_name && url.path() == "/"
}

/// The name or the address on which a server listens, without a port. An address of IPv6 has no brackets here, and may have
/// them where it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListeningHost(pub String);

impl ListeningHost {
    fn parse(text: &str) -> Option<Self> {
        let host = text.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(text);
        // An address of IPv6 may name the interface of this machine at which it is: fe80::1%eth0.
        let (address, interface) = host.split_once('%').unwrap_or((host, ""));
        let is_ipv6 = address.parse::<Ipv6Addr>().is_ok() && interface.chars().all(is_of_names);
        let is_bare = text == host && !host.is_empty();
        let is_name = is_bare && !host.starts_with(['.', '-']) && host.chars().all(is_of_names);
        (is_ipv6 || is_name).then(|| Self(host.to_owned()))
    }
}

/// Whether a character stands in names of hosts and of interfaces.
fn is_of_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._".contains(c)
}

impl Setting for ListeningHost {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let host = value.as_str().and_then(Self::parse);
        if host.is_none() {
            found.wrong(
                at,
                "no server can listen there: write an address of this machine alone, as in 127.0.0.1, 0.0.0.0 or ::, and the port in port",
            );
        }
        host
    }
}

impl Setting for Host {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Some(text) = value.as_str() else {
            found.wrong(at, "a host is expected");
            return None;
        };
        if is_host(text) {
            return Some(Self(text.to_owned()));
        }
        let shown = without_secrets(text);
        found.wrong(
            at,
            format!("\"{shown}\" is no host: write its name without a scheme and without a path, as in api.pwnedpasswords.com"),
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_listens_on_a_name_or_an_address_alone() {
        for (written, host) in [
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("localhost", "localhost"),
            ("my_host.internal", "my_host.internal"),
        ] {
            assert_eq!(ListeningHost::parse(written), Some(ListeningHost(host.into())));
        }
        for bad in [
            "",
            "[]",
            " ",
            "a b",
            "127.0.0.1 ",
            "127.0.0.1:4433",
            "[127.0.0.1]",
            "[::1",
            "::1]",
            "http://x",
            "x/",
            "*",
            "unix:/run/x",
            "-x",
            "fe80::1%a b",
            "é",
        ] {
            assert_eq!(ListeningHost::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_host_is_a_host_and_nothing_more() {
        for good in ["api.pwnedpasswords.com", "localhost:8080", "10.0.0.1", "[::1]:443", "hibp_proxy"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "http://x/y",
            "https://x",
            "x/y",
            "evil.example#",
            "x?y",
            "u:p@x",
            "x:",
            "x:999999",
            ".x",
            "a..b",
            "x\\y",
            "::1",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
