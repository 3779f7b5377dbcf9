//! The field for what somebody is known by, which several methods need in the form that signs in.

use crate::flows::method::LoginView;
use crate::messages::{Message, common};
#[cfg(feature = "passkeys")]
use crate::schema::Field;
use crate::schema::IdentitySchema;
use crate::ui::{Attributes, Group, Input, InputKind, Node};

/// What a browser fills in where it may be a name or a passkey.
const NAME_OR_PASSKEY: &str = "username webauthn";

/// The marks of a trait with which somebody signs in, by their pointers in the schema's own keyword.
const MARKS: [&str; 4] = [
    "credentials/password/identifier",
    "credentials/code/identifier",
    "credentials/webauthn/identifier",
    "credentials/passkey/display_name",
];

/// The marks of a trait that names the account on a device with passkeys.
#[cfg(feature = "passkeys")]
const MARKS_OF_NAMES: [&str; 2] = ["credentials/passkey/display_name", "credentials/webauthn/identifier"];

/// The field.
pub(super) fn field(view: &LoginView<'_>) -> Node {
    let mut field = Input::new("identifier", InputKind::Text).required().with_value("");
    let is_first = view.asks_for_identifier_first();
    if is_first || view.fills_in_passkeys {
        field = field.autocomplete(NAME_OR_PASSKEY);
    }
    let group = if is_first { Group::IDENTIFIER_FIRST } else { Group::DEFAULT };
    field.node(group).label(label(view.schema))
}

/// The field as it is carried along once it was filled in.
pub(super) fn hidden(view: &LoginView<'_>) -> Node {
    let mut node = field(view);
    if let Attributes::Input(input) = &mut node.attributes {
        input.kind = InputKind::Hidden;
        input.value = None;
    }
    node
}

/// What the field is called: as the one trait that can be an identifier, or just so.
fn label(schema: &IdentitySchema) -> Message {
    let mut fields = schema.fields().iter().filter(|field| is_marked(schema, field.name(), &MARKS));
    match (fields.next(), fields.next()) {
        (Some(only), None) => {
            let title = only.title.as_deref().unwrap_or(only.name());
            Message::field_label(only.name(), title)
        }
        _ => common::IDENTIFIER_LABEL.into(),
    }
}

/// The names of the fields that name the account on a device with passkeys.
#[cfg(feature = "passkeys")]
pub(super) fn names_on_devices(schema: &IdentitySchema) -> Vec<&str> {
    let named = schema.fields().iter().filter(|field| is_marked(schema, field.name(), &MARKS_OF_NAMES));
    named.map(Field::name).collect()
}

/// Whether the schema gives a field one of these marks.
fn is_marked(schema: &IdentitySchema, name: &str, marks: &[&str]) -> bool {
    let pointer: String = name.split('.').flat_map(|member| ["/properties/", member]).collect();
    let is_there = |mark: &&str| {
        let flag = schema.document().pointer(&format!("{pointer}/ory.sh~1kratos/{mark}"));
        flag.is_some_and(|flag| flag == true)
    };
    marks.iter().any(is_there)
}
