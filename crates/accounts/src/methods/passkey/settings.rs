//! Adding passkeys and removing them.

use async_trait::async_trait;

use super::messages;
use super::{CHALLENGE, KIND, PROOF, Passkey, passkeys};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails};
use crate::flows::method::{Owner, SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};
use crate::flows::visit::Visit;
use crate::messages::Message;
use crate::methods::identifier;
use crate::methods::public_keys::{AddChallenge, Keys, script, trigger};
use crate::submission::{Submission, flatten};
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
        let challenge = self.ask_to_add(owner, &passkeys(owner.credentials))?;
        flow.details.kept.set(CHALLENGE, challenge);
        Ok(())
    }

    /// The last credential that signs in cannot be removed.
    fn nodes(&self, view: &SettingsView<'_>, nodes: &mut Nodes) {
        let transport = view.flow.transport;
        let Some(challenge) = view.flow.details.kept.get::<AddChallenge>(CHALLENGE) else { return };
        if let Some(script) = script(view.rules, transport) {
            nodes.put(35, script);
        }
        for passkey in passkeys(view.owner.credentials).shown() {
            let mut button = Input::submit(REMOVE, &passkey.hex_id());
            button.disabled = view.ways_in < 2;
            nodes.push(36, button.node(Group::PASSKEY).label(passkey.named(messages::REMOVE)));
        }
        let add = trigger("oryPasskeySettingsRegistration", transport);
        let button = Input::button("passkey_register_trigger", add).with_value("");
        nodes.push(36, button.node(Group::PASSKEY).label(messages::ADD));
        nodes.push(36, Input::new(ANSWER, InputKind::Hidden).node(Group::PASSKEY));
        let options = Input::hidden("passkey_create_data", challenge.options.to_string());
        nodes.push(36, options.node(Group::PASSKEY));
    }

    fn takes(&self, _: &Flow<SettingsDetails>, submission: &Submission) -> bool {
        matches!(submission.method(), None | Some("passkey"))
            && (submission.is_filled(REMOVE) || submission.is_filled(ANSWER))
    }

    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        edit.flow.messages.clear();
        edit.check_recent_sign_in()?;
        if edit.submission.is_filled(REMOVE) { self.remove(edit) } else { self.add(edit) }
    }
}

impl Passkey {
    fn add(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        let Some(text) = edit.required(ANSWER) else { return Ok(SettingsVerdict::Refused) };
        let mut keys = passkeys(&edit.credentials);
        let (name, now) = (edit.visit.visitor.device_name.clone(), edit.visit.now);
        let asked = edit.flow.details.kept.get::<AddChallenge>(CHALLENGE);
        let added = self.party.add_answered(&text, asked.as_ref(), &mut keys, name, now);
        // Whatever came of the answer, its challenge is good once.
        let challenge = self.ask_to_add(edit.owner(), &keys)?;
        edit.flow.details.kept.set(CHALLENGE, challenge);
        if let Err(message) = added {
            return Ok(edit.refuse(message));
        }
        // Passkeys that were brought along name their owner as they always did.
        let identifiers = vec![edit.identity.id.to_string()];
        let change = keys.keep(KIND, &edit.identity, &edit.credentials, identifiers, now);
        Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: Some(PROOF) })
    }

    fn remove(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        let id = match edit.submission.text(REMOVE) {
            Ok(id) => id.unwrap_or_default(),
            Err(message) => return Ok(edit.refuse_at(REMOVE, message)),
        };
        let mut keys = passkeys(&edit.credentials);
        if !keys.remove(id) {
            return Ok(
                edit.refuse(Message::invalid("There is no such passkey. Look at those that there are."))
            );
        }
        if edit.ways_in < 2 {
            return Ok(edit.refuse(messages::LAST_CREDENTIAL));
        }
        let challenge = self.ask_to_add(edit.owner(), &keys)?;
        edit.flow.details.kept.set(CHALLENGE, challenge);
        let change = keys.keep(KIND, &edit.identity, &edit.credentials, Vec::new(), edit.visit.now);
        Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: None })
    }

    /// The challenge for a new passkey, which names its owner by the identity's id.
    fn ask_to_add(&self, owner: Owner<'_>, keys: &Keys) -> Result<AddChallenge, FlowError> {
        self.party.ask_to_add(owner.identity.id.as_bytes(), &name_on_devices(owner), keys)
    }
}

/// What a device calls the account: a trait that the schema marks for it, or what else names the account.
fn name_on_devices(owner: Owner<'_>) -> String {
    let marked = owner.schema.map(identifier::names_on_devices).unwrap_or_default();
    let traits = flatten("traits", &owner.identity.traits);
    let named = traits.iter().find(|(name, value)| marked.contains(&name.as_str()) && *value != "");
    named.and_then(|(_, value)| value.as_str()).map_or_else(|| owner.account_name(), str::to_owned)
}
