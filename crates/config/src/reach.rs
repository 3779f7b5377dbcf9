//! To which addresses requests may lead that Sessera makes to others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::loopback::is_loopback;
use crate::problem::{Findings, Problem};
use crate::sections::clients::Http;

/// Which addresses a request may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Any.
    Any,
    /// Those that anybody could reach.
    Public,
}

/// What the configuration says about that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    refused: Refused,
    exceptions: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Nothing,
    /// Private addresses, except those of the machine itself where the configuration has them written out. Nobody can
    /// lead such a request elsewhere, and whoever writes the configuration knows whom it is for.
    PrivateUnlessWritten,
    Private,
}

impl Default for Reach {
    fn default() -> Self {
        Self { refused: Refused::PrivateUnlessWritten, exceptions: Vec::new() }
    }
}

/// What to do about a private address.
const WAY_OUT: &str = "name the URL in clients.http.private_ip_exception_urls, or set clients.http.disallow_private_ip_ranges: false";

/// Endings of names that only a private network has.
const PRIVATE_NAMES: &[&str] = &[
    "local",
    "internal",
    "lan",
    "localdomain",
    "localhost",
    "intranet",
    "svc",
    "home.arpa",
    "corp",
    "private",
];

impl Reach {
    pub(crate) fn new(section: &Http) -> Self {
        let refused = match section.disallow_private_ip_ranges {
            None => Refused::PrivateUnlessWritten,
            Some(true) => Refused::Private,
            Some(false) => Refused::Nothing,
        };
        Self { refused, exceptions: section.private_ip_exception_urls.clone() }
    }

    /// Where a request to a URL may lead that stands in the configuration.
    pub fn of_written(&self, url: &Url) -> Addresses {
        let is_of_machine = url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])));
        if self.refused == Refused::PrivateUnlessWritten && is_of_machine {
            return Addresses::Any;
        }
        self.of_told(url)
    }

    /// Where a request to a URL may lead that somebody else named. On the host and the port that `by` has, a URL of the
    /// configuration, it may lead where that one may.
    pub fn of_told_by(&self, url: &Url, by: &Url) -> Addresses {
        if url.origin() == by.origin() { self.of_written(url) } else { self.of_told(url) }
    }

    /// Where a request to a URL may lead that is not of the configuration.
    pub fn of_told(&self, url: &Url) -> Addresses {
        let mut bare = url.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        let is_excepted = self.exceptions.iter().any(|pattern| fits(pattern, bare.as_str()));
        if self.refused == Refused::Nothing || is_excepted { Addresses::Any } else { Addresses::Public }
    }

    /// Says what is wrong with a URL of the configuration at a place that can never be called, or perhaps cannot.
    pub(crate) fn judge(&self, url: &Url, at: &str, found: &mut Findings) {
        if self.of_written(url) == Addresses::Any {
            return;
        }
        let is_private = match url.host() {
            Some(Host::Ipv4(address)) => !is_public(address.into()),
            Some(Host::Ipv6(address)) => !is_public(address.into()),
            Some(Host::Domain(name)) => {
                let ends = |end: &&str| name.strip_suffix(*end).is_some_and(|before| before.ends_with('.'));
                if is_loopback(name) {
                    true
                } else if !name.contains('.') || PRIVATE_NAMES.iter().any(ends) {
                    let message = format!(
                        "\"{name}\" is probably a name of a private network, and requests to private addresses are refused: {WAY_OUT}"
                    );
                    return found.without_effect.push(Problem::new(at, message));
                } else {
                    false
                }
            }
            None => false,
        };
        if is_private {
            found.wrong(
                at,
                format!("its host is a private address, and requests to those are refused: {WAY_OUT}"),
            );
        }
    }
}

