//! A printed code as the second factor.

use async_trait::async_trait;
use sessera_model::{AssuranceLevel, Credential};

use super::factor::LookupSecrets;
use super::messages;
use super::{LookupSecret, PROOF};
use crate::flows::error::FlowError;
use crate::flows::method::{LoginAttempt, LoginMethod, LoginVerdict, LoginView};
use crate::methods::second_factor::{self, Factor as _};
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

#[async_trait]
impl LoginMethod for LookupSecret {
    fn level(&self) -> AssuranceLevel {
        AssuranceLevel::Aal2
    }

    fn is_set_up(&self, credentials: &[Credential]) -> bool {
        LookupSecrets::among(credentials).is_some()
    }

    fn nodes(&self, _: &LoginView<'_>, nodes: &mut Nodes) {
        let field = Input::new("lookup_secret", InputKind::Text).required().with_value("");
        nodes.push(50, field.node(Group::LOOKUP_SECRET).label(messages::LABEL));
        let button = Input::submit("method", "lookup_secret").node(Group::LOOKUP_SECRET);
        nodes.push(50, button.label(messages::USE));
    }

    fn takes(&self, submission: &Submission) -> bool {
        submission.method() == Some("lookup_secret")
    }

    async fn submit(&self, attempt: &mut LoginAttempt<'_>) -> Result<LoginVerdict, FlowError> {
        second_factor::sign_in::<LookupSecrets>(attempt, "lookup_secret", PROOF, messages::NOT_SET_UP).await
    }
}
