//! Bodies that several routes have, or that are made without a type of their own.
//!
//! Most answers are made as JSON by the crates below, which do not know OpenAPI. The types here say what
//! those answers hold; nothing makes values of them.

#![expect(dead_code, reason = "these types describe the wire; nothing makes values of them")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// An error answer.
#[derive(ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody {
    /// What went wrong.
    error: ErrorDetail,
    /// Where a browser has to go on.
    #[schema(nullable = false)]
    redirect_browser_to: Option<String>,
}

/// What went wrong.
#[derive(ToSchema)]
pub(crate) struct ErrorDetail {
    /// The HTTP status.
    code: u16,
    /// The HTTP status in words.
    status: String,
    /// A machine-readable id, where there is one.
    #[schema(nullable = false)]
    id: Option<String>,
    /// What to do about it.
    reason: String,
    /// What happened.
    message: String,
    /// More about it, for programs.
    #[schema(nullable = false, value_type = Option<Object>)]
    details: Option<Value>,
}

/// An error of an OAuth endpoint (RFC 6749, section 5.2).
#[derive(ToSchema)]
#[schema(as = OAuthError)]
pub(crate) struct OAuthErrorBody {
    /// A code, such as `invalid_request`.
    error: String,
    /// What to do about it.
    error_description: String,
}

/// A session.
#[derive(ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Whether it is good now.
    active: bool,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When its owner last signed in with it.
    #[schema(format = DateTime)]
    authenticated_at: String,
    /// The assurance level that was reached: `aal1` or `aal2`.
    authenticator_assurance_level: AssuranceLevelBody,
    /// Every proof that was given.
    authentication_methods: Vec<AuthenticationMethodBody>,
    /// When it was made.
    #[schema(format = DateTime)]
    issued_at: String,
    /// Whose it is, where that is asked for.
    identity: Option<IdentityBody>,
    /// From where it was used to sign in.
    devices: Vec<DeviceBody>,
    /// The signed JSON Web Token, when `tokenize_as` asked for one.
    #[schema(nullable = false)]
    tokenized: Option<String>,
}

/// How surely it is known who is signed in.
#[derive(ToSchema)]
#[schema(as = AuthenticatorAssuranceLevel, rename_all = "lowercase")]
pub(crate) enum AssuranceLevelBody {
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
}

/// A proof that was given.
#[derive(ToSchema)]
#[schema(as = SessionAuthenticationMethod)]
pub(crate) struct AuthenticationMethodBody {
    /// For example `password`.
    method: String,
    /// The level that it counts for.
    aal: AssuranceLevelBody,
    /// When it was given.
    #[schema(format = DateTime)]
    completed_at: String,
}

/// From where a session was used to sign in.
#[derive(ToSchema)]
#[schema(as = SessionDevice)]
pub(crate) struct DeviceBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The address of the caller.
    ip_address: String,
    /// What the browser or app called itself.
    user_agent: String,
    /// Where that was, when a proxy says so.
    location: String,
}

/// An identity. Its owner is not shown `metadata_admin` and `credentials`.
#[derive(ToSchema)]
#[schema(as = Identity)]
pub(crate) struct IdentityBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Its id in another system.
    #[schema(nullable = false)]
    external_id: Option<String>,
    /// Its credentials by kind, without secrets.
    #[schema(nullable = false)]
    credentials: Option<BTreeMap<String, CredentialBody>>,
    /// Which schema judges its traits.
    schema_id: String,
    /// Where that schema can be read.
    schema_url: String,
    /// `active` or `inactive`.
    state: StateBody,
    /// When the state changed.
    #[schema(format = DateTime)]
    state_changed_at: String,
    /// What the schema describes.
    #[schema(value_type = Object)]
    traits: Value,
    /// Addresses to verify.
    #[schema(nullable = false)]
    verifiable_addresses: Option<Vec<VerifiableAddressBody>>,
    /// Addresses to recover by.
    #[schema(nullable = false)]
    recovery_addresses: Option<Vec<RecoveryAddressBody>>,
    /// What its owner may see.
    metadata_public: Option<Value>,
    /// What only administrators may see.
    metadata_admin: Option<Value>,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Always null; there are no organizations.
    organization_id: Option<String>,
}

