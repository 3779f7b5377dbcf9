//! Questions on the network, as this crate asks them. Who sends them, and within which bounds, stands elsewhere.

use async_trait::async_trait;
use serde_json::Value;
use sessera_accounts::providers::ProviderError;

/// What media types a question may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// None: it is a GET.
    None,
    /// A form.
    Form(&'a str),
    /// JSON.
    Json(&'a str),
}

/// A question to a server.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The address.
    pub url: &'a str,
    /// Headers, by names in small letters.
    pub headers: &'a [(&'a str, String)],
    /// What is sent.
    pub body: Body<'a>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Whether the server says that it did what it was asked.
    pub is_good: bool,
    /// The status, for the log.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Who sends questions. No answer may be long, nor late, nor lead elsewhere.
#[async_trait]
pub trait Web: Send + Sync {
    /// Asks. The error says why there is no answer.
    async fn ask(&self, ask: Ask<'_>) -> Result<Reply, String>;
}

/// Asks for JSON.
pub(crate) async fn json(web: &dyn Web, ask: Ask<'_>) -> Result<Value, ProviderError> {
    let host = url::Url::parse(ask.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_default();
    let failed = |what: String| ProviderError::Failed(format!("{host} {what}"));
    let reply = web.ask(ask).await.map_err(&failed)?;
    if !reply.is_good {
        return Err(failed(format!("answered with status {}{}", reply.status, told(&reply.body))));
    }
    serde_json::from_slice(&reply.body).map_err(|_| failed("answered with something else than JSON".into()))
}

/// The error of an answer by RFC 6749, section 5.2.
fn told(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = body["error"].as_str().unwrap_or_default();
    let error: String = error.chars().filter(|c| !c.is_control()).take(64).collect();
    if error.is_empty() { String::new() } else { format!(" and the error {error}") }
}
