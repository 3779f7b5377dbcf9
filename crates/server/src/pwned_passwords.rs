//! Asks haveibeenpwned.com, or a host that speaks as it does, about hashes of passwords.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::redirect::Policy;
use sessera_accounts::breaches::BreachSource;
use tokio::sync::OnceCell;

/// How long an answer may take. Whoever asks gives up sooner.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How large an answer may be, in bytes: some twenty times as large as they are.
const MAX_ANSWER: usize = 1024 * 1024;

/// The service. Nothing is connected to before the first question.
#[derive(Debug, Default)]
pub(crate) struct PwnedPasswords(OnceCell<reqwest::Client>);

#[async_trait]
impl BreachSource for PwnedPasswords {
    async fn range(&self, host: &str, prefix: &str) -> Result<String, String> {
        let make = async || reqwest::Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build();
        let client = self.0.get_or_try_init(make).await.map_err(|error| error.to_string())?;
        let request = client.get(format!("https://{host}/range/{prefix}")).header("add-padding", "true");
        let answer = request.header("user-agent", "sessera").send().await;
        let mut answer =
            answer.and_then(reqwest::Response::error_for_status).map_err(|error| error.to_string())?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| error.to_string())? {
            body.extend_from_slice(&part);
            if body.len() > MAX_ANSWER {
                return Err("its answer is too large".into());
            }
        }
        String::from_utf8(body).map_err(|error| error.to_string())
    }
}
