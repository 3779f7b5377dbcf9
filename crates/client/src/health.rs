//! Whether a server can do its work: `/health/ready`, which is the same on both ports. The public one asks for no token.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;

use crate::client::AdminClient;
use crate::error::ClientError;

/// What a server says of itself, with either status.
#[derive(Deserialize)]
struct Health {
    #[serde(default)]
    status: String,
    #[serde(default)]
    warnings: BTreeMap<String, String>,
    #[serde(default)]
    errors: BTreeMap<String, String>,
}

impl AdminClient {
    /// Asks a server whether it can do its work. What does not work although it can comes back by the name of a part.
    ///
    /// # Errors
    /// [`ClientError::NotReady`] when the server says that it cannot.
    pub async fn readiness(&self) -> Result<BTreeMap<String, String>, ClientError> {
        let request = self.request(Method::GET, &["health", "ready"]);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        match serde_json::from_slice::<Health>(&body) {
            Ok(health) if status.is_success() && health.status == "ok" => Ok(health.warnings),
            Ok(health) if !health.errors.is_empty() => {
                let told = health.errors.into_iter().map(|(part, reason)| format!("{part}: {reason}"));
                let reason = told.collect::<Vec<_>>().join("; ");
                Err(ClientError::NotReady { endpoint: self.endpoint().to_string(), reason })
            }
            _ => Err(self.refused(status, &body)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    async fn told(status: u16, body: Value) -> Result<BTreeMap<String, String>, ClientError> {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(method("GET")).and(path("/health/ready")).respond_with(answer).mount(&server).await;
        AdminClient::new(server.uri().parse()?, None)?.readiness().await
    }

    #[tokio::test]
    async fn a_server_that_is_ready_may_warn() {
        assert!(told(200, json!({"status": "ok"})).await.unwrap().is_empty());
        let warned =
            told(200, json!({"status": "ok", "warnings": {"upstream": "It is away."}})).await.unwrap();
        assert_eq!(warned["upstream"], "It is away.");
    }

    #[tokio::test]
    async fn a_server_that_is_not_ready_says_what_it_lacks() {
        let refused = told(503, json!({"errors": {"database": "It is away."}})).await.unwrap_err();
        assert!(matches!(refused, ClientError::NotReady { .. }), "{refused:?}");
        assert!(refused.to_string().ends_with("is not ready: database: It is away."), "{refused}");
    }

    #[tokio::test]
    async fn nothing_else_counts_as_ready() {
        for (status, body) in [
            (200, json!({})),
            (200, json!({"status": "starting"})),
            (200, json!([])),
            (503, json!({"status": "ok"})),
            (500, json!({"warnings": {}})),
            (404, json!({"status": "ok"})),
        ] {
            let refused = told(status, body.clone()).await.unwrap_err();
            assert!(matches!(refused, ClientError::NotUnderstood { .. }), "{status} {body} {refused:?}");
        }
        let busy = told(503, json!({"error": {"code": 503, "reason": "Try again.", "message": ""}})).await;
        assert!(matches!(busy, Err(ClientError::Refused(_))), "{busy:?}");
    }
}
