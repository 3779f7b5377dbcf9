//! Changing one's own traits.

use std::collections::HashMap;

use async_trait::async_trait;
use serde_json::Value;
use sessera_model::{Credential, CredentialKind};

use super::Profile;
use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, SettingsDetails};
use crate::flows::method::{SettingsEdit, SettingsMethod, SettingsVerdict, SettingsView};
use crate::identities::{IdentityDraft, IdentityError};
use crate::limits::Guess;
use crate::messages::common;
use crate::submission::{Submission, flatten};
use crate::ui::{Attributes, Group, Input, Nodes};

#[async_trait]
impl SettingsMethod for Profile {
    fn nodes(&self, view: &SettingsView<'_>, nodes: &mut Nodes) {
        let Some(schema) = view.owner.schema else { return };
        // What was typed and refused is shown as it was typed, all of it.
        let is_typed = view.flow.values.keys().any(|name| name.starts_with("traits."));
        let stored = if is_typed { Vec::new() } else { flatten("traits", &view.owner.identity.traits) };
        let stored: HashMap<String, Value> = stored.into_iter().collect();
        for field in schema.fields() {
            let mut node = field.node(Group::PROFILE);
            if let Attributes::Input(input) = &mut node.attributes {
                input.value = stored.get(&input.name).cloned();
            }
            nodes.push(10, node);
        }
        nodes.push(10, Input::submit("method", "profile").node(Group::PROFILE).label(common::SAVE));
    }

    fn takes(&self, _: &Flow<SettingsDetails>, submission: &Submission) -> bool {
        submission.method() == Some("profile")
    }

    async fn submit(&self, edit: &mut SettingsEdit<'_>) -> Result<SettingsVerdict, FlowError> {
        let traits = edit.submission.traits();
        let draft = IdentityDraft { traits: traits.clone(), ..IdentityDraft::of(&edit.identity) };
        let prepared = match edit.prepare(draft) {
            Ok(prepared) => prepared,
            Err(IdentityError::InvalidTraits(violations)) => {
                edit.flow.keep_traits(&traits);
                for violation in violations {
                    edit.flow.say_at(violation.field(), violation.message);
                }
                return Ok(SettingsVerdict::Refused);
            }
            Err(other) => return Err(other.into()),
        };
        let opens_the_account = identifiers(prepared.credentials()) != identifiers(&edit.credentials)
            || prepared.identity.recovery_addresses != edit.identity.recovery_addresses
            || prepared.identity.verifiable_addresses != edit.identity.verifiable_addresses;
        if opens_the_account {
            edit.check_recent_sign_in()?;
        }
        edit.flow.keep_traits(&traits);
        let mut changes = prepared.credential_changes();
        if opens_the_account && edit.visit.rules.hides_accounts {
            // Whoever is refused an address learns that somebody has it.
            let guess = Guess::IdentifierFor(edit.identity.id);
            match edit.visit.take_place(edit.flow.transport, guess).await? {
                Ok(place) => changes.extend(place.given_back()),
                Err(message) => {
                    edit.flow.say(message);
                    return Ok(SettingsVerdict::Refused);
                }
            }
        }
        edit.identity = prepared.identity;
        Ok(SettingsVerdict::Saved { changes, enrolled: None })
    }
}

/// With what each kind of credential finds the person.
fn identifiers(credentials: &[Credential]) -> Vec<(CredentialKind, Vec<String>)> {
    credentials.iter().map(|credential| (credential.kind, credential.identifiers.clone())).collect()
}
