//! The claims of a token as JSON: the defaults, overlaid with what a mapper returns.

use sessera_jsonnet::{Members, Program};

use crate::error::TokenizeError;

/// The claims that are times.
const TIMES: [&str; 3] = ["exp", "iat", "nbf"];

/// What bounds the `exp` that a mapper gives, in seconds since the epoch.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// A later `exp` is an error.
    pub(super) refused_after: i64,
    /// A later `exp` is replaced by this.
    pub(super) capped_at: i64,
}

/// The defaults with the status of the token, which no mapper sees.
pub(super) fn with_status<'a>(
    defaults: impl Iterator<Item = (&'a str, &'a str)>,
    status: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut defaults: Vec<_> = defaults.collect();
    let place = defaults.partition_point(|(name, _)| *name < "status");
    defaults.insert(place, ("status", status));
    defaults
}

/// Claims as JSON.
pub(super) fn written<'a>(claims: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut json = Vec::with_capacity(1024);
    for (name, value) in claims {
        write_claim(&mut json, name, value.as_bytes());
    }
    json.push(b'}');
    json
}

fn write_claim(json: &mut Vec<u8>, name: &str, value: &[u8]) {
    json.push(if json.is_empty() { b'{' } else { b',' });
    // Writing into memory does not fail, and a text always has a JSON form.
    let _ = serde_json::to_writer(&mut *json, name);
    json.push(b':');
    json.extend_from_slice(value);
}

/// Both lists are in the order of their names, so this goes through them in step.
pub(super) fn merge<'a>(
    defaults: impl Iterator<Item = (&'a str, &'a str)>,
    mapped: &Members,
    mapper: &Program,
    bounds: Bounds,
) -> Result<Vec<u8>, TokenizeError> {
    let mut json = Vec::with_capacity(2048);
    let mut write = |name: &str, value: &[u8]| write_claim(&mut json, name, value);
    let mut waiting = defaults.peekable();
    for (name, value) in mapped.iter() {
        while let Some((default, value)) = waiting.next_if(|(default, _)| *default < name) {
            write(default, value.as_bytes());
        }
        match waiting.next_if(|(default, _)| *default == name) {
            // A mapper never chooses the subject or the status, and it cannot take a default claim away.
            Some((_, default)) if name == "sub" || name == "status" || value == b"null" => {
                write(name, default.as_bytes());
            }
            None => write(name, value),
            Some(_) => {
                if let Some(claim) = TIMES.iter().find(|claim| **claim == name) {
                    let place = || {
                        let place = mapper.result_location();
                        (place.line, place.column)
                    };
                    let time = time(value).ok_or_else(|| {
                        let (line, column) = place();
                        TokenizeError::BadTime { claim, line, column }
                    })?;
                    if name == "exp" && time > bounds.refused_after {
                        let (line, column) = place();
                        return Err(TokenizeError::LateExpiry { line, column });
                    }
                    if name == "exp" && time > bounds.capped_at {
                        write(name, bounds.capped_at.to_string().as_bytes());
                        continue;
                    }
                }
                write(name, value);
            }
        }
    }
    for (default, value) in waiting {
        write(default, value.as_bytes());
    }
    json.push(b'}');
    Ok(json)
}

/// A whole number of seconds from 0 to 9999-12-31.
fn time(json: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(json).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse::<i64>().ok()).filter(|seconds| *seconds <= 253_402_300_799)
}
