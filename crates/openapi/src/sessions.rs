//! Sessions: who is signed in, and how surely that is known.

use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::identities::IdentityBody;

/// A session.
#[derive(ToSchema)]
#[schema(as = Session)]
pub struct SessionBody {
    /// Its id.
    pub id: Uuid,
    /// Whether it is good now.
    pub active: bool,
    /// When it ends.
    pub expires_at: OffsetDateTime,
    /// When its owner last signed in with it.
    pub authenticated_at: OffsetDateTime,
    /// The assurance level that was reached: `aal1` or `aal2`.
    pub authenticator_assurance_level: AssuranceLevelBody,
    /// Every proof that was given.
    pub authentication_methods: Vec<AuthenticationMethodBody>,
    /// When it was made.
    pub issued_at: OffsetDateTime,
    /// Whose it is, where that is asked for.
    pub identity: Option<IdentityBody>,
    /// From where it was used to sign in.
    pub devices: Vec<DeviceBody>,
    /// The signed JSON Web Token, when `tokenize_as` asked for one.
    #[schema(nullable = false)]
    pub tokenized: Option<String>,
}

/// How surely it is known who is signed in.
#[derive(ToSchema)]
#[schema(as = AuthenticatorAssuranceLevel, rename_all = "lowercase")]
pub enum AssuranceLevelBody {
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
}

/// A proof that was given.
#[derive(ToSchema)]
#[schema(as = SessionAuthenticationMethod)]
pub struct AuthenticationMethodBody {
    /// For example `password`.
    pub method: String,
    /// The level that it counts for.
    pub aal: AssuranceLevelBody,
    /// When it was given.
    pub completed_at: OffsetDateTime,
    /// By which provider, for `oidc`.
    pub provider: Option<String>,
}

/// From where a session was used to sign in.
#[derive(ToSchema)]
#[schema(as = SessionDevice)]
pub struct DeviceBody {
    /// Its id.
    pub id: Uuid,
    /// The address of the caller.
    pub ip_address: String,
    /// What the browser or app called itself.
    pub user_agent: String,
    /// Where that was, when a proxy says so.
    pub location: String,
}

/// The address that signs a browser out.
#[derive(ToSchema)]
#[schema(as = LogoutFlow)]
pub struct LogoutBody {
    /// The token in the address.
    pub logout_token: String,
    /// The address.
    pub logout_url: String,
}

/// The session token whose session is to end.
#[derive(ToSchema)]
#[schema(as = PerformNativeLogoutBody)]
pub struct NativeLogoutBody {
    /// The session token.
    pub session_token: String,
}
