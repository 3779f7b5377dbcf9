//! Adding passkeys and removing them.

use async_trait::async_trait;

use super::messages;
use super::relying_party::{AddChallenge, Passkeys};
use super::{CHALLENGE, PROOF, Passkey, script};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails, Transport};
use crate::flows::method::{Owner, SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};
use crate::flows::visit::Visit;
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

/// The field of a new passkey's answer.
const ANSWER: &str = "passkey_settings_register";

/// The button that removes one.
const REMOVE: &str = "passkey_remove";

#[async_trait]
impl SettingsMethod for Passkey {
    fn begin(
        &self,
        _: &Visit<'_>,
        flow: &mut Flow<SettingsDetails>,
        owner: Owner<'_>,
    ) -> Result<(), FlowError> {
        if flow.transport == Transport::Browser {
            let challenge = self.ask_to_add(owner, &Passkeys::among(owner.credentials))?;
            flow.details.kept.set(CHALLENGE, challenge);
        }
        Ok(())
    }

    /// The last credential that signs in cannot be removed.
    fn nodes(&self, view: &SettingsView<'_>, nodes: &mut Nodes) {
        let Some(challenge) = view.flow.details.kept.get::<AddChallenge>(CHALLENGE) else { return };
        for passkey in &Passkeys::among(view.owner.credentials).credentials {
            let mut button = Input::submit(REMOVE, &passkey.hex_id());
            button.disabled = view.ways_in < 2;
            let label = messages::remove(&passkey.display_name, passkey.added_at);
            nodes.push(60, button.node(Group::PASSKEY).label(label));
        }
        nodes.push(60, script(view.rules));
        nodes.push(60, Input::hidden("passkey_create_data", challenge.options).node(Group::PASSKEY));
        nodes.push(60, Input::new(ANSWER, InputKind::Hidden).node(Group::PASSKEY));
        let button = Input::button("passkey_register_trigger", "oryPasskeySettingsRegistration");
        nodes.push(60, button.node(Group::PASSKEY).label(messages::ADD));
    }

    fn takes(&self, flow: &Flow<SettingsDetails>, submission: &Submission) -> bool {
        flow.transport == Transport::Browser
            && matches!(submission.method(), None | Some("passkey"))
            && (is_filled(submission, REMOVE) || is_filled(submission, ANSWER))
    }

    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        edit.flow.messages.clear();
        edit.check_recent_sign_in()?;
        if is_filled(edit.submission, REMOVE) { self.remove(edit) } else { self.add(edit) }
    }
}

impl Passkey {
    fn add(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        let Some(answer) = edit.required(ANSWER) else { return Ok(SettingsVerdict::Refused) };
        let mut passkeys = Passkeys::among(&edit.credentials);
        let (name, now) = (edit.visit.visitor.device_name.clone(), edit.visit.now);
        let asked = edit.flow.details.kept.get::<AddChallenge>(CHALLENGE);
        let added = asked.and_then(|asked| self.party.add(&answer, &asked, &mut passkeys, name, now));
        // Whatever came of the answer, its challenge is good once.
        let challenge = self.ask_to_add(edit.owner(), &passkeys)?;
        edit.flow.details.kept.set(CHALLENGE, challenge);
        if added.is_none() {
            return Ok(edit.refuse(messages::REFUSED));
        }
        let change = passkeys.keep(&edit.identity, &edit.credentials, now);
        Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: Some(PROOF) })
    }

    fn remove(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        let id = match edit.submission.text(REMOVE) {
            Ok(id) => id.unwrap_or_default(),
            Err(message) => return Ok(edit.refuse_at(REMOVE, message)),
        };
        let mut passkeys = Passkeys::among(&edit.credentials);
        if !passkeys.remove(id) {
            return Ok(edit.refuse(messages::NO_SUCH));
        }
        if edit.ways_in < 2 {
            return Ok(edit.refuse(messages::LAST_CREDENTIAL));
        }
        let challenge = self.ask_to_add(edit.owner(), &passkeys)?;
        edit.flow.details.kept.set(CHALLENGE, challenge);
        let change = passkeys.keep(&edit.identity, &edit.credentials, edit.visit.now);
        Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: None })
    }

    fn ask_to_add(&self, owner: Owner<'_>, passkeys: &Passkeys) -> Result<AddChallenge, FlowError> {
        self.party.ask_to_add(owner.identity.id, &owner.account_name(), passkeys)
    }
}

fn is_filled(submission: &Submission, field: &str) -> bool {
    submission.get(field).is_some_and(|value| value != "")
}
