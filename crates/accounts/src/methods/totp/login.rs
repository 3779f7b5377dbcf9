//! A code of an authenticator app as the second factor.

use async_trait::async_trait;
use sessera_model::{AssuranceLevel, Credential};

use super::factor::App;
use super::messages;
use super::{PROOF, Totp};
use crate::flows::error::FlowError;
use crate::flows::method::{LoginAttempt, LoginMethod, LoginVerdict, LoginView};
use crate::methods::second_factor::{self, Factor as _};
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

#[async_trait]
impl LoginMethod for Totp {
    fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal2
    }

    fn is_set_up(&self, credentials: &[Credential]) -> bool {
        App::among(credentials).is_some()
    }

    fn nodes(&self, _: &LoginView<'_>, nodes: &mut Nodes) {
        let field =
            Input::new("totp_code", InputKind::Text).required().with_value("").autocomplete("one-time-code");
        nodes.push(40, field.node(Group::TOTP).label(messages::LABEL));
        nodes.push(40, Input::submit("method", "totp").node(Group::TOTP).label(messages::USE));
    }

    fn takes(&self, submission: &Submission) -> bool {
        submission.method() == Some("totp")
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        second_factor::sign_in::<App>(attempt, "totp_code", PROOF, messages::NOT_SET_UP).await
    }
}
