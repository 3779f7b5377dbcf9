//! The configuration as a project, with its revisions and its tokenizer templates.

use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// A project: this deployment and its configuration.
#[derive(ToSchema)]
#[schema(as = Project)]
pub struct ProjectBody {
    /// The id of the deployment.
    pub id: Uuid,
    /// `default`.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// `running`.
    pub state: String,
    /// The newest revision.
    pub revision_id: Uuid,
    /// Under which address the public API is reached; left out in lists.
    #[schema(nullable = false)]
    pub public_url: Option<String>,
    /// The issuer of tokens whose template names no other: that address exactly as it is configured, with or without a
    /// slash at its end.
    pub issuer: String,
    /// Where proxies ask; left out in lists.
    #[schema(nullable = false)]
    pub gateway: Option<GatewayBody>,
    /// Its configuration; left out in lists.
    #[schema(nullable = false)]
    pub services: Option<ServicesBody>,
}

/// The gateway, which proxies ask.
#[derive(ToSchema)]
#[schema(as = ProjectGateway)]
pub struct GatewayBody {
    /// Whether it is on.
    pub enabled: bool,
    /// Where it listens, as a host with its port.
    pub address: String,
}

/// A configuration that is to take the place of the present one.
#[derive(ToSchema)]
#[schema(as = SetProject)]
pub struct SetProjectBody {
    /// Its only member that counts is the identity configuration.
    pub services: ServicesBody,
}

/// The services of a project.
#[derive(ToSchema)]
#[schema(as = ProjectServices)]
pub struct ServicesBody {
    /// The one service.
    pub identity: IdentityServiceBody,
}

/// The service for identities.
#[derive(ToSchema)]
#[schema(as = ProjectServiceIdentity)]
pub struct IdentityServiceBody {
    /// The identity configuration, with the key names of docs/configuration.md.
    #[schema(value_type = Object)]
    pub config: Value,
}

/// The project that results from a change.
#[derive(ToSchema)]
#[schema(as = SuccessfulProjectUpdate)]
pub struct ProjectChangedBody {
    /// The project.
    pub project: ProjectBody,
    /// What its author should know.
    pub warnings: Vec<WarningBody>,
}

/// Something that the author of a change should know.
#[derive(ToSchema)]
#[schema(as = Warning)]
pub struct WarningBody {
    /// Always 1.
    pub code: i64,
    /// What it is.
    pub message: String,
}

/// One operation of a JSON Patch (RFC 6902).
#[derive(ToSchema)]
#[schema(as = JsonPatch)]
pub struct JsonPatchBody {
    /// `add`, `remove`, `replace`, `move`, `copy` or `test`.
    pub op: PatchOperationBody,
    /// The place that it concerns (RFC 6901).
    pub path: String,
    /// The place from which a value is moved or copied.
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// The value.
    pub value: Option<Value>,
}

/// What an operation of a JSON Patch does.
#[derive(ToSchema)]
#[schema(as = JsonPatchOperation, rename_all = "lowercase")]
pub enum PatchOperationBody {
    /// Adds a value.
    Add,
    /// Takes a value away.
    Remove,
    /// Replaces a value.
    Replace,
    /// Moves a value.
    Move,
    /// Copies a value.
    Copy,
    /// Compares a value.
    Test,
}

/// A revision of the configuration.
#[derive(ToSchema)]
#[schema(as = ProjectRevision)]
pub struct RevisionBody {
    /// Its id.
    pub id: Uuid,
    /// The one before.
    pub parent: Option<Uuid>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Who made it, as entries of the record say it; `null` when nobody knows.
    #[schema(value_type = Option<Object>)]
    pub actor: Option<Value>,
    /// What changed; secrets are shown as key ids or short digests.
    pub diff: Value,
}

/// A template's name, and whether it works.
#[derive(ToSchema)]
#[schema(as = TokenizerTemplate)]
pub struct TemplateBody {
    /// Its name.
    pub name: String,
    /// `ready`; `failing` when it makes no token of any session that it was tried on; `broken` when it cannot be loaded.
    pub state: String,
    /// The algorithm that it signs with, unless it is broken.
    #[schema(nullable = false)]
    pub alg: Option<String>,
    /// The key that signs now, unless it is broken.
    #[schema(nullable = false)]
    pub kid: Option<String>,
    /// Why it does not work.
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// Of which session it makes no token, while it does of others.
    #[schema(nullable = false)]
    pub warning: Option<String>,
}
