//! Asking over HTTP, within limits.

use std::time::Duration;

use async_trait::async_trait;
use http::header::CACHE_CONTROL;
use reqwest::Client;
use reqwest::redirect::Policy;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its `Cache-Control`, which is empty where it has none.
    pub cache_control: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// Who asks servers.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Asks for an address. A session token goes along as `X-Session-Token`. The error says why there is no answer.
    async fn get(&self, address: &str, session_token: Option<&str>) -> Result<Answer, String>;
}

/// Asks over HTTP, and follows no redirection.
#[derive(Clone, Debug)]
pub struct OverHttp(Client);

impl OverHttp {
    /// Makes one with connections of its own.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self(Client::builder().timeout(PATIENCE).redirect(Policy::none()).build()?))
    }
}

#[async_trait]
impl Fetch for OverHttp {
    async fn get(&self, address: &str, session_token: Option<&str>) -> Result<Answer, String> {
        let asked = self.0.get(address);
        let asked = match session_token {
            Some(token) => asked.header("x-session-token", token),
            None => asked,
        };
        let mut response = asked.send().await.map_err(|error| error.to_string())?;
        let control = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
        let cache_control = control.unwrap_or_default().to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err("the answer is too long".into());
            }
        }
        Ok(Answer { status: response.status().as_u16(), cache_control, body })
    }
}
