//! What happened, in the log. An event has one record, which says who did what. The request around it says from
//! where.

use serde_json::Value;
use sessera_store::{Asked, Change, CommitListener, Described, Event, Outcome};

/// Logs what happened.
#[derive(Clone, Copy, Debug)]
pub struct EventLog;

impl CommitListener for EventLog {
    fn name(&self) -> &'static str {
        "event log"
    }

    /// What changes mean is told as events.
    fn told(&self, _: &[Change], _: Outcome) {}

    fn happened(&self, event: &Event) {
        write(event);
    }
}

/// Writes the record of an event. All have the field `event`, by which they are found, and say who did it.
fn write(event: &Event) {
    let actor = Asked::by(Asked::now().as_ref());
    let of_actor = |member: &str| actor.get(member).and_then(Value::as_str);
    let Described { name, sentence, is_refusal, fields } = event.described();
    let value = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let text = |wanted: &str| value(wanted).and_then(Value::as_str);
    let is_managed = value("managed").and_then(Value::as_bool);
    // The names of fields stand in the program, so each is named here once. An event has few of them.
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                event = name,
                actor = of_actor("kind"),
                actor_id = of_actor("id"),
                actor_name = of_actor("name"),
                actor_role = of_actor("role"),
                identity_id = text("identity_id"),
                session_id = text("session_id"),
                except = text("except"),
                of = text("of"),
                flow = text("flow"),
                flow_id = text("flow_id"),
                method = text("method"),
                state = text("state"),
                credential = text("credential"),
                purpose = text("purpose"),
                key_set = text("key_set"),
                done = text("done"),
                key = text("key"),
                keys = text("keys"),
                managed = is_managed,
                revision = text("revision"),
                changed = text("changed"),
                name = text("name"),
                role = text("role"),
                what = text("what"),
                "{sentence}"
            )
        };
    }
    if is_refusal { log!(warn) } else { log!(info) }
}

#[cfg(test)]
mod tests {
    use sessera_model::Uuid;
    use sessera_store::{FlowKind, KeyWork};

    use super::*;

    #[test]
    fn every_field_of_an_event_is_one_of_the_log() {
        let source = include_str!("event_log.rs");
        let events = [
            Event::ProofRefused {
                flow: Some((FlowKind::Login, Uuid::from_u128(1))),
                identity_id: Some(Uuid::from_u128(2)),
                method: "password".into(),
            },
            Event::IdentityChanged {
                identity_id: Uuid::from_u128(2),
                state: sessera_model::IdentityState::Active,
                changed: vec!["traits.email".into()],
            },
            Event::SessionsEnded { identity_id: None, except: Some(Uuid::from_u128(1)) },
            Event::SessionsForgotten { of: Some(Uuid::from_u128(1)) },
            Event::KeySetChanged {
                key_set: "s".into(),
                done: KeyWork::Created.to("k"),
                keys: vec!["k".into()],
                is_managed: true,
            },
            Event::ConfigurationChanged { revision: Uuid::from_u128(1), changed: vec!["/a".into()] },
            Event::AdminTokenMade { name: "n".into(), role: sessera_model::Role::Owner },
            Event::AdminRefused { what: "GET /".into() },
        ];
        for event in events {
            for (name, _) in event.described().fields {
                assert!(source.contains(&format!("                {name} = ")), "{name} is not logged");
            }
        }
    }
}
