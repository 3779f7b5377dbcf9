//! The form for getting back into an account.

use sessera_store::FlowKind;

use crate::flows::flow::{Flow, RecoveryDetails, State};
use crate::messages::MessageId;
use crate::rules::Rules;
use crate::ui::{Container, Group, Input, InputKind};

/// Makes the form.
pub fn form(flow: &Flow<RecoveryDetails>, rules: &Rules, csrf_token: String) -> Container {
    let mut form = Container::new(rules.action(FlowKind::Recovery, flow.id));
    form.push(Input::hidden("csrf_token", csrf_token).required().node(Group::Default));
    if flow.state == State::SentEmail {
        let mut field = Input::new("code", InputKind::Text).required().autocomplete("one-time-code");
        field.pattern = Some("[0-9]+".into());
        field.max_length = Some(6);
        form.push(field.node(Group::Code).label(MessageId::RecoveryCodeLabel));
        form.push(Input::hidden("method", "code").node(Group::Code));
        form.push(Input::submit("method", "code").node(Group::Code).label(MessageId::Continue));
        if let Some(email) = &flow.details.email {
            form.push(Input::submit("email", email).node(Group::Code).label(MessageId::ResendCode));
        }
    } else {
        let field = Input::new("email", InputKind::Email).required();
        form.push(field.node(Group::Code).label(MessageId::EmailLabel));
        form.push(Input::submit("method", "code").node(Group::Code).label(MessageId::Continue));
    }
    flow.fill(&mut form, None);
    form
}
