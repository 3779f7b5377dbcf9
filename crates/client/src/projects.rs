//! The one project of a deployment: its configuration, revisions and tokenizer templates.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::AdminClient;
use crate::error::ClientError;
use crate::identities::{Part, paged};

/// What the paths of a patch begin with.
pub const CONFIG_PREFIX: &str = "/services/identity/config";

/// A project without its configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ProjectSummary {
    /// Its id.
    pub id: Uuid,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its newest revision.
    pub revision_id: Uuid,
}

/// The identity configuration that a change results in.
#[derive(Clone, Debug)]
pub struct ChangedConfig {
    /// The whole configuration, secrets included.
    pub config: Value,
    /// Under which address the public API is reached, if the server says so.
    pub public_url: Option<String>,
    /// The issuer of its tokens, if the server says so.
    pub issuer: Option<String>,
    /// Warnings to the person who makes the change.
    pub warnings: Vec<String>,
}

/// The gateway of the running server.
#[derive(Clone, Debug, Deserialize)]
pub struct GatewayState {
    /// Whether it is on.
    pub enabled: bool,
    /// Where it listens, as a host with its port.
    pub address: String,
}

/// A stored configuration, without its content.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Revision {
    /// Its id.
    pub id: Uuid,
    /// The revision before it.
    pub parent: Option<Uuid>,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// Who made it, as entries of the record say it; nothing when nobody knows.
    pub actor: Option<Value>,
    /// What changed. Secrets are shown as key ids or short digests.
    pub diff: Value,
}

/// A tokenizer template as the running server sees it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TemplateState {
    /// Its name.
    pub name: String,
    /// `ready`; `failing` when it makes no token of any session that it was tried on; `broken` when it cannot be loaded.
    pub state: String,
    /// The algorithm of its tokens, unless it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// The key that signs, unless it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Why it is broken or failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of which session it makes no token, while it does of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

#[derive(Deserialize)]
struct Changed {
    project: Value,
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Warning {
    #[serde(default)]
    message: String,
}

impl AdminClient {
    /// All projects, of which there is exactly one.
    pub async fn projects(&self) -> Result<Vec<ProjectSummary>, ClientError> {
        self.json(self.request(Method::GET, &["projects"])).await
    }

    /// The identity configuration, secrets included.
    pub async fn config(&self, project: &str) -> Result<Value, ClientError> {
        let project: Value = self.json(self.request(Method::GET, &["projects", project])).await?;
        self.config_of(project)
    }

    /// The identity configuration, and the gateway, if the server says where that is.
    pub async fn config_with_gateway(
        &self,
        project: &str,
    ) -> Result<(Value, Option<GatewayState>), ClientError> {
        let mut project: Value = self.json(self.request(Method::GET, &["projects", project])).await?;
        let gateway = serde_json::from_value(project["gateway"].take()).ok();
        Ok((self.config_of(project)?, gateway))
    }

    /// The stored identity configuration, secrets included. Nothing while that of files and the environment counts.
    pub async fn stored_config(&self, project: &str) -> Result<Option<Value>, ClientError> {
        let project: Value = self.json(self.request(Method::GET, &["projects", project])).await?;
        // A deployment that was never changed is its own first revision.
        if project["revision_id"] == project["id"] { Ok(None) } else { self.config_of(project).map(Some) }
    }

    /// Replaces the whole identity configuration. Templates that make no token of any session that they are tried on
    /// are refused unless it is forced.
    pub async fn put_config(
        &self,
        project: &str,
        config: &Value,
        force: bool,
    ) -> Result<ChangedConfig, ClientError> {
        let body = json!({ "services": { "identity": { "config": config } } });
        let request =
            self.request(Method::PUT, &["projects", project]).query(&[("force", force)]).json(&body);
        let changed = self.json(request).await?;
        self.changed(changed)
    }

    /// Applies a JSON Patch (RFC 6902) whose paths begin with [`CONFIG_PREFIX`], either all of it or nothing. Templates
    /// that make no token of any session that they are tried on are refused unless it is forced.
    pub async fn patch_config(
        &self,
        project: &str,
        patch: &[Value],
        force: bool,
    ) -> Result<ChangedConfig, ClientError> {
        let request =
            self.request(Method::PATCH, &["projects", project]).query(&[("force", force)]).json(patch);
        let changed = self.json(request).await?;
        self.changed(changed)
    }

    /// A part of the revisions, with the newest first.
    pub async fn revisions(
        &self,
        project: &str,
        size: Option<u32>,
        token: Option<&str>,
    ) -> Result<Part<Revision>, ClientError> {
        let request = self.request(Method::GET, &["projects", project, "revisions"]);
        self.part(paged(request, size, token)).await
    }

    /// A new revision is made with the configuration of an older one.
    pub async fn roll_back(&self, project: &str, to: Uuid) -> Result<ChangedConfig, ClientError> {
        let to = to.to_string();
        let segments = ["projects", project, "revisions", &to, "rollback"];
        let changed = self.json(self.request(Method::POST, &segments)).await?;
        self.changed(changed)
    }

    /// All tokenizer templates, those that do not work among them.
    pub async fn templates(&self, project: &str) -> Result<Vec<TemplateState>, ClientError> {
        self.json(self.request(Method::GET, &["projects", project, "templates"])).await
    }

    fn changed(&self, changed: Changed) -> Result<ChangedConfig, ClientError> {
        let warnings = changed.warnings.into_iter().map(|warning| warning.message).collect();
        let [public_url, issuer] =
            ["public_url", "issuer"].map(|member| changed.project[member].as_str().map(str::to_owned));
        Ok(ChangedConfig { config: self.config_of(changed.project)?, public_url, issuer, warnings })
    }

    fn config_of(&self, mut project: Value) -> Result<Value, ClientError> {
        project
            .pointer_mut(CONFIG_PREFIX)
            .map(Value::take)
            .ok_or_else(|| self.not_understood("the project has no identity configuration"))
    }
}
