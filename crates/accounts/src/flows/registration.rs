//! The forms of a registration flow: first who it is, then with what to sign in.
//!
//! A client that knows what it needs may send everything at once, with the method that it signs in
//! with from then on; the contract answers such a submission in the first form.

use sessera_store::FlowKind;

use crate::flows::flow::{Flow, RegistrationDetails, RegistrationStep};
use crate::messages::MessageId;
use crate::rules::Rules;
use crate::schema::IdentitySchema;
use crate::ui::{Attributes, Container, Group, Input, InputKind, Node};

/// Makes the form.
pub fn form(
    flow: &Flow<RegistrationDetails>,
    rules: &Rules,
    schema: &IdentitySchema,
    csrf_token: String,
) -> Container {
    let mut form = Container::new(rules.action(FlowKind::Registration, flow.id));
    form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::Default));
    let is_profile_hidden =
        flow.details.step == RegistrationStep::Credentials && rules.registration_in_two_steps;
    for field in schema.fields() {
        let node = field.node(Group::Default);
        form.push(if is_profile_hidden { hidden(node) } else { node });
    }
    let asks_for_profile = flow.details.step == RegistrationStep::Profile && rules.registration_in_two_steps;
    if asks_for_profile {
        let button = Input::submit("method", "profile").node(Group::Profile);
        form.push(button.label(MessageId::SignUp));
    } else if rules.password.is_some() {
        let field = Input::new("password", InputKind::Password).required().autocomplete("new-password");
        form.push(field.node(Group::Password).label(MessageId::PasswordLabel));
        form.push(Input::submit("method", "password").node(Group::Password).label(MessageId::SignUp));
    }
    if is_profile_hidden {
        let button = Input::submit("screen", "previous").node(Group::Profile);
        form.push(button.label(MessageId::BackToProfile));
    }
    let first = schema.fields().first().map(|field| field.name().to_owned());
    flow.fill(&mut form, first.as_deref());
    form
}

/// A field of the first form as the second one carries it along.
fn hidden(mut node: Node) -> Node {
    if let Attributes::Input(input) = &mut node.attributes {
        *input = Input::new(std::mem::take(&mut input.name), InputKind::Hidden);
    }
    node.label = None;
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::flow::{Beginning, State, Transport};
    use crate::rules::tests::rules;
    use crate::schema::IdentitySchemas;
    use serde_json::json;
    use sessera_model::{Timestamp, Uuid};

    fn flow(step: RegistrationStep) -> Flow<RegistrationDetails> {
        let beginning = Beginning {
            id: Uuid::from_u128(1),
            transport: Transport::Api,
            now: Timestamp::from_seconds(100),
            expires_at: Timestamp::from_seconds(700),
            request_url: String::new(),
            return_to: None,
            browser: None,
        };
        let details = RegistrationDetails { schema_id: "default".into(), step };
        Flow::begin(beginning, State::ChooseMethod, details)
    }

    fn names_and_types(form: &Container) -> Vec<(String, String)> {
        let json = form.to_json();
        let nodes = json["nodes"].as_array().cloned().unwrap_or_default();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        nodes
            .iter()
            .map(|node| (text(&node["attributes"]["name"]), text(&node["attributes"]["type"])))
            .collect()
    }

    #[test]
    fn the_second_form_carries_the_profile_along() {
        let schemas = IdentitySchemas::built_in().expect("compiles");
        let mut flow = flow(RegistrationStep::Credentials);
        flow.keep_traits(&json!({"email": "ada@example.org", "name": {"first": "Ada"}}));
        let form = form(&flow, &rules(), schemas.default(), String::new());
        assert_eq!(
            names_and_types(&form),
            [
                ("csrf_token", "hidden"),
                ("traits.email", "hidden"),
                ("traits.name.first", "hidden"),
                ("traits.name.last", "hidden"),
                ("password", "password"),
                ("method", "submit"),
                ("screen", "submit"),
            ]
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        );
        assert_eq!(form.to_json()["nodes"][1]["attributes"]["value"], "ada@example.org");
    }

    #[test]
    fn a_message_about_a_password_stands_behind_the_first_field() {
        let schemas = IdentitySchemas::built_in().expect("compiles");
        let mut flow = flow(RegistrationStep::Profile);
        flow.say_at("password", MessageId::PasswordTooSimilar);
        let form = form(&flow, &rules(), schemas.default(), String::new());
        let names: Vec<String> = names_and_types(&form).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["csrf_token", "traits.email", "password", "traits.name.first", "traits.name.last", "method"]
        );
    }
}
