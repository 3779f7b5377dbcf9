//! What an upstream tells about a session.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sessera_model::{AssuranceLevel, Session, Timestamp, Uuid};
use sessera_store::SessionKind;

use crate::sessions::LiveSession;

/// The members that are looked at. All others are for those who read the answer, and for mappers.
#[derive(Deserialize)]
struct SessionMembers {
    id: Uuid,
    active: bool,
    expires_at: Timestamp,
    issued_at: Option<Timestamp>,
    authenticated_at: Option<Timestamp>,
    authenticator_assurance_level: Option<String>,
    identity: Identity,
    /// Whether a token stands in the answer, for which nobody asked.
    #[serde(default, deserialize_with = "is_there", rename = "tokenized")]
    has_token: bool,
}

#[derive(Deserialize)]
struct Identity {
    id: Uuid,
    external_id: Option<String>,
    state: Option<String>,
}

fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

/// A session that was told at `asked_at` and may be kept until `fresh_until`. Nothing when it is over or its owner may
/// not sign in, which a Kratos answers with a refusal. The error says what the upstream did.
pub(super) fn live(
    body: Bytes,
    kind: SessionKind,
    asked_at: Timestamp,
    fresh_until: Timestamp,
    schemas_url: Arc<str>,
) -> Result<Option<LiveSession>, &'static str> {
    const NO_SESSION: &str = "answered with something that is no session";
    let told: SessionMembers = serde_json::from_slice(&body).map_err(|_| NO_SESSION)?;
    if !told.active || told.identity.state.as_deref().is_some_and(|state| state != "active") {
        return Ok(None);
    }
    if told.expires_at <= asked_at {
        return Err(
            "answered with a session that has ended by the clock of this machine, so one of the clocks is wrong",
        );
    }
    let issued_at = told.issued_at.unwrap_or(asked_at);
    let level = told.authenticator_assurance_level.as_deref().and_then(AssuranceLevel::parse);
    let session = Session {
        id: told.id,
        identity_id: told.identity.id,
        active: true,
        issued_at,
        expires_at: told.expires_at,
        authenticated_at: told.authenticated_at.unwrap_or(issued_at),
        last_used_at: None,
        assurance_level: level.unwrap_or_default(),
        // Answers and mappers have them from the body.
        methods: Vec::new(),
        devices: Vec::new(),
    };
    let external_id = told.identity.external_id.as_deref().filter(|id| !id.is_empty());
    let body = if told.has_token { without_token(&body).ok_or(NO_SESSION)? } else { body };
    LiveSession::of_elsewhere(session, kind, external_id, body, asked_at, fresh_until, schemas_url)
        .ok_or(NO_SESSION)
        .map(Some)
}

/// The answer without a token of others, whose place ours takes.
fn without_token(body: &Bytes) -> Option<Bytes> {
    let mut told: Value = serde_json::from_slice(body).ok()?;
    told.as_object_mut()?.shift_remove("tokenized");
    Some(told.to_string().into())
}

/// The answer of the admin API about a session as whoami shows it, without what its owner may not see. Nothing when
/// the session is not live or its owner may not sign in. The error says what the upstream did.
pub(super) fn as_shown_to_its_owner(body: &Bytes) -> Result<Option<Bytes>, &'static str> {
    const NO_SESSION: &str = "answered its admin API with something that is no session";
    let mut told: Value = serde_json::from_slice(body).map_err(|_| NO_SESSION)?;
    let is_active = told["active"].as_bool().ok_or(NO_SESSION)?;
    let identity = told["identity"].as_object_mut().ok_or(NO_SESSION)?;
    for hidden in ["metadata_admin", "credentials"] {
        identity.shift_remove(hidden);
    }
    let may_sign_in = identity.get("state").and_then(Value::as_str).is_none_or(|state| state == "active");
    Ok((is_active && may_sign_in).then(|| told.to_string().into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn read(body: &str) -> Result<Option<LiveSession>, &'static str> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        live(body, SessionKind::Native, NOW, NOW, "https://id.example.org/schemas/".into())
    }

    fn session() -> Value {
        json!({
            "id": Uuid::from_u128(1), "active": true, "expires_at": "2027-01-16T08:00:00.123456789Z",
            "authenticated_at": "2027-01-15T00:00:00Z", "authenticator_assurance_level": "aal2",
            "issued_at": "2027-01-15T00:00:00Z", "something_newer": {"a": [1]},
            "identity": {"id": Uuid::from_u128(2), "external_id": "", "state": "active", "traits": {"email": "a@b"}},
        })
    }

    #[test]
    fn a_session_is_kept_byte_for_byte() {
        let body = format!("  {}\n", serde_json::to_string_pretty(&session()).unwrap());
        let live = read(&body).unwrap().unwrap();
        assert_eq!(live.json(), body.as_bytes());
        assert_eq!((live.session.id, live.session.identity_id), (Uuid::from_u128(1), Uuid::from_u128(2)));
        assert_eq!((live.external_id.as_deref(), live.session.assurance_level), (None, AssuranceLevel::Aal2));
        let with_token = live.json_with_token("a.b.c");
        let mut spliced: Value = serde_json::from_slice(&with_token).unwrap();
        assert_eq!(spliced["tokenized"], "a.b.c");
        spliced.as_object_mut().unwrap().shift_remove("tokenized");
        assert_eq!(spliced, session());
        assert!(with_token.starts_with(&body.as_bytes()[..body.len() - 3]) && with_token.ends_with(b"}\n"));
    }

    #[test]
    fn what_is_no_session_that_is_live_is_none() {
        let without = |name: &str| {
            let mut told = session();
            told.as_object_mut().unwrap().shift_remove(name);
            told.to_string()
        };
        let with = |name: &str, value: Value| {
            let mut told = session();
            told[name] = value;
            told.to_string()
        };
        for body in [
            String::new(),
            "<html>".into(),
            "[]".into(),
            "{}".into(),
            session().to_string() + "x",
            without("id"),
            without("active"),
            without("expires_at"),
            without("identity"),
            with("identity", Value::Null),
            with("identity", json!({"id": "ada"})),
            with("expires_at", json!("2027-01-15T08:00:00Z")),
            with("expires_at", json!("soon")),
        ] {
            assert!(read(&body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_session_that_is_over_is_none() {
        for (pointer, value) in [("/active", json!(false)), ("/identity/state", json!("inactive"))] {
            let mut ended = session();
            *ended.pointer_mut(pointer).unwrap() = value;
            assert!(read(&ended.to_string()).unwrap().is_none(), "{pointer}");
        }
    }

    #[test]
    fn a_token_of_others_makes_room_for_ours() {
        for token in [json!("x.y.z"), Value::Null] {
            let mut told = session();
            told["tokenized"] = token;
            let live = read(&told.to_string()).unwrap().unwrap();
            assert_eq!(serde_json::from_slice::<Value>(live.json()).unwrap(), session());
        }
    }

    #[test]
    fn what_only_operators_may_see_is_not_shown() {
        let mut told = session();
        told["identity"]["metadata_admin"] = json!({"secret": 1});
        told["identity"]["credentials"] = json!({"password": {}});
        let shown = |told: &Value| as_shown_to_its_owner(&told.to_string().into());
        let body = shown(&told).unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), session());
        for (pointer, value) in [("/active", json!(false)), ("/identity/state", json!("inactive"))] {
            let mut ended = session();
            *ended.pointer_mut(pointer).unwrap() = value;
            assert_eq!(shown(&ended), Ok(None), "{pointer}");
        }
        assert!(shown(&json!({"active": true})).is_err());
    }
}
