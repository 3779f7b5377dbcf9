//! Tokens that are exchanged, asked about or revoked.

use utoipa::ToSchema;

/// A signed token.
#[derive(ToSchema)]
#[schema(as = TokenExchangeResponse)]
pub struct TokenBody {
    /// The token.
    pub access_token: String,
    /// `urn:ietf:params:oauth:token-type:jwt`.
    pub issued_token_type: String,
    /// `Bearer`.
    pub token_type: String,
    /// For how many seconds it is good.
    #[schema(nullable = false)]
    pub expires_in: Option<i64>,
}

/// A request for a signed token (RFC 8693).
#[derive(ToSchema)]
#[schema(as = TokenExchangeRequest)]
pub struct TokenRequestBody {
    /// `urn:ietf:params:oauth:grant-type:token-exchange`.
    pub grant_type: String,
    /// A session token of a native client.
    pub subject_token: String,
    /// `urn:ietf:params:oauth:token-type:access_token`.
    pub subject_token_type: String,
    /// The name of the tokenizer template.
    #[schema(nullable = false)]
    pub template: Option<String>,
    /// The audience of exactly one template.
    #[schema(nullable = false)]
    pub audience: Option<String>,
    /// The audience of exactly one template, as an address.
    #[schema(nullable = false)]
    pub resource: Option<String>,
}

/// A question about a signed token.
#[derive(ToSchema)]
#[schema(as = TokenQuestion)]
pub struct TokenQuestionBody {
    /// The token.
    pub token: String,
}

/// What is known of a signed token (RFC 7662). The claims of an active token stand beside.
#[derive(ToSchema)]
#[schema(as = Introspection)]
pub struct IntrospectionBody {
    /// Whether it is good.
    pub active: bool,
    /// `Bearer`, of an active one.
    #[schema(nullable = false)]
    pub token_type: Option<String>,
}
