//! What happened, in the log. An event has one record, which says who did what. The request around it says from
//! where.

use sessera_model::Uuid;
use sessera_store::{Change, CommitListener, Event, Outcome};
use tracing::field::display;

/// Logs what happened.
#[derive(Clone, Copy, Debug)]
pub struct EventLog;

impl CommitListener for EventLog {
    fn name(&self) -> &'static str {
        "event log"
    }

    fn told(&self, changes: &[Change], outcome: Outcome) {
        if outcome == Outcome::Committed {
            for event in Event::of(changes) {
                write(&event);
            }
        }
    }

    fn happened(&self, event: &Event) {
        write(event);
    }
}

/// Writes the record of an event. All have the field `event`, by which they are found.
pub fn write(event: &Event) {
    match event {
        Event::SessionBegan { identity_id, session_id, method } => {
            tracing::info!(event = "session_began", %identity_id, %session_id, method, "somebody signed in");
        }
        Event::SessionProven { identity_id, session_id, method } => {
            tracing::info!(event = "session_proven", %identity_id, %session_id, method, "somebody proved again who they are");
        }
        Event::ProofRefused { flow, flow_id, identity_id, method } => {
            let (flow, identity_id) = (flow.as_str(), shown(*identity_id));
            tracing::warn!(event = "proof_refused", flow, %flow_id, identity_id, method, "somebody could not prove who they are");
        }
        Event::SessionExtended { session_id } => {
            tracing::info!(event = "session_extended", %session_id, "a session was made longer");
        }
        Event::SessionEnded { session_id, identity_id } => {
            let identity_id = shown(*identity_id);
            tracing::info!(event = "session_ended", %session_id, identity_id, "a session was ended");
        }
        Event::SessionsEnded { identity_id, except } => {
            let (identity_id, except) = (shown(*identity_id), shown(*except));
            tracing::info!(event = "sessions_ended", identity_id, except, "sessions were ended");
        }
        Event::IdentityAdded { identity_id } => {
            tracing::info!(event = "identity_added", %identity_id, "an identity was added");
        }
        Event::IdentityChanged { identity_id } => {
            tracing::info!(event = "identity_changed", %identity_id, "an identity was changed");
        }
        Event::IdentityDeleted { identity_id } => {
            tracing::info!(event = "identity_deleted", %identity_id, "an identity was deleted");
        }
        Event::CredentialChanged { identity_id, credential } => {
            let credential = credential.as_str();
            tracing::info!(event = "credential_changed", %identity_id, credential, "a credential was set");
        }
        Event::CredentialRemoved { identity_id, credential } => {
            let credential = credential.as_str();
            tracing::info!(event = "credential_removed", %identity_id, credential, "a credential was removed");
        }
        Event::CodeMade { identity_id, purpose } => {
            let purpose = purpose.as_str();
            tracing::info!(event = "code_made", %identity_id, purpose, "a code was made for somebody");
        }
        Event::KeySetChanged { key_set, keys, is_managed } => {
            let keys = keys.join(", ");
            tracing::info!(
                event = "key_set_changed",
                key_set,
                keys,
                managed = is_managed,
                "a key set was changed"
            );
        }
        Event::KeySetDeleted { key_set } => {
            tracing::info!(event = "key_set_deleted", key_set, "a key set was deleted");
        }
        Event::ConfigurationChanged { revision, changed } => {
            let changed = changed.join(", ");
            tracing::info!(event = "configuration_changed", %revision, changed, "the configuration was changed");
        }
        Event::AdminRefused => {
            tracing::warn!(event = "admin_refused", "the admin API was asked by somebody who may not");
        }
    }
}

fn shown(id: Option<Uuid>) -> Option<impl tracing::Value> {
    id.map(display)
}
