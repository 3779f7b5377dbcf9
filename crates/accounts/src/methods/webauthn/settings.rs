//! Adding security keys and removing them.

use async_trait::async_trait;

use super::messages;
use super::{CHALLENGE, KIND, PROOF, Webauthn, security_keys};
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails, Transport};
use crate::flows::method::{Owner, SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};
use crate::flows::visit::Visit;
use crate::messages::Message;
use crate::methods::public_keys::{AddChallenge, Keys, script, trigger};
use crate::submission::Submission;
use crate::ui::{Group, Input, InputKind, Nodes};

/// The field of a new key's answer.
const ANSWER: &str = "webauthn_register";

/// The field of a new key's name.
const NAME: &str = "webauthn_register_displayname";

/// The button that removes a key.
const REMOVE: &str = "webauthn_remove";

/// The longest name of a key, in bytes.
const MAX_NAME_BYTES: usize = 255;

#[async_trait]
impl SettingsMethod for Webauthn {
    fn begin(
        &self,
        _: &Visit<'_>,
        flow: &mut Flow<SettingsDetails>,
        owner: Owner<'_>,
    ) -> Result<(), FlowError> {
        if flow.transport == Transport::Browser {
            let asked = self.ask_to_add(owner, &security_keys(owner.credentials))?;
            flow.details.kept.set(CHALLENGE, asked);
        }
        Ok(())
    }

    fn nodes(&self, view: &SettingsView<'_>, nodes: &mut Nodes) {
        let transport = view.flow.transport;
        let Some(asked) = view.flow.details.kept.get::<AddChallenge>(CHALLENGE) else { return };
        for key in security_keys(view.owner.credentials).shown() {
            let button = Input::submit(REMOVE, &key.hex_id());
            nodes.push(34, button.node(Group::WEBAUTHN).label(key.named(messages::REMOVE)));
        }
        let name = Input::new(NAME, InputKind::Text).required().with_value("");
        nodes.push(34, name.node(Group::WEBAUTHN).label(messages::NAME));
        nodes.push(34, Input::hidden(ANSWER, "").node(Group::WEBAUTHN));
        let button =
            Input::button("webauthn_register_trigger", trigger("oryWebAuthnRegistration", transport));
        let button = button.with_value(asked.options.to_string());
        nodes.push(34, button.node(Group::WEBAUTHN).label(messages::ADD));
        if let Some(script) = script(view.rules, transport) {
            nodes.put(35, script);
        }
    }

    fn takes(&self, flow: &Flow<SettingsDetails>, submission: &Submission) -> bool {
        flow.transport == Transport::Browser
            && matches!(submission.method(), None | Some("webauthn"))
            && (submission.is_filled(REMOVE) || submission.is_filled(ANSWER))
    }

    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        edit.flow.messages.clear();
        edit.check_recent_sign_in()?;
        if edit.submission.is_filled(ANSWER) { self.add(edit) } else { self.remove(edit) }
    }
}

impl Webauthn {
    fn add(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        let (Some(text), Some(name)) = (edit.required(ANSWER), edit.required(NAME)) else {
            return Ok(SettingsVerdict::Refused);
        };
        if name.len() > MAX_NAME_BYTES {
            let message = format!("The name is too long. Choose one of at most {MAX_NAME_BYTES} bytes.");
            return Ok(edit.refuse_at(NAME, Message::invalid(message)));
        }
        let (mut keys, now) = (security_keys(&edit.credentials), edit.visit.now);
        let asked = edit.flow.details.kept.get::<AddChallenge>(CHALLENGE);
        let added = self.party.add_answered(&text, asked.as_ref(), &mut keys, name, now);
        // Whatever came of the answer, its challenge is good once.
        let asked = self.ask_to_add(edit.owner(), &keys)?;
        edit.flow.details.kept.set(CHALLENGE, asked);
        if let Err(message) = added {
            return Ok(edit.refuse(message));
        }
        let owner = edit.owner();
        let extracted = owner.schema.and_then(|schema| schema.validate(&owner.identity.traits).ok());
        let identifiers = extracted.map(|extracted| extracted.identifiers(KIND).to_vec()).unwrap_or_default();
        let change = keys.keep(KIND, &edit.identity, &edit.credentials, identifiers, now);
        Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: Some(PROOF) })
    }

    fn remove(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        let id = match edit.submission.text(REMOVE) {
            Ok(id) => id.unwrap_or_default(),
            Err(message) => return Ok(edit.refuse_at(REMOVE, message)),
        };
        let mut keys = security_keys(&edit.credentials);
        if !keys.remove(id) {
            let message = "There is no such security key. Look at those that there are.";
            return Ok(edit.refuse(Message::invalid(message)));
        }
        let asked = self.ask_to_add(edit.owner(), &keys)?;
        edit.flow.details.kept.set(CHALLENGE, asked);
        let change = keys.keep(KIND, &edit.identity, &edit.credentials, Vec::new(), edit.visit.now);
        Ok(SettingsVerdict::Saved { changes: vec![change], enrolled: None })
    }

    fn ask_to_add(&self, owner: Owner<'_>, keys: &Keys) -> Result<AddChallenge, FlowError> {
        self.party.ask_to_add(owner.identity.id.as_bytes(), self.party.name(), keys)
    }
}
