//! Signing up: who it is, and the way between the two forms.

use async_trait::async_trait;

use super::{Profile, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::{RegistrationStep, State};
use crate::flows::method::{RegistrationAttempt, RegistrationMethod, RegistrationVerdict, RegistrationView};
use crate::flows::registration::PROFILE;
use crate::messages::common;
use crate::rules::Rules;
use crate::submission::Submission;
use crate::ui::{Attributes, Group, Input, InputKind, Node, Nodes};

/// What a button says that leads back to the first form.
const FIRST: &str = "previous";

/// What a button says that leads back to the second form, from the one for a code.
const SECOND: &str = "credential-selection";

#[async_trait]
impl RegistrationMethod for Profile {
    fn nodes(&self, view: &RegistrationView<'_>, nodes: &mut Nodes) {
        for field in view.schema.fields() {
            let node = field.node(Group::DEFAULT);
            let carries_along = view.asks_for_credentials || view.flow.state != State::ChooseMethod;
            nodes.push(10, if carries_along { hidden(node) } else { node });
        }
        if view.asks_for_profile {
            let button = Input::submit("method", "profile").node(Group::PROFILE);
            nodes.push(20, button.label(common::SIGN_UP));
        }
        if view.asks_for_credentials {
            let screen = if view.flow.state == State::ChooseMethod { FIRST } else { SECOND };
            let button = Input::submit("screen", screen).node(Group::PROFILE);
            nodes.push(30, button.label(messages::BACK));
        }
    }

    fn takes(&self, rules: &Rules, submission: &Submission) -> bool {
        rules.registration_in_two_steps
            && (screen(submission).is_some() || submission.method() == Some(PROFILE))
    }

    async fn submit(&self, attempt: &mut RegistrationAttempt<'_>) -> Result<RegistrationVerdict, FlowError> {
        let flow = &mut attempt.flow;
        // Whoever goes back from the form for a code chooses anew, and may give other traits.
        if flow.state != State::ChooseMethod {
            flow.state = State::ChooseMethod;
            flow.details.active = None;
            flow.keep_traits(&attempt.submission.traits());
        }
        if screen(attempt.submission) == Some(FIRST) {
            flow.details.step = RegistrationStep::Profile;
        } else if attempt.check_traits() {
            attempt.flow.details.step = RegistrationStep::Credentials;
            attempt.flow.say(messages::CHOOSE_CREDENTIAL);
        }
        Ok(RegistrationVerdict::Again)
    }
}

/// The form to which a chosen button leads back.
fn screen(submission: &Submission) -> Option<&'static str> {
    let chosen = submission.get("screen")?.as_str()?;
    [FIRST, SECOND].into_iter().find(|screen| *screen == chosen)
}

/// A field of the first form as the second one carries it along.
fn hidden(mut node: Node) -> Node {
    if let Attributes::Input(input) = &mut node.attributes {
        input.kind = InputKind::Hidden;
    }
    node
}