/// Whether a text fits a pattern, in which `*` stands for anything without dots and slashes, and `**` for anything. It
/// is found out in as many steps as the one has characters for each of the other.
fn fits(pattern: &str, text: &str) -> bool {
    // Which beginnings of the text fit the part of the pattern that was read, each by its length.
    let mut fitting = vec![false; text.len() + 1];
    fitting[0] = true;
    let mut rest = pattern.as_bytes();
    while let Some(first) = rest.first() {
        let reaches: Option<fn(u8) -> bool> = if rest.starts_with(b"**") {
            rest = &rest[2..];
            Some(|_| true)
        } else {
            rest = &rest[1..];
            (*first == b'*').then_some(|byte| !matches!(byte, b'.' | b'/'))
        };
        let mut before = fitting[0];
        fitting[0] &= reaches.is_some();
        for (at, byte) in text.bytes().enumerate() {
            let fits = match reaches {
                Some(reaches) => fitting[at + 1] || (fitting[at] && reaches(byte)),
                None => before && byte == *first,
            };
            before = fitting[at + 1];
            fitting[at + 1] = fits;
        }
    }
    fitting[text.len()]
}

/// Whether an address is one that anybody could reach, and neither of this machine, nor of a network around it, nor set
/// aside for something else (the special-purpose registries of IANA, RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(within) = address.to_ipv4_mapped() {
        return is_public_v4(within);
    }
    match address.segments() {
        // Translated to IPv4 (RFC 6052): what counts is where that leads.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(disallow: Option<bool>, exceptions: &[&str]) -> Reach {
        let exceptions = exceptions.iter().map(|&url| url.to_owned()).collect();
        Reach::new(&Http { disallow_private_ip_ranges: disallow, private_ip_exception_urls: exceptions })
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn addresses_of_machines_and_their_networks_are_private() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_machine_itself_is_called_where_it_is_written_and_nothing_else_is_said() {
        use Addresses::{Any, Public};
        let told = url("https://id.example.org/");
        for (written, unsaid, strict, open) in [
            ("http://127.0.0.1:4481/x", Any, Public, Any),
            ("http://localhost:4481/x", Any, Public, Any),
            ("http://[::1]:4481/x", Any, Public, Any),
            ("http://10.0.0.1/", Public, Public, Any),
            ("http://169.254.169.254/", Public, Public, Any),
            ("https://hooks.example.org/", Public, Public, Any),
        ] {
            let written = url(written);
            for (said, expected) in [(None, unsaid), (Some(true), strict), (Some(false), open)] {
                let reach = reach(said, &[]);
                assert_eq!(reach.of_written(&written), expected, "{written} {said:?}");
                let elsewhere = reach.of_told_by(&written, &told);
                assert_eq!(elsewhere == Any, said == Some(false), "{written} {said:?}");
                assert_eq!(reach.of_told_by(&written, &written), expected, "{written} {said:?}");
            }
        }
    }

    #[test]
    fn exceptions_are_patterns_of_urls() {
        let hook = url("http://hooks.internal:8080/a/b?x=1#y");
        for (pattern, fits) in [
            ("http://hooks.internal:8080/a/b", true),
            ("http://hooks.internal:8080/a/*", true),
            ("http://*.internal:8080/a/b", true),
            ("http://**/b", true),
            ("**", true),
            ("http://*/a/b", false),
            ("http://hooks.internal:8080/*", false),
            ("http://hooks.internal:8080/a", false),
            ("http://hooks.internal:8080/a/b?x=1", false),
            ("", false),
        ] {
            let is_any = reach(Some(true), &[pattern]).of_written(&hook) == Addresses::Any;
            assert_eq!(is_any, fits, "{pattern}");
        }
    }

    #[test]
    fn what_can_never_be_called_is_an_error_and_what_perhaps_cannot_a_warning() {
        let judged = |disallow: Option<bool>, text: &str| {
            let mut found = Findings::default();
            reach(disallow, &[]).judge(&url(text), "/x", &mut found);
            (found.wrong.len(), found.without_effect.len())
        };
        for (text, expected) in [
            ("http://10.0.0.1/", (1, 0)),
            ("http://[fd00::1]/", (1, 0)),
            ("http://hooks:8080/", (0, 1)),
            ("http://hooks.prod.svc.cluster.local/", (0, 1)),
            ("https://hooks.example.org/", (0, 0)),
            ("http://127.0.0.1/", (0, 0)),
        ] {
            assert_eq!(judged(None, text), expected, "{text}");
            assert_eq!(judged(Some(false), text), (0, 0), "{text}");
        }
        assert_eq!(judged(Some(true), "http://localhost/"), (1, 0));
    }
}