/// Whether an identity may sign in.
#[derive(ToSchema)]
#[schema(as = IdentityState, rename_all = "lowercase")]
pub(crate) enum StateBody {
    /// It may.
    Active,
    /// It may not.
    Inactive,
}

/// A credential without its secrets.
#[derive(ToSchema)]
#[schema(as = IdentityCredentials)]
pub(crate) struct CredentialBody {
    /// Its kind, for example `password`.
    r#type: String,
    /// By what its owner is found.
    identifiers: Vec<String>,
    /// What of it may be shown, when that is asked for.
    #[schema(nullable = false, value_type = Option<Object>)]
    config: Option<Value>,
    /// The version of its content.
    version: i64,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// An address that its owner can prove.
#[derive(ToSchema)]
#[schema(as = VerifiableIdentityAddress)]
pub(crate) struct VerifiableAddressBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The address itself.
    value: String,
    /// Whether it is proven.
    verified: bool,
    /// The channel, for example `email`.
    via: String,
    /// `pending`, `sent` or `completed`.
    status: String,
    /// When it was proven.
    #[schema(format = DateTime)]
    verified_at: Option<String>,
    /// When it was added.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// An address by which its owner gets back into the account.
#[derive(ToSchema)]
#[schema(as = RecoveryIdentityAddress)]
pub(crate) struct RecoveryAddressBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The address itself.
    value: String,
    /// The channel, for example `email`.
    via: String,
    /// When it was added.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A flow with its form.
#[derive(ToSchema)]
#[schema(as = Flow)]
pub(crate) struct FlowBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// `browser` or `api`.
    r#type: String,
    /// Until when it can be submitted.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was begun.
    #[schema(format = DateTime)]
    issued_at: String,
    /// The address with which it was begun.
    request_url: String,
    /// Where the browser goes afterwards.
    #[schema(nullable = false)]
    return_to: Option<String>,
    /// The form.
    ui: UiContainerBody,
    /// How far it is, for example `choose_method`, `sent_email`, `passed_challenge`.
    state: String,
    /// Of a login: whether somebody proves again who they are.
    #[schema(nullable = false)]
    refresh: Option<bool>,
    /// Of a login: the assurance level to be reached.
    #[schema(nullable = false)]
    requested_aal: Option<AssuranceLevelBody>,
    /// Of settings: whose they are.
    #[schema(nullable = false)]
    identity: Option<IdentityBody>,
    /// What a client does next, where there is something.
    continue_with: Option<Vec<ContinueWithBody>>,
    /// What the client sent along, for its own use.
    #[schema(nullable = false)]
    transient_payload: Option<Value>,
}

/// The form of a flow with what is wrong in it, or an error where there is no form to show.
pub(crate) enum FlowOrErrorBody {}

impl PartialSchema for FlowOrErrorBody {
    fn schema() -> RefOr<Schema> {
        let reference = |name: Cow<'static, str>| RefOr::Ref(Ref::from_schema_name(name));
        let one = OneOfBuilder::new().item(reference(FlowBody::name())).item(reference(ErrorBody::name()));
        RefOr::T(Schema::OneOf(one.build()))
    }
}

impl ToSchema for FlowOrErrorBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FlowOrError")
    }
}

/// A form.
#[derive(ToSchema)]
#[schema(as = UiContainer)]
pub(crate) struct UiContainerBody {
    /// The address to submit to.
    action: String,
    /// How to submit: `POST`, or `GET` when the flow is over.
    method: String,
    /// What is in it, in the order to be shown.
    nodes: Vec<UiNodeBody>,
    /// What is to be said about the form as a whole.
    #[schema(nullable = false)]
    messages: Option<Vec<UiTextBody>>,
}

/// A node of a form.
#[derive(ToSchema)]
#[schema(as = UiNode)]
pub(crate) struct UiNodeBody {
    /// `input`, `text`, `img`, `a` or `script`.
    r#type: String,
    /// The method that it belongs to; `default` belongs to all.
    group: String,
    /// What it is; the members depend on the type.
    attributes: UiNodeAttributesBody,
    /// What is to be said about it.
    messages: Vec<UiTextBody>,
    /// What it is called.
    meta: UiNodeMetaBody,
}

