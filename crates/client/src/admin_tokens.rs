//! Admin tokens: `/admin/tokens`.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sessera_model::{GoDuration, Role, Timestamp};

use crate::client::AdminClient;
use crate::error::ClientError;

/// A token of the admin API.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminToken {
    /// Its name.
    pub name: String,
    /// What whoever has it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, or has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The token itself, when it was just made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl AdminClient {
    /// All admin tokens.
    pub async fn admin_tokens(&self) -> Result<Vec<AdminToken>, ClientError> {
        self.json(self.request(Method::GET, &["admin", "tokens"])).await
    }

    /// Makes an admin token, which is good for a time or for ever.
    pub async fn create_admin_token(
        &self,
        name: &str,
        role: Role,
        lifespan: Option<GoDuration>,
    ) -> Result<AdminToken, ClientError> {
        let body = json!({ "name": name, "role": role, "expires_in": lifespan });
        self.json(self.request(Method::POST, &["admin", "tokens"]).json(&body)).await
    }

    /// Deletes an admin token.
    pub async fn delete_admin_token(&self, name: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["admin", "tokens", name])).await.map(drop)
    }
}
