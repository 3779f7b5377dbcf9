//! The bodies of the public and the admin API as schemas of OpenAPI, a file for each group of routes.
//!
//! Most answers are made as JSON by crates that do not know OpenAPI. The types here say what those answers hold;
//! nothing makes values of them. A handler names them in its description.

mod errors;
mod flows;
mod identities;
mod keys;
mod projects;
mod sessions;
mod tokens;

pub use errors::{ErrorBody, ErrorDetail, FlowErrorBody, NotReadyBody, OAuthErrorBody};
pub use flows::{
    ContinueWithBody, FlowBody, FlowOrErrorBody, FlowSubmissionBody, SignedInBody, UiContainerBody,
    UiNodeAttributesBody, UiNodeBody, UiNodeMetaBody, UiTextBody,
};
pub use identities::{CredentialBody, IdentityBody, RecoveryAddressBody, StateBody, VerifiableAddressBody};
pub use keys::{
    DiscoveryBody, KeyBody, KeySetBody, KeySetSummaryBody, ManagedKeyBody, ManagedSetBody, RevokedKeyBody,
    RotatedBody, TimelineEntryBody, TimingBody,
};
pub use projects::{
    GatewayBody, IdentityServiceBody, JsonPatchBody, PatchOperationBody, ProjectBody, ProjectChangedBody,
    RevisionBody, ServicesBody, SetProjectBody, TemplateBody, WarningBody,
};
pub use sessions::{
    AssuranceLevelBody, AuthenticationMethodBody, DeviceBody, LogoutBody, NativeLogoutBody, SessionBody,
};
pub use tokens::{IntrospectionBody, TokenBody, TokenQuestionBody, TokenRequestBody};