/// What a node is. Members beside `node_type` depend on it, as in HTML.
#[derive(ToSchema)]
#[schema(as = UiNodeAttributes)]
pub(crate) struct UiNodeAttributesBody {
    /// The type of the node once more.
    node_type: String,
    /// Of an input: the name under which its value is submitted.
    #[schema(nullable = false)]
    name: Option<String>,
    /// Of an input: what it takes.
    #[schema(nullable = false)]
    r#type: Option<String>,
    /// Of an input: its value.
    value: Option<Value>,
    /// Of an input: whether it must be filled in.
    #[schema(nullable = false)]
    required: Option<bool>,
    /// Of an input: whether it is only there to be seen.
    #[schema(nullable = false)]
    disabled: Option<bool>,
}

/// What a node is called.
#[derive(ToSchema)]
#[schema(as = UiNodeMeta)]
pub(crate) struct UiNodeMetaBody {
    /// Its label.
    #[schema(nullable = false)]
    label: Option<UiTextBody>,
}

/// A text with the id by which it can be translated.
#[derive(ToSchema)]
#[schema(as = UiText)]
pub(crate) struct UiTextBody {
    /// Its id.
    id: i64,
    /// The text in English.
    text: String,
    /// `info`, `error` or `success`.
    r#type: String,
    /// The values in the text.
    #[schema(nullable = false, value_type = Option<Object>)]
    context: Option<Value>,
}

/// What a client does next. Members beside `action` depend on it.
#[derive(ToSchema)]
#[schema(as = ContinueWith)]
pub(crate) struct ContinueWithBody {
    /// For example `redirect_browser_to`, `set_ory_session_token`, `show_verification_ui`.
    action: String,
    /// Where the browser goes.
    #[schema(nullable = false)]
    redirect_browser_to: Option<String>,
    /// The session token of a native client.
    #[schema(nullable = false)]
    ory_session_token: Option<String>,
    /// The flow to go on with.
    #[schema(nullable = false, value_type = Option<Object>)]
    flow: Option<Value>,
}

/// Somebody has signed in or up.
#[derive(ToSchema)]
#[schema(as = SuccessfulSignIn)]
pub(crate) struct SignedInBody {
    /// The session; absent when signing up does not sign in.
    #[schema(nullable = false)]
    session: Option<SessionBody>,
    /// The session token of a native client.
    #[schema(nullable = false)]
    session_token: Option<String>,
    /// Of signing up: the new identity.
    #[schema(nullable = false)]
    identity: Option<IdentityBody>,
    /// What a client does next, where there is something.
    continue_with: Option<Vec<ContinueWithBody>>,
}

/// A submission of a flow. Members beside these are those that the form has nodes for.
#[derive(ToSchema)]
#[schema(as = UpdateFlowBody)]
pub(crate) struct FlowSubmissionBody {
    /// The method that is used, for example `password`.
    method: Option<String>,
    /// The token of the form, in browsers.
    csrf_token: Option<String>,
}

/// The address that signs a browser out.
#[derive(ToSchema)]
#[schema(as = LogoutFlow)]
pub(crate) struct LogoutBody {
    /// The token in the address.
    logout_token: String,
    /// The address.
    logout_url: String,
}

/// The session token whose session is to end.
#[derive(ToSchema)]
#[schema(as = PerformNativeLogoutBody)]
pub(crate) struct NativeLogoutBody {
    /// The session token.
    session_token: String,
}

/// An error that was kept for the page that shows it.
#[derive(ToSchema)]
#[schema(as = FlowError)]
pub(crate) struct FlowErrorBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The error as it would have been answered.
    error: ErrorDetail,
    /// When it happened.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it happened.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A JSON Web Key (RFC 7517). Members beside these belong to its type.
#[derive(ToSchema)]
#[schema(as = JsonWebKey)]
pub(crate) struct KeyBody {
    /// Its id.
    #[schema(nullable = false)]
    kid: Option<String>,
    /// Its type: `EC`, `RSA`, `OKP` or `oct`.
    kty: String,
    /// The algorithm that it signs with.
    #[schema(nullable = false)]
    alg: Option<String>,
    /// `sig` or `enc`.
    #[schema(rename = "use", nullable = false)]
    key_use: Option<String>,
}

