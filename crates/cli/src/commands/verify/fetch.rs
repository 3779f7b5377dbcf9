//! Fetching what verifying needs, within limits.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use url::Url;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often an answer may redirect.
const REDIRECTS: usize = 3;

/// Whether an address is at least as safe as the one that names it, which it is unless it leads from https to
/// http.
pub(super) fn is_as_safe(url: &Url, named_by: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && named_by.scheme() == "http")
}

/// Fetches within limits.
pub(super) struct Fetcher {
    client: Client,
}

/// What an address answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Fetcher {
    /// Makes a fetcher for addresses that are as safe as the first of them.
    pub(super) fn new(start: &Url) -> Result<Self> {
        let secure = start.scheme() == "https";
        let policy = Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS {
                attempt.error("it redirects too often")
            } else if secure && attempt.url().scheme() != "https" {
                attempt.error("it redirects from https to http")
            } else {
                attempt.follow()
            }
        });
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(policy)
            .user_agent(concat!("sessera/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client })
    }

    /// Fetches an address and returns the body. An answer without success is an error.
    pub(super) async fn body(&self, url: &Url) -> Result<Vec<u8>> {
        let answer = self.get(url).await?;
        if !answer.status.is_success() {
            bail!("{url} answers {}", answer.status);
        }
        Ok(answer.body)
    }

    /// Fetches an address and returns whatever it answers.
    pub(super) async fn get(&self, url: &Url) -> Result<Answer> {
        let unreachable = || format!("{url} cannot be fetched");
        let mut response = self
            .client
            .get(url.clone())
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(unreachable)?;
        let (status, mut body) = (response.status(), Vec::new());
        while let Some(chunk) =
            response.chunk().await.map_err(reqwest::Error::without_url).with_context(unreachable)?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                bail!("the answer of {url} is longer than 1 MiB");
            }
        }
        Ok(Answer { status, body })
    }
}
