//! Signing up: who it is, and the way between the two forms.

use async_trait::async_trait;

use super::{Profile, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::RegistrationStep;
use crate::flows::method::{RegistrationAttempt, RegistrationMethod, RegistrationVerdict, RegistrationView};
use crate::messages::common;
use crate::rules::Rules;
use crate::submission::Submission;
use crate::ui::{Attributes, Group, Input, InputKind, Node, Nodes};

#[async_trait]
impl RegistrationMethod for Profile {
    fn nodes(&self, view: &RegistrationView<'_>, nodes: &mut Nodes) {
        for field in view.schema.fields() {
            let node = field.node(Group::DEFAULT);
            nodes.push(10, if view.asks_for_credentials { hidden(node) } else { node });
        }
        if view.asks_for_profile {
            let button = Input::submit("method", "profile").node(Group::PROFILE);
            nodes.push(20, button.label(common::SIGN_UP));
        }
        if view.asks_for_credentials {
            let button = Input::submit("screen", "previous").node(Group::PROFILE);
            nodes.push(30, button.label(messages::BACK));
        }
    }

    fn takes(&self, rules: &Rules, submission: &Submission) -> bool {
        rules.registration_in_two_steps && (goes_back(submission) || submission.method() == Some("profile"))
    }

    async fn submit(&self, attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError> {
        if goes_back(attempt.submission) {
            attempt.flow.details.step = RegistrationStep::Profile;
        } else if attempt.check_traits() {
            attempt.flow.details.step = RegistrationStep::Credentials;
            attempt.flow.say(messages::CHOOSE_CREDENTIAL);
        }
        Ok(RegistrationVerdict::Again)
    }
}

/// Whether the button was chosen that leads from the second form to the first.
fn goes_back(submission: &Submission) -> bool {
    submission.get("screen").is_some_and(|screen| screen == "previous")
}

/// A field of the first form as the second one carries it along.
fn hidden(mut node: Node) -> Node {
    if let Attributes::Input(input) = &mut node.attributes {
        *input = Input::new(std::mem::take(&mut input.name), InputKind::Hidden);
    }
    node.label = None;
    node
}
