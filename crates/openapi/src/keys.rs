//! Keys and key sets, those that rotate by themselves among them.

use time::OffsetDateTime;
use utoipa::ToSchema;

/// A JSON Web Key (RFC 7517). Members beside these belong to its type.
#[derive(ToSchema)]
#[schema(as = JsonWebKey)]
pub struct KeyBody {
    /// Its id.
    #[schema(nullable = false)]
    pub kid: Option<String>,
    /// Its type: `EC`, `RSA`, `OKP` or `oct`.
    pub kty: String,
    /// The algorithm that it signs with.
    #[schema(nullable = false)]
    pub alg: Option<String>,
    /// `sig` or `enc`.
    #[schema(rename = "use", nullable = false)]
    pub key_use: Option<String>,
}

/// A JSON Web Key Set (RFC 7517, section 5).
#[derive(ToSchema)]
#[schema(as = JsonWebKeySet)]
pub struct KeySetBody {
    /// The keys in their order.
    pub keys: Vec<KeyBody>,
}

/// A key set and its public keys.
#[derive(ToSchema)]
#[schema(as = JsonWebKeySetSummary)]
pub struct KeySetSummaryBody {
    /// The set's name.
    pub set: String,
    /// Its public keys.
    pub keys: Vec<KeyBody>,
    /// How many keys it has.
    pub key_count: usize,
}

/// What verifiers find an issuer's keys by (OpenID Connect Discovery 1.0, RFC 8414).
#[derive(ToSchema)]
#[schema(as = DiscoveryDocument)]
pub struct DiscoveryBody {
    /// The issuer, as tokens name it.
    pub issuer: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where tokens are exchanged.
    pub token_endpoint: String,
    /// How clients prove there who they are: not at all.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// What is exchanged there.
    pub grant_types_supported: Vec<String>,
    /// The algorithms of its tokens.
    pub id_token_signing_alg_values_supported: Vec<String>,
}

/// The keys of a managed set with their states, and what comes.
#[derive(ToSchema)]
#[schema(as = ManagedKeySet)]
pub struct ManagedSetBody {
    /// The set's name.
    pub set: String,
    /// The algorithm of its keys.
    pub alg: String,
    /// How long a key signs, as Go writes durations.
    pub period: String,
    /// The time of the answer.
    pub now: OffsetDateTime,
    /// The times that the rotation keeps to.
    pub timing: TimingBody,
    /// Its keys, in the order in which they were made.
    pub keys: Vec<ManagedKeyBody>,
    /// Every state that a key will enter, by time.
    pub timeline: Vec<TimelineEntryBody>,
}

/// The times that a rotation keeps to, as Go writes durations.
#[derive(ToSchema)]
#[schema(as = RotationTiming)]
pub struct TimingBody {
    /// The longest that a node signs without having confirmed its list of keys.
    pub lease: String,
    /// The largest difference between two clocks.
    pub skew: String,
    /// How long verifiers may keep a published set.
    pub max_age: String,
}

/// A key of a managed set.
#[derive(ToSchema)]
#[schema(as = ManagedKey)]
pub struct ManagedKeyBody {
    /// Its id.
    pub kid: String,
    /// `prepared`, `active`, `retiring`, `retired` or `revoked`.
    pub state: String,
    /// When nodes began to publish it.
    pub published_at: OffsetDateTime,
    /// When it begins to sign.
    pub activates_at: OffsetDateTime,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
    /// The longest life of a token that it may have signed.
    pub max_ttl: String,
    /// Whether its private half still exists.
    pub has_private: bool,
}

/// A state that a key will enter.
#[derive(ToSchema)]
#[schema(as = RotationEvent)]
pub struct TimelineEntryBody {
    /// The key's id.
    pub kid: String,
    /// When.
    pub at: OffsetDateTime,
    /// Which state.
    pub state: String,
}

/// The key that signs next.
#[derive(ToSchema)]
#[schema(as = RotatedKey)]
pub struct RotatedBody {
    /// The set's name.
    pub set: String,
    /// The next key.
    pub kid: String,
    /// When it begins to sign.
    pub activates_at: OffsetDateTime,
}

/// A key that was taken out.
#[derive(ToSchema)]
#[schema(as = RevokedKey)]
pub struct RevokedKeyBody {
    /// The set's name.
    pub set: String,
    /// The key that was revoked.
    pub kid: String,
    /// The key that signs now.
    pub signer: Option<String>,
    /// Until when verifiers may accept tokens of the revoked key.
    pub accepted_until: OffsetDateTime,
}
