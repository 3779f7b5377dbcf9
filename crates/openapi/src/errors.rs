//! Errors, and the server that is not ready.

use std::collections::BTreeMap;

use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// An error answer.
#[derive(ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
    /// Where a browser has to go on.
    #[schema(nullable = false)]
    pub redirect_browser_to: Option<String>,
}

/// What went wrong.
#[derive(ToSchema)]
pub struct ErrorDetail {
    /// The HTTP status.
    pub code: u16,
    /// The HTTP status in words.
    pub status: String,
    /// A machine-readable id, where there is one.
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// What to do about it.
    pub reason: String,
    /// What happened.
    pub message: String,
    /// More about it, for programs.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub details: Option<Value>,
}

/// An error of an OAuth endpoint (RFC 6749, section 5.2).
#[derive(ToSchema)]
#[schema(as = OAuthError)]
pub struct OAuthErrorBody {
    /// A code, such as `invalid_request`.
    pub error: String,
    /// What to do about it.
    pub error_description: String,
}

/// An error that was kept for the page that shows it.
#[derive(ToSchema)]
#[schema(as = FlowError)]
pub struct FlowErrorBody {
    /// Its id.
    pub id: Uuid,
    /// The error as it would have been answered.
    pub error: ErrorDetail,
    /// When it happened.
    pub created_at: OffsetDateTime,
    /// When it happened.
    pub updated_at: OffsetDateTime,
}

/// The server is not ready.
#[derive(ToSchema)]
#[schema(as = HealthNotReady)]
pub struct NotReadyBody {
    /// What it lacks, by the name of a part.
    pub errors: BTreeMap<String, String>,
}
