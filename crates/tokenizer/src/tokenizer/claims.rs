//! The claims of a token as JSON: the defaults, overlaid with what a mapper returns.

use sessera_jsonnet::{Members, Program};

use super::form::{Blanks, changing};
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

/// Claims as they are written.
#[derive(Default)]
pub(super) struct Written {
    /// The claims as JSON.
    pub(super) json: Vec<u8>,
    /// Where the values of changing defaults stand.
    pub(super) blanks: Blanks,
    /// Whether a mapper chose a time, which is judged anew for each token.
    pub(super) has_chosen_time: bool,
}

impl Written {
    fn with_room(bytes: usize) -> Self {
        Self { json: Vec::with_capacity(bytes), ..Self::default() }
    }

    fn claim(&mut self, name: &str, value: &[u8]) {
        self.json.push(if self.json.is_empty() { b'{' } else { b',' });
        // Writing into memory does not fail, and a text always has a JSON form.
        let _ = serde_json::to_writer(&mut self.json, name);
        self.json.push(b':');
        self.json.extend_from_slice(value);
    }

    fn default_claim(&mut self, name: &str, value: &str) {
        self.claim(name, value.as_bytes());
        if let Some(blank) = changing(name) {
            self.blanks[blank] = Some(self.json.len() - value.len()..self.json.len());
        }
    }
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

/// The defaults alone.
pub(super) fn unmapped<'a>(defaults: impl IntoIterator<Item = (&'a str, &'a str)>) -> Written {
    let mut written = Written::with_room(1024);
    for (name, value) in defaults {
        written.default_claim(name, value);
    }
    written.json.push(b'}');
    written
}

/// Both lists are in the order of their names, so this goes through them in step.
pub(super) fn merge<'a>(
    defaults: impl IntoIterator<Item = (&'a str, &'a str)>,
    mapped: &Members,
    mapper: &Program,
    bounds: Bounds,
) -> Result<Written, TokenizeError> {
    let mut written = Written::with_room(2048);
    let mut waiting = defaults.into_iter().peekable();
    for (name, value) in mapped.iter() {
        while let Some((default, value)) = waiting.next_if(|(default, _)| *default < name) {
            written.default_claim(default, value);
        }
        match waiting.next_if(|(default, _)| *default == name) {
            // A mapper never chooses the subject or the status, and it cannot take a default claim away.
            Some((_, default)) if name == "sub" || name == "status" || value == b"null" => {
                written.default_claim(name, default);
            }
            None => written.claim(name, value),
            Some(_) => {
                if let Some(claim) = TIMES.iter().find(|claim| **claim == name) {
                    written.has_chosen_time = true;
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
                        written.claim(name, bounds.capped_at.to_string().as_bytes());
                        continue;
                    }
                }
                written.claim(name, value);
            }
        }
    }
    for (default, value) in waiting {
        written.default_claim(default, value);
    }
    written.json.push(b'}');
    Ok(written)
}

/// A whole number of seconds from 0 to 9999-12-31.
fn time(json: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(json).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse::<i64>().ok()).filter(|seconds| *seconds <= 253_402_300_799)
}
