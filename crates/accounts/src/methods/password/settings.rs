//! Setting another password.

use async_trait::async_trait;
use sessera_model::CredentialKind;

use super::{Password, messages};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails};
use crate::flows::method::{SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};
use crate::identities::IdentityDraft;
use crate::messages::common;
use crate::password::Verification;
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

#[async_trait]
impl SettingsMethod for Password {
    fn nodes(&self, _: &SettingsView<'_>, nodes: &mut Nodes) {
        let mut field = Input::new("password", InputKind::Password).required().autocomplete("new-password");
        field.min_length = Some(self.policy.min_length);
        nodes.push(20, field.node(Group::PASSWORD).label(messages::LABEL));
        nodes.push(20, Input::submit("method", "password").node(Group::PASSWORD).label(common::SAVE));
    }

    fn takes(&self, _: &Flow<SettingsDetails>, submission: &Submission) -> bool {
        submission.method() == Some("password")
    }

    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        edit.flow.messages.clear();
        edit.check_recent_sign_in()?;
        let Some(password) = edit.required("password") else { return Ok(SettingsVerdict::Refused) };
        let known = edit.credentials.iter().find(|credential| credential.kind == CredentialKind::Password);
        let identifiers = known.map(|credential| credential.identifiers.clone()).unwrap_or_default();
        if identifiers.is_empty() {
            return Ok(edit.refuse(common::IDENTIFIER_MISSING));
        }
        if let Err(message) = self.judge(edit.visit, &password, &identifiers).await {
            return Ok(edit.refuse_at("password", message));
        }
        let (passwords, hashing) = (&edit.visit.accounts.passwords, edit.visit.rules.hashing);
        if let Some(old) = known.and_then(|credential| credential.config.text("hashed_password")) {
            let verification = passwords.verify(hashing, &password, Some(old)).await?;
            if verification != Verification::Mismatch {
                return Ok(edit.refuse_at("password", messages::UNCHANGED));
            }
        }
        let hash = passwords.hash(hashing, &password).await?;
        let mut prepared = edit.prepare(IdentityDraft::of(&edit.identity))?;
        prepared.set_password(hash);
        Ok(SettingsVerdict::Saved { changes: prepared.credential_changes(), enrolled: None })
    }
}
