//! The form of a login flow.

use sessera_model::AssuranceLevel;

use crate::flows::flow::{Flow, LoginDetails};
use crate::flows::passkeys;
use crate::messages::{Message, MessageId};
use crate::schema::IdentitySchema;
use crate::ui::{Container, Group, Input, InputKind};

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
    /// The address of the script that passkeys need, where the person may sign in with one.
    pub passkey_script: Option<String>,
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
    let mut form = Container::new(look.action.clone());
    form.push(Input::hidden("csrf_token", look.csrf_token.clone()).required().node(Group::Default));
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
    } else {
        first_factor(&mut form, flow, look);
    }
    flow.fill(&mut form, Some("identifier"));
    form
}

fn first_factor(form: &mut Container, flow: &Flow<LoginDetails>, look: LoginForm) {
    let is_known = look.known_identifier.is_some();
    match look.known_identifier {
        Some(identifier) if look.password => {
            form.push(Input::hidden("identifier", identifier).node(Group::Default));
        }
        None if look.password => {
            let field = Input::new("identifier", InputKind::Text).required().with_value("");
            form.push(field.node(Group::Default).label(look.identifier_label));
        }
        _ => {}
    }
    if let (Some(challenge), Some(script)) = (&flow.details.passkey, look.passkey_script) {
        form.push(passkeys::script(script));
        form.push(Input::hidden("passkey_challenge", challenge.options.as_str()).node(Group::Passkey));
        form.push(Input::new("passkey_login", InputKind::Hidden).node(Group::Passkey));
        let button = Input::button("passkey_login_trigger", "oryPasskeyLogin").node(Group::Passkey);
        form.push(button.label(MessageId::SignInWithPasskey));
    }
    if look.password {
        let field = Input::new("password", InputKind::Password).required().autocomplete("current-password");
        form.push(field.node(Group::Password).label(MessageId::PasswordLabel));
        let label = if is_known { MessageId::SignIn } else { MessageId::SignInWithPassword };
        form.push(Input::submit("method", "password").node(Group::Password).label(label));
    }
}