/// A JSON Web Key Set (RFC 7517, section 5).
#[derive(ToSchema)]
#[schema(as = JsonWebKeySet)]
pub(crate) struct KeySetBody {
    /// The keys in their order.
    keys: Vec<KeyBody>,
}

/// What verifiers find an issuer's keys by (OpenID Connect Discovery 1.0).
#[derive(ToSchema)]
#[schema(as = DiscoveryDocument)]
pub(crate) struct DiscoveryBody {
    /// The issuer, as tokens name it.
    issuer: String,
    /// Where its keys are.
    jwks_uri: String,
    /// The algorithms of its tokens.
    id_token_signing_alg_values_supported: Vec<String>,
}

/// A template's name, and whether it works.
#[derive(ToSchema)]
#[schema(as = TokenizerTemplate)]
pub(crate) struct TemplateBody {
    /// Its name.
    name: String,
    /// `ready` or `broken`.
    state: String,
    /// The algorithm that it signs with, when it works.
    #[schema(nullable = false)]
    alg: Option<String>,
    /// The key that signs now, when it works.
    #[schema(nullable = false)]
    kid: Option<String>,
    /// Why it does not work.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A project: this deployment and its configuration.
#[derive(ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectBody {
    /// The id of the deployment.
    #[schema(format = "uuid")]
    id: String,
    /// `default`.
    slug: String,
    /// What it is called.
    name: String,
    /// `running`.
    state: String,
    /// The newest revision.
    #[schema(format = "uuid")]
    revision_id: String,
    /// Its configuration; left out in lists.
    #[schema(nullable = false)]
    services: Option<ServicesBody>,
}

/// A configuration that is to take the place of the present one.
#[derive(ToSchema)]
#[schema(as = SetProject)]
pub(crate) struct SetProjectBody {
    /// Its only member that counts is the identity configuration.
    services: ServicesBody,
}

/// The services of a project.
#[derive(ToSchema)]
#[schema(as = ProjectServices)]
pub(crate) struct ServicesBody {
    /// The one service.
    identity: IdentityServiceBody,
}

/// The service for identities.
#[derive(ToSchema)]
#[schema(as = ProjectServiceIdentity)]
pub(crate) struct IdentityServiceBody {
    /// The identity configuration, with the key names of docs/configuration.md.
    #[schema(value_type = Object)]
    config: Value,
}

/// The project that results from a change.
#[derive(ToSchema)]
#[schema(as = SuccessfulProjectUpdate)]
pub(crate) struct ProjectChangedBody {
    /// The project.
    project: ProjectBody,
    /// What its author should know.
    warnings: Vec<WarningBody>,
}

/// Something that the author of a change should know.
#[derive(ToSchema)]
#[schema(as = Warning)]
pub(crate) struct WarningBody {
    /// Always 1.
    code: i64,
    /// What it is.
    message: String,
}

/// One operation of a JSON Patch (RFC 6902).
#[derive(ToSchema)]
#[schema(as = JsonPatch)]
pub(crate) struct JsonPatchBody {
    /// `add`, `remove`, `replace`, `move`, `copy` or `test`.
    op: PatchOperationBody,
    /// The place that it concerns (RFC 6901).
    path: String,
    /// The place from which a value is moved or copied.
    #[schema(nullable = false)]
    from: Option<String>,
    /// The value.
    value: Option<Value>,
}

/// What an operation of a JSON Patch does.
#[derive(ToSchema)]
#[schema(as = JsonPatchOperation, rename_all = "lowercase")]
pub(crate) enum PatchOperationBody {
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
pub(crate) struct RevisionBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The one before.
    #[schema(format = "uuid")]
    parent: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// What changed; secrets are shown as key ids or short digests.
    diff: Value,
}

/// A key set and its public keys.
#[derive(ToSchema)]
#[schema(as = JsonWebKeySetSummary)]
pub(crate) struct KeySetSummaryBody {
    /// The set's name.
    set: String,
    /// Its public keys.
    keys: Vec<KeyBody>,
    /// How many keys it has.
    key_count: usize,
}

