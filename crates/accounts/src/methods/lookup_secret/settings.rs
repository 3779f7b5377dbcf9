//! Making printed codes, showing them and doing without them.

use async_trait::async_trait;
use sessera_model::CredentialKind;
use sessera_store::Change;

use super::factor::LookupSecrets;
use super::messages;
use super::{LookupSecret, PROOF};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails, State};
use crate::flows::method::{SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};
use crate::messages::MessageId;
use crate::methods::second_factor::Factor as _;
use crate::submission::Submission;
use crate::ui::{Attributes, Group, Input, Node, Nodes};

/// Under which name a flow keeps codes that are not confirmed yet.
const UNCONFIRMED: &str = "lookup_secrets";

/// Under which name a flow keeps whether the confirmed codes are shown.
const REVEALED: &str = "lookup_revealed";

/// A button of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Button {
    Regenerate,
    Reveal,
    Confirm,
    Disable,
}

impl Button {
    const ALL: [Self; 4] = [Self::Regenerate, Self::Reveal, Self::Confirm, Self::Disable];

    const fn name(self) -> &'static str {
        match self {
            Self::Regenerate => "lookup_secret_regenerate",
            Self::Reveal => "lookup_secret_reveal",
            Self::Confirm => "lookup_secret_confirm",
            Self::Disable => "lookup_secret_disable",
        }
    }

    const fn label(self) -> MessageId {
        match self {
            Self::Regenerate => messages::REGENERATE,
            Self::Reveal => messages::REVEAL,
            Self::Confirm => messages::CONFIRM,
            Self::Disable => messages::DISABLE,
        }
    }

    fn node(self) -> Node {
        Input::submit(self.name(), "true").node(Group::LOOKUP_SECRET).label(self.label())
    }

    /// The one that was chosen.
    fn chosen(submission: &Submission) -> Option<Self> {
        Self::ALL.into_iter().find(|button| submission.flag(button.name()))
    }
}

#[async_trait]
impl SettingsMethod for LookupSecret {
    /// Buttons stand before the authenticator app, codes and what belongs to them behind it.
    fn nodes(&self, view: &SettingsView<'_>, nodes: &mut Nodes) {
        let kept = &view.flow.details.kept;
        let unconfirmed: Vec<String> = kept.get(UNCONFIRMED).unwrap_or_default();
        if !unconfirmed.is_empty() {
            let codes: Vec<_> = unconfirmed.into_iter().map(|code| (code, None)).collect();
            nodes.push(50, list(&codes));
            nodes.push(50, Button::Confirm.node());
            return;
        }
        match LookupSecrets::among(view.owner.credentials) {
            None => nodes.push(30, Button::Regenerate.node()),
            Some(stored) if kept.get(REVEALED).unwrap_or(false) => {
                let codes = stored.recovery_codes.into_iter().map(|code| (code.code, code.used_at));
                nodes.push(50, list(&codes.collect::<Vec<_>>()));
                nodes.push(50, Button::Disable.node());
                nodes.push(50, Button::Regenerate.node());
            }
            Some(_) => {
                nodes.push(30, Button::Reveal.node());
                nodes.push(30, Button::Disable.node());
            }
        }
    }

    fn takes(&self, _: &Flow<SettingsDetails>, submission: &Submission) -> bool {
        Button::chosen(submission).is_some()
    }

    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        edit.flow.messages.clear();
        edit.check_recent_sign_in()?;
        let kept = &mut edit.flow.details.kept;
        match Button::chosen(edit.submission) {
            Some(Button::Regenerate) => {
                let codes = LookupSecrets::generate(edit.visit.accounts.random.as_ref());
                kept.set(UNCONFIRMED, codes);
                edit.flow.state = State::ShowForm;
                Ok(SettingsVerdict::Shown(Vec::new()))
            }
            Some(Button::Reveal) if let Some(stored) = LookupSecrets::among(&edit.credentials) => {
                kept.set(REVEALED, true);
                edit.flow.state = State::ShowForm;
                // Whoever has the session knows the codes from now on, as if they were new.
                let known = stored.enrol(&edit.identity, edit.visit.now);
                Ok(SettingsVerdict::Shown(vec![Change::UpdateIdentity(edit.identity.clone()), known]))
            }
            Some(Button::Confirm)
                if let Some(codes) = kept.get::<Vec<String>>(UNCONFIRMED)
                    && !codes.is_empty() =>
            {
                kept.remove(UNCONFIRMED);
                kept.remove(REVEALED);
                let factor = LookupSecrets::new(codes);
                let credential = factor.enrol(&edit.identity, edit.visit.now);
                Ok(SettingsVerdict::Saved { changes: vec![credential], enrolled: Some(PROOF) })
            }
            Some(Button::Disable) => {
                kept.remove(UNCONFIRMED);
                kept.remove(REVEALED);
                let (identity_id, kind) = (edit.identity.id, CredentialKind::LookupSecret);
                let change = Change::DeleteCredential { identity_id, kind };
                Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: None })
            }
            _ => Ok(edit.refuse(messages::NOT_SET_UP)),
        }
    }
}

/// The codes, to be printed.
fn list(codes: &[(String, Option<sessera_model::Timestamp>)]) -> Node {
    let text = messages::secrets(codes);
    Node {
        group: Group::LOOKUP_SECRET,
        attributes: Attributes::Text { id: "lookup_secret_codes", text },
        messages: Vec::new(),
        label: Some(messages::SECRETS_LABEL.into()),
    }
}
