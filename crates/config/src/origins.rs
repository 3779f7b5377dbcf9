//! Origins of pages (RFC 6454) as `serve.public.cors.allowed_origins` names them.

use std::fmt;

use serde_json::Value;

use crate::kind::Kind;
use crate::problem::{Findings, Problem};
use crate::public_suffix::is_own_domain;
use crate::setting::Setting;

/// An origin, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// Every origin.
    Everybody,
    /// This one, in lower case.
    One(String),
    /// All that begin and end so, with something in between, in lower case.
    Between {
        /// How they begin.
        start: String,
        /// How they end.
        end: String,
    },
}

impl OriginPattern {
    /// Reads a pattern. `None` when nothing can be like it, because it has more than one `*`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
        if text == "*" {
            return Some(Self::Everybody);
        }
        Some(match text.split_once('*') {
            Some((_, end)) if end.contains('*') => return None,
            Some((start, end)) => Self::Between { start: start.to_owned(), end: end.to_owned() },
            None => Self::One(text),
        })
    }

    /// Whether an origin, as a browser sends it, is one of these.
    pub fn matches(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        match self {
            Self::Everybody => true,
            Self::One(known) => *known == origin,
            Self::Between { start, end } => {
                let is_meant = |between: &str| {
                    !between.is_empty()
                        && (!is_before_port(start) || between.bytes().all(|byte| byte.is_ascii_digit()))
                };
                is_origin(&origin)
                    && origin
                        .strip_prefix(start.as_str())
                        .and_then(|rest| rest.strip_suffix(end.as_str()))
                        .is_some_and(is_meant)
            }
        }
    }

    /// Whether whoever owns such an origin belongs to whoever wrote the pattern: a domain that somebody has
    /// registered is a part of it, or a whole host. Anybody can have an origin like `https://*`.
    pub fn is_of_somebody(&self) -> bool {
        match self {
            Self::Everybody => false,
            // Pages in a frame without rights of its own, and of files, are sent as null.
            Self::One(origin) => origin != "null",
            Self::Between { start, end } => {
                let is_port = is_before_port(start);
                let host = end.split(':').next().unwrap_or_default();
                let domain = host.split_once('.').map(|(_, domain)| domain).unwrap_or_default();
                is_port || is_own_domain(domain)
            }
        }
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("*"),
            Self::One(origin) => f.write_str(origin),
            Self::Between { start, end } => write!(f, "{start}*{end}"),
        }
    }
}

/// Whether what follows on the beginning of an origin is its port.
fn is_before_port(start: &str) -> bool {
    start.split_once("://").is_some_and(|(_, host)| host.len() > 1 && host.ends_with(':'))
}

/// Whether a text in lower case has the form of an origin: a scheme, a host and perhaps a port.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !scheme.is_empty() && scheme.bytes().all(is_of_scheme) && !host.is_empty() && host.bytes().all(is_of_host)
}

impl Setting for OriginPattern {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, kind: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let text = String::read(value, kind, at, found)?;
        let pattern = Self::parse(&text);
        let problem = match &pattern {
            None => "no origin is like it, because only one * may stand in it",
            Some(Self::One(origin)) if origin != "null" && !is_origin(origin) => {
                "no browser sends it as an origin: write scheme and host, as in https://app.example.org"
            }
            Some(Self::One(origin)) if origin == "null" => {
                "every page can make itself one of this origin, in a frame without rights, so no cookies go along: name the origin of a page"
            }
            Some(between @ Self::Between { .. }) if !between.is_of_somebody() => {
                "everybody can have an origin like it, so no cookies go along: end it with a domain of your own, as in https://*.example.org"
            }
            Some(_) => return pattern,
        };
        found.without_effect.push(Problem::new(at, problem));
        pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use serde_json::json;

    #[test]
    fn a_wildcard_stands_for_labels_and_never_for_none() {
        let below = OriginPattern::parse("https://*.Example.org/").expect("is a pattern");
        for good in ["https://a.example.org", "https://a.b.example.org", "https://A.EXAMPLE.org"] {
            assert!(below.matches(good), "{good}");
        }
        for bad in [
            "https://example.org",
            "https://.example.org",
            "http://a.example.org",
            "https://a.example.org:8443",
            "https://a.example.org.evil.test",
            "https://evilexample.org",
            "https://evil.test/.example.org",
            "https://evil.test?.example.org",
            "https://evil.test#.example.org",
            "https://evil.test\\.example.org",
            "https://evil.test@a.example.org",
            "https://évil.example.org",
            "null",
            "",
        ] {
            assert!(!below.matches(bad), "{bad}");
        }
        let port = OriginPattern::parse("https://*.preview.example.com:8443").expect("is a pattern");
        assert!(port.matches("https://x.preview.example.com:8443"));
        assert!(!port.matches("https://x.preview.example.com"));
        let any_port = OriginPattern::parse("http://localhost:*").expect("is a pattern");
        assert!(any_port.matches("http://localhost:3000") && !any_port.matches("http://localhost"));
        for bad in ["http://localhost:99.evil.com", "http://localhost:x", "http://localhost:1:2"] {
            assert!(!any_port.matches(bad), "{bad}");
        }
        let part = OriginPattern::parse("https://app-*.example.org").expect("is a pattern");
        assert!(part.matches("https://app-7.example.org") && !part.matches("https://web.example.org"));
        assert_eq!(OriginPattern::parse("https://*.*.example.org"), None);
    }

    #[test]
    fn origins_that_anybody_can_have_are_told_apart() {
        let is_of_somebody = |text: &str| OriginPattern::parse(text).is_some_and(|one| one.is_of_somebody());
        for own in [
            "https://app.example.org",
            "https://*.example.org",
            "https://*-preview.example.app",
            "http://localhost:*",
            "http://*.localhost",
            "*.example.org",
        ] {
            assert!(is_of_somebody(own), "{own}");
        }
        for anybodys in [
            "*",
            "https://*",
            "*://*",
            "https://*.org",
            "https://*example.org",
            "http://*:3000",
            "https://app.*",
            "null",
            "https://*.co.uk",
            "https://*.com.au:8443",
            "https://*.github.io",
            "https://*-preview.vercel.app",
        ] {
            assert!(!is_of_somebody(anybodys), "{anybodys}");
        }
    }

    #[test]
    fn origins_that_do_nothing_are_warned_about() {
        let notes = |origin: &str| {
            let cors = json!({"enabled": true, "allowed_origins": [origin]});
            Config::from_tree(&json!({"serve": {"public": {"cors": cors}}}))
                .expect("is a configuration")
                .notes
        };
        for bad in
            ["app.example.org", "https://app.example.org/in", "https://*.*.example.org", "https://*", "null"]
        {
            let told = notes(bad);
            assert!(told.len() == 1 && told[0].pointer.ends_with("/allowed_origins/0"), "{bad}: {told:?}");
        }
        for good in ["*", "https://app.example.org/", "https://*.example.org", "capacitor://localhost"] {
            assert_eq!(notes(good), [], "{good}");
        }
    }
}
