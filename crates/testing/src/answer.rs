//! Answers of servers, as tests look at them.

use http::HeaderMap;
use serde_json::Value;

/// What a request was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// Null when the answer has no JSON body.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// What was answered, with the bytes of the body.
    pub fn new(status: u16, headers: HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body).into_owned();
        Self { status, headers, body: serde_json::from_slice(body).unwrap_or_default(), text }
    }

    /// A header as text, which is empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What to do about an error.
    pub fn reason(&self) -> &str {
        self.body["error"]["reason"].as_str().unwrap_or_default()
    }
}