/// The keys of a managed set with their states, and what comes.
#[derive(ToSchema)]
#[schema(as = ManagedKeySet)]
pub(crate) struct ManagedSetBody {
    /// The set's name.
    set: String,
    /// The algorithm of its keys.
    alg: String,
    /// How long a key signs, as Go writes durations.
    period: String,
    /// The time of the answer.
    #[schema(format = DateTime)]
    now: String,
    /// The times that the rotation keeps to.
    timing: TimingBody,
    /// Its keys, in the order in which they were made.
    keys: Vec<ManagedKeyBody>,
    /// Every state that a key will enter, by time.
    timeline: Vec<TimelineEntryBody>,
}

/// The times that a rotation keeps to, as Go writes durations.
#[derive(ToSchema)]
#[schema(as = RotationTiming)]
pub(crate) struct TimingBody {
    /// The longest that a node signs without having confirmed its list of keys.
    lease: String,
    /// The largest difference between two clocks.
    skew: String,
    /// How long verifiers may keep a published set.
    max_age: String,
}

/// A key of a managed set.
#[derive(ToSchema)]
#[schema(as = ManagedKey)]
pub(crate) struct ManagedKeyBody {
    /// Its id.
    kid: String,
    /// `prepared`, `active`, `retiring`, `retired` or `revoked`.
    state: String,
    /// When nodes began to publish it.
    #[schema(format = DateTime)]
    published_at: String,
    /// When it begins to sign.
    #[schema(format = DateTime)]
    activates_at: String,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// The longest life of a token that it may have signed.
    max_ttl: String,
    /// Whether its private half still exists.
    has_private: bool,
}

/// A state that a key will enter.
#[derive(ToSchema)]
#[schema(as = RotationEvent)]
pub(crate) struct TimelineEntryBody {
    /// The key's id.
    kid: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Which state.
    state: String,
}

/// The key that signs next.
#[derive(ToSchema)]
#[schema(as = RotatedKey)]
pub(crate) struct RotatedBody {
    /// The set's name.
    set: String,
    /// The next key.
    kid: String,
    /// When it begins to sign.
    #[schema(format = DateTime)]
    activates_at: String,
}

/// A key that was taken out.
#[derive(ToSchema)]
#[schema(as = RevokedKey)]
pub(crate) struct RevokedKeyBody {
    /// The set's name.
    set: String,
    /// The key that was revoked.
    kid: String,
    /// The key that signs now.
    signer: Option<String>,
    /// Until when verifiers may accept tokens of the revoked key.
    #[schema(format = DateTime)]
    accepted_until: String,
}

/// A signed token.
#[derive(ToSchema)]
#[schema(as = TokenExchangeResponse)]
pub(crate) struct TokenBody {
    /// The token.
    access_token: String,
    /// `urn:ietf:params:oauth:token-type:jwt`.
    issued_token_type: String,
    /// `Bearer`.
    token_type: String,
    /// For how many seconds it is good.
    #[schema(nullable = false)]
    expires_in: Option<i64>,
}

/// A request for a signed token (RFC 8693).
#[derive(ToSchema)]
#[schema(as = TokenExchangeRequest)]
pub(crate) struct TokenRequestBody {
    /// `urn:ietf:params:oauth:grant-type:token-exchange`.
    grant_type: String,
    /// A session token of a native client.
    subject_token: String,
    /// `urn:ietf:params:oauth:token-type:access_token`.
    subject_token_type: String,
    /// The name of the tokenizer template.
    #[schema(nullable = false)]
    template: Option<String>,
    /// The audience of exactly one template.
    #[schema(nullable = false)]
    audience: Option<String>,
    /// The audience of exactly one template, as an address.
    #[schema(nullable = false)]
    resource: Option<String>,
}

/// A question about a signed token.
#[derive(ToSchema)]
#[schema(as = TokenQuestion)]
pub(crate) struct TokenQuestionBody {
    /// The token.
    token: String,
}

/// What is known of a signed token (RFC 7662). The claims of an active token stand beside.
#[derive(ToSchema)]
#[schema(as = Introspection)]
pub(crate) struct IntrospectionBody {
    /// Whether it is good.
    active: bool,
    /// `Bearer`, of an active one.
    #[schema(nullable = false)]
    token_type: Option<String>,
}

/// The server is not ready.
#[derive(ToSchema)]
#[schema(as = HealthNotReady)]
pub(crate) struct NotReadyBody {
    /// What it lacks, by the name of a part.
    errors: BTreeMap<String, String>,
}
