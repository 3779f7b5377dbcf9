//! Flows with their forms, and what is submitted to them.

use std::borrow::Cow;

use serde_json::Value;
use time::OffsetDateTime;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::errors::ErrorBody;
use crate::identities::IdentityBody;
use crate::sessions::{AssuranceLevelBody, SessionBody};

/// A flow with its form.
#[derive(ToSchema)]
#[schema(as = Flow)]
pub struct FlowBody {
    /// Its id.
    pub id: Uuid,
    /// `browser` or `api`.
    pub r#type: String,
    /// Until when it can be submitted.
    pub expires_at: OffsetDateTime,
    /// When it was begun.
    pub issued_at: OffsetDateTime,
    /// The address with which it was begun.
    pub request_url: String,
    /// Where the browser goes afterwards.
    #[schema(nullable = false)]
    pub return_to: Option<String>,
    /// The form.
    pub ui: UiContainerBody,
    /// How far it is, for example `choose_method`, `sent_email`, `passed_challenge`.
    pub state: String,
    /// Of a login: whether somebody proves again who they are.
    #[schema(nullable = false)]
    pub refresh: Option<bool>,
    /// Of a login: the assurance level to be reached.
    #[schema(nullable = false)]
    pub requested_aal: Option<AssuranceLevelBody>,
    /// Of settings: whose they are.
    #[schema(nullable = false)]
    pub identity: Option<IdentityBody>,
    /// What a client does next, where there is something.
    pub continue_with: Option<Vec<ContinueWithBody>>,
    /// What the client sent along, for its own use.
    #[schema(nullable = false)]
    pub transient_payload: Option<Value>,
}

/// The form of a flow with what is wrong in it, or an error where there is no form to show.
pub enum FlowOrErrorBody {}

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
pub struct UiContainerBody {
    /// The address to submit to.
    pub action: String,
    /// How to submit: `POST`, or `GET` when the flow is over.
    pub method: String,
    /// What is in it, in the order to be shown.
    pub nodes: Vec<UiNodeBody>,
    /// What is to be said about the form as a whole.
    #[schema(nullable = false)]
    pub messages: Option<Vec<UiTextBody>>,
}

/// A node of a form.
#[derive(ToSchema)]
#[schema(as = UiNode)]
pub struct UiNodeBody {
    /// `input`, `text`, `img`, `a` or `script`.
    pub r#type: String,
    /// The method that it belongs to; `default` belongs to all.
    pub group: String,
    /// What it is; the members depend on the type.
    pub attributes: UiNodeAttributesBody,
    /// What is to be said about it.
    pub messages: Vec<UiTextBody>,
    /// What it is called.
    pub meta: UiNodeMetaBody,
}

/// What a node is. Members beside `node_type` depend on it, as in HTML.
#[derive(ToSchema)]
#[schema(as = UiNodeAttributes)]
pub struct UiNodeAttributesBody {
    /// The type of the node once more.
    pub node_type: String,
    /// Of an input: the name under which its value is submitted.
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Of an input: what it takes.
    #[schema(nullable = false)]
    pub r#type: Option<String>,
    /// Of an input: its value.
    pub value: Option<Value>,
    /// Of an input: whether it must be filled in.
    #[schema(nullable = false)]
    pub required: Option<bool>,
    /// Of an input: whether it is only there to be seen.
    #[schema(nullable = false)]
    pub disabled: Option<bool>,
}

/// What a node is called.
#[derive(ToSchema)]
#[schema(as = UiNodeMeta)]
pub struct UiNodeMetaBody {
    /// Its label.
    #[schema(nullable = false)]
    pub label: Option<UiTextBody>,
}

/// A text with the id by which it can be translated.
#[derive(ToSchema)]
#[schema(as = UiText)]
pub struct UiTextBody {
    /// Its id.
    pub id: i64,
    /// The text in English.
    pub text: String,
    /// `info`, `error` or `success`.
    pub r#type: String,
    /// The values in the text.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub context: Option<Value>,
}

/// What a client does next. Members beside `action` depend on it.
#[derive(ToSchema)]
#[schema(as = ContinueWith)]
pub struct ContinueWithBody {
    /// For example `redirect_browser_to`, `set_ory_session_token`, `show_verification_ui`.
    pub action: String,
    /// Where the browser goes.
    #[schema(nullable = false)]
    pub redirect_browser_to: Option<String>,
    /// The session token of a native client.
    #[schema(nullable = false)]
    pub ory_session_token: Option<String>,
    /// The flow to go on with.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub flow: Option<Value>,
}

/// Somebody has signed in or up.
#[derive(ToSchema)]
#[schema(as = SuccessfulSignIn)]
pub struct SignedInBody {
    /// The session; absent when signing up does not sign in.
    #[schema(nullable = false)]
    pub session: Option<SessionBody>,
    /// The session token of a native client.
    #[schema(nullable = false)]
    pub session_token: Option<String>,
    /// Of signing up: the new identity.
    #[schema(nullable = false)]
    pub identity: Option<IdentityBody>,
    /// What a client does next, where there is something.
    pub continue_with: Option<Vec<ContinueWithBody>>,
}

/// A submission of a flow. Members beside these are those that the form has nodes for.
#[derive(ToSchema)]
#[schema(as = UpdateFlowBody)]
pub struct FlowSubmissionBody {
    /// The method that is used, for example `password`.
    pub method: Option<String>,
    /// The token of the form, in browsers.
    pub csrf_token: Option<String>,
}
