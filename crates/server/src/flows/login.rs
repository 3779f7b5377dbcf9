//! The form of a login flow.

use sessera_model::AssuranceLevel;

use crate::flows::flow::{Flow, LoginDetails};
use crate::flows::messages::{Message, MessageId};
use crate::flows::ui::{Container, Group, Input, InputKind};
use crate::schema::IdentitySchema;

/// On what the form of a login flow depends besides the flow.
#[derive(Clone, Debug)]
pub struct LoginForm {
    /// Where it is submitted to.
    pub action: String,
    /// The token against forged requests; empty for native clients.
    pub csrf_token: String,
    /// What the field for the identifier is called.
    pub identifier_label: Message,
    /// Whether passwords are on.
    pub password: bool,
    /// Who signs in again: the identifier, which then is not asked for.
    pub known_identifier: Option<String>,
    /// Whether the person has an authenticator app.
    pub totp: bool,
    /// Whether the person has printed codes.
    pub lookup_secret: bool,
}

/// What the field for the identifier is called: as the one trait that can be one, or just so.
pub fn identifier_label(schema: &IdentitySchema) -> Message {
    let mut fields = schema.fields().iter().filter(|field| is_identifier(schema, field.name()));
    match (fields.next(), fields.next()) {
        (Some(only), None) => {
            let title = only.title.as_deref().unwrap_or(only.name());
            Message::field_label(only.name(), title)
        }
        _ => MessageId::IdentifierLabel.into(),
    }
}

/// Whether the schema marks a field as something to sign in with.
fn is_identifier(schema: &IdentitySchema, name: &str) -> bool {
    let pointer: String = name.split('.').flat_map(|member| ["/properties/", member]).collect();
    let mark = "ory.sh~1kratos/credentials/password/identifier";
    let flag = schema.document().pointer(&format!("{pointer}/{mark}"));
    flag.is_some_and(|flag| flag == true)
}

/// Makes the form.
pub fn form(flow: &Flow<LoginDetails>, look: LoginForm) -> Container {
    let mut form = Container::new(look.action);
    form.push(Input::hidden("csrf_token", look.csrf_token).required().node(Group::Default));
    if flow.details.requested_aal >= AssuranceLevel::Aal2 {
        if look.totp {
            let field = Input::new("totp_code", InputKind::Text)
                .required()
                .with_value("")
                .autocomplete("one-time-code");
            form.push(field.node(Group::Totp).label(MessageId::TotpLabel));
            form.push(Input::submit("method", "totp").node(Group::Totp).label(MessageId::UseTotp));
        }
        if look.lookup_secret {
            let field = Input::new("lookup_secret", InputKind::Text).required().with_value("");
            form.push(field.node(Group::LookupSecret).label(MessageId::LookupLabel));
            let button = Input::submit("method", "lookup_secret").node(Group::LookupSecret);
            form.push(button.label(MessageId::UseLookup));
        }
    } else if look.password {
        let button = Input::submit("method", "password").node(Group::Password);
        let button = if let Some(identifier) = look.known_identifier {
            form.push(Input::hidden("identifier", identifier).node(Group::Default));
            button.label(MessageId::SignIn)
        } else {
            let field = Input::new("identifier", InputKind::Text).required().with_value("");
            form.push(field.node(Group::Default).label(look.identifier_label));
            button.label(MessageId::SignInWithPassword)
        };
        let field = Input::new("password", InputKind::Password).required().autocomplete("current-password");
        form.push(field.node(Group::Password).label(MessageId::PasswordLabel));
        form.push(button);
    }
    flow.fill(&mut form, Some("identifier"));
    form
}
