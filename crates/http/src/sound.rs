//! Requests that two readers could understand differently, which are refused before anything is made of them.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that say one thing. A proxy that reads the last of two and a server that reads the first are of two minds
/// about who asks, and for what.
const SINGLE: [HeaderName; 7] = [
    header::HOST,
    header::ORIGIN,
    header::CONTENT_TYPE,
    header::AUTHORIZATION,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("x-session-token"),
    HeaderName::from_static("x-session-cookie"),
];

/// Why a request could be understood in two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsound {
    /// A header that says one thing is there more than once.
    Repeated(HeaderName),
    /// The query is not UTF-8 text once its percent-encoding is undone.
    Query,
    /// The body is compressed, or says so. Nothing here undoes that, and a proxy on the way may have judged another text
    /// than the one that is read.
    Encoded,
}

/// Whether a body with these headers is the text that every reader takes it for (RFC 9110, section 8.4).
pub fn judge_body(headers: &HeaderMap) -> Result<(), Unsound> {
    let is_plain = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    let is_plain = headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain);
    if is_plain { Ok(()) } else { Err(Unsound::Encoded) }
}

/// Whether a request with these headers and this query is understood by every reader in one way.
pub fn judge(headers: &HeaderMap, query: &str) -> Result<(), Unsound> {
    let repeated = |name: &&HeaderName| headers.get_all(*name).iter().nth(1).is_some();
    // Most requests repeat no header at all, which the map knows by its numbers.
    if headers.len() != headers.keys_len()
        && let Some(name) = SINGLE.iter().find(repeated)
    {
        return Err(Unsound::Repeated(name.clone()));
    }
    if is_text(query) { Ok(()) } else { Err(Unsound::Query) }
}

/// Whether a query is UTF-8 text when its percent-encoding is undone.
fn is_text(query: &str) -> bool {
    !query.contains('%') || percent_encoding::percent_decode_str(query).decode_utf8().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(&'static str, &'static str)], query: &str) -> Result<(), Unsound> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        judge(&headers, query)
    }

    #[test]
    fn a_header_that_says_one_thing_stands_there_once() {
        for name in SINGLE {
            let twice = Err(Unsound::Repeated(name.clone()));
            let name: &'static str = name.as_str().to_owned().leak();
            assert_eq!(judged(&[(name, "a")], ""), Ok(()), "{name}");
            assert_eq!(judged(&[(name, "a"), (name, "b")], ""), twice, "{name}");
            assert_eq!(judged(&[(name, "a"), ("cookie", "c=d"), (name, "a")], ""), twice, "{name}");
        }
        for list in ["cookie", "accept", "x-forwarded-for", "forwarded"] {
            assert_eq!(judged(&[(list, "a"), (list, "b")], ""), Ok(()), "{list}");
        }
    }

    #[test]
    fn a_query_is_text() {
        for good in ["", "a=b", "a=%C3%A9&b", "a=é", "%", "a=%zz", "a=%00", "a+b"] {
            assert_eq!(judged(&[], good), Ok(()), "{good}");
        }
        for bad in ["%ff", "a=%C3", "a=b&%e2%82=c", "a=%ED%A0%80"] {
            assert_eq!(judged(&[], bad), Err(Unsound::Query), "{bad}");
        }
    }

    #[test]
    fn a_body_that_says_that_it_is_encoded_is_unsound() {
        let judged = |encoding| {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(encoding))]);
            judge_body(&headers)
        };
        for encoding in ["gzip", "deflate", "br", "identity, gzip", "x", ""] {
            assert_eq!(judged(encoding), Err(Unsound::Encoded), "{encoding}");
        }
        assert_eq!(
            [judged("identity"), judged(" Identity "), judge_body(&HeaderMap::new())],
            [Ok(()), Ok(()), Ok(())]
        );
    }
}
