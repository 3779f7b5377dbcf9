//! Asks haveibeenpwned.com, or a host that speaks as it does, about hashes of passwords.

use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use sessera_accounts::breaches::BreachSource;
use sessera_config::reach::Addresses;

use crate::client::{Bounds, Outgoing};

/// Whoever asks gives up sooner, and an answer has some 40 KiB.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(5), answer: 1024 * 1024 };

/// How many passwords are looked up at the same time.
const MOST: usize = 64;

/// The service.
#[derive(Debug)]
pub struct PwnedPasswords(Outgoing);

impl Default for PwnedPasswords {
    fn default() -> Self {
        Self(Outgoing::new(MOST))
    }
}

#[async_trait]
impl BreachSource for PwnedPasswords {
    async fn range(&self, host: &str, prefix: &str, addresses: Addresses) -> Result<String, String> {
        let request = Request::get(format!("https://{host}/range/{prefix}")).header("add-padding", "true");
        let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
        let answer = self.0.send(request, addresses, BOUNDS).await.map_err(|failure| failure.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("it answered with the status {}", answer.status().as_u16()));
        }
        String::from_utf8(answer.into_body()).map_err(|error| error.to_string())
    }
}
